"""A character cut out of its image: on neutral gray in a square, or with its surroundings."""

import numpy as np

from workflow_scripts.lib.images import NEUTRAL_GRAY, clip_box, composite, mask_box


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


def crop_box(image: np.ndarray, box: tuple[int, int, int, int], padding: float) -> np.ndarray:
    """What an image (H, W, 3) shows in a box x0, y0, x1, y1 and around it; all of it for no box.

    `padding` is the margin on each side as a share of the box's longer side.
    """
    x0, y0, x1, y1 = box
    pad = padding * max(x1 - x0, y1 - y0)
    wide = np.array([x0 - pad, y0 - pad, x1 + pad, y1 + pad])
    left, top, right, bottom = clip_box(wide, image.shape[1], image.shape[0])
    return image[top:bottom, left:right] if right > left and bottom > top else image
