"""A character cut out of its image: on neutral gray, in a square."""

import numpy as np

from workflow_scripts.lib.images import NEUTRAL_GRAY, composite, mask_box


def crop_instance(image: np.ndarray, mask: np.ndarray, padding: float) -> np.ndarray:
    """Square (S, S, 3) around the box of a mask (H, W), gray wherever the mask is not.

    `padding` is the margin on each side as a share of the box's longer side. No pixel is scaled.
    """
    x0, y0, x1, y1 = mask_box(mask)
    width, height = x1 - x0, y1 - y0
    side = max(1, round(max(width, height) * (1 + 2 * padding)))
    square = np.full((side, side, 3), NEUTRAL_GRAY, np.uint8)
    left, top = (side - width) // 2, (side - height) // 2
    figure = composite(image[y0:y1, x0:x1], mask[y0:y1, x0:x1])
    square[top : top + height, left : left + width] = figure
    return square
