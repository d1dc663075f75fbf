"""Films of which something is missing: tables of a tiny film without rows, and films to run."""

import importlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from workflow_scripts.lib.tables import RESULTS

PEOPLE = ("instances", "identities", "poses", "keypoints", "faces", "expressions")


def without(film: dict[str, str], folder: Path, *names: str) -> dict[str, str]:
    """The film's paths with tables of no row, but all columns, in place of these."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = dict(film)
    for name in names:
        paths[name] = str(folder / f"{name}.parquet")
        pq.write_table(pq.read_table(film[name]).slice(0, 0), paths[name])
    return paths


def set_aside(film: dict[str, str], folder: Path, reason: str) -> dict[str, str]:
    """The film's paths with decisions that keep no frame."""
    folder.mkdir(parents=True, exist_ok=True)
    path = str(folder / "decisions.parquet")
    pd.read_parquet(film["decisions"]).assign(reason=reason).to_parquet(path)
    return film | {"decisions": path}


def write_empty(folder: Path, name: str, file: str = "") -> str:
    """An empty table as its phase would write it, by the schema that the phase declares."""
    result = RESULTS[name]
    module = importlib.import_module(f"workflow_scripts.{result.module}")
    path = folder / (file or f"{name}.parquet")
    pq.write_table(getattr(module, result.schema).empty_table(), path)
    return str(path)


def draw_scenery(seed: int, frames: int, size: tuple[int, int] = (384, 288)) -> list[np.ndarray]:
    """A shot (RGB) of a slow pan over a landscape of gradients and grain, without anybody."""
    rng = np.random.default_rng(seed)
    (width, height), wide = size, size[0] + 2 * frames
    sky, ground = rng.integers(60, 220, (2, 3))
    share = np.linspace(0, 1, height)[:, None, None]
    grain = rng.normal(0, 20, (height // 8, wide // 8, 3)).repeat(8, 0).repeat(8, 1)
    canvas = np.zeros((height, wide, 3))
    canvas += share * ground + (1 - share) * sky
    canvas[: grain.shape[0], : grain.shape[1]] += grain
    canvas = np.clip(canvas, 0, 255).astype(np.uint8)
    return [np.ascontiguousarray(canvas[:, 2 * n : 2 * n + width]) for n in range(frames)]
