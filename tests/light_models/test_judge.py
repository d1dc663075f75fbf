import numpy as np
import pandas as pd
import pytest

from resources.light_models.recipe import drawing, judge, judge_drawn, scoring
from resources.light_models.recipe.data import Cast
from resources.light_models.recipe.words import UNSEEN, read_words
from tests.factories.light_recipe import small_cast


def test_accuracy_counts_what_can_be_seen():
    found = np.array([0, 0, 0, 1, 1])
    wanted = np.array([0, 0, 1, 1, UNSEEN])
    measured = scoring.measure_accuracy(found, wanted)
    assert measured == {"images": 4, "accuracy": 0.75, "balanced": 0.75, "majority": 0.5}
    nothing = scoring.measure_accuracy(found, np.full(5, UNSEEN))
    assert nothing["images"] == 0
    assert np.isnan(nothing["accuracy"])


def test_a_balanced_share_does_not_reward_the_commonest_value():
    wanted = np.array([0] * 9 + [1])
    measured = scoring.measure_accuracy(np.zeros(10, int), wanted)
    assert (measured["accuracy"], measured["balanced"], measured["majority"]) == (0.9, 0.5, 0.9)


def test_a_retrieval_of_itself_is_right_and_one_of_noise_is_chance():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(50), 4)
    own = np.eye(50)[people]
    assert scoring.measure_retrieval(own, people, rng) == (1.0, 50)
    noise = rng.normal(size=(200, 16))
    recall, count = scoring.measure_retrieval(noise, people, rng)
    assert recall < 0.1
    assert count == 50


def test_characters_with_one_image_are_not_asked_for():
    recall, count = scoring.measure_retrieval(np.eye(3), np.arange(3), np.random.default_rng(0))
    assert np.isnan(recall)
    assert count == 0


def test_colors_tell_red_tops_from_blue_ones(tmp_path):
    cast = small_cast(tmp_path, images=60)
    colors = scoring.describe_colors(list(cast.images))
    np.testing.assert_allclose(np.linalg.norm(colors, axis=1), 1, atol=1e-6)
    column = cast.words.column("top_color")
    codes = cast.codes[:, column]
    found = scoring.nearest_centroids(colors[:30], codes[:30], colors[30:])
    assert (found == codes[30:]).mean() > 0.8
    assert len(set(codes[:30])) == 3


def test_prompts_score_images_of_their_own_direction():
    words = read_words({"glasses": ["none", "glasses"]})
    axes = {"without": [1, 0, 0], "no glasses": [1, 0, 0], "sunglasses": [0, 0, 1]}

    def texts(wordings):
        found = [[axis for word, axis in axes.items() if word in text] for text in wordings]
        return np.array([rows[0] if rows else [0, 1, 0] for rows in found], float)

    prompts, codes = scoring.embed_prompts(words, 0, texts)
    assert prompts.shape == (3, 3)
    np.testing.assert_allclose(np.linalg.norm(prompts, axis=1), 1)
    found = scoring.score_attribute(np.eye(3), prompts, codes)
    assert found.tolist() == [0, 1, 2]


def test_a_prompt_says_what_is_asked_for():
    truth = {
        "gender": ["male"],
        "hair_color": ["red"],
        "top_color": ["blue"],
        "shot_type": ["close-up"],
        "place": ["beach"],
        "time_of_day": ["night"],
        "weather": ["unknown"],
    }
    words = read_words(truth)
    prompt = drawing.write_prompt(words, words.encode(truth)[0])
    assert prompt == "a man, beach, night, close-up, red hair, blue top"


def test_a_prompt_asks_for_one_person_who_faces_the_camera():
    truth = {
        "gender": ["male", "male", "male"],
        "people": ["1", "2", "1"],
        "view": ["front", "front", "back"],
        "shot_type": ["full"] * 3,
    }
    words = read_words(truth)
    prompts = [drawing.write_prompt(words, codes) for codes in words.encode(truth)]
    assert prompts == [
        "a man, one person, front view, full body shot",
        "a man, full body shot",
        "a man, full body shot",
    ]


