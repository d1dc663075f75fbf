"""Small films and images made in code, for the tests of the phases that read them."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

TICKS = 12_000  # per second


def draw_scene(seed: int, size: tuple[int, int] = (160, 96), shift: int = 0) -> np.ndarray:
    """An image (RGB) of colored shapes, another for each seed; `shift` moves one of them."""
    width, height = size
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    for _ in range(14):
        x, y = rng.integers(0, width), rng.integers(0, height)
        color = rng.integers(0, 256, 3).tolist()
        reach = int(rng.integers(height // 12, height // 3))
        cv2.rectangle(image, (x - reach, y - reach // 2), (x + reach, y + reach), color, -1)
        cv2.circle(image, (int(x), int(y)), reach // 2, color[::-1], 2)
    cv2.circle(image, (width // 5 + shift, height // 2), height // 8, (255, 240, 10), -1)
    return image


def write_film(
    path: Path,
    images: list[np.ndarray],
    *,
    rate: int = 24,
    times_s: list[float] | None = None,
    pix_fmt: str = "yuv420p",
    options: dict | None = None,
    codec: str = "libx264",
) -> Path:
    """Encode images (RGB, one size) as a film; `times_s` gives each a time of its own."""
    times_s = times_s or [number / rate for number in range(len(images))]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"crf": "12"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = pix_fmt
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        for image, time_s in zip(images, times_s, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.time_base, frame.pts = Fraction(1, TICKS), round(time_s * TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def moving_shot(seed: int, frames: int, size: tuple[int, int] = (160, 96)) -> list[np.ndarray]:
    """A shot in which one shape moves on every frame."""
    return [draw_scene(seed, size, shift=2 * number) for number in range(frames)]
