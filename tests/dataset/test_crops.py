"""What images show of their frames: around bodies and faces, without bars, the same for all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.factories import tables
from tests.factories.dataset_phases import pack, select
from workflow_scripts.dataset import crop_losses, crops
from workflow_scripts.dataset.framing import crop_body, crop_face
from workflow_scripts.dataset.trainers import kohya
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.lib.kinds import KINDS


@pytest.mark.parametrize(
    ("box", "shot_type"),
    [
        ((100, 100, 160, 300), "full"),
        ((0, 0, 50, 400), "medium"),
        ((600, 10, 640, 60), "wide"),
        ((200, 0, 500, 400), "close-up"),
    ],
    ids=["in the middle", "at the edge", "far off in a corner", "fills the frame"],
)
def test_crops_hold_the_body_and_stay_in_the_frame(box, shot_type):
    x0, y0, x1, y1 = crop_body(np.array(box), 640, 400, shot_type)
    assert 0 <= x0 <= box[0] and 0 <= y0 <= box[1] and box[2] <= x1 <= 640 and box[3] <= y1 <= 400
    assert (x1 - x0) % 64 == 0 or x1 - x0 == 640
    assert (y1 - y0) % 64 == 0 or y1 - y0 == 400


def test_a_wide_shot_keeps_its_figure_small():
    _, y0, _, y1 = crop_body(np.array((300, 100, 330, 200)), 640, 400, "wide")
    assert 100 / (y1 - y0) < 0.5


def test_face_crops_are_square():
    x0, y0, x1, y1 = crop_face(np.array((100, 100, 140, 150)), 640, 400)
    assert x1 - x0 == y1 - y0 == 128


@pytest.fixture(scope="module")
def barred(tmp_path_factory):
    """The tiny film, with black bars above and below in shot 3 alone."""
    film = tables.make_film(tmp_path_factory.mktemp("film"))
    frames = list(Path(film["images"]).glob("s0003*.jpg"))
    assert len(frames) == 4
    for path in [*frames, *Path(film["plates"]).glob("s0003*.jpg")]:
        image = read_rgb(path)
        image[:20] = image[-20:] = 0
        write_image(path, image)
    tables.write_sums(film)
    return film


@pytest.mark.parametrize(
    ("name", "expected"), [("style", (0, 20, 384, 236)), ("character-nella", None)]
)
def test_black_bars_of_a_shot_are_cut_off(barred, tmp_path, name, expected):
    _, rows, _ = pack(barred, tmp_path / name, name)
    row = rows[(rows["shot_id"] == 3) & (rows["file"] != "")].iloc[0]
    assert read_rgb(tmp_path / name / row["file"]).mean(axis=(1, 2)).min() > 20
    assert expected in (None, (row["x0"], row["y0"], row["x1"], row["y1"]))


def test_a_crop_does_not_depend_on_which_other_images_are_wanted(barred, tmp_path):
    _, rows = select(barred, tmp_path / "s.parquet", "pose")
    kind, images = KINDS["pose"], Path(barred["images"])
    some = crops.find_crops(kind, rows, rows["split"] != "", images)
    last = rows["image_id"] == some["image_id"].iloc[-1]
    alone = crops.find_crops(kind, rows, last, images)
    pd.testing.assert_frame_equal(alone, some.iloc[-1:])


@pytest.mark.parametrize(
    ("size", "loss"),
    [
        ((512, 512), (0, 0)),
        ((1280, 720), (0.0630, 0)),  # facts/field.md: 683x384, cut to 640x384
        ((200, 180), (0.04, 0.2889)),  # never enlarged: 192x128
        ((768, 320), (0, 0)),
    ],
)
def test_bucket_loss(size, loss):
    assert kohya.bucket_loss(*size, 512) == pytest.approx(loss, abs=1e-4)


def test_a_face_in_what_buckets_cut_is_seen():
    rows = pd.DataFrame({"face_x0": [0.0], "face_y0": [50], "face_x1": [40.0], "face_y1": [90]})
    boxes = np.array([[0, 0, 120, 128]])
    losses = crop_losses.measure_loss(boxes, 512)
    assert crop_losses.find_cut_faces(rows, boxes, losses).tolist() == [True]
    nobody = rows * np.nan
    assert crop_losses.find_cut_faces(nobody, boxes, losses).tolist() == [False]