def make_asked_cast(places: list[str]) -> Cast:
    """Images of these places: outdoors with weather, a shop without, and one of two people."""
    count = len(places)
    indoors = [place == "shop" for place in places]
    truth = {
        "place": places,
        "indoor": ["indoor" if inside else "outdoor" for inside in indoors],
        "weather": ["unknown" if inside else "rain" for inside in indoors],
        "people": ["1"] * (count - 1) + ["2"],
        "view": ["front"] * (count - 2) + ["back", "front"],
        "time_of_day": ["day"] * count,
        "shot_type": ["full"] * count,
        "hair_color": ["red"] * count,
        "top_color": ["blue"] * count,
    }
    words = read_words(truth)
    return Cast(np.zeros((count, 8, 8, 3)), pd.DataFrame(truth), words, words.encode(truth), "")


def test_all_places_are_drawn_alike_and_indoors_without_weather():
    cast = make_asked_cast(["beach"] * 20 + ["shop"] * 2 + ["forest"] * 4 + ["desert"] * 2)
    chosen = drawing.choose_asked(cast, 12, np.random.default_rng(0))
    assert len(chosen) == 12
    drawn = cast.table["place"].iloc[chosen].value_counts().to_dict()
    assert drawn == {"beach": 4, "shop": 4, "forest": 4}  # the deserts are of two, or from behind
    many = drawing.choose_asked(cast, 60, np.random.default_rng(0))
    assert cast.table["place"].iloc[many].value_counts().to_dict() == dict.fromkeys(drawn, 20)


def test_values_without_words_are_no_question():
    wanted = np.array([0, 1, 2, UNSEEN, 1])
    assert scoring.keep_asked(wanted, [0, 2]).tolist() == [0, UNSEEN, 2, UNSEEN, UNSEEN]


def test_all_ways_are_measured_on_the_same_images():
    wanted = np.array([0] * 9 + [1, UNSEEN])
    beside = {"random": np.ones(11, int), "colors": wanted}
    row = judge.measure_all(np.zeros(11, int), beside, wanted)
    assert (row["images"], row["accuracy"], row["balanced"]) == (10, 0.9, 0.5)
    assert (row["random"], row["random_balanced"]) == (0.1, 0.5)
    assert (row["colors"], row["colors_balanced"]) == (1, 1)


def test_a_goal_is_not_reached_by_the_commonest_value(tmp_path):
    row = {"figure": "a", "goal": 0.85, "images": 9, "accuracy": 0.9}
    judge.write_table([row | {"balanced": 0.5}, row | {"balanced": 0.86}], tmp_path / "a.csv")
    assert pd.read_csv(tmp_path / "a.csv")["reached"].tolist() == ["MISSED", "yes"]


def test_people_are_cut_out_with_a_little_around(tmp_path):
    cast = small_cast(tmp_path, images=4)
    crops = scoring.crop_people(cast, np.arange(4))
    assert [crop.shape for crop in crops] == [(58, 60, 3)] * 4  # 8..56 x 12..64 and 5.2 px
    assert np.array_equal(crops[0], cast.images[0][6:64, 2:62])


def test_misses_are_marked_and_kept(tmp_path):
    some, few = np.array([1, 1, 0, np.nan] * 8), np.array([True, False])
    rows = [
        judge_drawn.make_row(judge_drawn.ALL, {"accuracy": some}) | {"goal": 0.5},
        judge_drawn.make_row(judge_drawn.FACE, {"accuracy": few, "originals": some}),
        {"figure": "c", "goal": None, "images": 3, "accuracy": 0.1},
    ]
    shown = judge.write_table(rows, tmp_path / "judged.csv")
    kept = pd.read_csv(tmp_path / "judged.csv", keep_default_na=False)
    assert kept["reached"].tolist() == ["yes", "MISSED", ""]
    assert kept["images"].tolist() == [24, 2, 3]
    assert kept["originals"].tolist() == ["", "0.6667", ""]
    assert kept["accuracy"].astype(float).tolist() == [0.6667, 0.5, 0.1]
    assert "MISSED" in shown


@pytest.mark.parametrize(("count", "shape"), [(3, (4, 12, 3)), (5, (8, 16, 3))], ids=["one", "two"])
def test_a_sheet_has_all_images(count, shape):
    images = np.arange(count, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    sheet = drawing.make_sheet(list(images), columns=min(count, 4))
    assert sheet.shape == shape
    assert set(np.unique(sheet)) == set(range(count))
