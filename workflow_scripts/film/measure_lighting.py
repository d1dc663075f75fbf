"""Measure the light of every image with its people masked out; name nothing.

Reads images and masks of one shard; leaves one row per image: histogram measures of its tones, its
warmth, its hues, its air, its sky and lamps (`light.measures`); and, of some images of each shot,
specks that are in one image and not in its neighbors.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.light.measures import MEASURES as IMAGE_MEASURES
from workflow_scripts.film.light.measures import measure_image
from workflow_scripts.lib.images import decode_rle, read_rgb, scale_size
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase

MEASURES = pa.schema(  # float64: a threshold must decide on the very numbers that were measured
    [
        ("frame_id", pa.string()),
        *((name, pa.float64()) for name in IMAGE_MEASURES),
        ("compared", pa.bool_()),  # with its two neighbors in the shot; specks only where it was
        (
            "specks",
            pa.float64(),
        ),  # new in this image, per 10,000 pixels; null: the camera moves, or people hide all
        ("speck_shape", pa.float64()),  # height of a speck over its width
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file"]
INSTANCE_COLUMNS = ["frame_id", "mask", "height_px", "width_px"]
SPECK_PX = 640  # longer side of images in which specks are looked for
MIN_FREE = 0.1  # share of an image without people; less tells nothing of specks
TRIPLES = 6  # images of a shot that are compared with their neighbors

Load = Callable[[str], tuple[np.ndarray, np.ndarray]]  # frame_id -> image, its people


def measure_specks(
    before: np.ndarray, now: np.ndarray, after: np.ndarray, free: np.ndarray
) -> tuple[float, float]:
    """Specks brighter than in both neighbors: (per 10,000 pixels, height / width); gray (H, W).

    What moves makes as many dark specks, which are taken off; nan where the camera moves, and
    where people hide nearly all: of some hundred pixels a single speck would be a snowfall.
    """
    change = np.abs(now.astype(np.int16) - before)[free]
    if free.mean() < MIN_FREE or np.percentile(change, 80) > 4:
        return np.nan, np.nan
    bright = find_specks(now.astype(np.int16) - np.maximum(before, after), now, free)
    dark = find_specks(np.minimum(before, after).astype(np.int16) - now, 255 - now, free)
    shape = bright[:, cv2.CC_STAT_HEIGHT] / bright[:, cv2.CC_STAT_WIDTH]
    count = max(0, len(bright) - len(dark))
    return 1e4 * count / free.sum(), float(np.median(shape)) if len(bright) else 1.0


def find_specks(new: np.ndarray, gray: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Statistics (N, 5) of small spots that stick out in time (`new`) and in the image."""
    fine = cv2.morphologyEx(gray, cv2.MORPH_TOPHAT, np.ones((9, 9))) > 8
    spots = ((new > 8) & fine & free).astype(np.uint8)
    boxes = cv2.connectedComponentsWithStats(spots)[2][1:]
    return boxes[boxes[:, cv2.CC_STAT_AREA] >= 3]


def shrink_gray(image: np.ndarray, people: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gray image and widened people at the size in which specks are looked for."""
    scale = min(1.0, SPECK_PX / max(image.shape[:2]))
    size = scale_size(image, scale)
    gray = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    covered = cv2.resize(people.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return gray, cv2.dilate(covered, np.ones((15, 15))) > 0


def compare_images(frame_ids: list[str], load: Load) -> tuple[float, float] | None:
    """Specks of the second of three images that follow each other; None: their sizes differ."""
    images = [shrink_gray(*load(frame_id)) for frame_id in frame_ids]
    grays = [gray for gray, _ in images]
    if len({gray.shape for gray in grays}) > 1:
        return None
    return measure_specks(*grays, ~np.any([people for _, people in images], axis=0))


def measure_shot(frame_ids: list[str], load: Load) -> pd.DataFrame:
    """Rows of MEASURES of the images of one shot, in order of time; three are held at a time."""
    rows = pd.DataFrame([measure_image(*load(frame_id)) for frame_id in frame_ids])
    rows = rows.assign(frame_id=frame_ids, compared=False, specks=np.nan, speck_shape=np.nan)
    last = len(frame_ids) - 2
    middles = np.unique(np.linspace(1, max(1, last), TRIPLES).round().astype(int))
    for n in middles if last > 0 else []:
        if found := compare_images(frame_ids[n - 1 : n + 2], load):
            rows.loc[n, ["compared", "specks", "speck_shape"]] = True, *found
    return rows


def main(frames: str, images: str, instances: str, measures: str, *, shard: str) -> Counts:
    """Measure every image of the shard, shot by shot."""
    table = select_shard(read_manifest(frames, FRAME_COLUMNS), shard).query("file != ''")
    table = table.sort_values("frame_id")
    masks = dict(list(read_manifest(instances, INSTANCE_COLUMNS).groupby("frame_id")))
    files = dict(zip(table["frame_id"], table["file"], strict=True))

    def load(frame_id: str) -> tuple[np.ndarray, np.ndarray]:
        image = read_rgb(Path(images) / files[frame_id])
        people = np.zeros(image.shape[:2], bool)
        for row in masks[frame_id].itertuples() if frame_id in masks else []:
            people |= decode_rle(row.mask, row.height_px, row.width_px)
        return image, people

    shots = [shot["frame_id"].tolist() for _, shot in table.groupby("shot_id")]
    reader = progress(shots, "measuring light", total=len(shots))
    parts = [measure_shot(shot, load) for shot in reader]
    rows = pd.concat(parts) if parts else pd.DataFrame(columns=MEASURES.names)
    write_manifest(rows, measures, MEASURES)
    compared = int(rows["compared"].sum())
    log.info("%d images measured, %d compared with their neighbors", len(rows), compared)
    return Counts("images", len(rows), len(rows), found={"compared": compared})


if __name__ == "__main__":
    run_phase(main, snakemake)
