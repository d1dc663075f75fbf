"""Reading a packed dataset back: whatever a trainer would find otherwise than the table says."""

import cv2
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.dataset.packed_files import check_files
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.written_files import sum_bytes

COLUMNS = ["file", "mask_file", "caption", "x0", "y0", "x1", "y1"]
GRAY, WHITE = np.full((30, 40, 3), 90, np.uint8), np.full((30, 40), 255, np.uint8)
FILE, MASK = "train/2_nella woman/nella_0001.jpg", "train/.masks/nella_0001.png"


@pytest.fixture
def folder(tmp_path):
    for parent in ("train/2_nella woman", "train/.masks"):
        (tmp_path / parent).mkdir(parents=True)
    write_image(tmp_path / FILE, GRAY)
    write_image(tmp_path / MASK, WHITE)
    (tmp_path / FILE).with_suffix(".txt").write_text("nella woman\n", encoding="utf-8")
    return tmp_path


def make_rows(**changes) -> pd.DataFrame:
    row = dict(zip(COLUMNS, (FILE, MASK, "nella woman", 10, 20, 50, 50), strict=True))
    for prefix, suffix, image in (("", ".jpg", GRAY), ("mask_", ".png", WHITE)):
        sums = sum_bytes(cv2.imencode(suffix, image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
        row |= {f"{prefix}{name}": value for name, value in sums.items()}
    return pd.DataFrame([row | changes])


def test_what_is_as_the_table_says_passes(folder):
    check_files(folder, make_rows())


def rename_without_suffix(folder):
    (folder / FILE).rename((folder / FILE).with_suffix(""))
    return make_rows(file=FILE.removesuffix(".jpg"))


def cut_short(folder):
    path = folder / FILE
    path.write_bytes(path.read_bytes()[:200])
    return make_rows()


def remove_caption(folder):
    (folder / FILE).with_suffix(".txt").unlink()
    return make_rows()


def add_image(folder):
    write_image(folder / "train/2_nella woman/stray.png", np.zeros((8, 8, 3), np.uint8))
    return make_rows()


def add_mask(folder):
    write_image(folder / "train/.masks/zz.png", WHITE)
    return make_rows()


def shrink_mask(folder):
    write_image(folder / MASK, np.zeros((30, 39), np.uint8))
    return make_rows()


def draw_another(name):
    def draw(folder):
        image = (GRAY if name == FILE else WHITE).copy()
        image[10:20, 10:20] = 30
        write_image(folder / name, image)
        return make_rows()

    return draw


def lose_mask(folder):
    (folder / MASK).unlink()
    return make_rows()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (rename_without_suffix, "no suffix that trainers know"),
        (cut_short, "cannot be opened"),
        (draw_another(FILE), r"nella_0001\.jpg: has [\d,]+ bytes, [\d,]+ were written"),
        (draw_another(MASK), r"nella_0001\.png: has [\d,]+ bytes, [\d,]+ were written"),
        (remove_caption, "its caption is not beside it"),
        (add_image, "stray.png: no row of dataset.parquet"),
        (add_mask, r"\.masks/zz\.png: no row of dataset\.parquet"),
        (shrink_mask, "is 39x30, not 40x30"),
        (lose_mask, ".masks/nella_0001.png: cannot be opened"),
        (lambda folder: make_rows(x1=60), "is 40x30, not 50x30"),
        (lambda folder: make_rows(caption="bruno man"), "its caption is not beside it"),
    ],
)
def test_what_a_trainer_would_find_otherwise_is_an_error(folder, damage, said):
    rows = damage(folder)
    with pytest.raises(CineloraError, match=said):
        check_files(folder, rows)
