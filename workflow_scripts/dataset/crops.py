"""Images of a dataset: whole frames and plates are linked, others cut out; masks beside."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow_scripts.dataset.facts import FRAME_KINDS
from workflow_scripts.dataset.framing import crop_body, crop_face
from workflow_scripts.dataset.kohya import bucket_loss
from workflow_scripts.film.decoding.bars import find_crop
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import Rle, decode_rle, read_rgb, write_image
from workflow_scripts.lib.phase import progress

JPEG_QUALITY = 97  # of cuts: their frame was compressed once already
PAINT_MARGIN_PX = 8  # around painted pixels, which nobody shall learn either
BAR_SAMPLES = 3  # frames of a shot that are looked at for bars
BAR_PAIR_PX = 4  # by which opposite bars may differ
HEAD = slice(0, 5)  # COCO-17: nose, eyes, ears
HEAD_CONFIDENCE = 0.5


def find_images(rows: pd.DataFrame, images: Path) -> np.ndarray:
    """The image inside black bars of each row's frame: (N, 4) int, x0, y0, x1, y1.

    Bars of the whole film are gone already; these are of shots that have some of their own.
    `rows` has shot_id, frame_file, width_px and height_px.
    """
    found = {}
    for shot, group in rows.groupby("shot_id"):
        files = group["frame_file"].drop_duplicates()
        files = files.iloc[:: max(1, len(files) // BAR_SAMPLES)]
        lumas = [cv2.cvtColor(read_rgb(images / name), cv2.COLOR_RGB2GRAY) for name in files]
        x, y, width, height = find_crop(lumas)
        high, wide = lumas[0].shape
        # Bars come in pairs; a single dark edge is part of the image.
        if abs(high - height - 2 * y) > BAR_PAIR_PX:
            y, height = 0, high
        if abs(wide - width - 2 * x) > BAR_PAIR_PX:
            x, width = 0, wide
        found[shot] = (x, y, x + width, y + height)
    return np.array([found[shot] for shot in rows["shot_id"]], int).reshape(-1, 4)


def cut_boxes(kind: str, rows: pd.DataFrame, images: np.ndarray) -> np.ndarray:
    """What is shown of each frame: (N, 4) int, x0, y0, x1, y1 in pixels, end excluded.

    `images` (N, 4) is where the frames are free of bars.
    """
    if kind in FRAME_KINDS:
        return images
    face = "face_" if kind == "expression" else ""
    corners = images[:, [0, 1, 0, 1]]
    boxes = rows[[f"{face}{side}" for side in ("x0", "y0", "x1", "y1")]].to_numpy(float) - corners
    sizes = images[:, 2:] - images[:, :2]
    if face:
        cuts = [crop_face(box, *size) for box, size in zip(boxes, sizes, strict=True)]
    else:
        three = zip(boxes, sizes, rows["shot_type"], strict=True)
        cuts = [crop_body(box, *size, shot) for box, size, shot in three]
    return np.array(cuts, int).reshape(-1, 4) + corners


def measure_loss(boxes: np.ndarray, resolution: int) -> np.ndarray:
    """Share of width and of height (N, 2) that training buckets cut off each image."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return np.array([bucket_loss(w, h, resolution) for w, h in sizes], float).reshape(-1, 2)


def find_cut_faces(
    kind: str, rows: pd.DataFrame, boxes: np.ndarray, losses: np.ndarray
) -> np.ndarray:
    """True where a part of the face falls into what the buckets cut off; (N,) bool.

    Faces are boxes for expressions, the seen points of the head for bodies; frames have none here.
    """
    if kind in FRAME_KINDS:
        return np.zeros(len(rows), bool)
    if kind == "expression":
        faces = rows[["face_x0", "face_y0", "face_x1", "face_y1"]].to_numpy(float)
    else:
        faces = np.array([_head_box(points) for points in rows["keypoints"]]).reshape(-1, 4)
    edge = losses * (boxes[:, 2:] - boxes[:, :2]) / 2  # trainers cut both sides alike
    inside = np.clip(faces, np.tile(boxes[:, :2], 2), np.tile(boxes[:, 2:], 2))
    before = inside[:, :2] < boxes[:, :2] + edge - 1
    behind = inside[:, 2:] > boxes[:, 2:] - edge + 1
    return (before | behind).any(1)


def _head_box(keypoints: np.ndarray | None) -> np.ndarray:
    """Box of the seen points of the head; nan, which nothing cuts, where none is seen."""
    if keypoints is None or np.size(keypoints) != 51:
        return np.full(4, np.nan)
    head = np.reshape(keypoints, (17, 3))[HEAD]
    head = head[head[:, 2] >= HEAD_CONFIDENCE, :2]
    return np.concatenate([head.min(0), head.max(0)]) if len(head) else np.full(4, np.nan)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard link, so that a dataset costs no space; a copy where the file system cannot."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def write_images(
    kind: str, rows: pd.DataFrame, folder: Path, images: Path, plates: dict[str, Path]
) -> None:
    """Write the image of every row to folder/row.file; each frame is decoded once.

    `plates` maps the names of clean plates to their paths.
    """
    frames = rows.groupby("frame_id", sort=True)
    for _, group in progress(frames, "images", total=frames.ngroups):
        source = images / group["frame_file"].iloc[0]
        plate = group["plate"].iloc[0] if kind == "background" else ""
        source = plates[plate] if plate else source
        if kind in FRAME_KINDS and _is_whole(group.iloc[0]):
            link_or_copy(source, folder / group["file"].iloc[0])
            continue
        frame = read_rgb(source)
        for row in group.itertuples():
            write_image(
                folder / row.file, frame[row.y0 : row.y1, row.x0 : row.x1], quality=JPEG_QUALITY
            )


def _is_whole(row: pd.Series) -> bool:
    return tuple(row[["x0", "y0", "x1", "y1"]]) == (0, 0, row["width_px"], row["height_px"])


def read_masks(
    paths: str | Sequence[str], key: str, column: str, ids: Sequence[str]
) -> dict[str, Rle]:
    """The named masks by id; other rows are not even read."""
    found = {}
    for path in [paths] if isinstance(paths, str) else paths:
        table = pq.read_table(path, columns=[key, column], filters=[(key, "in", list(ids))])
        runs = table[column].to_pylist()
        found |= dict(zip(table[key].to_pylist(), runs, strict=True))
    return found


def write_masks(kind: str, rows: pd.DataFrame, folder: Path, runs: dict, dilate_px: int) -> None:
    """Write a mask beside each image, of its size, one channel, no alpha: white = learn.

    People are widened by `dilate_px`: training shrinks masks eightfold. Backgrounds are learned
    everywhere but where they are painted.
    """
    for row in progress(rows.itertuples(), "masks", total=len(rows)):
        counts = runs.get(row.frame_id if kind == "background" else row.image_id)
        size = (row.height_px, row.width_px)
        if kind == "background":
            painted = decode_rle(counts, *size) if counts else np.zeros(size, bool)
            learn = ~widen(painted, PAINT_MARGIN_PX)
        elif counts:
            learn = widen(decode_rle(counts, *size), dilate_px)
        else:
            raise CineloraError(f"{row.image_id} has no mask: run segment_instances again.")
        part = learn[row.y0 : row.y1, row.x0 : row.x1]
        write_image(folder / row.mask_file, part.astype(np.uint8) * 255)


def widen(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Grow a mask (H, W) bool by so many pixels in all directions."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
