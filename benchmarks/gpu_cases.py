"""What is measured of each role: one call of a production model on a batch of images."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from workflow_scripts.adapter.lora_layers import add_adapters, list_tensors, list_trained
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.dataset.vlm import write_question
from workflow_scripts.models.detections import Detections
from workflow_scripts.models.diffusion import Base, denoising_errors, draw_images
from workflow_scripts.plan.adapter_settings import resolve_adapter_settings
from workflow_scripts.plan.config import read_shipped

Size = tuple[int, int]  # height and width of a frame
SIZES: dict[str, Size] = {"540p": (540, 960), "1080p": (1080, 1920), "4K": (2160, 3840)}
# x0, y0, x1, y1, in shares of the frame
PEOPLE = np.array(
    [[0.08, 0.11, 0.33, 0.97], [0.39, 0.17, 0.59, 0.96], [0.7, 0.28, 0.86, 0.89]], np.float32
)
POWERS = tuple(2**power for power in range(9))  # 1 to 256
NO_FRAME = ("1080p",)  # whatever the film: measured once
STEPS = 20  # of drawing an image
NEXT = count()


@dataclass(frozen=True)
class Case:
    """`run(opened, batch, size)` does `batch` items in one call; `batches` are tried in order."""

    what: str
    run: Callable[[Any, int, Size], Any]
    batches: tuple[int, ...] = (1,)
    sizes: tuple[str, ...] = tuple(SIZES)


@cache
def image(number: int, size: Size) -> np.ndarray:
    """Noise, another for each number; smooth, as film is."""
    height, width = size
    cells = (-(-height // 8), -(-width // 8), 3)
    small = np.random.default_rng(number).integers(0, 256, cells, np.uint8)
    return np.ascontiguousarray(small.repeat(8, 0).repeat(8, 1)[:height, :width])


def next_image(size: Size) -> np.ndarray:
    """Not the one before: SAM keeps the code of the last image."""
    return image(next(NEXT) % 16, size)


def images(number: int, size: Size) -> list[np.ndarray]:
    return [image(row % 16, size) for row in range(number)]


def boxes(size: Size) -> np.ndarray:
    """Three people, in pixels."""
    height, width = size
    return PEOPLE * np.array([width, height, width, height], np.float32)


def people(size: Size) -> Detections:
    return Detections(boxes(size), np.array([0.9, 0.8, 0.7], np.float32))


def pose_people(pose: Any, number: int, size: Size) -> np.ndarray:
    """Three people in each of so many frames."""
    shown = [image for image in images(number, size) for _ in PEOPLE]
    return pose(shown, np.tile(boxes(size), (number, 1)), None)


def hole(size: Size) -> np.ndarray:
    """Where the first of them stands."""
    x0, y0, x1, y1 = boxes(size)[0].astype(int)
    mask = np.zeros(size, bool)
    mask[y0:y1, x0:x1] = True
    return mask


def follow(segment: Any, frames: int, size: Size) -> None:
    """Boxes and memory, frame by frame, as segment_instances does it."""
    step = segment.follow_shot()
    for _ in range(0, frames, segment.batch_size):
        images = [next_image(size) for _ in range(segment.batch_size)]
        segment.prepare(images)
        for image in images:
            step(image, segment(image, people(size)))


def caption(ask: Any, number: int, size: Size) -> list[str]:
    """Questions about images of which nothing is measured."""
    words, prompts = read_yaml("vocabularies"), read_yaml("prompts")
    question = write_question("background", [], words, prompts)
    return ask(images(number, size), [question] * number, prompts["system"])


@cache
def read_yaml(folder: str) -> dict:
    return yaml.safe_load(Path(f"resources/{folder}/captions.yaml").read_text(encoding="utf-8"))


def draw(base: Base, number: int, size: Size) -> np.ndarray:
    """As evaluate_adapter draws, at the size of the base."""
    how = {"steps": STEPS, "guidance": 7.5, "side_px": base.resolution_px}
    return draw_images(base, ["a street at dusk"] * number, range(number), **how)


@cache
def start_training(base: Base) -> torch.optim.Optimizer:
    settings = Settings(**resolve_adapter_settings(read_shipped(), "full", "style", "plain"))
    parts = list_trained(base, settings)
    add_adapters(parts, settings, seed=1)
    return torch.optim.AdamW(list_tensors(parts).values())


def train(base: Base, number: int, size: Size) -> float:
    """One update of an adapter by so many cached images; returns its loss."""
    optimizer, unet = start_training(base), base.pipeline.unet
    side = unet.config.sample_size
    latents, noise = torch.randn(2, number, unet.config.in_channels, side, side, device=base.device)
    states = torch.randn(number, 77, unet.config.cross_attention_dim, device=base.device)
    timesteps = torch.arange(number, device=base.device)
    loss = denoising_errors(base, latents, {"states": states}, noise, timesteps).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return float(loss.detach())


CASES = {
    "segment": [
        Case("encoder", lambda sam, n, size: sam.encode(images(n, size)), POWERS[:6]),
        Case("3 boxes a frame", lambda sam, _, size: sam(next_image(size), people(size))),
        Case("3 boxes and memory, frames", follow, (16,)),
    ],
    "inpaint": [Case("a person's hole", lambda lama, _, size: lama(image(0, size), hole(size)))],
    "embed": [Case("images", lambda clip, n, size: clip(images(n, size)), POWERS)],
    "scene": [Case("images", lambda dino, n, size: dino(images(n, size)), POWERS)],
    "detect": [Case("images", lambda detect, n, size: detect(images(n, size)), POWERS[:5])],
    "pose": [Case("3 people an image", pose_people, POWERS[:5])],
    "face": [Case("images", lambda face, n, size: face(images(n, size)), POWERS[:5])],
    "caption": [Case("captions of backgrounds", caption, POWERS[:7])],
    "base": [
        Case("images drawn", draw, (4,), NO_FRAME),
        Case("images of an update", train, POWERS[:6], NO_FRAME),
    ],
}
