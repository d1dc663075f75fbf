"""Files of a dataset: whole frames and plates are linked, others cut out; masks, captions."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow_scripts.dataset.crops import cut_out, find_source, mark_boxes
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import decode_rle, read_rgb, write_image
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.phase import progress
from workflow_scripts.lib.tables import RESULTS

JPEG_QUALITY = 97  # of crops: their frame was compressed once already
PAINT_MARGIN_PX = 8  # around painted pixels, which nobody shall learn either


@contextmanager
def folder_when_done(path: str | Path) -> Iterator[Path]:
    """Hand out an empty folder beside `path`; it takes that place when the block ends well."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    yield partial
    if path.exists():
        shutil.rmtree(path)
    partial.rename(path)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard link, so that a dataset costs no space; a copy where the file system cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_images(
    kind: Kind, rows: pd.DataFrame, folder: Path, images: Path, plates: Mapping[str, Path]
) -> None:
    """Write the image of every row of find_crops to folder/row.file; a frame is decoded once.

    `images` is the folder of the frames' images, `plates` the paths of clean ones by name.
    """
    frames = rows.groupby("frame_id", sort=True)
    for _, group in progress(frames, "images", total=frames.ngroups):
        source = find_source(kind, group.iloc[0], images, plates)
        if kind.is_of_frames and _is_whole(group.iloc[0]):
            link_or_copy(source, folder / group["file"].iloc[0])
            continue
        frame = read_rgb(source)
        for row in group.to_dict("records"):
            write_image(folder / row["file"], cut_out(frame, row), quality=JPEG_QUALITY)


def _is_whole(row: pd.Series) -> bool:
    whole = tuple(row[["x0", "y0", "x1", "y1"]]) == (0, 0, row["width_px"], row["height_px"])
    return whole and not len(row["painted_boxes"])


def read_masks(kind: Kind, paths: Sequence[str], ids: Sequence[str]) -> dict[str, list[int]]:
    """Run lengths of the masks of these images by id; other rows are not even read."""
    key, column = RESULTS[kind.masks].key, "painted" if kind.shows == "plate" else "mask"
    found = {}
    for path in paths:
        table = pq.read_table(path, columns=[key, column], filters=[(key, "in", list(ids))])
        runs = table[column].to_pylist()
        found |= dict(zip(table[key].to_pylist(), runs, strict=True))
    return found


def write_masks(kind: Kind, rows: pd.DataFrame, folder: Path, runs: dict, dilate_px: int) -> None:
    """Write a mask beside each image, of its size, one channel, no alpha: white = learn.

    People are widened by `dilate_px`: training shrinks masks eightfold. Backgrounds are learned
    everywhere but where they are painted; so is nothing where text was painted over.
    """
    for row in progress(rows.to_dict("records"), "masks", total=len(rows)):
        size, counts = (row["height_px"], row["width_px"]), runs.get(row["image_id"])
        if kind.shows == "plate":
            painted = decode_rle(counts, *size) if counts else np.zeros(size, bool)
            learn = ~dilate_mask(painted, PAINT_MARGIN_PX)
        elif counts:
            learn = dilate_mask(decode_rle(counts, *size), dilate_px)
        else:
            raise CineloraError(f"{row['image_id']} has no mask: run segment_instances again.")
        part = learn[row["y0"] : row["y1"], row["x0"] : row["x1"]]
        part &= ~mark_boxes(row, PAINT_MARGIN_PX)
        write_image(folder / row["mask_file"], part.astype(np.uint8) * 255)


def write_texts(folder: Path, rows: pd.DataFrame) -> None:
    """Write the caption of each image beside it: same stem, .txt, UTF-8, one line."""
    for row in rows.itertuples():
        (folder / row.file).with_suffix(".txt").write_text(row.caption + "\n", encoding="utf-8")


def dilate_mask(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Grow a mask (H, W) bool by so many pixels in all directions."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
