"""Take the people out of every frame: real pixels where the shot shows them, paint elsewhere.

Reads frames, images and instances of one shard of whole shots; leaves a clean background per
image with people in it, and how much of it was covered, revealed and painted. Pixels outside the
grown masks are those of the image. What was painted is looked at by the detector once more:
`leftover` is the score of the surest person it sees in the hole. Nothing is judged here.
"""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.places.holes import blend_seam, dilate_masks, find_shadow
from workflow_scripts.film.places.plates import (
    MAX_REGISTRATION_ERROR,
    find_changes,
    make_view,
    match_gain,
    register,
    scale_light,
    take_median,
    warp,
)
from workflow_scripts.lib.images import (
    RLE,
    clip_box,
    decode_rle,
    encode_rle,
    mask_box,
    read_rgb,
    write_image,
)
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.models.registry import load_model

BACKGROUNDS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("file", pa.string()),  # in the folder beside; "": nobody there, use the frame itself
        ("covered", pa.float32()),  # share of the frame that was taken out
        ("revealed", pa.float32()),  # share of the hole that is real pixels of other frames
        ("filled", pa.float32()),  # share of the hole that is painted
        ("leftover", pa.float32()),  # surest person that the detector still sees in the hole
        (
            "moving",
            pa.float32(),
        ),  # largest spot beside the hole that other images show otherwise,
        # as a share of the frame; 0 where the camera does not rest
        ("hole", RLE),  # what was taken out
        ("painted", RLE),  # the part of it that no frame shows
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "frame_no", "file"]
INSTANCE_COLUMNS = ["frame_id", "mask", "height_px", "width_px"]
KEPT_IMAGES = 48  # decoded images of a shot in memory: those of two frames
CONTEXT = 0.5  # of the hole's size: how much round it the detector sees


