"""Figures about captions and splits, on a truth of a few lines."""

import json

import pandas as pd
import pytest

from workflow_scripts.report.accuracy import datasets
from workflow_scripts.report.accuracy.truth import Truth

COLUMNS = "frame_no,time_s,shot_id,location,time_of_day,weather,indoor,is_fade,is_title,is_blurred"
FRAMES = f"""{COLUMNS},unique_render_id
0,0.0,1,plaza,day,clear,0,0,0,0,u0
1,1.0,1,plaza,day,clear,0,0,0,0,u1
2,2.0,2,home,evening,clear,1,0,0,0,u2
3,3.0,3,plaza,day,clear,0,0,0,0,u0
4,4.0,4,card,none,clear,0,0,1,0,u4
5,5.0,5,plaza,night,rain,0,1,0,0,u5
"""
PEOPLE = (
    "frame_no,character,x0,y0,x1,y1,visible_px,occluded_fraction,action,expression,shot_type\n"
    "0,Nella,0,0,9,9,80,0,walk,happy,full\n"
)


@pytest.fixture
def truth(tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "frames.csv").write_text(FRAMES, encoding="utf-8")
    (folder / "instances.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "screenplay.json").write_text(
        json.dumps({"characters": {"Nella": {}, "Pip": {}}}), encoding="utf-8"
    )
    return Truth(folder)


def make_frames():
    ids = [f"s{n:04d}_f{n:06d}" for n in range(6)]
    return pd.DataFrame({"frame_id": ids, "time_s": range(6), "file": "x.jpg", "shot_id": range(6)})


def judge(truth, tmp_path, image, tags, kind="lighting"):
    rows = [{"text": text, "source": source} for text, source in tags]
    captions = pd.DataFrame({"image_id": [image], "kind": [kind], "tags": [rows]})
    claims = datasets.list_claims(captions, truth)
    return datasets.judge_claims(claims, tmp_path, make_frames(), truth)


@pytest.mark.parametrize(
    ("frame", "text", "source", "right"),
    [
        (0, "daytime", "classify_lighting.time_of_day", [True]),
        (0, "night", "classify_lighting.time_of_day", [False]),
        (0, "outdoors", "classify_lighting.indoor", [True]),
        (2, "fog", "classify_lighting.weather", []),
        (0, "bright light", "classify_lighting.light", []),
        (0, "nella woman", "identify_characters.character", [True]),
        (0, "pip boy", "identify_characters.character", [False]),
        (0, "two people", "identify_characters.character", []),
        (4, "daytime", "classify_lighting.time_of_day", []),
        (5, "night", "classify_lighting.time_of_day", []),
    ],
    ids=["true", "false", "indoor or outdoor", "weather in a room", "no truth of it"]
    + ["who is there", "who is not", "nobody's name", "a title card", "a fade"],
)
def test_each_clause_is_judged_by_its_fact(truth, tmp_path, frame, text, source, right):
    claims = judge(truth, tmp_path, make_frames()["frame_id"][frame], [(text, source)])
    assert claims["right"].tolist() == right


def test_a_clause_about_a_person_whom_nobody_is_counts_as_wrong(truth, tmp_path):
    tags = [("nella woman", "config"), ("walking", "classify_poses.action")]
    claims = judge(truth, tmp_path, "s0000_f000000_i07", tags, "character")
    assert claims[["fact", "right"]].to_numpy().tolist() == [["who", False], ["action", False]]
    metrics = datasets.summarize_claims(claims, None)
    assert (metrics["caption_facts_correct"].value, metrics["caption_facts_correct"].n) == (0.0, 2)


@pytest.mark.parametrize(
    ("splits", "leaks"),
    [
        (["train", "train", "validation", ""], 0),
        (["train", "validation", "", ""], 1),
        (["train", "", "", "validation"], 1),
    ],
    ids=["apart", "one shot on both sides", "one drawing in two shots"],
)
def test_leaks_are_counted(truth, tmp_path, splits, leaks):
    ids = make_frames()["frame_id"][:4]
    rows = pd.DataFrame({"frame_id": ids, "shot_id": [1, 1, 2, 3], "group": ids, "split": splits})
    path = tmp_path / "pose" / "dataset.parquet"
    path.parent.mkdir()
    rows.to_parquet(path)
    metric = datasets.measure_leaks([path], make_frames(), truth)
    assert (metric.value, metric.n, metric.goal, metric.at_least) == (leaks, 1, 0, False)


def test_without_tables_there_are_no_figures(truth, tmp_path):
    assert datasets.measure(tmp_path, truth) == {}


def test_near_repeats_and_what_images_amount_to_are_summed_over_datasets(tmp_path):
    paths = [tmp_path / "a.json", tmp_path / "b.json", tmp_path / "old.json"]
    one = {"images": 30, "effective_images": 12.0, "near_repeats": 6}
    other = {"images": 10, "effective_images": 8.0, "near_repeats": 0}
    for path, counts in zip(paths, [{"diversity": one}, {"diversity": other}, {}], strict=True):
        path.write_text(json.dumps(counts), encoding="utf-8")
    figures = datasets.measure_variety(paths)
    values = {name: (figure.value, figure.n) for name, figure in figures.items()}
    assert values == {"packed_near_repeats": (0.15, 40), "packed_effective_share": (0.5, 40)}
    assert datasets.measure_variety(paths[2:]) == {}
