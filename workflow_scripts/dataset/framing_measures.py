"""What an image shows, measured from boxes, joints and pixels: framing, people, scenery."""

import cv2
import numpy as np

from workflow_scripts.lib.images import scale_size

SIDE_PX = 256  # longer side at which edges are counted: sizes must not count as complexity
HIPS_AND_KNEES, ANKLES = [11, 12, 13, 14], [15, 16]  # COCO-17
SEEN = 0.5  # confidence of a joint
OUTLINE_PX = 7  # the outline of a person is no background


def measure_shot_type(
    box: np.ndarray, size: tuple[int, int], keypoints: np.ndarray | None, wide_height: float
) -> tuple[str, float]:
    """How much of a body an image shows: shot type, and its height as a share of the image's.

    `box` is the body's, in pixels of the image of `size` (width, height); `keypoints` (17, 3) say
    where the image cuts the body. Without them, the box's shape tells heads from half figures.
    """
    width, height = size
    x0, y0, x1, y1 = np.clip(np.asarray(box, float), 0, [width, height, width, height])
    share = (y1 - y0) / height
    if keypoints is None:
        cut = y1 >= 0.98 * height
        lowest = "feet" if not cut else "hips" if (y1 - y0) > 1.6 * (x1 - x0) else "chest"
    else:
        lowest = _lowest_part(keypoints, size)
    if lowest == "feet":
        return ("wide" if share < wide_height else "full"), share
    return ("medium" if lowest == "hips" else "close-up"), share


def _lowest_part(keypoints: np.ndarray, size: tuple[int, int]) -> str:
    inside = (keypoints[:, :2] >= 0).all(1) & (keypoints[:, :2] < size).all(1)
    seen = inside & (keypoints[:, 2] >= SEEN)
    if seen[ANKLES].any() and inside[ANKLES].all():
        return "feet"
    return "hips" if seen[HIPS_AND_KNEES].any() else "chest"


def find_shown(boxes: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Which people (N, 4) show in the crop x0, y0, x1, y1: (N,) bool.

    Those of whose box it holds a third, or whose box fills a twelfth of it.
    """
    low, high = np.maximum(boxes[:, :2], crop[:2]), np.minimum(boxes[:, 2:], crop[2:])
    shared = np.clip(high - low, 0, None).prod(1)
    bodies, image = (boxes[:, 2:] - boxes[:, :2]).prod(1), (crop[2:] - crop[:2]).prod()
    return (shared > bodies / 3) | (shared > image / 12)


def measure_complexity(image: np.ndarray, people: np.ndarray) -> tuple[float, float]:
    """Edge density and entropy (bits) of an image outside `people` (H, W) bool; nan without any."""
    scale = SIDE_PX / max(image.shape[:2])
    size = scale_size(image, scale)
    gray = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    free = cv2.resize(people.astype(np.uint8), size, interpolation=cv2.INTER_AREA) == 0
    kernel = np.ones((OUTLINE_PX, OUTLINE_PX), np.uint8)
    free = cv2.erode(free.astype(np.uint8), kernel, borderValue=1) > 0
    if free.sum() < 100:
        return float("nan"), float("nan")
    edges = cv2.Canny(gray, 60, 120)[free] > 0
    levels = np.bincount(gray[free] // 8, minlength=32) / free.sum()
    entropy = -np.sum(levels[levels > 0] * np.log2(levels[levels > 0]))
    return float(edges.mean()), float(entropy)
