"""The demo film as a cast that nets are judged on."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cast import demo_people

from resources.light_models.recipe import films
from resources.light_models.recipe.words import UNSEEN, read_words

DEMO = Path(__file__).resolve().parents[2] / "resources/demo_film"
ASKED = {
    "time_of_day": ["day"],
    "weather": ["clear"],
    "indoor": ["indoor"],
    "place": ["beach", "forest", "living room"],
    "shot_type": ["full"],
    "expression": ["happy"],
    "hair_color": ["brown", "black", "blonde"],
}


@pytest.fixture(scope="module")
def demo():
    return films.open_film(DEMO / "film.mp4", DEMO / "truth", read_words(ASKED), 64)


def value(cast, name, place):
    code = cast.codes[place, cast.words.column(name)]
    values = cast.words.attributes[cast.words.column(name)].values
    return None if code == UNSEEN else values[code]


def test_each_drawing_is_there_once_and_no_title(demo):
    frames = pd.read_csv(DEMO / "truth/frames.csv")
    plain = frames[
        (frames["is_title"] == 0) & (frames["is_fade"] == 0) & (frames["is_blurred"] == 0)
    ]
    assert len(demo) == plain["unique_render_id"].nunique() > 200
    assert demo.images.shape == (len(demo), 64, 64, 3)


def test_it_says_what_the_truth_says(demo):
    found = {name: [value(demo, name, n) for n in range(len(demo))] for name in ASKED}
    assert set(found["time_of_day"]) == {"day", "sunset", "evening", "night"}
    assert set(found["weather"]) == {"clear", "overcast", "fog", "rain", "snow", None}
    shown = zip(found["weather"], found["indoor"], strict=True)
    rooms = [weather for weather, side in shown if side == "indoor"]
    assert rooms and set(rooms) == {None}
    assert set(found["place"]) == {"beach", "forest", "living room", None}  # None: the plaza
    assert set(found["hair_color"]) == {"brown", "black", "blonde", None}  # None: too far to tell
    light = demo.images.mean(axis=(1, 2, 3))
    hours = np.array(found["time_of_day"])
    assert light[hours == "night"].max() < light[hours == "day"].mean()


def test_a_square_holds_the_person_it_tells_of(demo):
    shown = demo.table[demo.table["person_id"] != ""]
    assert 100 < len(shown) < len(demo)
    boxes = np.array(shown["box"].tolist())
    assert (boxes >= 0).all() and (boxes <= 64).all()
    assert ((boxes[:, 2] - boxes[:, 0]) > 2).all()
    # Bruno wears green, Nella yellow: the middle of their boxes says who is there
    tints = {}
    for name, box in zip(shown["person_id"], boxes.astype(int), strict=True):
        image = demo.images[demo.table["person_id"].eq(name).idxmax()]
        tints.setdefault(name, []).append(image[box[1] : box[3], box[0] : box[2]].mean((0, 1)))
    bruno, nella = (np.mean(tints[name], 0) for name in ("Bruno", "Nella"))
    assert bruno[1] - bruno[0] > nella[1] - nella[0]


def test_a_person_who_is_cut_or_hardly_larger_than_another_is_nobody():
    image = np.zeros((100, 200, 3), np.uint8)
    row = {"character": "a", "x0": 20, "y0": 0, "x1": 60, "y1": 90, "visible_px": 900}
    row |= {"action": "walk", "view": "back", "shot_type": "full", "expression": "happy"}
    faces = pd.DataFrame([{"character": "a", "y0": 0, "y1": 30}])
    square, alone = films.cut_square(image, pd.DataFrame([row]), faces)
    assert (square.shape, alone["person_id"], alone["box"]) == ((100, 100, 3), "a", [20, 0, 60, 90])
    assert "expression" not in alone  # seen from behind
    facing = films.cut_square(image, pd.DataFrame([row | {"view": "front"}]), faces)[1]
    assert facing["expression"] == "happy"
    far = faces.assign(y1=5)
    assert (
        "expression" not in films.cut_square(image, pd.DataFrame([row | {"view": "front"}]), far)[1]
    )
    other = row | {"character": "b", "visible_px": 500}
    assert films.cut_square(image, pd.DataFrame([row, other]), faces)[1]["person_id"] == ""
    wide = pd.DataFrame([row | {"x0": 0, "x1": 150}])
    assert films.cut_square(image, wide, faces)[1]["person_id"] == ""


def test_looks_are_told_only_as_far_as_the_square_shows_them():
    looks = {"a": {"gender": "male", "hair_color": "red", "top_color": "blue", "bottom": "skirt"}}
    row = {"person_id": "a", "shot_type": "medium", "near": True}
    near = {"gender": "male", "hair_color": "red", "top_color": "blue"}
    assert films.choose_looks(row, looks) == near
    far = row | {"near": False, "shot_type": "wide"}
    assert films.choose_looks(far, looks) == {"top_color": "blue", "bottom": "skirt"}
    assert films.choose_looks(row | {"person_id": ""}, looks) == {}


def test_looks_of_the_demo_film_are_those_that_the_cast_keeps_away_from():
    looks = films.read_looks(DEMO / "truth")
    assert looks == {name: vars(look) for name, look in demo_people.LOOKS.items()}
    assert films.read_looks(DEMO / "truth/plates") == {}
