import cv2
import numpy as np
import pandas as pd

from resources.light_models.recipe import sheets
from resources.light_models.recipe.data import Cast, open_cast
from resources.light_models.recipe.run import HELD_OUT
from resources.light_models.recipe.words import UNSEEN, read_words

TRUTH = {
    "gender": ["female", "male", "female"],
    "place": ["beach", "kitchen", "meadow"],
    "indoor": ["outdoor", "indoor", "outdoor"],
    "weather": ["rain", "unknown", "clear"],
    "time_of_day": ["day", "night", "day"],
    "shot_type": ["full", "close-up", "medium"],
    "hair_color": ["red", "brown", "black"],
    "top_color": ["blue", "red", "red"],
}


def made_cast() -> Cast:
    words = read_words(TRUTH)
    return Cast(np.zeros((3, 8, 8, 3)), pd.DataFrame(TRUTH), words, words.encode(TRUTH), "")


def test_confusions_are_shares_of_what_was_there():
    wanted = np.array([0, 0, 0, 0, 2, UNSEEN])
    found = np.array([0, 0, 0, 1, 2, 1])
    shares = sheets.count_confusions(found, wanted, [0, 1, 2])
    np.testing.assert_allclose(shares[[0, 2]], [[0.75, 0.25, 0], [0, 0, 1]])
    assert np.isnan(shares[1]).all()  # nothing shows it


def test_the_sample_says_nothing_that_the_cast_does_not_know():
    words = open_cast(HELD_OUT, side_px=128).words
    known = {name: words.attributes[words.column(name)].values for name in sheets.SAMPLE}
    assert {n: v for n, v in sheets.SAMPLE.items() if v not in known[n]} == {}


def test_prompts_differ_by_the_value_alone():
    cast = made_cast()
    asked = dict(sheets.ask_values(cast, "hair_color"))
    assert {"red", "brown", "black"} <= set(asked)
    prompts = [asked[value].replace(value, "?") for value in ("brown", "black")]
    assert prompts[0] == prompts[1] and "?" in prompts[0] and "clear" in prompts[0]
    assert "medium shot" in prompts[0] and "a woman" in prompts[0]


def test_a_room_is_asked_for_without_weather():
    asked = dict(sheets.ask_values(made_cast(), "place"))
    assert "kitchen" in asked["kitchen"] and "clear" not in asked["kitchen"]
    assert "beach" in asked["beach"] and "clear" in asked["beach"]


def test_the_sheet_of_confusions_holds_a_matrix_for_each_attribute(tmp_path):
    words = made_cast().words
    codes = words.encode(TRUTH)
    answers = {
        name: (codes[:, words.column(name)], codes[:, words.column(name)])
        for name in ("place", "hair_color", "weather", "gender")
    }
    sheets.show_confusions(answers, words, tmp_path / "matrices.png")
    sheet = cv2.imread(str(tmp_path / "matrices.png"))
    rows, columns = 2, sheets.COLUMNS
    assert sheet.shape[0] / sheet.shape[1] < rows / columns
    parts = [
        part for line in np.array_split(sheet, rows) for part in np.array_split(line, columns, 1)
    ]
    dark = [(part.max(2) < 180).mean() for part in parts]  # the blue of what is right
    assert min(dark[:4]) > 10 * max(*dark[4:], 1e-9)


def test_what_was_asked_stands_below():
    image = np.zeros((32, 48, 3), np.uint8)
    cell = sheets.write_below(image, "red")
    assert cell.shape == (48, 48, 3) and not cell[:32].any()
    assert (cell[32:] < 100).any() and (cell[32:] == 255).any()
