"""Measures drawn light: each image, graded as several films would, becomes rows with their truth.

    python -m resources.light_models.recipe.lighting.tables cycles.parquet --drawn folder
    python -m resources.light_models.recipe.lighting.tables cast.parquet --cast folder

One row per shot: renderer, place, its kind, the truth, and the measures of the middle one of three
frames. Of images of the cast, which hold one moment each, specks are not measured.
"""

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from resources.light_models.recipe.lighting.grades import (
    PRESETS,
    WIDTHS,
    compress,
    develop,
    draw_falling,
    draw_grade,
    lay_falling,
    regrade,
)
from workflow_scripts.film.light.measures import measure_image
from workflow_scripts.film.measure_lighting import compare_images
from workflow_scripts.lib.errors import CineloraError

FRAMES = 3
MOVING_SHARE = 0.25  # of the cameras: then no specks can be told from what moves
COMPARED_SHARE = 0.75  # of the shots; close-ups and cuts leave some without
PRESET_SHARE = 0.15
FOG_PER_M = (0.018, 0.09)  # how thick fog is; the maker's films have .035
TRUTH = ["kind", "place", "indoor", "time_of_day", "weather"]
CAST = ["place", "place_seed", "indoor", "time_of_day", "weather", "image", "mask"]


def add_fog(rgb: np.ndarray, depth: np.ndarray, fog: np.ndarray, per_m: float) -> np.ndarray:
    """Linear light (H, W, 3) behind air that shines in the color of the horizon."""
    thick = (1 - np.exp(-np.minimum(depth, 60) * per_m))[..., None]
    return rgb * (1 - thick) + fog * 0.75 * thick


def cut_window(size: tuple[int, int], n: int, way: np.ndarray, rng_state: tuple) -> tuple:
    """Rows and columns of frame n: (share, start) of the window, moved by `way` a frame."""
    share, start = rng_state
    height, width = int(size[0] * share), int(size[1] * share)
    y, x = (np.clip(start + n * way, 0, 1) * [size[0] - height, size[1] - width]).astype(int)
    return slice(y, y + height), slice(x, x + width)


