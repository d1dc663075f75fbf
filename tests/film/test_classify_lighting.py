"""classify_lighting: measures of images made in code, rules, votes; then the phase on a film."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml

from workflow_scripts.film import classify_lighting
from workflow_scripts.lib.images import encode_rle, write_image

OPTIONS = yaml.safe_load(Path("config/options/film.yaml").read_text())["classify_lighting"][
    "thresholds"
]
HEIGHT, WIDTH = 180, 320
NOBODY = np.zeros((HEIGHT, WIDTH), bool)
NEUTRAL = dict.fromkeys(classify_lighting.MEASURES, 0.0) | {"bright": 0.7, "middle": 0.5}
PLAIN = {**NEUTRAL, "falling": "", "fog": False}


def make_wall(color: tuple, seed: int = 1) -> np.ndarray:
    """Bricks around one color."""
    noise = np.random.default_rng(seed).normal(1, 0.25, (18, 32, 1))
    bricks = np.clip(np.array(color) * noise, 0, 255).astype(np.uint8)
    return cv2.resize(bricks, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)


def make_landscape() -> np.ndarray:
    image = make_wall((115, 110, 100))
    image[:80] = np.linspace((120, 160, 220), (180, 200, 225), 80)[:, None].astype(np.uint8)
    return image


def drop(image: np.ndarray, seed: int, size: tuple[int, int]) -> np.ndarray:
    """Sprinkle bright specks of a size (width, height)."""
    image, rng = image.copy(), np.random.default_rng(seed)
    for x, y in rng.integers((0, 0), (WIDTH - size[0], HEIGHT - size[1]), (60, 2)):
        image[y : y + size[1], x : x + size[0]] = np.minimum(
            image[y : y + size[1], x : x + size[0]].astype(int) + 60, 255
        )
    return image


@pytest.mark.parametrize(
    ("color", "low", "high"),
    [
        ((160, 160, 160), -0.1, 0.1),
        ((220, 130, 70), 2.0, 5.0),
        ((60, 80, 130), -4.0, -1.5),
    ],
    ids=["gray", "orange", "blue"],
)
def test_warm_is_red_against_blue_in_stops(color, low, high):
    assert low < classify_lighting.measure_image(make_wall(color), NOBODY)["warm"] < high


def test_people_are_left_out():
    person = NOBODY.copy()
    person[40:180, 100:200] = True
    image = np.where(person[..., None], np.uint8([255, 60, 0]), make_wall((120, 120, 120)))
    measures = classify_lighting.measure_image(image, person)
    assert abs(measures["warm"]) < 0.1
    assert measures["color"] < 0.05


@pytest.mark.parametrize(
    ("image", "sky"),
    [
        (make_landscape(), True),
        (make_wall((150, 160, 200)), False),
        (np.full((HEIGHT, WIDTH, 3), (200, 180, 150), np.uint8), False),
        (make_landscape()[::-1], False),
    ],
    ids=["smooth and blue above", "bricks", "a warm wall", "blue below"],
)
def test_find_sky(image, sky):
    measures = classify_lighting.measure_image(np.ascontiguousarray(image), NOBODY)
    assert (measures["sky"] > OPTIONS["min_sky"]) is sky


@pytest.mark.parametrize(
    ("size", "falling"), [((1, 12), "rain"), ((4, 4), "snow")], ids=["streaks", "flakes"]
)
def test_what_falls_is_seen_in_time(size, falling):
    grays = [
        cv2.cvtColor(drop(make_wall((90, 90, 90)), n, size), cv2.COLOR_RGB2GRAY) for n in range(3)
    ]
    specks = classify_lighting.measure_specks(*grays, ~NOBODY)
    assert classify_lighting.name_falling(*specks, OPTIONS) == falling


@pytest.mark.parametrize("shift", [0, 1, 12], ids=["at rest", "slow pan", "fast pan"])
def test_a_moving_camera_is_no_weather(shift):
    wide = cv2.cvtColor(cv2.resize(make_wall((90, 90, 90)), (400, HEIGHT)), cv2.COLOR_RGB2GRAY)
    grays = [np.ascontiguousarray(wide[:, n * shift : n * shift + WIDTH]) for n in range(3)]
    specks = classify_lighting.measure_specks(*grays, ~NOBODY)
    assert classify_lighting.name_falling(*specks, OPTIONS) == ""


@pytest.mark.parametrize(
    ("shots", "expected"),
    [
        ([{}], "unknown"),
        ([{"sky": 0.2}, {}, {}], "outdoor"),
        ([{"green": 0.8}], "outdoor"),
        ([{"falling": "snow"}], "outdoor"),
        ([{"warm": 1.0}, {}], "indoor"),
        ([{"warm": 1.8}], "outdoor"),
        ([{"warm": 1.0, "green": 0.8}], "outdoor"),
    ],
    ids=[
        *("no sign", "one sky speaks for all", "green", "snow"),
        *("a lamp", "a sunset", "warm and green"),
    ],
)
def test_weigh_place(shots, expected):
    table = pd.DataFrame([{**PLAIN, **shot} for shot in shots])
    assert classify_lighting.weigh_place(table, OPTIONS) == expected


@pytest.mark.parametrize(
    ("measures", "indoor", "expected"),
    [
        ({}, "outdoor", "day"),
        ({"warm": 1.6}, "outdoor", "sunset"),
        ({"warm": 1.0}, "indoor", "evening"),
        ({"warm": 1.0}, "outdoor", "day"),
        ({"warm": -0.8, "bright": 0.6}, "outdoor", "evening"),
        ({"warm": -0.8, "bright": 0.4}, "outdoor", "night"),
        ({"warm": -1.8, "bright": 0.9}, "outdoor", "day"),
        ({"bright": 0.2}, "unknown", "night"),
        ({"bright": 0.4}, "unknown", "unknown"),
    ],
    ids=[
        "plain",
        "low sun",
        "lamp",
        "wooden walls",
        "blue hour",
        "moon",
        "blue sky",
        "dark",
        "a gap",
    ],
)
def test_name_time(measures, indoor, expected):
    row = pd.Series({**PLAIN, **measures})
    assert classify_lighting.name_time(row, indoor, OPTIONS) == expected


@pytest.mark.parametrize(
    ("measures", "indoor", "best", "expected"),
    [
        ({}, "outdoor", 0.7, "clear"),
        ({}, "indoor", 0.7, "unknown"),
        ({"bright": 0.5}, "outdoor", 0.7, "overcast"),
        ({"bright": 0.5}, "outdoor", np.nan, "clear"),
        ({"fog": True}, "outdoor", 0.7, "fog"),
        ({"fog": True, "falling": "rain"}, "outdoor", 0.7, "rain"),
    ],
    ids=["sun", "indoors", "duller than elsewhere", "nothing to compare", "fog", "rain wins"],
)
def test_name_weather(measures, indoor, best, expected):
    row = pd.Series({**PLAIN, **measures})
    assert classify_lighting.name_weather(row, indoor, "day", best, OPTIONS) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["day", "day", "night"], ("day", 2 / 3)),
        (["unknown", "unknown", "day"], ("day", 1 / 3)),
        (["unknown"], ("unknown", 0.0)),
        ([], ("unknown", 0.0)),
    ],
    ids=["majority", "unknown has no vote", "nothing said", "nobody there"],
)
def test_vote(words, expected):
    word, share = classify_lighting.vote(pd.Series(words, dtype=str))
    assert (word, share) == (expected[0], pytest.approx(expected[1]))


def test_a_film_is_described(tmp_path):
    shots = {  # shot: (place, images)
        0: ("", [np.zeros((HEIGHT, WIDTH, 3), np.uint8)]),
        1: ("plaza", [make_landscape()] * 3),
        2: ("plaza", [make_wall((115, 110, 100))] * 3),
        3: ("plaza", [drop(make_wall((115, 110, 100)), n, (1, 12)) for n in range(4)]),
        4: ("home", [make_wall((180, 150, 135))] * 2 + [np.zeros((HEIGHT, WIDTH, 3), np.uint8)]),
    }
    rows = []
    for shot, (place, images) in shots.items():
        for image in images:
            frame_id = f"s{shot:04d}_f{len(rows):06d}"
            write_image(tmp_path / f"{frame_id}.png", image)
            rows.append((frame_id, shot, f"{frame_id}.png", not image.any(), place))
    rows.append(("s0004_f000099", 4, "", False, "home"))  # a held drawing
    table = pd.DataFrame(rows, columns=["frame_id", "shot_id", "file", "fade", "location"])
    table.drop(columns="location").to_parquet(tmp_path / "frames.parquet")
    table[table["file"] != ""].to_parquet(tmp_path / "locations.parquet")
    people = {"frame_id": [rows[1][0]], "mask": [encode_rle(NOBODY)]}
    pd.DataFrame(people).assign(height_px=HEIGHT, width_px=WIDTH).to_parquet(tmp_path / "i.parquet")
    out = tmp_path / "lighting.parquet"
    counts = classify_lighting.main(
        *(tmp_path / "frames.parquet", tmp_path, [tmp_path / "i.parquet"]),
        *(tmp_path / "locations.parquet", out),
        thresholds=OPTIONS,
    )
    found = pd.read_parquet(out).assign(shot=lambda table: table["frame_id"].str[:5])
    words = found.groupby("shot")[["time_of_day", "weather", "indoor"]].agg(["first", "nunique"])
    assert counts.read == len(found) == 14
    assert words.xs("nunique", axis=1, level=1).eq(1).all(axis=None)  # a shot is of one mind
    assert words.xs("first", axis=1, level=1).to_numpy().tolist() == [
        ["unknown", "unknown", "unknown"],
        ["day", "clear", "outdoor"],
        ["day", "clear", "outdoor"],
        ["day", "rain", "outdoor"],
        ["evening", "unknown", "indoor"],
    ]