def choose_sources(count: int, target: int, most: int) -> list[int]:
    """Up to `most` other images of a shot of `count`: a third the nearest, the rest spread."""
    others = [n for n in range(count) if n != target]
    if len(others) <= most:
        return others
    nearest = sorted(others, key=lambda n: (abs(n - target), n))[: most // 3]
    rest = [n for n in others if n not in set(nearest)]
    spread = np.linspace(0, len(rest) - 1, most - len(nearest)).round().astype(int)
    return sorted({*nearest, *(rest[k] for k in spread)})


class Shot:
    """The images of one shot, decoded when needed; only the latest ones are kept."""

    def __init__(self, files: list[Path], masks: list[pd.DataFrame], grow: float, shadow: float):
        self.files = files
        self.masks = masks  # per image: rows with mask, height_px, width_px
        self.margins = (grow, shadow)
        self.image = lru_cache(KEPT_IMAGES)(lambda n: read_rgb(self.files[n]))
        self.areas = lru_cache(KEPT_IMAGES)(self._find_areas)
        self.view = lru_cache(4 * KEPT_IMAGES)(lambda n: make_view(self.image(n), self.hole(n)))
        self.register = lru_cache(4 * KEPT_IMAGES)(self._register)

    def hole(self, n: int) -> np.ndarray:
        return self.areas(n)[0]

    def _find_areas(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        size = self.image(n).shape[:2]
        rows = self.masks[n].itertuples()
        masks = [decode_rle(row.mask, row.height_px, row.width_px) for row in rows]
        grow, shadow = self.margins
        if not masks:
            return np.zeros(size, bool), np.zeros(size, bool)
        return dilate_masks(masks, max(1, round(grow * size[0])), shadow)

    def _register(self, target: int, n: int) -> tuple[np.ndarray, float]:
        return register(self.view(target), self.view(n))

    def sources(self, target: int, most: int) -> list[int]:
        """Images to look behind the people of `target`; a crop may change within a shot."""
        shape = self.image(target).shape
        chosen = choose_sources(len(self.files), target, most)
        return [n for n in chosen if self.image(n).shape == shape]


def reveal(
    shot: Shot, target: int, sources: list[int], wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What other images show at the K wanted pixels: (K, 3) uint8, and which are known (K,)."""
    view, values, known = shot.view(target), [], []
    pixels = np.flatnonzero(wanted)
    for n in sources:
        other = shot.view(n)
        matrix, registration_error = shot.register(target, n)
        if registration_error > MAX_REGISTRATION_ERROR:
            continue
        small, small_known = warp(other.color, ~other.free, matrix, 1.0)
        gain = match_gain(view, small, view.free & small_known)
        if gain is None:
            continue
        image, seen = warp(shot.image(n), shot.hole(n), matrix, view.scale)
        values.append(scale_light(image.reshape(-1, 3)[pixels], gain))
        known.append(seen.ravel()[pixels])
    if not values:
        return np.zeros((len(pixels), 3), np.uint8), np.zeros(len(pixels), bool)
    return take_median(np.stack(values), np.stack(known)), np.any(known, axis=0)


def clean(
    shot: Shot, target: int, most: int, inpaint: Callable
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The image without its people, the hole they left, and the painted part of it (bool)."""
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


def measure_moving(shot: Shot, target: int, most: int, hole: np.ndarray) -> float:
    """Share of the frame of the largest spot beside the hole that is only there for a while.

    A person whom the detector missed is such a spot, and so is a shadow; told only at rest.
    """
    resting = [
        shot.view(n)
        for n in shot.sources(target, most)
        if shot.register(target, n)[1] <= MAX_REGISTRATION_ERROR
        and np.array_equal(shot.register(target, n)[0], np.eye(3))
    ]
    return find_changes(shot.view(target), resting, hole)


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


def describe(hole: np.ndarray, painted: np.ndarray) -> dict:
    """Measures of one hole."""
    filled = float(painted.sum() / max(hole.sum(), 1))
    shares = {"covered": float(hole.mean()), "revealed": 1 - filled if hole.any() else 0.0}
    return shares | {"filled": filled, "hole": encode_rle(hole), "painted": encode_rle(painted)}


def clean_shot(
    frames: pd.DataFrame, shot: Shot, folder: Path, most: int, inpaint: Callable, detect: Callable
) -> list[dict]:
    """Write the clean images of one shot; return its rows."""
    rows = []
    for n, frame_id in enumerate(frames["frame_id"]):
        file, leftover = "", 0.0
        hole = painted = np.zeros(shot.image(n).shape[:2], bool)
        if len(shot.masks[n]):
            image, hole, painted = clean(shot, n, most, inpaint)
            file, leftover = f"{frame_id}.jpg", find_leftover(image, hole, detect)
            write_image(folder / file, image)
        moving = measure_moving(shot, n, most, hole)
        row = {"frame_id": frame_id, "file": file, "leftover": leftover, "moving": moving}
        rows.append(row | describe(hole, painted))
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
    max_sources: int,
) -> Counts:
    """Clean the frames of one shard."""
    table = select_shard(read_manifest(frames, FRAME_COLUMNS), shard)
    table = table[table["file"] != ""].sort_values("frame_id")
    people = read_manifest(instances, INSTANCE_COLUMNS)
    masks = dict(list(people[people["frame_id"].isin(table["frame_id"])].groupby("frame_id")))
    folder = Path(backgrounds_images)
    folder.mkdir(parents=True, exist_ok=True)
    log.info("%d images, %d with people; %s", len(table), len(masks), inpaint_model["name"])
    inpaint = load_model(inpaint_model, inpaint_weights) if masks else None
    detect = load_model(detect_model, detect_weights) if masks else None
    rows = []
    shots = [shot for _, shot in table.groupby("shot_id")]
    for rest in progress(shots, "cleaning shots", total=len(shots)):
        nobody = people.iloc[:0]
        files = [Path(images) / name for name in rest["file"]]
        shot = Shot(files, [masks.get(i, nobody) for i in rest["frame_id"]], grow, shadow)
        rows += clean_shot(rest, shot, folder, max_sources, inpaint, detect)
    found = pd.DataFrame(rows, columns=BACKGROUNDS.names)
    write_manifest(found, backgrounds, BACKGROUNDS)
    return Counts("images", len(found), len(found), found={"cleaned": len(masks)})


if __name__ == "__main__":
    run_phase(main, snakemake)
