"""A dataset folder in kohya's layout, made in code: coloured squares on gradients, with masks."""

import json
from pathlib import Path

import numpy as np

from workflow_scripts.lib.images import write_image


def make_dataset(
    folder: Path, *, train: int = 6, held_out: int = 3, masks: bool = True, size=(160, 96), seed=0
) -> Path:
    """Write `folder` as pack_dataset leaves one; size is (width, height) in px."""
    lots = np.random.default_rng(seed)
    for split, count in (("train", train), ("validation", held_out)):
        rows = []
        for n in range(count):
            name = f"char_nella_{split}_{n:04d}"
            pixels, mask = draw_square(size, lots)
            concept = folder / split / "2_nella woman"
            write_image(concept / f"{name}.png", pixels)
            caption = f"nella woman, walk, frame {n}"
            (concept / f"{name}.txt").write_text(caption + "\n")
            rows.append({"file_name": f"2_nella woman/{name}.png", "text": caption})
            if masks:
                write_image(folder / split / "masks" / f"{name}.png", mask)
                rows[-1]["mask_file_name"] = f"masks/{name}.png"
        if rows:
            table = folder / split / "metadata.jsonl"
            table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def draw_square(size, lots: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A gradient with a red square; the mask (white = learn) is the square."""
    width, height = size
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 2] = np.linspace(40, 220, width)[None, :]
    pixels[..., 1] = lots.integers(40, 200)
    x, y = lots.integers(0, width // 2), lots.integers(0, height // 2)
    box = np.s_[y : y + height // 2, x : x + width // 3]
    pixels[box] = (220, 40, 40)
    mask = np.zeros((height, width), np.uint8)
    mask[box] = 255
    return pixels, mask
