"""Pictures of a dataset: whole frames and plates are linked, others cut out; masks beside."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.facts import FRAME_KINDS
from workflow_scripts.lib.framing import crop_body, crop_face
from workflow_scripts.lib.images import decode_rle, read_rgb, write_image
from workflow_scripts.lib.kohya import bucket_loss
from workflow_scripts.lib.phase import progress

JPEG_QUALITY = 97  # of cuts: their frame was compressed once already
PAINT_MARGIN_PX = 8  # around painted pixels, which nobody shall learn either
HEAD = slice(0, 5)  # COCO-17: nose, eyes, ears
HEAD_CONFIDENCE = 0.5


def cut_boxes(kind: str, rows: pd.DataFrame) -> np.ndarray:
    """What each picture shows of its frame: (N, 4) int, x0, y0, x1, y1 in pixels, end excluded."""
    sizes = rows[["width_px", "height_px"]].to_numpy(int)
    if kind in FRAME_KINDS:
        return np.column_stack([np.zeros_like(sizes), sizes])
    if kind == "expression":
        boxes = rows[["face_x0", "face_y0", "face_x1", "face_y1"]].to_numpy(float)
        cuts = [crop_face(box, *size) for box, size in zip(boxes, sizes, strict=True)]
    else:
        boxes = rows[["x0", "y0", "x1", "y1"]].to_numpy(float)
        three = zip(boxes, sizes, rows["shot_type"], strict=True)
        cuts = [crop_body(box, *size, shot) for box, size, shot in three]
    return np.array(cuts, int).reshape(-1, 4)


def measure_loss(boxes: np.ndarray, resolution: int) -> np.ndarray:
    """Share of width and of height (N, 2) that training buckets cut off each picture."""
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


def write_pictures(
    kind: str, rows: pd.DataFrame, folder: Path, images: Path, plates: dict[str, Path]
) -> None:
    """Write the picture of every row to folder/row.file; each frame is decoded once.

    `plates` maps the names of clean plates to their paths.
    """
    frames = rows.groupby("frame_id", sort=True)
    for _, group in progress(frames, "pictures", total=frames.ngroups):
        source = images / group["frame_file"].iloc[0]
        if kind in FRAME_KINDS:
            plate = group["plate"].iloc[0] if kind == "background" else ""
            link_or_copy(plates[plate] if plate else source, folder / group["file"].iloc[0])
            continue
        frame = read_rgb(source)
        for row in group.itertuples():
            write_image(
                folder / row.file, frame[row.y0 : row.y1, row.x0 : row.x1], quality=JPEG_QUALITY
            )


def read_masks(
    paths: str | Sequence[str], key: str, column: str, ids: Sequence[str]
) -> dict[str, list[int]]:
    """Run lengths of the named masks by id; other rows are not even read."""
    found = {}
    for path in [paths] if isinstance(paths, str) else paths:
        table = pq.read_table(path, columns=[key, column], filters=[(key, "in", list(ids))])
        runs = table[column].to_pylist()
        found |= dict(zip(table[key].to_pylist(), runs, strict=True))
    return found


def write_masks(kind: str, rows: pd.DataFrame, folder: Path, runs: dict, dilate_px: int) -> None:
    """Write a mask beside each picture, of its size, one channel, no alpha: white = learn.

    People are widened by `dilate_px`: training shrinks masks eightfold. Backgrounds are learnt
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
