"""What is measured of each role: one call of a production model on a batch of images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from workflow_scripts.dataset.vlm import write_question
from workflow_scripts.models.detections import Detections

HEIGHT, WIDTH = 720, 1280
PEOPLE = np.array(
    [[100, 80, 420, 700], [500, 120, 760, 690], [900, 200, 1100, 640]], np.float32
)  # x0, y0, x1, y1
POWERS = tuple(2**power for power in range(9))  # 1 to 256
NEXT = count()


@dataclass(frozen=True)
class Case:
    """`run(opened, batch)` does `batch` items in one call; `batches` are tried in order."""

    what: str
    run: Callable[[Any, int], Any]
    batches: tuple[int, ...] = (1,)


@cache
def image(number: int) -> np.ndarray:
    """Noise, another for each number; smooth, as film is."""
    small = np.random.default_rng(number).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return small.repeat(8, 0).repeat(8, 1)


def next_image() -> np.ndarray:
    """Not the one before: SAM keeps the code of the last image."""
    return image(next(NEXT) % 16)


def images(number: int) -> list[np.ndarray]:
    return [image(row % 16) for row in range(number)]


def people() -> Detections:
    return Detections(PEOPLE, np.array([0.9, 0.8, 0.7], np.float32))


def hole() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[80:700, 100:420] = True
    return mask


def follow(segment: Any, frames: int) -> None:
    """Boxes and memory, frame by frame, as segment_instances does it."""
    step = segment.follow_shot()
    for _ in range(0, frames, segment.batch_size):
        images = [next_image() for _ in range(segment.batch_size)]
        segment.prepare(images)
        for image in images:
            step(image, segment(image, people()))


def caption(ask: Any, number: int) -> None:
    """Questions about images of which nothing is measured."""
    words, prompts = read_yaml("vocabularies"), read_yaml("prompts")
    question = write_question("background", [], words, prompts)
    ask([image(row % 16) for row in range(number)], [question] * number, prompts["system"])


@cache
def read_yaml(folder: str) -> dict:
    return yaml.safe_load(Path(f"resources/{folder}/captions.yaml").read_text(encoding="utf-8"))


CASES = {
    "segment": [
        Case("encoder", lambda sam, n: sam.encode(images(n)), POWERS[:6]),
        Case("3 boxes a frame", lambda sam, _: sam(next_image(), people())),
        Case("3 boxes and memory, frames", follow, (16,)),
    ],
    "inpaint": [Case("a hole of 320 x 620", lambda lama, _: lama(image(0), hole()))],
    "embed": [Case("images", lambda clip, n: clip(images(n)), POWERS)],
    "scene": [Case("images", lambda dino, n: dino(images(n)), POWERS)],
    "detect": [Case("images", lambda detect, _: detect(next_image()))],
    "pose": [Case("3 people an image", lambda pose, _: pose(next_image(), PEOPLE, None))],
    "face": [Case("images", lambda face, _: face(next_image()))],
    "caption": [Case("captions of backgrounds", caption, POWERS[:7])],
}
