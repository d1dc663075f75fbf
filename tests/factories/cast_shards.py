"""Shards of a cast made in code: colored figures in colored places, with captions' truth."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLORS = {"red": (210, 40, 40), "green": (40, 170, 60), "blue": (50, 70, 210)}
PLACES = {"beach": (230, 210, 150), "forest": (40, 90, 40)}


def draw_figure(top: str, place: str, close: bool, rng: np.random.Generator) -> np.ndarray:
    """An image (64, 64, 3) RGB uint8 of someone in a colored top."""
    image = np.full((64, 64, 3), PLACES[place], np.uint8)
    middle, width = int(rng.integers(24, 40)), 18 if close else 8
    cv2.rectangle(image, (middle - width, 34), (middle + width, 63), COLORS[top], -1)
    cv2.circle(image, (middle, 24), width // 2 + 4, (235, 190, 160), -1)
    return image


def make_cast(folder: Path, *, images: int, seed: int = 0) -> Path:
    """Write two shards with so many images in all."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    rows = [make_row(number, rng) for number in range(images)]
    half = images // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        pq.write_table(pa.Table.from_pylist(part), folder / f"part_{number}.parquet")
    return folder


def make_row(number: int, rng: np.random.Generator) -> dict[str, Any]:
    """What resources/cast/shards.py keeps of an image, as far as the recipe reads it."""
    top, place = rng.choice(list(COLORS)), rng.choice(list(PLACES))
    close = bool(rng.integers(2))
    image = draw_figure(top, place, close, rng)
    person = {
        "seed": number // 4,
        "visible_px": 900.0,
        "box": [8.0, 12.0, 56.0, 64.0],
        "view": "front",
        "action": "unknown",
        "expression": "unknown",
        "visible": {"top_color": str(top), "glasses": "unknown", "accessories": ["scarf"]},
    }
    return {
        "image_id": f"i{number:05d}",
        "image": cv2.imencode(".png", image[:, :, ::-1])[1].tobytes(),
        "captions": [f"A person wearing a {top} top, at the {place}.", f"{place}, {top} clothes"],
        "place": str(place),
        "place_shown": number % 5 > 0,
        "indoor": "outdoor",
        "time_of_day": "day",
        "weather": "clear",
        "shot_type": "close-up" if close else "full",
        "people": [person],
    }
