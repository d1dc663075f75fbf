"""Measures drawn light: scenes, each graded like several films, become rows of measures with truth.

    python -m light_models.recipe.lighting_data table.parquet --scenes 1500 --seed 1 [--held-out]
    python -m light_models.recipe.lighting_data table.parquet --cycles images/ --truth truth.json

One row per shot: scene, kind, the truth, and the measures of the middle one of its three frames.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from light_models.recipe.lighting_grades import (
    PRESETS,
    WIDTHS,
    Grade,
    compress,
    develop,
    draw_crowd,
    draw_falling,
    draw_grade,
    lay_crowd,
    lay_falling,
)
from light_models.recipe.lighting_scenes import choose_scenes, draw_scene

from workflow_scripts.film.light_measures import measure_image
from workflow_scripts.film.measure_lighting import compare_images

FRAMES = 3
STILL_SHARE = 0.6  # of the cameras
COMPARED_SHARE = 0.7  # of the shots; of others one frame is made, which costs a third


def cut_windows(linear: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Film frames out of a square image: as wide as films are, still or panned or pushed in."""
    size, aspect = len(linear), rng.choice([1.33, 1.78, 1.78, 1.85, 2.35])
    still = rng.random() < STILL_SHARE
    shares = np.full(FRAMES, rng.uniform(0.75, 1.0))
    if not still and rng.random() < 0.3:
        shares = shares * np.linspace(1, 0.93, FRAMES)
    start, way = rng.random(2), np.zeros(2) if still else rng.normal(0, 0.1, 2)
    windows = []
    for n, share in enumerate(shares):
        width, height = int(size * share), int(size * share / aspect)
        at = np.clip(start + n * way, 0, 1) * [size - width, size - height]
        x, y = at.astype(int)
        windows.append(linear[y : y + height, x : x + width])
    return windows


def film_shot(
    linear: np.ndarray, weather: str, grade: Grade, count: int, rng: np.random.Generator
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Frames of one shot, (image RGB uint8, mask of people) by name, from linear light."""
    width, crowd, falling = int(rng.choice(WIDTHS)), draw_crowd(rng), draw_falling(weather, rng)
    frames = {}
    for n, window in enumerate(cut_windows(linear, rng)[:count]):
        image, people = lay_crowd(develop(window.astype(np.float32), grade), crowd, n)
        if grade.blur > 0.2:
            image = cv2.GaussianBlur(image, (0, 0), grade.blur)
        size = (width, round(width * len(window) / window.shape[1]))
        image = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
        image = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
        image = compress(lay_falling(image, falling, n), grade, rng)
        people = cv2.resize(people.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        frames[f"f{n}"] = image, people > 0
    return frames


def measure_middle(frames: dict, truth: dict) -> dict:
    """Measures of the middle frame and, of three frames, its specks."""
    middle = list(frames)[len(frames) // 2]
    specks, shape = np.nan, np.nan
    if len(frames) == FRAMES:
        specks, shape = compare_images(list(frames), frames.__getitem__) or (specks, shape)
    return truth | measure_image(*frames[middle]) | {"specks": specks, "speck_shape": shape}


def measure_drawn(
    linear: np.ndarray,
    scene: str,
    truth: dict,
    variants: int,
    seed: int,
    presets: bool,
    compared_share: float,
) -> Iterator[dict]:
    """A drawn scene as several films would show it."""
    for variant in range(variants):
        digits = [int(part) for part in scene.split("-")]
        rng = np.random.default_rng([seed, variant, *digits])
        grade = draw_grade(truth["time_of_day"], rng)
        if presets:
            grade = replace(grade, preset=PRESETS[(sum(digits) + variant) % len(PRESETS)])
        # which shots are compared may tell nothing of their weather
        count = FRAMES if rng.random() < compared_share else 1
        frames = film_shot(linear, truth["weather"], grade, count, rng)
        known = truth | {"scene": scene, "preset": grade.preset}
        yield measure_middle(frames, {"shot": f"{scene}-{variant}"} | known)


def main(
    table: Path, scenes: int, seed: int, held_out: bool, variants: int, presets: bool,
    compared: float, cycles: Path | None, truth: Path | None,
) -> None:  # fmt: skip
    """Write the table of one split or of one folder of Cycles' images."""
    rows: list[dict] = []
    if cycles:
        known = json.loads(truth.read_text(encoding="utf-8"))
        for path in sorted(cycles.glob("*.npy")):
            linear = np.load(path, allow_pickle=False).astype(np.float32)
            rows += measure_drawn(
                linear, path.stem, known[path.stem], variants, seed, presets, compared
            )
    else:
        for scene in choose_scenes(scenes, seed, held_out):
            linear = draw_scene(scene)
            rows += measure_drawn(
                linear, scene.shot, scene.truth, variants, seed, presets, compared
            )
    if not rows:
        raise SystemExit(f"No images in {cycles}.")
    partial = table.with_suffix(".partial")
    pd.DataFrame(rows).to_parquet(partial)
    partial.replace(table)
    print(f"{table}: {len(rows)} shots")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--scenes", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--held-out", action="store_true", help="kinds of places never trained on")
    parser.add_argument("--variants", type=int, default=2, help="films that show each scene")
    parser.add_argument("--compared", type=float, default=COMPARED_SHARE, help="share of the shots")
    parser.add_argument("--presets", action="store_true", help="grades that training never sees")
    parser.add_argument("--cycles", type=Path, help="images of cast.cycles instead of drawing")
    parser.add_argument("--truth", type=Path, help="truth.json beside the packed scenes")
    main(**vars(parser.parse_args()))
