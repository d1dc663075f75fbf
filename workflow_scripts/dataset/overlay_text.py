"""Text that was laid over the film: cut off where the subject allows, else painted, else set aside.

Subtitles, watermarks, titles and credits are no part of what anybody wants to learn. Text of the
scene itself (a shop sign) is. What is painted is masked out of the loss, so only kinds with masks
are painted by themselves. Everything here is known from tables; no image is opened but to paint it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workflow_scripts.dataset.crops import FACE_BOX, add_crop_boxes, cut_boxes
from workflow_scripts.dataset.framing import STEP
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.manifest import read_manifest

OVERLAY = ("title", "subtitle", "watermark", "credit")
TEXT_COLUMNS = ["frame_id", *BOX, "kind"]
SET_ASIDE = "set_aside"
TREATMENTS = ("cropped", "painted", "kept")  # of what is in a dataset; "": no such text shows
MARGIN = 0.15  # of a line's height: outline and shadow of its letters reach beyond the box
# A subtitle of two lines and a watermark beside leave 0.7 of an image; with less it is another one.
MIN_LEFT = 0.6
# A body that the frame cuts off anyway may lose so much more on that side: of its height or width.
MAX_TRIM = 0.2
MAX_PAINTED = 0.25  # of the image, and of its subject's box: with more, too little is left to learn
EDGE_PX = 2  # a box so near to the frame's edge is cut by it
Plan = tuple[np.ndarray, np.ndarray]


def read_overlays(path: str) -> dict[str, np.ndarray]:
    """Boxes (N, 4) of overlaid text with their margin, by frame_id; pixels of the frame."""
    rows = read_manifest(path, TEXT_COLUMNS)
    rows = rows[rows["kind"].isin(OVERLAY)]
    return {
        frame_id: grow_boxes(group[BOX].to_numpy(float))
        for frame_id, group in rows.groupby("frame_id")
    }


def grow_boxes(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) with the margin in which a line's outline and shadow lie."""
    margin = np.maximum(2, MARGIN * (boxes[:, 2:] - boxes[:, :2]).min(1))[:, None]  # of a letter
    return boxes + margin * [-1, -1, 1, 1]


def treat_overlays(
    kind: Kind, rows: pd.DataFrame, overlays: Mapping[str, np.ndarray], option: str
) -> pd.DataFrame:
    """Add what is done about overlaid text: overlay_text, free_area and painted_boxes.

    `rows` are joined facts of images; `option` is select_images.overlay_text. overlay_text is one
    of TREATMENTS, SET_ASIDE, or "" where none shows; free_area (4 int) the part of the frame that
    the image is cut from; painted_boxes what is painted over, in pixels of the frame.
    """
    areas = np.zeros((len(rows), 4), int)
    areas[:, 2:] = rows[["width_px", "height_px"]]
    labels, painted = np.full(len(rows), "", object), [np.zeros((0, 4))] * len(rows)
    places = np.flatnonzero(rows["frame_id"].isin(list(overlays)))
    some = add_crop_boxes(kind, rows.iloc[places])
    plans = plan_cuts(kind, some, areas[places], overlays, option)
    cuts = cut_boxes(kind, some, np.array([free for free, _ in plans], int).reshape(-1, 4))
    for n, row, (free, shown), cut in zip(
        places, some.to_dict("records"), plans, cuts, strict=True
    ):
        labels[n], painted[n] = name_treatment(kind, row, cut, shown, option)
        areas[n] = areas[n] if labels[n] == SET_ASIDE else free
    return rows.assign(
        overlay_text=labels, free_area=areas.tolist(), painted_boxes=[b.tolist() for b in painted]
    )


def plan_cuts(
    kind: Kind,
    rows: pd.DataFrame,
    areas: np.ndarray,
    overlays: Mapping[str, np.ndarray],
    option: str,
) -> list[Plan]:
    """Per row the part of its area to cut from, and the frame's text if the image shows any of it.

    All of it: a crop that gives way to one line must not move onto another.

    `rows` have the boxes of add_crop_boxes; `areas` (N, 4) are their frames.
    """
    plans = []
    cuts = cut_boxes(kind, rows, areas)
    for row, area, cut in zip(rows.to_dict("records"), areas, cuts, strict=True):
        texts = overlays[row["frame_id"]]
        texts, free = texts[: len(texts) * bool(overlaps(texts, cut).any())], area
        if len(texts) and option == "crop":
            free = cut_off(area, texts, find_subject(kind, row, area))
        plans.append((free, texts))
    return plans


