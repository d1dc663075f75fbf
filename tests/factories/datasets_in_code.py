"""A dataset folder in kohya's layout, and the tiny base, both made in code."""

import atexit
import dataclasses
import json
import shutil
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from tests.factories.tiny_sd import TINY_BASE
from workflow_scripts.lib.image_folders import MASK_FOLDER
from workflow_scripts.lib.images import write_image
from workflow_scripts.plan.adapter_settings import (
    resolve_adapter_settings,
    resolve_composition_settings,
    resolve_evaluation_settings,
)
from workflow_scripts.plan.config import read_shipped

CONFIG = read_shipped()
BASE = TINY_BASE | {"device": "cpu"}


@cache
def base_folder() -> Path:
    """The tiny base, built once per test run."""
    from tests.factories.tiny_sd import build_tiny_sd  # diffusers takes seconds

    torch.set_num_threads(1)  # two would only wait for each other: the layers are that small
    above = Path(tempfile.mkdtemp(prefix="cinelora-test-"))
    atexit.register(shutil.rmtree, above)
    folder = above / "tiny-random-sd"
    build_tiny_sd(folder, seed=7)
    return folder


@cache
def _open_once():
    from workflow_scripts.models.registry import load_model

    return load_model(BASE, [base_folder() / "model_index.json"])


def open_base():
    """A fresh UNet with the shared encoders: twenty times faster than to open the folder."""
    opened = _open_once()
    parts = {**opened.pipeline.components, "unet": deepcopy(opened.pipeline.unet)}
    pipeline = type(opened.pipeline)(**parts, requires_safety_checker=False)
    pipeline.set_progress_bar_config(disable=True)
    return dataclasses.replace(opened, pipeline=pipeline)


def make_options(phase: str, **changes) -> dict:
    """The options of a phase in the shipped config, for the light tier, with changes."""
    options = {
        "train_adapter": resolve_adapter_settings(CONFIG, "light", "style", "plain"),
        "evaluate_adapter": resolve_evaluation_settings(CONFIG, "light"),
        "compose_adapters": resolve_composition_settings(CONFIG, "light"),
    }
    return {**options[phase], **changes}


def make_dataset(
    folder: Path, *, train: int = 6, held_out: int = 3, masks: bool = True, size=(160, 96), seed=0
) -> Path:
    """Write `folder` as pack_dataset leaves one; size is (width, height) in px.

    Two images make a shot.
    """
    rng, shots = np.random.default_rng(seed), []
    for split, count in (("train", train), ("validation", held_out)):
        rows = []
        for n in range(count):
            name = f"nella_{split}_{n:04d}"
            pixels, mask = draw_square(size, rng)
            concept = folder / split / "2_nella woman"
            write_image(concept / f"{name}.png", pixels)
            caption = f"nella woman, walk, frame {n}"
            (concept / f"{name}.txt").write_text(caption + "\n", encoding="utf-8")
            rows.append({"file_name": f"2_nella woman/{name}.png", "text": caption})
            shots.append((f"{split}/2_nella woman/{name}.png", len(shots) // 2))
            if masks:
                write_image(folder / split / MASK_FOLDER / f"{name}.png", mask)
                rows[-1]["mask_file_name"] = f"{MASK_FOLDER}/{name}.png"
        if rows:
            table = folder / split / "metadata.jsonl"
            table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    pd.DataFrame(shots, columns=["file", "shot_id"]).to_parquet(folder / "dataset.parquet")
    return folder


def draw_square(size, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A gradient with a red square; the mask (white = learn) is the square."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 2] = np.linspace(40, 220, width)[None, :]
    pixels[..., 1] = rng.integers(40, 200)
    x, y = rng.integers(0, width // 2), rng.integers(0, height // 2)
    box = np.s_[y : y + height // 2, x : x + width // 3]
    pixels[box] = (220, 40, 40)
    mask = np.zeros((height, width), np.uint8)
    mask[box] = 255
    return pixels, mask
