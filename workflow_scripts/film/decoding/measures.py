"""What is measured on an image: hash, sharpness, brightness, contrast, colors."""

import cv2
import numpy as np

from workflow_scripts.film.decoding.hashes import hash_luma

WORKING_HEIGHT_PX = 360  # sharpness is measured near one size, or large films would look blurred
LEVELS = 4  # of red, green and blue each: 64 colors
VIEW = (160, 90)  # (width, height) of the small copy that everything but sharpness is read from
LUMA_THUMBNAIL = (
    64,
    36,
)  # (width, height) of the copy kept in the table: tells copies from neighbors
GRAIN = 0.25  # squared gray levels of rounding in every pixel; keeps a flat image near 0


def shrink(plane: np.ndarray, size: tuple[int, int] = VIEW) -> np.ndarray:
    """Area-averaged copy of a plane or image; size is (width, height).

    By halves first: OpenCV averages 2x2 pixels five times faster than any larger block.
    """
    width, height = size
    while plane.shape[0] >= 2 * height and plane.shape[1] >= 2 * width:
        plane = halve(plane)
    if plane.shape[:2] == (height, width):
        return np.ascontiguousarray(plane)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def halve(plane: np.ndarray) -> np.ndarray:
    """Means of blocks of 2x2 pixels; a single row or column stays one."""
    height, width = max(1, plane.shape[0] // 2), max(1, plane.shape[1] // 2)
    even = plane[: 2 * height, : 2 * width]
    return cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)


def count_halvings(height: int) -> int:
    """How often an image is halved before it is measured."""
    count = 0
    while height >> count >= 2 * WORKING_HEIGHT_PX:
        count += 1
    return count


def reduce_luma(luma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Copies of a luma plane (H, W) in working and in VIEW size; the plane itself is read once."""
    for _ in range(count_halvings(luma.shape[0])):
        luma = halve(luma)
    small = shrink(luma)
    height, width = luma.shape
    if height > WORKING_HEIGHT_PX:  # less than twice: mixing two neighbors is as good as an area
        size = (max(1, round(width * WORKING_HEIGHT_PX / height)), WORKING_HEIGHT_PX)
        luma = cv2.resize(luma, size, interpolation=cv2.INTER_LINEAR)
    return luma, small


def measure(working: np.ndarray, small: np.ndarray, view: np.ndarray) -> dict:
    """Measures of an image: its reduced lumas, full range, and a small RGB copy (h, w, 3)."""
    shares = np.cumsum(cv2.calcHist([small], [0], None, [256], [0, 256]).ravel()) / small.size
    dark, bright = np.searchsorted(shares, [0.05, 0.95])
    return {
        "phash": hash_luma(small),
        "sharpness": measure_sharpness(working),
        "brightness": float(small.mean() / 255),
        "contrast": float((bright - dark) / 255),
        "histogram": count_colors(view),
        "luma_thumbnail": shrink(small, LUMA_THUMBNAIL).tobytes(),
    }


def measure_sharpness(luma: np.ndarray) -> float:
    """0 (nothing to lose by blurring) to 1: how much finer than a 3x3 blur the details are.

    What a first blur takes away against what a second one still takes: nearly the same for a
    blurred image, much more for a sharp one. Unlike the variance of the Laplacian, it does not
    count how much detail there is, only how fine it is.
    """
    once = cv2.blur(luma, (3, 3))
    twice = cv2.blur(once, (3, 3))
    first = cv2.norm(luma, once, cv2.NORM_L2SQR) / luma.size + GRAIN
    second = cv2.norm(once, twice, cv2.NORM_L2SQR) / luma.size + GRAIN
    return float(max(0.0, 1 - second / first))


def count_colors(view: np.ndarray) -> np.ndarray:
    """Shares (64,) float32 of the pixels by red, green and blue level; they sum to 1."""
    counts = cv2.calcHist([view], [0, 1, 2], None, [LEVELS] * 3, [0, 256] * 3)
    return (counts.ravel() / counts.sum()).astype(np.float32)
