"""Take the people out of every frame: real pixels where the shot shows them, paint elsewhere.

Reads frames, pictures and instances of one shard of whole shots; leaves a clean background per
picture with people in it, and how much of it was covered, revealed and painted. Pixels outside the
grown masks are those of the picture. What was painted is looked at by the detector once more:
`leftover` is the score of the surest person it sees in the hole. Nothing is judged here.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.images import (
    clip_box,
    decode_rle,
    encode_rle,
    mask_box,
    read_rgb,
    write_image,
)
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.models.registry import load_model
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.plates import (
    MAX_MISFIT,
    lay_over,
    make_view,
    match_gain,
    register,
    scale_light,
    take_median,
)

BACKGROUNDS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("file", pa.string()),  # in the folder beside; "": nobody there, use the frame itself
        ("covered", pa.float32()),  # share of the frame that was taken out
        ("revealed", pa.float32()),  # share of the hole that is real pixels of other frames
        ("filled", pa.float32()),  # share of the hole that is painted
        ("leftover", pa.float32()),  # surest person that the detector still sees in the hole
        ("hole", pa.list_(pa.uint32())),  # what was taken out: run lengths, see lib/images.py
        ("painted", pa.list_(pa.uint32())),  # the part of it that no frame shows
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "frame_no", "file"]
INSTANCE_COLUMNS = ["frame_id", "mask", "height_px", "width_px"]
FEET = 0.15  # lowest share of a figure: beside it lies its shadow
SHADOW_REACH = 1.0  # of a figure's height: how far off its shadow is looked for
SHADOW_LIGHT = 0.94  # a shadow is darker than the same ground in other pictures times this
SEAM_PX = 3  # inside the rim of the hole, new pixels blend into the old ones
MAX_KERNEL_PX = 12  # larger dilations are done on a smaller copy
KEPT_PICTURES = 48  # decoded pictures of a shot in memory: those of two frames
CONTEXT = 0.5  # of the hole's size: how much round it the detector sees


def find_feet(mask: np.ndarray) -> np.ndarray | None:
    """The lowest part of a figure (H, W) bool; None when it leaves the picture at the bottom."""
    _, top, _, bottom = mask_box(mask)
    if bottom >= len(mask) - 1:
        return None
    feet = mask.copy()
    feet[: int(bottom - FEET * (bottom - top))] = False
    return feet


def grow_masks(
    masks: list[np.ndarray], grow_px: int, shadow: float
) -> tuple[np.ndarray, np.ndarray]:
    """Join the masks (H, W) of one frame: the hole, and where shadows may lie beside it.

    A mask is widened by `grow_px` all round, and at its feet by `shadow` times the figure's height
    sideways, half of that down.
    """
    hole, ground = np.zeros_like(masks[0]), np.zeros_like(masks[0])
    for mask in masks:
        hole |= dilate(mask, grow_px, grow_px)
        feet = find_feet(mask)
        if feet is None:
            continue
        _, top, _, bottom = mask_box(mask)
        reach_px, far_px = (round(share * (bottom - top)) for share in (shadow, SHADOW_REACH))
        hole |= dilate(feet, grow_px + reach_px, grow_px + reach_px // 2)
        ground |= dilate(feet, grow_px + far_px, grow_px + far_px // 3)
    return hole, ground & ~hole


def dilate(mask: np.ndarray, x_px: int, y_px: int) -> np.ndarray:
    """Dilate by an ellipse of these radii: a kernel of N pixels reaches N // 2 far.

    Large radii are reached on a small copy, rounded up to whole small pixels: the cost of a kernel
    grows with its area.
    """
    shrink = max(1, max(x_px, y_px) // MAX_KERNEL_PX)
    size = (-(-mask.shape[1] // shrink), -(-mask.shape[0] // shrink))
    kernel_px = tuple(2 * -(-px // shrink) + 1 for px in (x_px, y_px))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, kernel_px)
    if shrink == 1:
        return cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    wide = cv2.dilate(small.astype(np.uint8), kernel)
    return cv2.resize(wide, mask.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def choose_sources(count: int, target: int, most: int) -> list[int]:
    """Up to `most` other pictures of a shot of `count`: a third the nearest, the rest spread."""
    others = [n for n in range(count) if n != target]
    if len(others) <= most:
        return others
    nearest = sorted(others, key=lambda n: (abs(n - target), n))[: most // 3]
    rest = [n for n in others if n not in set(nearest)]
    spread = np.linspace(0, len(rest) - 1, most - len(nearest)).round().astype(int)
    return sorted({*nearest, *(rest[k] for k in spread)})


class Shot:
    """The pictures of one shot, decoded when needed; only the latest ones are kept."""

    def __init__(self, files: list[Path], masks: list[pd.DataFrame], grow: float, shadow: float):
        self.files = files
        self.masks = masks  # per picture: rows with mask, height_px, width_px
        self.margins = (grow, shadow)
        self.image = lru_cache(KEPT_PICTURES)(lambda n: read_rgb(self.files[n]))
        self.areas = lru_cache(KEPT_PICTURES)(self._find_areas)
        self.view = lru_cache(4 * KEPT_PICTURES)(lambda n: make_view(self.image(n), self.hole(n)))

    def hole(self, n: int) -> np.ndarray:
        return self.areas(n)[0]

    def _find_areas(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        size = self.image(n).shape[:2]
        rows = self.masks[n].itertuples()
        masks = [decode_rle(row.mask, row.height_px, row.width_px) for row in rows]
        grow, shadow = self.margins
        if not masks:
            return np.zeros(size, bool), np.zeros(size, bool)
        return grow_masks(masks, max(1, round(grow * size[0])), shadow)

    def sources(self, target: int, most: int) -> list[int]:
        """Pictures to look behind the people of `target`; a crop may change within a shot."""
        shape = self.image(target).shape
        chosen = choose_sources(len(self.files), target, most)
        return [n for n in chosen if self.image(n).shape == shape]


def reveal(
    shot: Shot, target: int, sources: list[int], wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What other pictures show at the K wanted pixels: (K, 3) uint8, and which are known (K,)."""
    view, values, known = shot.view(target), [], []
    pixels = np.flatnonzero(wanted)
    for n in sources:
        other = shot.view(n)
        matrix, misfit = register(view, other)
        if misfit > MAX_MISFIT:
            continue
        small, small_known = lay_over(other.colour, ~other.free, matrix, 1.0)
        gain = match_gain(view, small, view.free & small_known)
        if gain is None:
            continue
        image, seen = lay_over(shot.image(n), shot.hole(n), matrix, view.scale)
        values.append(scale_light(image.reshape(-1, 3)[pixels], gain))
        known.append(seen.ravel()[pixels])
    if not values:
        return np.zeros((len(pixels), 3), np.uint8), np.zeros(len(pixels), bool)
    return take_median(np.stack(values), np.stack(known)), np.any(known, axis=0)


