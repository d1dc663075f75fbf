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


def open_video(
    container: av.container.OutputContainer,
    image: np.ndarray,
    *,
    rate: int = 24,
    pix_fmt: str = "yuv420p",
    options: dict | None = None,
    codec: str = "libx264",
) -> av.video.VideoStream:
    """A stream of an open file, for images (RGB) of this one's size."""
    stream = container.add_stream(codec, rate=rate, options=options or {"crf": "12"})
    stream.height, stream.width = image.shape[:2]
    stream.pix_fmt = pix_fmt
    stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
    return stream


def make_frame(image: np.ndarray, time_s: float) -> av.VideoFrame:
    """An image (RGB) as a frame that is shown at a time."""
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    frame.time_base, frame.pts = Fraction(1, TICKS), round(time_s * TICKS)
    return frame


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
        stream = open_video(
            container, images[0], rate=rate, pix_fmt=pix_fmt, options=options, codec=codec
        )
        for image, time_s in zip(images, times_s, strict=True):
            container.mux(stream.encode(make_frame(image, time_s)))
        container.mux(stream.encode())
    return path


def moving_shot(seed: int, frames: int, size: tuple[int, int] = (160, 96)) -> list[np.ndarray]:
    """A shot in which one shape moves on every frame."""
    return [draw_scene(seed, size, shift=2 * number) for number in range(frames)]


def write_streams(path: Path, streams: list[tuple[list[np.ndarray], int, int]]) -> Path:
    """A file of several video streams, each of images, frames a second, and its disposition."""
    with av.open(str(path), "w") as container:
        opened = []
        for images, rate, disposition in streams:
            opened.append(open_video(container, images[0], rate=rate))
            opened[-1].disposition = disposition
        packets = []
        for stream, (images, rate, _) in zip(opened, streams, strict=True):
            for number, image in enumerate(images):
                packets += stream.encode(make_frame(image, number / rate))
            packets += stream.encode()
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            container.mux(packet)
    return path


def weave(moments: list[np.ndarray], first_row: int = 0) -> list[np.ndarray]:
    """Frames of two moments each, line by line; rows 0, 2, ... (or 1, 3, ...) show the first."""
    frames = [moment.copy() for moment in moments[::2]]
    for frame, later in zip(frames, moments[1::2], strict=True):
        frame[1 - first_row :: 2] = later[1 - first_row :: 2]
    return frames


def telecine(images: list[np.ndarray]) -> list[np.ndarray]:
    """Five frames of every four, as film is shown on 30 frames a second: two of them woven."""
    frames = []
    for a, b, c, d in zip(*(images[start::4] for start in range(4)), strict=True):
        frames += [a, b, *weave([b, c]), *weave([c, d]), d]
    return frames


def pan(seed: int, frames: int, speed_px: float, size: tuple[int, int] = (160, 96)) -> list:
    """A shot in which the whole image moves by so many pixels a frame."""
    wide = draw_scene(seed, (size[0] + round(frames * speed_px) + 1, size[1]))
    places = [round(number * speed_px) for number in range(frames)]
    return [np.ascontiguousarray(wide[:, x : x + size[0]]) for x in places]
