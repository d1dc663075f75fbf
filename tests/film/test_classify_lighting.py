"""classify_lighting: rules, votes; then both phases of light on a film made in code."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories.light_models import write_light_model
from tests.factories.lit_images import HEIGHT, NOBODY, WIDTH, drop, make_landscape, make_wall
from workflow_scripts.film import classify_lighting, measure_lighting
from workflow_scripts.film.light import words as light_words
from workflow_scripts.lib.images import encode_rle, write_image

OPTIONS = yaml.safe_load(Path("config/options/film.yaml").read_text(encoding="utf-8"))[
    "classify_lighting"
]["thresholds"]
NEUTRAL = dict.fromkeys(light_words.TONES, 0.0) | {"bright": 0.7, "middle": 0.5}
MODEL = "resources/light_models/lighting.json"
LIGHT = {"min_indoor_probability": 0.6, "thresholds": OPTIONS}
PLAIN = {**NEUTRAL, "falling": "", "fog": False}


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
    assert light_words.name_time(row, indoor, OPTIONS) == expected


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
    assert light_words.name_weather(row, indoor, "day", best, OPTIONS) == expected


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
    word, share = light_words.vote(pd.Series(words, dtype=str))
    assert (word, share) == (expected[0], pytest.approx(expected[1]))


@pytest.mark.parametrize(
    ("specks", "word"),
    [
        ([(5.0, 6.0), (5.0, 6.0), (0.0, 1.0)], "rain"),
        ([(5.0, 1.0), (np.nan, np.nan), (np.nan, np.nan)], "snow"),
        ([(0.0, 1.0), (np.nan, np.nan), (5.0, 1.0), (0.0, 1.0)], ""),
        ([(np.nan, np.nan)], ""),
        ([(5.0, 1.0), (5.0, 6.0)], "snow"),
        ([], ""),
    ],
    ids=[
        *("most say rain", "where the camera moves nothing is said", "most say none"),
        *("the camera always moves", "of as many the first", "none compared"),
    ],
)
def test_what_falls_in_a_shot_is_what_most_images_say(specks, word):
    rows = pd.DataFrame([*specks, (9.0, 9.0)], columns=["specks", "speck_shape"])
    rows = rows.assign(shot_id=4, compared=[True] * len(specks) + [False])
    assert light_words.find_falling(rows, OPTIONS).to_dict() == {4: word}


def test_a_film_without_images_has_an_empty_table(tmp_path):
    frames = {"frame_id": ["f"], "shot_id": [0], "file": [""], "fade": [False]}
    pd.DataFrame(frames).to_parquet(tmp_path / "frames.parquet")
    pd.DataFrame({"frame_id": ["f"], "location": [""]}).to_parquet(tmp_path / "places.parquet")
    measures = measure_lighting.MEASURES.empty_table().to_pandas()
    measures.to_parquet(tmp_path / "measures.parquet")
    names = [tmp_path / f"{name}.parquet" for name in ("frames", "places", "measures", "out")]
    counts = classify_lighting.main(*names[:3], MODEL, names[3], **LIGHT)
    assert counts.read == 0
    assert pd.read_parquet(names[-1]).columns.tolist() == classify_lighting.LIGHTING.names


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
    shards = {name: tmp_path / f"{name}.parquet" for name in ("01of02", "02of02")}
    for shard, path in shards.items():
        measure_lighting.main(
            tmp_path / "frames.parquet", tmp_path, tmp_path / "i.parquet", path, shard=shard
        )
    out = tmp_path / "lighting.parquet"
    counts = classify_lighting.main(
        *(tmp_path / "frames.parquet", tmp_path / "locations.parquet", list(shards.values())),
        *(write_light_model(tmp_path), out),
        **LIGHT,
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
