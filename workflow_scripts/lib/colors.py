"""What colours somebody wears, whatever the light: a small histogram that survives dusk and fog.

Three changes of light are undone before pixels are counted, each inside the mask alone:
fog adds one grey to everything (the darkest pixels show how much), lamps and the evening sun scale
the channels (the brightest pixels show how, and half of that is undone: a character may be red),
and the exposure scales all of them.
"""

import cv2
import numpy as np

BINS, REACH = 16, 0.8  # the histogram spans -0.8 to 0.8 in red - green and in blue - yellow
COLORS = BINS * BINS  # numbers in a description
MAX_PIXELS = 4096  # an even sample of so many describes a mask well enough
DARK, BRIGHT = 2, 98  # percentiles
VEIL = 0.9  # share of the darkest value that is taken for fog
BALANCE = 0.5  # 0: trust the colours as they are; 1: the brightest of each channel is white
EDGE = 0.02  # of the figure's size: a rim where the background shines through
MIN_PIXELS = 64
BLUR = 1.0  # bins
LINEAR = (np.arange(256) / 255.0) ** 2.2  # sRGB bytes to light, nearly


def describe_colors(image: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Histogram (COLORS,) float32 of RGB (H, W, 3) inside a mask (H, W); sums to 1, or all 0."""
    pixels = image.reshape(-1, 3) if mask is None else image[_without_rim(mask)]
    if not len(pixels):
        return np.zeros(COLORS, np.float32)
    step = -(-len(pixels) // MAX_PIXELS)
    shades = balance_light(LINEAR[pixels[::step]]) ** (1 / 2.2)
    red_green = shades[:, 0] - shades[:, 1]
    blue_yellow = shades[:, 2] - (shades[:, 0] + shades[:, 1]) / 2
    return _count(red_green, blue_yellow)


def balance_light(light: np.ndarray) -> np.ndarray:
    """Take fog, tint and exposure out of linear pixels (N, 3); the result lies between 0 and 1."""
    light = light - VEIL * np.percentile(light, DARK, axis=0)
    bright = np.percentile(light, BRIGHT, axis=0) + 1e-3
    gain = bright.mean() ** (1 - BALANCE) * bright**BALANCE
    return np.clip(light / gain, 0, 1)


def compare_colors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance (N, M) of descriptions (N, COLORS) and (M, COLORS): 0 alike, 1 nothing in common."""
    return np.clip(1 - _unit_roots(first) @ _unit_roots(second).T, 0, 1)


def _unit_roots(colors: np.ndarray) -> np.ndarray:
    roots = np.sqrt(np.asarray(colors, np.float32))
    return roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)


def _without_rim(mask: np.ndarray) -> np.ndarray:
    radius = max(1, round(EDGE * float(np.sqrt(mask.sum()))))
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), kernel) > 0
    return inner if inner.sum() >= MIN_PIXELS else mask


def _count(red_green: np.ndarray, blue_yellow: np.ndarray) -> np.ndarray:
    limit = REACH - 1e-6
    values = [np.clip(v, -limit, limit).astype(np.float32) for v in (red_green, blue_yellow)]
    span = [-REACH, REACH]
    counts = cv2.calcHist(values, [0, 1], None, [BINS, BINS], span + span)
    counts = cv2.GaussianBlur(counts, (0, 0), BLUR, borderType=cv2.BORDER_REFLECT)
    return (counts / counts.sum()).ravel()