def name_treatment(
    kind: Kind, row: Mapping, cut: np.ndarray, texts: np.ndarray, option: str
) -> tuple[str, np.ndarray]:
    """What is done about text (N, 4) in an image, and the boxes to paint.

    `row` has the boxes of add_crop_boxes; `cut` is what the image shows after what can be was cut
    off; without text it would show none.
    """
    nothing = np.zeros((0, 4))
    if not len(texts):
        return "", nothing
    if option in ("keep", "set_aside"):
        return ("kept" if option == "keep" else SET_ASIDE), nothing
    left = texts[overlaps(texts, cut)]
    if not len(left):
        return "cropped", nothing
    learns_paint = not kind.masks and option == "crop"
    if learns_paint or not is_paintable(row, cut, left):
        return SET_ASIDE, nothing
    return "painted", left


def overlaps(boxes: np.ndarray, box: Sequence[float]) -> np.ndarray:
    """Which of boxes (N, 4) share a pixel with one."""
    x0, y0, x1, y1 = boxes.T
    return (x0 < box[2]) & (x1 > box[0]) & (y0 < box[3]) & (y1 > box[1])


def find_subject(kind: Kind, row: Mapping, area: np.ndarray) -> np.ndarray | None:
    """The box (4,) that must stay whole; None for kinds that show the frame itself."""
    if kind.is_of_frames:
        return None
    box = np.clip([row[side] for side in BOX], np.tile(area[:2], 2), np.tile(area[2:], 2))
    face = np.array([row[side] for side in FACE_BOX], float)
    is_close = row.get("shot_type", "") in ("", "close-up")  # others say how much of a body shows
    spare = MAX_TRIM * is_close * (box[2:] - box[:2])
    low = np.where(box[:2] <= area[:2] + EDGE_PX, box[:2] + spare, box[:2])
    high = np.where(box[2:] >= area[2:] - EDGE_PX, box[2:] - spare, box[2:])
    if np.isfinite(face).all():  # whatever the frame cuts off of a body, its head stays whole
        low, high = np.minimum(low, face[:2]), np.maximum(high, face[2:])
    return np.concatenate([low, high])


def cut_off(area: np.ndarray, texts: np.ndarray, subject: np.ndarray | None) -> np.ndarray:
    """The part of an area that holds the subject, and no text that can be cut off.

    Largest lines first; each is cut off on the side that costs least. One whose every side costs
    the subject, or too much of a whole image, is left in.
    """
    free = area
    sizes = np.prod(texts[:, 2:] - texts[:, :2], axis=1)
    for box in texts[np.argsort(-sizes, kind="stable")]:
        if not overlaps(box[None], free)[0]:
            continue
        parts = [part for part in list_sides(free, box) if holds(part, area, subject)]
        free = max(parts, key=measure_area, default=free)
    return free


def list_sides(area: np.ndarray, box: np.ndarray) -> list[np.ndarray]:
    """What is left of an area when one of its sides is moved past a box: above, below, ..."""
    x0, y0, x1, y1 = area
    (left, top), (right, bottom) = np.floor(box[:2]), np.ceil(box[2:])
    sides = [(x0, y0, x1, top), (x0, bottom, x1, y1), (x0, y0, left, y1), (right, y0, x1, y1)]
    parts = [np.array(side, int) for side in sides]
    return [part for part in parts if (part[2:] > part[:2]).all()]


def holds(part: np.ndarray, area: np.ndarray, subject: np.ndarray | None) -> bool:
    """Whether what is left of an area still shows the subject; of a whole image, most of it.

    A strip that is narrower than the step of trainers' buckets is no image.
    """
    if (part[2:] - part[:2] < STEP).any():
        return False
    if subject is None:
        return measure_area(part) >= MIN_LEFT * measure_area(area)
    return bool((part[:2] <= subject[:2] + 1).all() and (part[2:] >= subject[2:] - 1).all())


def measure_area(box: np.ndarray) -> float:
    return float(np.prod(box[2:] - box[:2]))


def is_paintable(row: Mapping, cut: np.ndarray, texts: np.ndarray) -> bool:
    """Whether text may be painted over: it covers no face, and little of image and subject."""
    face = np.array([row[side] for side in FACE_BOX], float)
    if overlaps(texts, face).any():  # nan, no face, overlaps nothing
        return False
    subject = np.array([row[side] for side in BOX], float)
    shown = [cut.astype(float), *([subject] if np.isfinite(subject).all() else [])]
    return all(_share(texts, box) <= MAX_PAINTED for box in shown)


def _share(texts: np.ndarray, box: np.ndarray) -> float:
    """Share of a box that boxes of text (N, 4) cover, each for itself."""
    sides = np.minimum(texts[:, 2:], box[2:]) - np.maximum(texts[:, :2], box[:2])
    return float(np.prod(np.maximum(sides, 0), axis=1).sum() / max(measure_area(box), 1))
