"""A frame in a few numbers, and how different two frames are by them."""

from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.film.decoding.measures import shrink

SMALL = (40, 22)  # structure of a frame
BLOCKS = (8, 4)  # its colors
PICKED = (64, 36)  # pixels of each chroma plane that are looked at
SAME_LEVELS = 8  # gray levels within which a place of two frames looks the same
BLACK_MEAN = 0.06  # a black frame: mean and deviation of its luma, 0 to 1
WHITE_MEAN = 0.94
FLAT_SPREAD = 0.03
CLEAR_SPREAD = 12.0  # gray levels: less structure than this tells no shot from another


@dataclass(frozen=True)
class FrameFeatures:
    """A frame in a few numbers; luma is 0 to 255 whatever the film's range."""

    view: np.ndarray  # (90, 160) uint8 luma as stored
    luma: np.ndarray  # (22, 40) float32
    tones: np.ndarray  # (32,) float32 shares
    colors: np.ndarray  # (2, 4, 8) float32
    mean: float
    spread: float

    @property
    def is_black(self) -> bool:
        return self.mean < 255 * BLACK_MEAN and self.spread < 255 * FLAT_SPREAD

    @property
    def is_white(self) -> bool:
        return self.mean > 255 * WHITE_MEAN and self.spread < 255 * FLAT_SPREAD

    @property
    def is_blank(self) -> bool:
        return self.is_black or self.is_white

    @property
    def is_clear(self) -> bool:
        return self.spread > CLEAR_SPREAD


def extract_features(
    planes: list[np.ndarray],
    *,
    full_range: bool,
    bits: int = 8,
    tones: np.ndarray | None = None,
    chroma_gain: float = 1.0,
) -> FrameFeatures:
    """Reduce the planes Y, U, V of a frame; the Y plane is read once.

    tones (256,) uint8 and chroma_gain bring the values of a film in a wider range of light near
    those of a usual one.
    """
    view, chroma = shrink(planes[0]), _read_colors(planes[1], planes[2])
    if bits > 8:
        view, chroma = (view >> (bits - 8)).astype(np.uint8), chroma >> (bits - 8)
    chroma = chroma.astype(np.float32)
    if tones is not None:
        view, chroma = cv2.LUT(view, tones), chroma * np.float32(chroma_gain)
    luma = shrink(view, SMALL).astype(np.float32)
    if not full_range:
        luma = (luma - 16) * np.float32(255 / 219)
    shares = cv2.calcHist([view], [0], None, [32], [0, 256]).ravel() / view.size
    mean, spread = cv2.meanStdDev(luma)
    return FrameFeatures(view, luma, shares, chroma, mean[0, 0], spread[0, 0])


def _read_colors(blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    """Means (2, 4, 8) of the blocks of both chroma planes, from a grid of single pixels.

    Blocks of color need no more, and reading all costs.
    """
    width, height = PICKED
    picked = np.empty((2 * height, width), blue.dtype)
    for plane, part in ((blue, picked[:height]), (red, picked[height:])):
        cv2.resize(plane, PICKED, dst=part, interpolation=cv2.INTER_NEAREST)
    blocks = cv2.resize(picked, (BLOCKS[0], 2 * BLOCKS[1]), interpolation=cv2.INTER_AREA)
    return blocks.reshape(2, BLOCKS[1], BLOCKS[0])


def score_change(one: FrameFeatures, other: FrameFeatures) -> float:
    """How different two frames are: 0 the same, about 5 motion, 20 and more another shot."""
    # against the contrast of both, so that cuts between dark shots count as much
    contrast = 8 + np.sqrt(one.spread * other.spread)
    structure = cv2.norm(one.luma, other.luma, cv2.NORM_L1) / one.luma.size / contrast
    tones = cv2.norm(one.tones, other.tones, cv2.NORM_L1) / 2
    colors = cv2.norm(one.colors, other.colors, cv2.NORM_L1) / one.colors.size
    return 40 * structure + 30 * tones + 2 * colors


def measure_same(one: FrameFeatures, other: FrameFeatures) -> float:
    """Share of two frames that looks the same."""
    return float((cv2.absdiff(one.luma, other.luma) < SAME_LEVELS).mean())


def correlate(one: FrameFeatures, other: FrameFeatures) -> float:
    """Correlation of the lumas of two frames; 0 where one of them is flat."""
    both = float(np.vdot(one.luma, other.luma)) / one.luma.size - one.mean * other.mean
    spreads = one.spread * other.spread
    return both / spreads if spreads else 0.0
