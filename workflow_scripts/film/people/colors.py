"""What colors somebody wears, whatever the light: small histograms that survive dusk and fog.

Three changes of light are undone before pixels are counted, each inside the mask alone:
fog adds one gray to everything (the darkest pixels show how much), lamps and the evening sun scale
the channels (the brightest pixels show how, and half of that is undone: a character may be red),
and the exposure scales all of them. Head, body and legs are counted apart where the model that
found the figure says how its body lies; so a close-up is compared with the upper part of a whole
figure, and nobody's trousers with somebody else's hair.
"""

import cv2
import numpy as np

BINS, REACH = 12, 0.8  # a histogram spans -0.8 to 0.8 in red - green and in blue - yellow
BANDS = (-0.25, 0.0)  # chin and hips: heights from the middle of a region, in shares of its side
SHAPE = (len(BANDS) + 1, BINS, BINS)
COLORS = int(np.prod(SHAPE))  # numbers in a description
MIN_SHARE = 0.05  # of a figure: a band that shows less of it is not compared
MAX_PIXELS = 4096  # an even sample of so many describes a mask well enough
DARK, BRIGHT = 2, 98  # percentiles
VEIL = 0.95  # share of the darkest value that is taken for fog
BALANCE = 0.5  # 0: trust the colors as they are; 1: the brightest of each channel is white
EDGE = 0.02  # of the figure's size: a rim where the background shines through
MIN_PIXELS = 64
BLUR = 1.0  # bins
LINEAR = (np.arange(256) / 255.0) ** 2.2  # sRGB bytes to light, nearly


def describe_colors(
    image: np.ndarray, mask: np.ndarray | None = None, region: np.ndarray | None = None
) -> np.ndarray:
    """Histograms (COLORS,) float32 of RGB (H, W, 3) inside a mask (H, W); all of them sum to 1.

    `region` is center x, center y, side, angle of the body; without one all pixels are one band.
    """
    whole = np.ones(image.shape[:2], bool) if mask is None else _without_rim(mask)
    rows, columns = np.nonzero(whole)
    if not len(rows):
        return np.zeros(COLORS, np.float32)
    step = -(-len(rows) // MAX_PIXELS)
    rows, columns = rows[::step], columns[::step]
    shades = balance_light(LINEAR[image[rows, columns]]) ** (1 / 2.2)
    bands = find_bands(columns, rows, region)
    counts = np.stack([_count(shades[bands == band]) for band in range(SHAPE[0])])
    return (counts / len(rows)).ravel()


def find_bands(x: np.ndarray, y: np.ndarray, region: np.ndarray | None) -> np.ndarray:
    """Which band pixels (N,) belong to: 0 head, 1 body, 2 legs."""
    if region is None:
        return np.zeros(len(x), int)
    center_x, center_y, side, angle = region
    down = np.cos(angle) * (y - center_y) - np.sin(angle) * (x - center_x)
    return np.digitize(down / max(side, 1e-6), BANDS)


def balance_light(light: np.ndarray) -> np.ndarray:
    """Take fog, tint and exposure out of linear pixels (N, 3); the result lies between 0 and 1."""
    light = light - VEIL * np.percentile(light, DARK, axis=0)
    bright = np.percentile(light, BRIGHT, axis=0) + 1e-3
    gain = bright.mean() ** (1 - BALANCE) * bright**BALANCE
    return np.clip(light / gain, 0, 1)


def compare_colors(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Distance (N, M) of descriptions (N, COLORS) and (M, COLORS): 0 alike, 1 nothing in common.

    Bands count by how much of them both figures show; two that share no band have distance 1.
    """
    similarity = np.zeros((len(first), len(second)), np.float32)
    weights = np.zeros_like(similarity)
    for one, other in zip(_split(first), _split(second), strict=True):
        shown = np.minimum(one.sum(1)[:, None], other.sum(1)[None])
        weight = np.where(shown >= MIN_SHARE, shown, 0)
        similarity += weight * (_unit_roots(one) @ _unit_roots(other).T)
        weights += weight
    return np.clip(1 - similarity / np.maximum(weights, MIN_SHARE), 0, 1)


def _split(colors: np.ndarray) -> np.ndarray:
    """Bands first: (bands, N, bins)."""
    bands = np.asarray(colors, np.float32).reshape(len(colors), SHAPE[0], -1)
    return bands.transpose(1, 0, 2)


def _unit_roots(counts: np.ndarray) -> np.ndarray:
    roots = np.sqrt(counts)
    return roots / np.maximum(np.linalg.norm(roots, axis=1, keepdims=True), 1e-6)


def _without_rim(mask: np.ndarray) -> np.ndarray:
    radius = max(1, round(EDGE * float(np.sqrt(mask.sum()))))
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), kernel) > 0
    return inner if inner.sum() >= MIN_PIXELS else mask


def _count(shades: np.ndarray) -> np.ndarray:
    """Blurred histogram (BINS, BINS) of shades (N, 3) by opponent colors; sums to N."""
    if not len(shades):
        return np.zeros(SHAPE[1:], np.float32)
    red_green = shades[:, 0] - shades[:, 1]
    blue_yellow = shades[:, 2] - (shades[:, 0] + shades[:, 1]) / 2
    limit = REACH - 1e-6
    values = [np.clip(v, -limit, limit).astype(np.float32) for v in (red_green, blue_yellow)]
    span = [-REACH, REACH]
    counts = cv2.calcHist(values, [0, 1], None, [BINS, BINS], span + span)
    counts = cv2.GaussianBlur(counts, (0, 0), BLUR, borderType=cv2.BORDER_REFLECT)
    return counts * (len(shades) / counts.sum())
