import numpy as np
import pytest

from resources.light_models.recipe.captions import (
    fix_article,
    tell_images,
    write_caption,
    write_captions,
    write_prompts,
)
from resources.light_models.recipe.train_clip import judge_pairs
from resources.light_models.recipe.words import UNSEEN, read_words
from tests.factories.light_recipe import small_cast
from workflow_scripts.lib.errors import CineloraError

TRUTH = {
    "gender": ["female", "male", "female"],
    "age_band": ["elderly", "child", "unknown"],
    "hair_color": ["red", "black", "red"],
    "glasses": ["none", "glasses", "unknown"],
    "place": ["beach", "forest", "beach"],
    "bottom_color": ["red", "blue", "red"],
}


def words_and_codes():
    words = read_words(TRUTH)
    return words, words.encode(TRUTH)


def texts_of(row: int, count: int = 200) -> list[str]:
    words, codes = words_and_codes()
    rng = np.random.default_rng(0)
    return [write_caption(words, codes[row], rng).text for _ in range(count)]


@pytest.mark.parametrize(
    ("row", "said", "never"),
    [
        (0, ["an old woman", "red hair", "without glasses", "beach"], ["man", "black", "forest"]),
        (1, ["a boy", "black hair", "wearing glasses", "forest"], ["woman", "red", "without"]),
        (2, ["a woman", "red hair"], ["glasses", "old", "girl", "black"]),
    ],
    ids=["all is seen", "another", "glasses and age are not seen"],
)
def test_a_caption_says_what_is_seen_and_nothing_else(row, said, never):
    texts = texts_of(row)
    everything = " | ".join(texts)
    found = set(everything.replace(",", " ").replace("|", " ").split())
    assert [words for words in said if words not in everything] == []
    assert found & set(never) == set()
    assert len(set(texts)) > 100, "captions must vary"


def test_what_is_only_measured_is_never_said():
    assert not any("bottom" in text or "blue" in text for text in texts_of(1))
    assert len(texts_of(1)) == 200


def test_claims_are_the_codes_of_what_was_said():
    words, codes = words_and_codes()
    place = words.column("place")
    rng = np.random.default_rng(1)
    captions = [write_caption(words, codes[0], rng) for _ in range(100)]
    claimed = [caption.claims[place] != UNSEEN for caption in captions]
    assert claimed == ["beach" in caption.text for caption in captions]
    assert 20 < sum(claimed) < 100
    assert {int(c.claims[place]) for c in captions} == {UNSEEN, int(codes[0, place])}


def test_the_same_numbers_give_the_same_captions():
    words, codes = words_and_codes()
    first, again, other = (
        write_captions(words, codes, np.random.default_rng(seed))[0] for seed in (3, 3, 4)
    )
    assert first == again != other


def test_which_captions_are_true_of_which_images():
    codes = np.array([[0, 1], [0, UNSEEN], [1, 1]], np.int16)
    claims = np.array([[0, UNSEEN], [0, 1], [UNSEEN, 1]], np.int16)
    true, false = judge_pairs(codes, claims)
    assert true.tolist() == [[True, True, True], [True, False, False], [False, False, True]]
    # the second image shows nothing of the second attribute: neither true nor false
    assert false.tolist() == [[False] * 3, [False] * 3, [True, True, False]]


def test_a_share_of_the_captions_are_the_casts_own(tmp_path):
    cast = small_cast(tmp_path, images=40)
    chosen = np.arange(40)
    texts, claims = tell_images(cast, chosen, np.random.default_rng(0))
    own = [text in stored for text, stored in zip(texts, cast.table["captions"], strict=True)]
    assert 6 < sum(own) < 28
    assert (claims[own] == cast.codes[own]).all()
    assert not (claims[~np.array(own)] == cast.codes[~np.array(own)]).all()


def test_prompts_ask_for_each_value_that_has_words():
    words, _ = words_and_codes()
    texts, codes = write_prompts(words, words.column("glasses"))
    assert texts == ["without glasses", "glasses", "sunglasses"]
    assert codes == [0, 1, 2]
    assert write_prompts(words, words.column("bottom_color")) == ([], [])
    varied = {
        text
        for seed in range(20)
        for text in write_prompts(words, words.column("place"), np.random.default_rng(seed))[0]
    }
    assert len(varied) > 8


def test_a_value_without_words_is_an_error():
    with pytest.raises(CineloraError, match="no words for glasses = 'monocle'"):
        read_words({"glasses": ["monocle"]})


@pytest.mark.parametrize(
    ("text", "fixed"),
    [("a orange top", "an orange top"), ("a red top", "a red top"), ("hair", "hair")],
    ids=["vowel", "consonant", "no article"],
)
def test_articles_fit_what_follows(text, fixed):
    assert fix_article(text) == fixed


def test_nobody_has_a_without():
    texts = texts_of(0, 400) + texts_of(1, 400)
    assert [text for text in texts if "with with" in text or "with no " in text] == []
    assert sum(" with red hair" in text for text in texts) > 5


def test_a_value_that_was_never_learned_is_not_asked_for(caplog):
    words, _ = words_and_codes()
    truth = TRUTH | {"place": ["desert", "forest", "beach"]}
    column = words.encode(truth)[:, words.column("place")]
    assert column.tolist() == [UNSEEN, *words.encode(TRUTH)[1:, words.column("place")]]
    assert "place: {'desert'} was never learned" in caplog.text
