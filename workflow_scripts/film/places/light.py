"""The light of one image without its people: tones, warmth, grayness of the air, sky, green."""

import cv2
import numpy as np

SMALL = (192, 108)  # pixels in which tones and colors are measured
MIN_SKY_LIGHT = 0.4  # darker smooth parts may be anything
MIN_SKY_PART = 0.01  # share of the image: smaller parts are windows and walls
LUMA = np.float32([0.2126, 0.7152, 0.0722])


def measure_image(image: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Measures of the background of an image (H, W, 3) with its people (H, W) bool left out."""
    small = cv2.resize(image, SMALL, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    covered = cv2.resize(people.astype(np.float32), SMALL, interpolation=cv2.INTER_AREA)
    free = cv2.erode((covered < 0.01).astype(np.uint8), np.ones((5, 5))) > 0
    if free.mean() < 0.02:
        free = np.ones_like(free)
    linear = small**2.2
    luma = (linear @ LUMA) ** (1 / 2.2)
    dark, middle, bright = np.percentile(luma[free], [5, 50, 95])
    brightest = free & (luma >= np.percentile(luma[free], 80))
    hue, saturation, _ = cv2.split(cv2.cvtColor(small, cv2.COLOR_RGB2HSV))
    green = (hue > 70) & (hue < 170) & (saturation > 0.25)
    return {
        "dark": float(dark),
        "middle": float(middle),
        "bright": float(bright),
        "warm": (warm_stops(linear[free]) + warm_stops(linear[brightest])) / 2,
        "dark_channel": float(np.percentile(cv2.erode(small.min(2), np.ones((7, 7)))[free], 10)),
        "color": float(saturation[free].mean()),
        "green": float(green[free].mean()),
        "sky": find_sky(small, luma, free),
    }


def warm_stops(linear: np.ndarray) -> float:
    """How much redder than blue linear pixels (N, 3) are, in stops; 0 is neutral."""
    red, _, blue = linear.mean(0) + 1e-3
    return float(np.log2(red / blue))


def find_sky(small: np.ndarray, luma: np.ndarray, free: np.ndarray) -> float:
    """Share of the image in large smooth parts, blue or gray and light, that meet its top."""
    steps = np.hypot(cv2.Sobel(luma, -1, 1, 0), cv2.Sobel(luma, -1, 0, 1))
    smooth = cv2.blur(steps, (5, 5)) < 0.06
    cold = small[..., 2] >= small[..., 0]
    candidates = smooth & cold & (luma >= MIN_SKY_LIGHT) & free
    _, parts, boxes, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8))
    sizes = boxes[:, cv2.CC_STAT_AREA] / parts.size
    tops = np.setdiff1d(np.unique(parts[:2]), [0])
    return float(sum(sizes[part] for part in tops if sizes[part] >= MIN_SKY_PART))
