"""Black bars around the image (letterbox, pillarbox): found on frames spread over a whole film.

Nothing that is image anywhere is cut off: a side's bar is what no frame lights. Letters are no
image: they fill a part of a bar's length and stay away from its outer edge.
"""

from collections.abc import Iterable

import cv2
import numpy as np

ALMOST_BLACK = 12  # gray levels above the darkest value that a bar may reach
LIT_SHARE = 0.02  # of a row's pixels that may be lit: noise
PARTS = 16  # of a row's length,
LIT_PARTS = 12  # of which the image lights so many; a line of text fewer
OUTER_EDGE = 0.015  # of the side: what is lit so near the edge is image, however little it fills
DARK_FRAME = 0.5  # a frame whose lit part is smaller says nothing about the bars
AGREED = 0.1  # share of the frames that must show the same bar
SAME_PX = 2
EDGE_LIT = 0.5  # of the outermost rows of a bar: so much light is the image, opened up
Crop = tuple[int, int, int, int]  # x, y, width, height of what is left
Margins = tuple[int, int, int, int]  # top, bottom, left, right


class BarFinder:
    """Takes luma planes (H, W) of one size; knows what all of them leave dark around the image."""

    def __init__(self, black: int = 0, least_lit: float = DARK_FRAME):
        self.black, self.least_lit = black, least_lit
        self._shape: tuple[int, int] | None = None
        self._found: list[Margins] = []

    def add(self, luma: np.ndarray) -> None:
        """Look at a frame."""
        self._shape = luma.shape
        lit = luma > self.black + ALMOST_BLACK
        margins = measure_margins(lit)
        top, bottom, left, right = margins
        size = max(0, lit.shape[0] - top - bottom) * max(0, lit.shape[1] - left - right)
        if size > self.least_lit * lit.size:
            self._found.append(margins)

    def find_usual(self) -> Crop | None:
        """What is image in most frames at least; parts of it may be bars in some."""
        if self._shape is None or not self._found:
            return self.find()
        top, bottom, left, right = (int(m) & ~1 for m in np.median(self._found, axis=0))
        height, width = self._shape
        return left, top, width - left - right, height - top - bottom

    @property
    def is_open(self) -> bool:
        """Whether the image was seen to reach every edge: more frames change nothing."""
        return bool(self._found) and not np.array(self._found).min(0).any()

    def find(self) -> Crop | None:
        """The image inside its bars; None without frames."""
        if self._shape is None:
            return None
        height, width = self._shape
        sides = zip(*self._found, strict=True) if self._found else [(0,)] * 4
        top, bottom, left, right = map(_agree, sides)
        return left, top, width - left - right, height - top - bottom


def find_crop(lumas: Iterable[np.ndarray], black: int = 0) -> Crop | None:
    """The image inside its bars, from luma planes (H, W) of equal size; None without frames.

    Takes no more of the planes than it needs: where there are no bars, one may show it.
    """
    finder = BarFinder(black)
    for luma in lumas:
        finder.add(luma)
        if finder.is_open:
            break
    return finder.find()


def measure_margins(lit: np.ndarray) -> Margins:
    """Rows and columns outside the image at the top, bottom, left and right, of (H, W) bool."""
    top, bottom = _measure_ends(lit)
    left, right = _measure_ends(lit.T)
    return top, bottom, left, right


def _measure_ends(lit: np.ndarray) -> tuple[int, int]:
    count = lit.shape[0]
    some = np.flatnonzero(lit.mean(1) > LIT_SHARE)
    if not some.size:
        return count, 0
    parts = cv2.resize(
        np.ascontiguousarray(lit).view(np.uint8) * 255, (PARTS, count), None, 0, 0, cv2.INTER_AREA
    )
    wide = np.flatnonzero((parts > 255 * LIT_SHARE).sum(1) >= LIT_PARTS)
    near = OUTER_EDGE * count
    first, last = int(some[0]), count - 1 - int(some[-1])
    if wide.size:
        first = first if first <= near else int(wide[0])
        last = last if last <= near else count - 1 - int(wide[-1])
    return first, last


def _agree(margins: tuple[int, ...]) -> int:
    """The margin that every frame has; 0 when they all differ, as dark images do."""
    margin = min(margins)
    alike = np.count_nonzero(np.array(margins) <= margin + SAME_PX)
    # outwards to an even number: chroma has half the resolution, and the edge of a bar is gray
    return margin + margin % 2 if margin and alike >= AGREED * len(margins) else 0


def lights_bars(luma: np.ndarray, crop: Crop, black: int) -> bool:
    """Whether a frame's image (H, W) reaches the outer edge of a bar that a crop takes off."""
    x, y, width, height = crop
    edges = [luma[:2, ::8]] if y > 0 else []
    edges += [luma[-2:, ::8]] if y + height < luma.shape[0] else []
    edges += [luma[::8, :2]] if x > 0 else []
    edges += [luma[::8, -2:]] if x + width < luma.shape[1] else []
    return any((edge > black + ALMOST_BLACK).mean() > EDGE_LIT for edge in edges)
