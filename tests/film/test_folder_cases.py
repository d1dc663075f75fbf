"""Folders of images as people have them, made by a script beside the project, where it is there."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow_scripts.film import extract_frames
from workflow_scripts.lib.images import read_rgb

ROOT = Path(__file__).resolve().parents[2]
CASES = Path(os.environ.get("CINELORA_TEST_CASES", ROOT.parent / "shared" / "cases"))
SAMPLING = {"frames_per_second": 6, "frames_per_shot": 3, "min_cut_change": 22}
SAMPLING |= {"held_tolerance": 6, "crop_bars": True}

pytestmark = pytest.mark.skipif(
    not (CASES / "make_picture_folders.py").exists(),
    reason=f"no {CASES}/make_picture_folders.py; CINELORA_TEST_CASES names its folder",
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    command = [sys.executable, str(CASES / "make_picture_folders.py"), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def extract(folder, out):
    """Rows by file, images by file (of a held one: that which it repeats), problems."""
    paths = [str(out / f"{name}.parquet") for name in ("frames", "shots", "problems")]
    images = str(out / "images")
    extract_frames.main(str(folder), *paths, images, sampling=SAMPLING, max_unreadable=0.0)
    rows = pd.read_parquet(paths[0]).set_index("source")
    files = rows.set_index("frame_id")["file"]
    shown = rows["file"].where(rows["file"] != "", rows["held_of"].map(files))
    pixels = {name: read_rgb(out / "images" / file).astype(int) for name, file in shown.items()}
    return rows, pixels, pd.read_parquet(paths[2])


def test_every_turned_image_is_as_its_truth(folders, tmp_path):
    rows, images, _ = extract(folders / "exif", tmp_path)
    assert len(rows) == 10
    for name, pixels in images.items():
        truth = np.asarray(Image.open(folders / "exif" / f"{Path(name).stem}_truth.bmp.ref"))
        assert np.abs(pixels - truth).mean() < 4


def test_every_format_becomes_an_image(folders, tmp_path):
    rows, images, problems = extract(folders / "formats", tmp_path)
    assert len(rows) == len(images) == 26
    assert np.abs(images["24_float.tif"] - images["14_rgb16.png"]).mean() < 2
    assert np.abs(images["23_tiff16.tif"] - images["14_rgb16.png"]).mean() < 2
    for name in ("20_anim.png", "21_pages.tif"):
        assert np.abs(images[name] - images["19_anim.webp"]).mean() < 4
    corners = {
        name: pixels[[20, 20, -20, -20], [20, -20, 20, -20]] for name, pixels in images.items()
    }
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]
    plain = set(images) - {"15_grey16.png", "17_la.png", "26_1bit.png", "16_palette_trns.png"}
    off = {name for name in plain if np.abs(corners[name] - colors).max() > 24}  # 8 bits of Lab
    assert off == set()
    assert set(problems["file"]) >= {"01.txt", "06.caption", "Thumbs.db", ".*", "19_anim.webp"}


@pytest.mark.parametrize(("name", "count"), [("names", 11), ("names_sjis", 2)])
def test_every_name_becomes_a_row(folders, tmp_path, name, count):
    rows, images, problems = extract(folders / name, tmp_path)
    assert len(rows) == len(images) == count
    assert set(rows["reason"]) == {""}
    assert len(problems) == 0