def find_shadow(
    image: np.ndarray, plate: np.ndarray, hole: np.ndarray, ground: np.ndarray
) -> np.ndarray:
    """Ground (H, W) bool that is darker than the plate shows it, where that touches the hole."""
    light, plate_light = (pixels.astype(np.float32).mean(2) for pixels in (image, plate))
    darker = ground & (light < SHADOW_LIGHT * plate_light - 2)
    darker = cv2.morphologyEx(darker.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    _, parts = cv2.connectedComponents(darker | hole.astype(np.uint8))
    touching = np.isin(parts, np.unique(parts[hole])) & (darker > 0)
    return dilate(touching, SEAM_PX + 2, SEAM_PX + 2) & ground  # its soft rim, and the seam


def blend_seam(image: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Let the rim of the filled hole run into the picture; nothing outside the hole changes."""
    depth = cv2.distanceTransform(np.pad(hole, 1, "edge").astype(np.uint8), cv2.DIST_L2, 3)
    share = np.clip(depth[1:-1, 1:-1] / (SEAM_PX + 1), 0, 1)[..., None]
    mixed = np.rint(filled * share + image * (1 - share)).astype(np.uint8)
    return np.where(hole[..., None], mixed, image)


def clean(
    shot: Shot, target: int, most: int, inpaint: Callable
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The picture without its people, the hole they left, and the painted part of it (bool)."""
    image, (hole, ground) = shot.image(target), shot.areas(target)
    wanted = hole | ground
    pixels, found = reveal(shot, target, shot.sources(target, most), wanted)
    plate, known = image.copy(), np.zeros(hole.shape, bool)
    known[wanted] = found
    plate[known] = pixels[found]
    hole = hole | find_shadow(image, plate, hole, ground & known)
    real, painted = np.where((known & hole)[..., None], plate, image), hole & ~known
    filled = inpaint(real, painted) if painted.any() else real
    return blend_seam(image, filled, hole), hole, painted


def find_leftover(image: np.ndarray, hole: np.ndarray, detect: Callable) -> float:
    """Score of the surest person whose box lies mostly in the hole; 0 when nobody is seen."""
    x0, y0, x1, y1 = mask_box(hole)
    wide, high = CONTEXT * (x1 - x0), CONTEXT * (y1 - y0)
    area = (x0 - wide / 2, y0 - high / 2, x1 + wide / 2, y1 + high / 2)
    left, top, right, bottom = clip_box(area, hole.shape[1], hole.shape[0])
    part = hole[top:bottom, left:right]
    found = detect(np.ascontiguousarray(image[top:bottom, left:right]))
    scores = [0.0]
    for box, score in zip(found.boxes, found.scores, strict=True):
        a, b, c, d = clip_box(box, part.shape[1], part.shape[0])
        if part[b:d, a:c].size and part[b:d, a:c].mean() > 0.5:
            scores.append(float(score))
    return max(scores)


def describe(hole: np.ndarray, painted: np.ndarray, leftover: float) -> dict:
    """Measures of one hole."""
    filled = float(painted.sum() / max(hole.sum(), 1))
    shares = {"covered": float(hole.mean()), "revealed": 1 - filled if hole.any() else 0.0}
    shares |= {"filled": filled, "leftover": leftover}
    return shares | {"hole": encode_rle(hole), "painted": encode_rle(painted)}


def clean_shot(
    frames: pd.DataFrame, shot: Shot, folder: Path, most: int, inpaint: Callable, detect: Callable
) -> list[dict]:
    """Write the clean pictures of one shot; return its rows."""
    rows = []
    for n, frame_id in enumerate(frames["frame_id"]):
        if not len(shot.masks[n]):
            nothing = np.zeros(shot.image(n).shape[:2], bool)
            rows.append({"frame_id": frame_id, "file": "", **describe(nothing, nothing, 0.0)})
            continue
        image, hole, painted = clean(shot, n, most, inpaint)
        file = f"{frame_id}.jpg"
        write_image(folder / file, image)
        leftover = find_leftover(image, hole, detect)
        rows.append({"frame_id": frame_id, "file": file, **describe(hole, painted, leftover)})
    return rows


def main(
    frames: str,
    images: str,
    instances: str,
    inpaint_weights: list[str],
    detect_weights: list[str],
    backgrounds: str,
    backgrounds_images: str,
    *,
    shard: str,
    inpaint_model: dict,
    detect_model: dict,
    grow: float,
    shadow: float,
    most_sources: int,
) -> Counts:
    """Clean the frames of one shard."""
    table = select_shard(read_manifest(frames, FRAME_COLUMNS), shard)
    table = table[table["file"] != ""].sort_values("frame_id")
    people = read_manifest(instances, INSTANCE_COLUMNS)
    masks = dict(list(people[people["frame_id"].isin(table["frame_id"])].groupby("frame_id")))
    folder = Path(backgrounds_images)
    folder.mkdir(parents=True, exist_ok=True)
    log.info("%d pictures, %d with people; %s", len(table), len(masks), inpaint_model["name"])
    inpaint = load_model(inpaint_model, inpaint_weights) if masks else None
    detect = load_model(detect_model, detect_weights) if masks else None
    rows = []
    shots = [shot for _, shot in table.groupby("shot_id")]
    for rest in progress(shots, "cleaning shots", total=len(shots)):
        nobody = people.iloc[:0]
        files = [Path(images) / name for name in rest["file"]]
        shot = Shot(files, [masks.get(i, nobody) for i in rest["frame_id"]], grow, shadow)
        rows += clean_shot(rest, shot, folder, most_sources, inpaint, detect)
    found = pd.DataFrame(rows, columns=BACKGROUNDS.names)
    write_manifest(found, backgrounds, BACKGROUNDS)
    return Counts("pictures", len(found), len(found), found={"cleaned": len(masks)})


if __name__ == "__main__":
    run_phase(main, snakemake)
