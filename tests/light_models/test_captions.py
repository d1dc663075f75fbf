import numpy as np
import pytest
from cast import caption_words

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


def test_a_thorough_caption_names_what_others_leave_out_now_and_then():
    words, codes = words_and_codes()
    rng = np.random.default_rng(1)
    captions = [write_caption(words, codes[0], rng, thorough=True) for _ in range(60)]
    said = np.mean([caption.claims != UNSEEN for caption in captions], axis=0)
    often = {"gender", "age_band", "hair_color", "place"}
    always = {a.name for a, share in zip(words.attributes, said, strict=True) if share == 1}
    assert always == often


def test_a_share_of_the_captions_is_thorough(tmp_path):
    cast = small_cast(tmp_path, images=40)
    chosen, place = np.arange(40).repeat(10), cast.words.column("place")
    seen = cast.codes[chosen, place] != UNSEEN
    shares = []
    for thorough in (0.0, 0.5, 1.0):
        _, claims = tell_images(cast, chosen, np.random.default_rng(0), thorough=thorough)
        shares.append((claims[seen, place] != UNSEEN).mean())
    assert shares[0] + 0.05 < shares[1] < shares[2] - 0.05 and shares[2] == 1


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


def captions_of(truth: dict[str, str], count: int = 300) -> list[str]:
    words = read_words({name: [value] for name, value in truth.items()})
    codes = words.encode({name: [value] for name, value in truth.items()})[0]
    rng = np.random.default_rng(0)
    return [write_caption(words, codes, rng).text for _ in range(count)]


def test_several_people_are_always_said_and_one_is_not():
    assert all("two people" in text for text in captions_of({"people": "2", "gender": "male"}))
    alone = ["one person" in text or "alone" in text for text in captions_of({"people": "1"})]
    assert 20 < sum(alone) < 200


def test_only_of_men_it_is_said_that_they_have_no_beard():
    told = {
        gender: " ".join(captions_of({"beard": "none", "gender": gender}))
        for gender in ("male", "female", "unknown")
    }
    assert "no beard" in told["male"] and "clean-shaven" in told["male"]
    assert "beard" not in told["female"] + told["unknown"]
    assert "shaven" not in told["female"] + told["unknown"]


def test_no_name_stands_before_someone_and_no_with_before_haired():
    texts = captions_of({"hair_color": "red"}, 600)
    assert sum("someone" in text for text in texts) > 50
    assert [text for text in texts if " someone" in text.replace(", someone", "")] == []
    assert sum("red-haired" in text for text in texts) > 50
    assert [text for text in texts if "with red-haired" in text] == []


def test_nothing_is_asked_with_a_wording_that_fits_two_values():
    words = read_words({"scar": ["eye"], "hat": ["cap"]})
    for name, shared in (("scar", "a scar"), ("hat", "a knitted cap")):
        column = words.column(name)
        asked = {
            text
            for seed in range(60)
            for text in write_prompts(words, column, np.random.default_rng(seed))[0]
        }
        assert len(asked) > 8
        assert [text for text in asked if text == shared or text.endswith(f", {shared}")] == []
    assert "a scar" in " ".join(captions_of({"scar": "eye"})).replace("a scar over", "")


def test_a_crop_is_told_in_words_of_its_own(tmp_path):
    cast = small_cast(tmp_path, images=40)
    codes = cast.codes.copy()
    codes[:, cast.words.column("shot_type")] = UNSEEN
    cropped = np.arange(40) < 20
    rng = np.random.default_rng(0)
    texts, claims = tell_images(cast, np.arange(40), rng, codes=codes, cropped=cropped)
    own = np.array([t in stored for t, stored in zip(texts, cast.table["captions"], strict=True)])
    assert not own[:20].any() and own[20:].any()
    assert not any("close-up" in text or "full" in text for text in texts)
    assert (claims[own] == codes[own]).all()


SAID_BY_THE_CAST = {  # attribute of the recipe: wordings of the cast's captions
    "hair_style": caption_words.HAIR_STYLES,
    "skin_tone": caption_words.SKIN_TONES,
    "bottom": {
        name: [t.replace("{} ", "") for t in v] for name, v in caption_words.BOTTOMS.items()
    },
    "sleeves": caption_words.SLEEVES,
    "glasses": caption_words.GLASSES | {"none": caption_words.ABSENT["glasses"]},
    "hat": caption_words.HATS | {"none": caption_words.ABSENT["hat"]},
    "beard": caption_words.BEARDS | {"none": caption_words.ABSENT["beard"]},
    "scar": caption_words.SCARS | {"none": caption_words.ABSENT["scar"]},
    "expression": caption_words.EXPRESSIONS,
    "action": caption_words.ACTIONS,
    "view": caption_words.VIEWS,
    "shot_type": caption_words.SHOT_TYPES,
    "indoor": caption_words.INDOOR,
    "time_of_day": caption_words.TIMES,
    "weather": caption_words.WEATHERS,
    "people": {str(count): texts for count, texts in caption_words.GROUPS.items()},
}


@pytest.mark.parametrize("name", SAID_BY_THE_CAST)
def test_recipe_and_cast_say_the_same_words(name):
    words = read_words({name: []})
    (attribute,) = words.attributes
    theirs = SAID_BY_THE_CAST[name]
    assert set(theirs) <= set(attribute.values)
    for value, texts in theirs.items():
        ours = attribute.phrases[value]
        assert set(ours) & set(texts), f"{value}: {ours} and {texts} have nothing in common"
        for other, others in attribute.phrases.items():
            mixed = set(texts) & set(others) - words.shared
            assert other == value or not mixed, f"{mixed} is {value} there and {other} here"


def test_a_value_that_was_never_learned_is_not_asked_for(caplog):
    words, _ = words_and_codes()
    truth = TRUTH | {"place": ["desert", "forest", "beach"]}
    column = words.encode(truth)[:, words.column("place")]
    assert column.tolist() == [UNSEEN, *words.encode(TRUTH)[1:, words.column("place")]]
    assert "place: {'desert'} was never learned" in caplog.text
