"""Small holes in SAM 2's masks are no holes: they are filled before the masks are enlarged."""

import cv2
import numpy as np

# Pixels of the small mask: fill_hole_area of sam2/build_sam.py, filled by fill_holes_in_mask_scores
# of sam2/utils/misc.py (facebookresearch/sam2)
MAX_HOLE_PX = 8
FILLED = 0.1  # logit


def fill_holes(logits: np.ndarray) -> np.ndarray:
    """Logits (N, h, w) float32 of small masks, patches of background of at most 8 px filled."""
    filled = logits.copy()
    for mask in filled:
        background = (mask <= 0).astype(np.uint8)
        _, labels, measures, _ = cv2.connectedComponentsWithStats(background, connectivity=8)
        is_small = measures[:, cv2.CC_STAT_AREA] <= MAX_HOLE_PX
        is_small[0] = False  # label 0 is the mask itself
        mask[is_small[labels]] = FILLED
    return filled
