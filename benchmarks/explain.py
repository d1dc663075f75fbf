"""Where the time goes: the profile behind the ratios, for results.md."""

import json

import pandas as pd

from benchmarks.corpus import LENGTHS_S
from benchmarks.measure import OUT, WORK
from benchmarks.tables import table

FRAMES_PER_S = 24
LONGEST = f"film_{LENGTHS_S[-1]}s"


def explain(runs: pd.DataFrame) -> str:
    """The profile behind the ratios of films, from the steps timed alone."""
    parts = json.loads((OUT / "parts/parts.json").read_text(encoding="utf-8"))
    frames = LENGTHS_S[-1] * FRAMES_PER_S
    decode = 1000 * runs["cpu_s"][f"{LONGEST}_decode_film"] / frames
    image = sum(parts[step] for step in ("convert", "encode", "measure", "write"))
    steps = ("convert", "encode", "measure", "write")
    shares = ", ".join(f"{step} {parts[step]:.2f}" for step in steps)
    start = runs["cpu_s"]["start"]
    once = 1000 * start + parts["bars"]
    return (
        f"Decoding takes {decode:.2f} ms a frame. Looking at a frame (small copy, shots) takes\n"
        f"{parts['look']:.2f} ms, an image that is written {image:.1f} ms ({shares}).\n"
        f"Once a film: {start:.2f} s to start Python and its libraries, "
        f"{parts['bars'] / 1000:.2f} s to look for bars.\n\n"
        "Against decoding, of a film of 24 frames a second:\n\n"
        + table(
            ["adds", "times decoding"],
            [
                ["looking at every frame", f"{parts['look'] / decode:.2f}"],
                ["images, 6 a second", f"{image / 4 / decode:.2f}"],
                ["- of it encoding JPEGs", f"{parts['encode'] / 4 / decode:.2f}"],
                ["images, 1 a second", f"{image / 24 / decode:.2f}"],
                [f"start and bars, {LENGTHS_S[-1]} s of film", f"{once / decode / frames:.2f}"],
                ["start and bars, 10 min of film", f"{once / decode / 14400:.2f}"],
            ],
        )
    )


def explain_images(runs: pd.DataFrame) -> str:
    """The same for a folder of JPEGs."""
    parts = json.loads((OUT / "image_parts/parts.json").read_text(encoding="utf-8"))
    bars_s = parts.pop("bars") / 1000
    count = len(list((WORK / "images").iterdir()))
    floor = 1000 * runs["cpu_s"]["images_decode_images"] / count
    steps = ", ".join(f"{step} {spent:.2f} ms" for step, spent in parts.items())
    return (
        f"Of the folder ({count} images; the floor is {floor:.2f} ms each, start included):\n"
        f"{steps} an image, and {bars_s:.2f} s once to look for bars.\n"
    )