def swell(people: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The mask (H, W) bool as a detector finds it: a little too wide or too narrow."""
    by = int(rng.choice([-1, 0, 0, 0, 1, 2]))
    kernel = np.ones((2 * abs(by) + 1,) * 2)
    return (cv2.erode if by < 0 else cv2.dilate)(people.astype(np.uint8), kernel) > 0


def film_shot(drawn: dict, weather: str, rng: np.random.Generator) -> dict:
    """Frames of one shot, (image RGB uint8, mask of people) by name, from what a renderer left."""
    grade = draw_grade(rng)
    if rng.random() < PRESET_SHARE:
        grade = replace(grade, preset=str(rng.choice(PRESETS)))
    linear = drawn["rgb"].astype(np.float32)
    if weather == "fog":
        per_m = float(np.exp(rng.uniform(*np.log(FOG_PER_M))))
        linear = add_fog(linear, drawn["depth"].astype(np.float32), drawn["fog"], per_m)
    image = develop(linear * float(drawn["exposure"]), grade)
    if grade.blur > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), grade.blur)
    people, falling = swell(drawn["people"], rng), draw_falling(weather, rng)
    count = FRAMES if rng.random() < COMPARED_SHARE else 1
    width, window = int(rng.choice(WIDTHS)), (rng.uniform(0.85, 1.0), rng.random(2))
    way = rng.normal(0, 0.4, 2) if rng.random() < MOVING_SHARE else np.zeros(2)
    frames = {}
    for n in range(count):
        part = cut_window(people.shape, n, way, window)
        size = (width, round(width * people.shape[0] / people.shape[1]))
        large = np.clip(cv2.resize(image[part], size, interpolation=cv2.INTER_CUBIC), 0, 1)
        large = lay_falling((large * 255 + 0.5).astype(np.uint8), falling, n)
        mask = cv2.resize(people[part].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        frames[f"f{n}"] = compress(large, grade, rng), mask > 0
    return frames


def measure_middle(frames: dict) -> dict:
    """Measures of the middle frame and, of three frames, its specks."""
    specks, shape = np.nan, np.nan
    if len(frames) == FRAMES:
        specks, shape = compare_images(list(frames), frames.__getitem__) or (specks, shape)
    measures = measure_image(*frames[list(frames)[len(frames) // 2]])
    return measures | {"specks": specks, "speck_shape": shape}


def measure_drawn(path: Path, variants: int, seed: int) -> list[dict]:
    """Rows of one image that `draw` or `rasterize` left."""
    with np.load(path, allow_pickle=False) as drawn:
        truth, layers = json.loads(str(drawn["truth"])), dict(drawn)
    rows = []
    for variant in range(variants):
        rng = np.random.default_rng([seed, variant, *map(int, path.stem.split("_"))])
        frames = film_shot(layers, truth["weather"], rng)
        known = {"renderer": "cycles"} | truth | {"image": path.stem}
        rows.append(known | measure_middle(frames))
    return rows


def measure_folder(folder: Path, variants: int, seed: int, processes: int) -> list[dict]:
    """Rows of all images that a renderer left in a folder, in the order of their names."""
    measure = partial(measure_drawn, variants=variants, seed=seed)
    with ProcessPoolExecutor(processes) as pool:
        parts = pool.map(measure, sorted(folder.glob("*.npz")), chunksize=16)
        return [row for part in parts for row in part]


def measure_cast(folder: Path, share: float, seed: int) -> Iterator[dict]:
    """Rows of a share of the images in the shards of a cast, cut as wide as films are."""
    for shard, path in enumerate(sorted(folder.glob("*.parquet"))):
        rng = np.random.default_rng([seed, shard])
        for row in pq.read_table(path, columns=CAST).to_pylist():
            if rng.random() >= share:
                continue
            image = cv2.imdecode(np.frombuffer(row.pop("image"), np.uint8), cv2.IMREAD_COLOR)
            mask = np.frombuffer(row.pop("mask"), np.uint8)
            people = cv2.imdecode(mask, cv2.IMREAD_GRAYSCALE) > 0
            part = cut_window(people.shape, 0, np.zeros(2), (rng.uniform(0.7, 1), rng.random(2)))
            part = (slice(part[0].start, part[0].start + int(len(people) * 0.6)), part[1])
            grade = replace(draw_grade(rng), toon=0)
            graded = regrade(image[part][..., ::-1].astype(np.float32) / 255, grade)
            graded = compress((graded * 255 + 0.5).astype(np.uint8), grade, rng)
            truth = row | {"kind": row["place"], "place": f"{row['place']} {row['place_seed']}"}
            found = measure_image(graded, swell(people[part], rng))
            found |= {"renderer": "cast", "specks": np.nan, "speck_shape": np.nan}
            yield {name: truth[name] for name in TRUTH} | found


def main(
    table: Path, drawn: Path | None, cast: Path | None, variants: int, share: float, seed: int,
    processes: int = 1,
) -> None:  # fmt: skip
    """Write the table of one renderer's images."""
    if drawn:
        rows = measure_folder(drawn, variants, seed, processes)
    else:
        rows = list(measure_cast(cast, share, seed))
    if not rows:
        raise CineloraError(f"No images in {drawn or cast}: draw them first.")
    partial_file = table.with_suffix(".partial")
    pd.DataFrame(rows).to_parquet(partial_file)
    partial_file.replace(table)
    print(f"{table}: {len(rows)} shots")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--drawn", type=Path, help="folder of images by `draw` or `rasterize`")
    source.add_argument("--cast", type=Path, help="folder of shards by resources/cast")
    parser.add_argument("--variants", type=int, default=2, help="films that show each image")
    parser.add_argument("--share", type=float, default=0.5, help="of the cast's images")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    main(**vars(parser.parse_args()))
