"""Fields: whether a film's frames are woven from two moments, and how combed an image looks.

Flags lie both ways, so pixels decide, as FFmpeg's idet does (libavfilter/vf_idet.c): lines of a
frame are compared with those of the frames around it.
"""

from typing import Literal

import cv2
import numpy as np

STRIPS = 6  # upright strips of a frame that are looked at,
STRIP_PX = 16  # each so wide
CLEARLY = 1.1  # times more combed, to count as a sign
COMB_SPACING_PX = 128  # from strip to strip, where an image is measured
COMB_LEVELS = 10  # gray levels by which lines of a comb stand out from those beside them
LEAST_SIGNS = 3  # frames woven from fields, and
LEAST_SHARE = 0.1  # share of the frames that tell: fewer are chance; hard telecine gives 0.4
Sign = Literal["tff", "bff", "whole", ""]  # which field comes first; one moment; nothing moves


def cut_strips(luma: np.ndarray) -> np.ndarray:
    """Some columns (H, W) of a luma plane, int16 of 8 bits: enough to tell lines apart."""
    width = luma.shape[1]
    starts = np.linspace(0, max(0, width - STRIP_PX), STRIPS).astype(int)
    strips = np.concatenate([luma[:, x : x + STRIP_PX] for x in starts], axis=1)
    return strips.astype(np.int16) if luma.dtype == np.uint8 else strips.view(np.int16)


def read_sign(before: np.ndarray, here: np.ndarray, after: np.ndarray) -> Sign:
    """What three strips of frames in a row say about the one in the middle.

    A line of another frame between two lines of this one is combed by what moved meanwhile. In a
    frame of one moment its own lines fit best. In a woven one, the first field is as far from the
    lines before as the second is from those after; the other way round, three times as far.
    Frames of less than a strip's width or height say nothing: no filter could mend them.
    """
    if min(here.shape[0], here.shape[1] // STRIPS) < STRIP_PX:
        return ""
    own = _comb(here, here).sum()
    from_before, from_after = _comb(here, before), _comb(here, after)
    top_first = from_before[1::2].sum() + from_after[0::2].sum()
    bottom_first = from_before[0::2].sum() + from_after[1::2].sum()
    less, more = sorted((int(top_first), int(bottom_first)))
    if less > CLEARLY * own:
        return "whole"
    if more > CLEARLY * less and CLEARLY * own > less:
        return "tff" if top_first > bottom_first else "bff"
    return ""


def _comb(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Per line (H - 2,): how far lines of one lie from the mean of their neighbors in another."""
    doubled = cv2.add(outer[:-2], outer[2:])
    return cv2.absdiff(doubled, cv2.add(inner[1:-1], inner[1:-1])).sum(1, dtype=np.int64)


class FieldSigns:
    """Counts signs; says whether frames are woven from fields, and of which order."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {"tff": 0, "bff": 0, "whole": 0, "": 0}

    def add(self, sign: Sign) -> None:
        """Count a frame."""
        self.counts[sign] += 1

    @property
    def woven(self) -> int:
        """Frames that show two moments."""
        return self.counts["tff"] + self.counts["bff"]

    @property
    def is_woven(self) -> bool:
        """Whether enough of the frames that tell show two moments."""
        return self.woven > LEAST_SHARE * (self.woven + self.counts["whole"])

    @property
    def order(self) -> str:
        """Field that comes first, tff or bff; "" for frames of one moment each."""
        if self.woven < LEAST_SIGNS or not self.is_woven:
            return ""
        return max("tff", "bff", key=self.counts.get)


def measure_combing(luma: np.ndarray) -> float:
    """Share of an image's places, 0 to 1, whose lines alternate as those of a comb; (H, W)."""
    if luma.shape[0] < 4:
        return 0.0
    width = max(STRIP_PX, luma.shape[1] // COMB_SPACING_PX * COMB_SPACING_PX)
    if width > STRIP_PX:
        luma = luma[:, :width].reshape(len(luma), -1, COMB_SPACING_PX)[..., :STRIP_PX]
    luma = np.ascontiguousarray(luma).reshape(len(luma), -1)
    up = (cv2.subtract(luma[1:], luma[:-1]) > COMB_LEVELS).view(np.uint8)  # saturates at 0
    down = (cv2.subtract(luma[:-1], luma[1:]) > COMB_LEVELS).view(np.uint8)
    teeth = (up[:-2] & down[1:-1] & up[2:]) | (down[:-2] & up[1:-1] & down[2:])
    return cv2.countNonZero(teeth) / max(1, teeth.size)
