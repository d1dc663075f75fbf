"""Balance: measures on boxes, joints and pixels made in code; then the phase on a packed folder."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories import tables
from workflow_scripts.dataset import analyze_dataset, framing_measures
from workflow_scripts.lib.images import write_image

VOCABULARY = Path("resources/vocabularies/captions.yaml")
RULES = yaml.safe_load(Path("config/options/dataset.yaml").read_text(encoding="utf-8"))[
    "analyze_dataset"
]
SIZE = (320, 320)


def make_body(box):
    points = np.column_stack([tables.FIGURE, np.ones(17)])
    points[:, 0] = box[0] + points[:, 0] * (box[2] - box[0])
    points[:, 1] = box[1] + points[:, 1] * (box[3] - box[1])
    return points


@pytest.mark.parametrize(
    ("box", "shot_type"),
    [
        ((130, 10, 190, 310), "full"),
        ((150, 100, 180, 200), "wide"),
        ((90, 20, 230, 500), "medium"),
        ((0, 20, 320, 1000), "close-up"),
    ],
    ids=["head to feet", "small in the image", "cut at the knees", "cut at the chest"],
)
@pytest.mark.parametrize("joints", [True, False], ids=["by joints", "by the box"])
def test_measure_shot_type(box, shot_type, joints):
    points = make_body(box) if joints else None
    assert framing_measures.measure_shot_type(np.array(box), SIZE, points, 0.5)[0] == shot_type


def test_joints_that_are_not_seen_do_not_count():
    points = make_body((130, 10, 190, 310))
    points[15:, 2] = 0.1
    said = framing_measures.measure_shot_type(np.array((130, 10, 190, 310)), SIZE, points, 0.5)
    assert said[0] == "medium"


def test_a_body_with_one_foot_beyond_the_image_is_no_full_shot():
    points = make_body((130, 10, 190, 310))
    points[15, 1] = SIZE[1] + 5
    said = framing_measures.measure_shot_type(np.array((130, 10, 190, 320)), SIZE, points, 0.5)
    assert said[0] == "medium"


@pytest.mark.parametrize(
    ("boxes", "people"),
    [
        ([], 0),
        ([(10, 10, 60, 90)], 1),
        ([(10, 10, 60, 90), (95, 10, 160, 90)], 1),
        ([(10, 10, 60, 90), (60, 0, 100, 100)], 2),
        ([(0, 0, 100, 900)], 1),
    ],
    ids=["nobody", "one inside", "the other outside", "two", "a face of a whole body"],
)
def test_find_shown(boxes, people):
    boxes = np.array(boxes, float).reshape(-1, 4)
    assert framing_measures.find_shown(boxes, np.array((0, 0, 100, 100))).sum() == people


def test_people_are_no_background():
    rng = np.random.default_rng(1)
    image = np.full((200, 200, 3), 120, np.uint8)
    image[60:140, 60:140] = rng.integers(0, 255, (80, 80, 3))
    people = np.zeros((200, 200), bool)
    busy = framing_measures.measure_complexity(image, people)
    people[60:140, 60:140] = True
    calm = framing_measures.measure_complexity(image, people)
    assert busy[0] > 0.05 and calm == (0.0, 0.0)
    assert np.isnan(framing_measures.measure_complexity(image, ~np.zeros_like(people))[0])


def test_complexity_does_not_depend_on_the_size():
    small = np.kron(np.indices((8, 8)).sum(0) % 2 * 200, np.ones((32, 32))).astype(np.uint8)
    large = np.kron(small, np.ones((3, 3), np.uint8))
    shares = [
        framing_measures.measure_complexity(np.dstack([gray] * 3), np.zeros(gray.shape, bool))[0]
        for gray in (small, large)
    ]
    assert shares[0] == pytest.approx(shares[1], rel=0.25)


@pytest.mark.parametrize(
    ("share", "verdict"),
    [(0.29, "below"), (0.30, "within"), (0.40, "within"), (0.41, "above")],
)
def test_judge(share, verdict):
    assert analyze_dataset.judge(share, [0.30, 0.40]) == verdict
    assert analyze_dataset.judge(share, None) == "not judged"


def make_dataset(folder, film, name):
    """Two images of Nella, as pack_dataset leaves them: the first is seen three times."""
    instances = pd.read_parquet(film["instances"]).iloc[[0, 4]]
    rows = pd.DataFrame(
        {
            "image_id": instances["instance_id"],
            "frame_id": instances["frame_id"],
            "file": ["train/3_x/a.jpg", "train/1_x/b.jpg"],
            "split": "train",
            "repeats": [3, 1],
            "shot_type": "",
            "caption": ["nella woman, full body shot", "nella woman, close-up, plaza"],
            "x0": [0, 0], "y0": [0, 0], "x1": [192, 384], "y1": [256, 256],
        }
    )  # fmt: skip
    for row in rows.itertuples():
        write_image(folder / row.file, np.full((256, row.x1, 3), 120, np.uint8))
    rows.to_parquet(folder / "dataset.parquet")
    return folder


def test_shares_are_what_training_sees(tmp_path):
    film = tables.make_film(tmp_path / "film")
    folder = make_dataset(tmp_path / "pose", film, "pose")
    counts = analyze_dataset.main(
        str(folder),
        str(VOCABULARY),
        str(tmp_path / "balance.parquet"),
        str(tmp_path / "balance.json"),
        name="character-nella",
        rules=RULES,
        instances=[film["instances"]],
        keypoints=[film["keypoints"]],
        poses=film["poses"],
    )
    rows = pd.read_parquet(tmp_path / "balance.parquet")
    shares = json.loads((tmp_path / "balance.json").read_text(encoding="utf-8"))
    assert counts.kept == 2 and rows["shot_type"].tolist() == ["full", "full"]
    assert rows["people"].tolist() == [1, 2]
    assert rows["caption_agrees"].tolist() == [True, False]
    assert shares["multi_character"] == {
        "share": 0.25, "recommended": [0.15, 0.20], "n": 1, "verdict": "above"
    }  # fmt: skip
    assert shares["caption_agreement"]["share"] == 0.5


@pytest.mark.parametrize("name", ["background", "style"])
def test_kinds_of_frames(tmp_path, name):
    film = tables.make_film(tmp_path / "film")
    folder = make_dataset(tmp_path / name, film, name)
    extra = {"instances": [film["instances"]]} if name == "style" else {}
    out = (str(tmp_path / "b.parquet"), str(tmp_path / "b.json"))
    analyze_dataset.main(str(folder), str(VOCABULARY), *out, name=name, rules=RULES, **extra)
    rows = pd.read_parquet(out[0])
    assert rows["people"].tolist() == ([0, 0] if name == "background" else [1, 2])
    assert rows["shot_type"].tolist() == (["none"] * 2 if name == "background" else ["full"] * 2)
