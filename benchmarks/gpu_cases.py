"""What is measured of each role: one call of a production model on a batch of pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import yaml

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
def picture(number: int) -> np.ndarray:
    """Noise, another for each number; smooth, as film is."""
    small = np.random.default_rng(number).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return small.repeat(8, 0).repeat(8, 1)


def next_picture() -> np.ndarray:
    """Not the one before: SAM keeps the code of the last picture."""
    return picture(next(NEXT) % 16)


def pictures(number: int) -> list[np.ndarray]:
    return [picture(row % 16) for row in range(number)]


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
        images = [next_picture() for _ in range(segment.batch_size)]
        segment.prepare(images)
        for image in images:
            step(image, segment(image, people()))


def caption(describe: Any, number: int) -> None:
    """Captions without measured facts; an answer that is no JSON is asked for once more."""
    shown = [partial(picture, row % 16) for row in range(number)]
    describe("background", [{}] * number, shown, read_words())


@cache
def read_words() -> dict:
    return yaml.safe_load(Path("resources/vocabularies/captions.yaml").read_text())


CASES = {
    "segment": [
        Case("encoder", lambda sam, n: sam.encode(pictures(n)), POWERS[:6]),
        Case("3 boxes a frame", lambda sam, _: sam(next_picture(), people())),
        Case("3 boxes and memory, frames", follow, (16,)),
    ],
    "inpaint": [Case("a hole of 320 x 620", lambda lama, _: lama(picture(0), hole()))],
    "embed": [Case("pictures", lambda clip, n: clip(pictures(n)), POWERS)],
    "scene": [Case("pictures", lambda dino, n: dino(pictures(n)), POWERS)],
    "detect": [Case("pictures", lambda detect, _: detect(next_picture()))],
    "pose": [Case("3 people a picture", lambda pose, _: pose(next_picture(), PEOPLE, None))],
    "face": [Case("pictures", lambda face, _: face(next_picture()))],
    "caption": [Case("captions of backgrounds", caption, POWERS[:7])],
}
