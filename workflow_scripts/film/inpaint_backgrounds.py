"""Take the people out of every frame: real pixels where the shot shows them, paint elsewhere.

Reads frames, images and instances of one shard of whole shots; leaves a clean background per
image with people in it, and how much of it was covered, revealed and painted. Pixels outside the
grown masks are those of the image, but for what goes with the people: their shadows, and what
their masks missed. Every image is looked at once more, whether or not somebody was taken out:
`leftover` is the surest person that the detector sees in the hole, `missed` who is seen anywhere,
or must be there by their track. Nothing is judged here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.expected import find_missed
from workflow_scripts.film.places import changes
from workflow_scripts.film.places.changes import find_parts
from workflow_scripts.film.places.holes import (
    blend_seam,
    dilate_more,
    enlarge,
    find_shadow,
)
from workflow_scripts.film.places.plates import (
    scale_light,
    take_median,
    warp,
)
from workflow_scripts.film.places.shot import Shot
from workflow_scripts.film.places.sources import Source, agree_on_people
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.images import (
    RLE,
    Rle,
    clip_box,
    decode_rle,
    encode_rle,
    mask_box,
    write_image,
)
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import take_batches
from workflow_scripts.lib.written_files import NO_FILE, SUMS
from workflow_scripts.models.detections import Detections
from workflow_scripts.models.registry import load_model

BACKGROUNDS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("file", pa.string()),  # in the folder beside; "": nobody there, use the frame itself
        *SUMS,
        ("covered", pa.float32()),  # share of the frame that was taken out
        ("revealed", pa.float32()),  # share of the hole that is real pixels of other frames
        ("filled", pa.float32()),  # share of the hole that is painted
        ("leftover", pa.float32()),  # surest person that the detector still sees in the hole
        ("missed", pa.float32()),  # surest person still there, over the score of a sure one
        (
            "moving",
            pa.float32(),
        ),  # largest spot beside the hole that other images show otherwise,
        # as a share of the frame; 0 where the camera does not rest
        ("hole", RLE),  # what was taken out
        ("painted", RLE),  # the part of it that no frame shows
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "frame_no", "time_s", "file"]
INSTANCE_COLUMNS = ["frame_id", "track_id", "score", *BOX, "mask", "height_px", "width_px"]
CONTEXT = 0.5  # of the hole's size: how much round it the detector sees


@dataclass(frozen=True)
class Models:
    """What takes people out and looks for them; None where there is nothing to do."""

    inpaint: Callable | None
    detect: Callable | None
    segment: Callable | None
    sure_score: float  # from which the detector is sure of a person


def reveal(
    shot: Shot, target: int, sources: list[Source], wanted: np.ndarray, people: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What other images show at the K wanted pixels: (K, 3) uint8, and which are known (K,).

    `people` (h, w) bool, small: an image that shows the same there shows them too.
    """
    values, known = [], []
    pixels = np.flatnonzero(wanted)
    for source in sources:
        image, hole = shot.image(source.number), shot.areas(source.number).hole
        image, seen = warp(image, hole, source.matrix, shot.view(target).scale)
        values.append(scale_light(image.reshape(-1, 3)[pixels], source.gain))
        leaking = enlarge(source.same & people, wanted.shape)
        known.append(seen.ravel()[pixels] & ~leaking.ravel()[pixels])
    if not values:
        return np.zeros((len(pixels), 3), np.uint8), np.zeros(len(pixels), bool)
    return take_median(np.stack(values), np.stack(known)), np.any(known, axis=0)


