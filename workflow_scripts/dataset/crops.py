"""What an image of a dataset shows of its frame: the same pixels wherever it is looked at.

Around which box an image is cut is known from tables. Where a shot has black bars of its own is
not: whoever opens images measures them here first, on the same frames, and so cuts out the same.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from workflow_scripts.dataset.framing import STEP, crop_body, crop_face
from workflow_scripts.film.decoding.bars import find_crop
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import clip_box, read_rgb
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.renewal import format_renewal
from workflow_scripts.models.loaders.telea import fill

BAR_SAMPLES = 3  # frames of a shot that are looked at for bars
BAR_PAIR_PX = 4  # by which opposite bars may differ
HEAD = slice(0, 5)  # COCO-17: nose, eyes, ears
HEAD_CONFIDENCE = 0.5
FACE_BOX = [f"face_{side}" for side in BOX]


def add_crop_boxes(kind: Kind, rows: pd.DataFrame) -> pd.DataFrame:
    """Set x0 ... y1 to what an image is cut around, face_x0 ... face_y1 to the face in it.

    Pixels of the frame, nan where there is none. `rows` has the body's x0 ... y1, for faces
    face_x0 ... face_y1, where bodies have joints `keypoints` (51 numbers).
    """
    none = np.full((len(rows), 4), np.nan)
    if kind.is_of_frames:
        bodies, faces = none, none
    elif kind.shows == "face":
        bodies = faces = rows[FACE_BOX].to_numpy(float)
    else:
        bodies = rows[BOX].to_numpy(float)
        joints = rows["keypoints"] if "keypoints" in rows else [None] * len(rows)
        faces = np.array([_head_box(points) for points in joints]).reshape(-1, 4)
    columns = dict(zip([*BOX, *FACE_BOX], [*bodies.T, *faces.T], strict=True))
    return rows.assign(**columns)


def _head_box(keypoints: np.ndarray | None) -> np.ndarray:
    """Box of the seen points of the head; nan, which nothing cuts, where none is seen."""
    if keypoints is None or np.size(keypoints) != 51:
        return np.full(4, np.nan)
    head = np.reshape(keypoints, (17, 3))[HEAD]
    head = head[head[:, 2] >= HEAD_CONFIDENCE, :2]
    return np.concatenate([head.min(0), head.max(0)]) if len(head) else np.full(4, np.nan)


def find_crops(
    kind: Kind, candidates: pd.DataFrame, wanted: pd.Series, images: Path
) -> pd.DataFrame:
    """The wanted candidates, with x0, y0, x1, y1 (int, end excluded): what they show of the frame.

    They are cut from within their free_area, where that leaves anything inside the bars.

    `candidates` is a table of select_images, whole: bars are looked for on frames that were kept,
    whichever of them are wanted now. `images` is the folder of the frames' images.
    """
    rows = candidates[wanted]
    kept = candidates[candidates["frame_reason"] == ""]
    areas = find_areas(kept[kept["shot_id"].isin(rows["shot_id"])], images)
    inside = np.array([areas[shot] for shot in rows["shot_id"]], int).reshape(-1, 4)
    # As select_images planned it, and then the bars taken away: moved, a crop might show other text
    cuts = cut_boxes(kind, rows, np.array(rows["free_area"].tolist(), int).reshape(-1, 4))
    return rows.assign(**dict(zip(BOX, intersect(cuts, inside).T, strict=True)))


def intersect(areas: np.ndarray, others: np.ndarray) -> np.ndarray:
    """What areas (N, 4) share with others; the area itself where that is no more than a strip."""
    low, high = np.maximum(areas[:, :2], others[:, :2]), np.minimum(areas[:, 2:], others[:, 2:])
    common = np.concatenate([low, high], axis=1)
    return np.where((high - low >= STEP).all(1)[:, None], common, areas)


def find_areas(rows: pd.DataFrame, images: Path) -> dict[int, tuple[int, int, int, int]]:
    """The image x0, y0, x1, y1 inside its black bars, of each shot in `rows` (shot_id, frame_file).

    Bars of the whole film are gone already; these are of shots that have some of their own.
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
    return found


def cut_boxes(kind: Kind, rows: pd.DataFrame, areas: np.ndarray) -> np.ndarray:
    """What is shown of each frame: (N, 4) int, x0, y0, x1, y1 in pixels, end excluded.

    `rows` has x0 ... y1 of add_crop_boxes; `areas` (N, 4) int is where frames are free of bars.
    """
    if kind.is_of_frames:
        return areas
    corners = areas[:, [0, 1, 0, 1]]
    boxes = rows[BOX].to_numpy(float) - corners
    sizes = areas[:, 2:] - areas[:, :2]
    if kind.shows == "face":
        cuts = [crop_face(box, *size) for box, size in zip(boxes, sizes, strict=True)]
    else:
        three = zip(boxes, sizes, rows["shot_type"], strict=True)
        cuts = [crop_body(box, *size, shot) for box, size, shot in three]
    return np.array(cuts, int).reshape(-1, 4) + corners


def list_plates(folders: Sequence[str]) -> dict[str, Path]:
    """Paths of clean plates by their names."""
    return {path.name: path for folder in folders for path in Path(folder).iterdir()}


def find_source(kind: Kind, row: Mapping, images: Path, plates: Mapping[str, Path]) -> Path:
    """The file that an image is cut from: the clean plate if it shows one, else the frame."""
    if kind.shows != "plate" or not row["plate"]:
        return images / row["frame_file"]
    if row["plate"] not in plates:
        how = format_renewal("inpaint_backgrounds")
        raise CineloraError(f"The clean background {row['plate']} is gone. {how}")
    return plates[row["plate"]]


def read_crop(kind: Kind, row: Mapping, images: Path, plates: Mapping[str, Path]) -> np.ndarray:
    """The pixels that one row of find_crops shows: (H, W, 3) RGB uint8."""
    return cut_out(read_rgb(find_source(kind, row, images, plates)), row)


def cut_out(frame: np.ndarray, row: Mapping) -> np.ndarray:
    """What a row of find_crops shows of its frame (H, W, 3), its painted_boxes painted over."""
    crop = frame[row["y0"] : row["y1"], row["x0"] : row["x1"]]
    if not len(row["painted_boxes"]):
        return crop
    return fill(np.ascontiguousarray(crop), mark_boxes(row))


def mark_boxes(row: Mapping, margin_px: int = 0) -> np.ndarray:
    """Where a row of find_crops is painted over, and so many pixels around: bool (H, W)."""
    marks = np.zeros((row["y1"] - row["y0"], row["x1"] - row["x0"]), bool)
    for box in row["painted_boxes"]:
        grown = np.asarray(box, float) + margin_px * np.array([-1, -1, 1, 1])
        shifted = grown - [row["x0"], row["y0"], row["x0"], row["y0"]]
        x0, y0, x1, y1 = clip_box(shifted, marks.shape[1], marks.shape[0])
        marks[y0 : max(y0, y1), x0 : max(x0, x1)] = True
    return marks
