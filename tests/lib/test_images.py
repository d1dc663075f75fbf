import re
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco

from workflow_scripts.lib import images
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.report.page.images import read_small

MASKS = pa.schema([("instance_id", pa.string()), ("mask", images.RLE)])
RED = np.full((40, 60, 3), (250, 10, 20), np.uint8)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_masks_survive_the_run_length_code(mask):
    assert np.array_equal(images.decode_rle(images.encode_rle(mask), *mask.shape), mask)


def test_run_lengths_are_cocos_column_major():
    mask = np.array([[0, 1, 1], [1, 1, 0]], bool)
    (expected,) = coco.frPyObjects([{"size": [2, 3], "counts": [1, 4, 1]}], 2, 3)
    counts = expected["counts"].decode()
    assert images.encode_rle(mask) == {"size": [2, 3], "counts": counts}


def test_coco_reads_a_mask_as_it_stands_in_a_table(tmp_path):
    mask = np.zeros((40, 60), bool)
    mask[5:20, 30:50] = True
    table = pd.DataFrame({"instance_id": ["a"], "mask": [images.encode_rle(mask)]})
    write_manifest(table, tmp_path / "a.parquet", MASKS)
    (stored,) = read_manifest(tmp_path / "a.parquet", ["mask"])["mask"]
    assert coco.toBbox(stored).tolist() == [30, 5, 20, 15]
    assert np.array_equal(images.decode_rle(stored, 40, 60), mask)


def test_a_mask_of_another_size_is_refused():
    rle = images.encode_rle(np.ones((2, 5), bool))
    with pytest.raises(CineloraError, match="a mask of 5x2 pixels does not fit 2x5"):
        images.decode_rle(rle, 5, 2)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_red_stays_red(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    images.write_image(path, RED)
    assert np.abs(images.read_rgb(path).astype(int) - RED).max() < 6


def test_color_under_alpha_zero_does_not_leak(tmp_path):
    pixels = np.dstack([np.full((8, 8, 3), (0, 0, 255), np.uint8), np.zeros((8, 8), np.uint8)])
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    assert (images.read_rgb(tmp_path / "a.png") == images.NEUTRAL_GRAY).all()


def cut(path):
    path.write_bytes(path.read_bytes()[:-200])


def ask_for_many_pixels(path):
    data = bytearray(path.read_bytes())
    start = data.index(b"\xff\xc0") + 5 if path.suffix == ".jpg" else 16
    data[start : start + 4] = b"\x7f\xff\xff\xff"
    path.write_bytes(data)


@pytest.mark.parametrize("read", [images.read_rgb, partial(read_small, width=30)])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b""), r"it is empty now \(0 bytes\)"),
        (lambda path: path.write_bytes(bytes(999)), r"it is no image now \(999 bytes\)"),
        (cut, "its end is missing now"),
        (ask_for_many_pixels, "it is no image now"),
        (lambda path: path.unlink(), "it is gone"),
    ],
    ids=["empty", "garbage", "cut off", "another header", "gone"],
)
def test_a_damaged_image_is_refused_with_the_command_that_makes_it_again(
    tmp_path, read, suffix, damage, said
):
    path = tmp_path / f"results/demo/extract_frames/images/f000001{suffix}"
    images.write_image(path, np.random.default_rng(1).integers(0, 255, (40, 60, 3), np.uint8))
    damage(path)
    with pytest.raises(CineloraError, match=rf"(?s){said}.*--forcerun results/demo/extract_fra"):
        read(path)


@pytest.mark.parametrize("content", [b"", b"no image"], ids=["empty", "text"])
def test_an_unreadable_image_names_itself(tmp_path, content):
    (tmp_path / "bad.jpg").write_bytes(content)
    with pytest.raises(CineloraError, match=r"bad\.jpg is not a readable image"):
        images.read_rgb(tmp_path / "bad.jpg")


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((1.2, 2.7, 5.1, 6.0), (1, 2, 6, 6)),
        ((-4, -4, 99, 99), (0, 0, 60, 40)),
    ],
    ids=["outwards", "clamped"],
)
def test_clip_box(box, expected):
    assert images.clip_box(np.array(box), 60, 40) == expected


def test_files_of_images_are_decoded_where_damage_is_said_plainly():
    code = Path(images.__file__).parents[1]
    decodes = re.compile(r"\b(imread|imdecode|Image\.open|fromfile)\(")
    found = {
        path.relative_to(code).as_posix()
        for path in code.rglob("*.py")
        if decodes.search(path.read_text(encoding="utf-8"))
    }
    assert found == {
        "lib/images.py",
        "lib/foreign_images.py",  # what people bring
        "lib/deep_images.py",
        "dataset/packed_files.py",  # reads back what was packed, and says what it finds
        "report/page/images.py",  # the size in bytes that lib/images.py read
        "report/accuracy/truth.py",  # ships with the demo film
    }


def test_mask_box():
    mask = np.zeros((10, 10), bool)
    assert images.mask_box(mask) == (0, 0, 0, 0)
    mask[2:5, 3:9] = True
    assert images.mask_box(mask) == (3, 2, 9, 5)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((50_000, 50_000), "50000x50000 pixels are more than"),
        ((65_501, 600), "65501x600 pixels are over 65500 a side"),
        ((1, 5000), "1x5000 pixels are a strip"),
        ((5000, 1), "5000x1 pixels are a strip"),
    ],
)
def test_sizes_that_no_phase_could_bear_are_refused(size, words):
    with pytest.raises(CineloraError, match=words):
        images.check_size(*size)


@pytest.mark.parametrize("size", [(1, 1), (40, 40), (1, 128), (64, 5800), (12_288, 6480)])
def test_sizes_that_are_borne(size):
    images.check_size(*size)


def test_no_side_vanishes():
    strip = np.zeros((1, 5000, 3), np.uint8)
    assert images.scale_size(strip, 0.1) == (500, 1)
    assert images.scale_size(strip.transpose(1, 0, 2), 1e-6) == (1, 1)


def test_compositing_in_bands_is_that_of_the_whole():
    rng = np.random.default_rng(2)
    image = rng.integers(0, 256, (2 * images.BAND_PX + 7, 5, 3), np.uint8)
    alpha = rng.random(image.shape[:2], np.float32)
    whole = np.rint(image * alpha[..., None] + 128 * (1 - alpha[..., None]))
    np.testing.assert_array_equal(images.composite(image, alpha), whole.astype(np.uint8))
