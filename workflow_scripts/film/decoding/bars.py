"""Black bars around the image (letterbox, pillarbox): found on a few frames of a whole film."""

from collections.abc import Iterable

import numpy as np

ALMOST_BLACK = 12  # gray levels above the darkest value that a bar may reach
LIT_SHARE = 0.02  # of a row's pixels that may be lit: noise, a logo
DARK_FRAME = 0.5  # a frame whose lit part is smaller says nothing about the bars
AGREED = 0.5  # share of the frames that must show the same bar
SAME_PX = 2
USUAL = 0.1  # quantile of a side's margins that is taken for its bar
ENOUGH = 5  # frames lit up to an edge: the quantile of up to 40 frames is 0 then, whatever follows
Crop = tuple[int, int, int, int]  # x, y, width, height of what is left


def find_crop(lumas: Iterable[np.ndarray], black: int = 0) -> Crop | None:
    """The image inside its bars, from luma planes (H, W) of equal size; None without frames.

    Takes no more of the planes than it needs: where there are no bars, a few show it.
    """
    shape, found = None, []
    for luma in lumas:
        shape = luma.shape
        margins = _margins(luma > black + ALMOST_BLACK)
        if _says_something(margins, *shape):
            found.append(margins)
        if (np.count_nonzero(np.array(found) == 0, axis=0) >= ENOUGH).all():
            break
    if shape is None:
        return None
    top, bottom, left, right = map(_agree, zip(*found, strict=True)) if found else (0, 0, 0, 0)
    return left, top, shape[1] - left - right, shape[0] - top - bottom


def _says_something(margins: tuple[int, int, int, int], height: int, width: int) -> bool:
    top, bottom, left, right = margins
    return (height - top - bottom) * (width - left - right) > DARK_FRAME * height * width


def _margins(lit: np.ndarray) -> tuple[int, int, int, int]:
    """Rows and columns without light at the top, bottom, left and right."""
    rows = np.flatnonzero(lit.mean(1) > LIT_SHARE)
    columns = np.flatnonzero(lit.mean(0) > LIT_SHARE)
    if not rows.size or not columns.size:
        return lit.shape[0], 0, lit.shape[1], 0
    bottom, right = lit.shape[0] - 1 - rows[-1], lit.shape[1] - 1 - columns[-1]
    return int(rows[0]), int(bottom), int(columns[0]), int(right)


def _agree(margins: tuple[int, ...]) -> int:
    """The margin that nearly every frame has; 0 when they differ, as dark images do."""
    margin = int(np.quantile(margins, USUAL))
    share = np.mean(np.abs(np.array(margins) - margin) <= SAME_PX)
    # outwards to an even number: chroma has half the resolution, and the edge of a bar is gray
    return margin + margin % 2 if share >= AGREED and margin > 0 else 0
