"""Black bars around the picture (letterbox, pillarbox): found on a few frames of a whole film."""

import numpy as np

ALMOST_BLACK = 12  # grey levels above the darkest value that a bar may reach
LIT_SHARE = 0.02  # of a row's pixels that may be lit: noise, a logo
DARK_FRAME = 0.5  # a frame whose lit part is smaller says nothing about the bars
AGREED = 0.5  # share of the frames that must show the same bar
SAME_PX = 2
Crop = tuple[int, int, int, int]  # x, y, width, height of what is left


def find_crop(lumas: list[np.ndarray], black: int = 0) -> Crop | None:
    """The picture inside its bars, from luma planes (H, W) of equal size; None without frames."""
    if not lumas:
        return None
    height, width = lumas[0].shape
    margins = np.array([_margins(luma > black + ALMOST_BLACK) for luma in lumas])
    seen = (height - margins[:, :2].sum(1)) * (width - margins[:, 2:].sum(1))
    margins = margins[seen > DARK_FRAME * height * width]
    if not len(margins):
        return 0, 0, width, height
    top, bottom, left, right = (_agree(margins[:, side]) for side in range(4))
    return left, top, width - left - right, height - top - bottom


def _margins(lit: np.ndarray) -> tuple[int, int, int, int]:
    """Rows and columns without light at the top, bottom, left and right."""
    rows = np.flatnonzero(lit.mean(1) > LIT_SHARE)
    columns = np.flatnonzero(lit.mean(0) > LIT_SHARE)
    if not rows.size or not columns.size:
        return lit.shape[0], 0, lit.shape[1], 0
    bottom, right = lit.shape[0] - 1 - rows[-1], lit.shape[1] - 1 - columns[-1]
    return int(rows[0]), int(bottom), int(columns[0]), int(right)


def _agree(margins: np.ndarray) -> int:
    """The margin that nearly every frame has; 0 when they differ, as dark pictures do."""
    margin = int(np.quantile(margins, 0.1))
    share = np.mean(np.abs(margins - margin) <= SAME_PX)
    # outwards to an even number: chroma has half the resolution, and the edge of a bar is grey
    return margin + margin % 2 if share >= AGREED and margin > 0 else 0
