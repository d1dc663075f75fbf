"""From linear light to the image: fog, tone, weather in the air, lens blur (numpy and OpenCV)."""

import math
import random

import cv2
import numpy as np

EXPOSURE = {"night": 1.9, "evening": 1.7, "sunset": 1.45, "day": 1.15}
FOG_PER_M = 0.035
DEFOCUS_PX = 9.0  # sigma


def add_fog(rgb: np.ndarray, depth: np.ndarray, color: tuple) -> np.ndarray:
    thick = (1 - np.exp(-np.minimum(depth, 60) * FOG_PER_M))[..., None]
    return rgb * (1 - thick) + np.array(color) * 0.75 * thick


def tone(rgb: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light to 0..255 with a soft shoulder and a little contrast."""
    image = (1 - np.exp(-exposure * np.maximum(rgb, 0))) ** (1 / 2.2)
    image = image + 0.10 * (image - 0.5) * (1 - abs(2 * image - 1))
    return np.ascontiguousarray(np.clip(image, 0, 1) * 255, dtype="f4")


def add_snow(image: np.ndarray, rng: random.Random, k: int) -> None:
    h, w = image.shape[:2]
    for i in range(260):
        x, y, near = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.5, 1.6)
        at = int(x + 12 * math.sin(k * 0.5 + i)) % w, int(y + k * 18 * near) % h
        cv2.circle(image, at, 2 if near < 1.2 else 3, (238, 240, 245), -1, cv2.LINE_AA)


def add_rain(image: np.ndarray, rng: random.Random, k: int) -> None:
    h, w = image.shape[:2]
    for _ in range(260):
        x, y, near = rng.uniform(0, w), rng.uniform(0, h), rng.uniform(0.5, 1.6)
        x, y = int(x) % w, int(y + k * 122 * near) % h
        bright = tuple(float(c) for c in np.clip(image[y, x] * 1.1 + 34, 0, 255))
        cv2.line(image, (x, y), (x - 4, y + int(20 * near)), bright, 1, cv2.LINE_AA)


def blur(image: np.ndarray, kind: str | None, pan_px: float) -> np.ndarray:
    """Motion blur of a fast pan, or an image that is out of focus."""
    if kind == "pan":
        width = max(3, int(pan_px) | 1)
        return cv2.blur(image, (width, 1), borderType=cv2.BORDER_REPLICATE)
    return cv2.GaussianBlur(image, (0, 0), DEFOCUS_PX) if kind == "defocus" else image


def develop(
    layers: dict, shot: dict, k: int | None, pan_px: float, fog: tuple | None
) -> np.ndarray:
    """The image of drawing k, uint8 RGB; k=None leaves out what falls from the sky (plates)."""
    rgb = layers["rgb"] if fog is None else add_fog(layers["rgb"], layers["depth"], fog)
    image = tone(rgb, EXPOSURE[shot["time_of_day"]])
    if k is not None:
        rng = random.Random(shot["noise_seed"])
        {"snow": add_snow, "rain": add_rain}.get(shot["weather"], lambda *_: None)(image, rng, k)
    return np.clip(blur(image, shot.get("blur"), pan_px), 0, 255).astype("u1")