def find_hole(shot: Shot, target: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """What goes with the people of `target` (H, W), and where no source may be trusted (h, w)."""
    view, areas, plate = shot.view(target), shot.areas(target), shot.resting_plate(target, most)
    people, taken_out = agree_on_people(view, shot.lay_over(target, most))
    shape = areas.hole.shape
    hole = areas.hole | dilate_more(enlarge(people, shape), areas, shot.grow_px(target))
    if plate is not None and plate.is_still:
        near = cv2.resize(areas.near.astype(np.uint8), view.gray.shape[::-1]) > 0
        hole = hole | enlarge(find_parts(view, plate, near, taken_out), shape)
    return hole, taken_out


def clean(
    shot: Shot, target: int, most: int, inpaint: Callable
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The image without its people, the hole they left, and the painted part of it (bool)."""
    image, sources = shot.image(target), shot.lay_over(target, most)
    hole, people = find_hole(shot, target, most)
    ground = shot.areas(target).ground & ~hole
    wanted = hole | ground
    pixels, found = reveal(shot, target, sources, wanted, people)
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
    plate = shot.resting_plate(target, most)
    return 0.0 if plate is None else changes.measure_moving(shot.view(target), plate, hole)


def crop_around(hole: np.ndarray, *arrays: np.ndarray) -> list[np.ndarray]:
    """The part (h, w, ...) of arrays (H, W, ...) where a hole and its surroundings lie."""
    x0, y0, x1, y1 = mask_box(hole)
    wide, high = CONTEXT * (x1 - x0), CONTEXT * (y1 - y0)
    area = (x0 - wide / 2, y0 - high / 2, x1 + wide / 2, y1 + high / 2)
    left, top, right, bottom = clip_box(area, hole.shape[1], hole.shape[0])
    return [np.ascontiguousarray(array[top:bottom, left:right]) for array in arrays]


def find_leftover(part: np.ndarray, found: Detections) -> float:
    """Score of the surest person whose box lies mostly in the hole; 0 when nobody is seen.

    `part` (h, w) bool of the hole and `found` are of the same part of the image.
    """
    scores = [0.0]
    for box, score in zip(found.boxes, found.scores, strict=True):
        a, b, c, d = clip_box(box, part.shape[1], part.shape[0])
        if part[b:d, a:c].size and part[b:d, a:c].mean() > 0.5:
            scores.append(float(score))
    return max(scores)


def find_seen(image: np.ndarray, found: Detections, segment: Callable) -> float:
    """Score of the surest person in an image, as the segmenter leaves it; 0 when nobody is seen."""
    return float(max(segment(image, found).scores, default=0.0)) if len(found) else 0.0


def describe(hole: np.ndarray, painted: np.ndarray) -> dict:
    """Measures of one hole."""
    filled = float(painted.sum() / max(hole.sum(), 1))
    shares = {"covered": float(hole.mean()), "revealed": 1 - filled if hole.any() else 0.0}
    return shares | {"filled": filled, "hole": encode_rle(hole), "painted": encode_rle(painted)}


def clean_frames(
    frames: pd.DataFrame, shot: Shot, folder: Path, most: int, inpaint: Callable | None
) -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
    """Per image of a shot its row, the clean image, which is written, and its hole."""
    for n, frame_id in enumerate(frames["frame_id"]):
        file, sums, image = "", NO_FILE, shot.image(n)
        hole = painted = np.zeros(image.shape[:2], bool)
        if len(shot.masks[n]):
            image, hole, painted = clean(shot, n, most, inpaint)
            file = f"{frame_id}.jpg"
            sums = write_image(folder / file, image)
        row = {"frame_id": frame_id, "file": file, **sums}
        row["moving"] = measure_moving(shot, n, most, hole)
        yield row | describe(hole, painted), image, hole


def look_again(cleaned: list[tuple[np.ndarray, np.ndarray]], models: Models) -> list[dict]:
    """`leftover` and `missed` of images and their holes, which the detector sees all at once."""
    images = [image for image, _ in cleaned]
    parts = [crop_around(hole, image, hole) for image, hole in cleaned if hole.any()]
    found = iter(models.detect([*images, *(part for part, _ in parts)]))
    missed = [find_seen(image, next(found), models.segment) for image in images]
    leftovers = (find_leftover(part, next(found)) for _, part in parts)
    return [
        {"leftover": next(leftovers) if hole.any() else 0.0, "missed": score}
        for (_, hole), score in zip(cleaned, missed, strict=True)
    ]


def clean_shot(
    frames: pd.DataFrame, shot: Shot, folder: Path, most: int, models: Models
) -> list[dict]:
    """Write the clean images of one shot; return its rows."""
    rows = []
    for batch in take_batches(clean_frames(frames, shot, folder, most, models.inpaint)):
        looks = look_again([(image, hole) for _, image, hole in batch], models)
        rows += [row | look for (row, *_), look in zip(batch, looks, strict=True)]
    expected = find_missed(frames, pd.concat(shot.masks), lambda n: decode_hole(rows[n]["hole"]))
    for row, score in zip(rows, expected, strict=True):
        row["missed"] = max(row["missed"], score) / models.sure_score
    return rows


def decode_hole(hole: Rle) -> np.ndarray:
    return decode_rle(hole, *hole["size"])


def main(
    frames: str,
    images: str,
    instances: str,
    inpaint_weights: list[str],
    detect_weights: list[str],
    segment_weights: list[str],
    backgrounds: str,
    backgrounds_images: str,
    *,
    shard: str,
    inpaint_model: dict,
    detect_model: dict,
    segment_model: dict,
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
    models = Models(
        load_model(inpaint_model, inpaint_weights) if masks else None,
        load_model(detect_model, detect_weights) if len(table) else None,
        load_model(segment_model, segment_weights) if len(table) else None,
        detect_model["sure_score"],
    )
    rows = []
    shots = [shot for _, shot in table.groupby("shot_id")]
    for rest in progress(shots, "cleaning shots", total=len(shots)):
        nobody = people.iloc[:0]
        files = [Path(images) / name for name in rest["file"]]
        shot = Shot(files, [masks.get(i, nobody) for i in rest["frame_id"]], grow, shadow)
        rows += clean_shot(rest, shot, folder, max_sources, models)
    found = pd.DataFrame(rows, columns=BACKGROUNDS.names)
    write_manifest(found, backgrounds, BACKGROUNDS)
    return Counts("images", len(found), len(found), found={"cleaned": len(masks)})


if __name__ == "__main__":
    run_phase(main, snakemake)
