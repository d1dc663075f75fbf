"""Cuts, fades and dissolves, found while a film is decoded: every frame is looked at, small."""

from array import array
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.film.decoding.measures import shrink

SMALL = (40, 22)  # structure of a frame
BLOCKS = (8, 4)  # its colors
PICKED = (64, 36)  # pixels of each chroma plane that are looked at
SIDE = 5  # frames before and after that a cut must stand out from; drawings are held up to 4
OVER_MOTION = 1.25  # times the greatest change around it,
OVER_CALM = 2.0  # and times the two greatest of the calmer side: before or after;
STILL = 2.0  # where no change around it is greater than this,
OVER_STILL = 0.6  # a cut needs only so much of the least change
STAYS = 0.4  # share of the image that a cut leaves as it was, at most,
SAME_LEVELS = 8  # within so many gray levels,
OVER_PASSING = 3.0  # unless it stands out so much: else somebody passes before the camera
LAG = 20  # frames over which a dissolve is looked for
DISSOLVE_CHANGE = 30.0  # least change over LAG frames
MIXED = 0.06  # greatest share of the change that no mixture of the two ends explains
ALIKE = 0.75  # correlation of the ends: above, the same image gets lighter or darker
BLACK_MEAN = 0.06  # a black frame: mean and deviation of its luma, 0 to 1
BLACK_SPREAD = 0.03
FADE_DROP = 0.08  # least fall of the mean luma
FADE_RISE = 0.004  # least change of the mean from one drawing to the next
FADE_STEP_FRAMES = 4  # a fade holds one drawing at most so long
FADE_MIN_FRAMES = 3


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
        return self.mean < 255 * BLACK_MEAN and self.spread < 255 * BLACK_SPREAD


def extract_features(planes: list[np.ndarray], *, full_range: bool, bits: int = 8) -> FrameFeatures:
    """Reduce the planes Y, U, V of a frame; the Y plane is read once."""
    view, chroma = shrink(planes[0]), _read_colors(planes[1], planes[2])
    if bits > 8:
        view, chroma = (view >> (bits - 8)).astype(np.uint8), chroma >> (bits - 8)
    luma = shrink(view, SMALL).astype(np.float32)
    if not full_range:
        luma = (luma - 16) * np.float32(255 / 219)
    tones = cv2.calcHist([view], [0], None, [32], [0, 256]).ravel() / view.size
    mean, spread = cv2.meanStdDev(luma)
    return FrameFeatures(view, luma, tones, chroma.astype(np.float32), mean[0, 0], spread[0, 0])


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


@dataclass(frozen=True)
class Boundary:
    """Where a new shot begins."""

    frame_no: int
    transition: str  # start | cut | fade | dissolve


class ShotFinder:
    """Takes one features after another; says, at most LAG frames later, where a new shot began."""

    def __init__(self, min_change: float):
        self.min_change = min_change
        self.boundaries = [Boundary(0, "start")]
        self.means, self.spreads = array("f"), array("f")  # of every frame, for the fades
        self._recent: deque[FrameFeatures] = deque(maxlen=2 * SIDE + LAG)
        self._changes: deque[float] = deque([0.0] * (2 * SIDE + 1), maxlen=2 * SIDE + 1)
        self._best: tuple[float, int] | None = None  # greatest mixture of the dissolve under way

    def push(self, features: FrameFeatures) -> Boundary | None:
        """Look at the next frame; a cut is told SIDE frames after it, before any later one."""
        self._changes.append(score_change(self._recent[-1], features) if self._recent else 0.0)
        self._recent.append(features)
        self.means.append(features.mean / 255)
        self.spreads.append(features.spread / 255)
        return self._look()

    def finish(self) -> list[Boundary]:
        """Cuts among the last SIDE frames, which had too few frames after them to be judged."""
        found = []
        for _ in range(SIDE):
            self._changes.append(0.0)
            self._recent.append(self._recent[-1])
            self.means.append(self.means[-1])
            self.spreads.append(self.spreads[-1])
            found.append(self._look())
        del self.means[-SIDE:], self.spreads[-SIDE:]
        return [boundary for boundary in found if boundary]

    def _look(self) -> Boundary | None:
        frame_no = len(self.means) - 1 - SIDE  # the frame that is judged now
        if frame_no <= self.boundaries[-1].frame_no:
            return None
        transition = self._judge()
        if transition:
            self._best = None
            return self._add(Boundary(frame_no, transition))
        return self._follow_dissolve(frame_no)

    def _add(self, boundary: Boundary) -> Boundary:
        self.boundaries.append(boundary)
        return boundary

    def _judge(self) -> str:
        """Whether the frame SIDE before the newest begins a shot, and how."""
        before, here = self._recent[-SIDE - 2], self._recent[-SIDE - 1]
        if here.is_black:
            return ""  # black belongs to the shot before it
        if before.is_black:
            return "fade"
        changes = list(self._changes)
        change = changes[SIDE]
        if change < OVER_STILL * self.min_change:
            return ""  # nearly every frame; what follows costs more
        if change < self._least_change(changes[:SIDE], changes[SIDE + 1 :]):
            return ""
        around = max(changes[:SIDE] + changes[SIDE + 1 :])
        if change < OVER_PASSING * around and measure_same(before, here) > STAYS:
            return ""
        # a flash of a frame or two comes back to where it came from
        later = (self._recent[-SIDE + 1], self._recent[-SIDE + 2])
        is_flash = any(score_change(before, features) < change / 3 for features in later)
        return "" if is_flash else "cut"

    def _least_change(self, left: list[float], right: list[float]) -> float:
        """What a cut must reach, given the changes before and after it."""
        most = max(left + right)
        if most < STILL:  # next to nothing moves: a jump within one view shows
            return max(OVER_STILL * self.min_change, OVER_MOTION * most)
        calm = min(sum(sorted(side)[-2:]) / 2 for side in (left, right))
        return max(self.min_change, OVER_MOTION * most, OVER_CALM * (calm + 1))

    def _follow_dissolve(self, frame_no: int) -> Boundary | None:
        """Wait for the frame at which the mixture over the last LAG frames is greatest."""
        start = len(self._recent) - 1 - SIDE - LAG
        since_shot = frame_no - self.boundaries[-1].frame_no
        if start >= 0 and since_shot > LAG:
            first, last = self._recent[start], self._recent[start + LAG]
            change = 0.0 if first.is_black or last.is_black else score_change(first, last)
            if change > DISSOLVE_CHANGE and is_mixture(list(self._recent)[start : start + LAG + 1]):
                if self._best is None or change > self._best[0]:
                    self._best = change, frame_no - LAG // 2
                return None
        if self._best is None:
            return None
        best, self._best = self._best[1], None
        return self._add(Boundary(best, "dissolve"))


def is_mixture(span: list[FrameFeatures]) -> bool:
    """Whether the frames between the first and the last are blends of these two."""
    first, last = span[0].luma, span[-1].luma
    way = last - first
    length = float((way * way).sum())
    if not length or correlate(span[0], span[-1]) > ALIKE:
        return False
    between = np.stack([features.luma for features in span[2:-1:2]]) - first
    shares = (between * way).sum((1, 2)) / length
    rest = between - shares[:, None, None] * way
    explained = (rest * rest).sum((1, 2)) / length < MIXED
    half_way = (shares > 0.1) & (shares < 0.9)  # a cut has no frame there
    return bool(explained.all() and (np.diff(shares) > -0.05).all() and half_way.sum() >= 3)


def correlate(one: FrameFeatures, other: FrameFeatures) -> float:
    """Correlation of the lumas of two frames; 0 where one of them is flat."""
    both = float(np.vdot(one.luma, other.luma)) / one.luma.size - one.mean * other.mean
    spreads = one.spread * other.spread
    return both / spreads if spreads else 0.0


def find_fades(means: np.ndarray, spreads: np.ndarray, starts: list[int]) -> np.ndarray:
    """Mark (N,) the frames that fade to or from black, by the luma (0 to 1) of every frame."""
    is_black = (means < BLACK_MEAN) & (spreads < BLACK_SPREAD)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_black, [False]]).astype(int)))
    fades = np.zeros(len(means), bool)
    for begin, end in edges.reshape(-1, 2):
        shot_start = max(start for start in starts if start <= begin)
        shot_end = min([start for start in starts if start > end] + [len(means)])
        out = _count_slope(means[shot_start:begin][::-1], means[begin])
        into = _count_slope(means[end:shot_end], means[end - 1])
        fades[begin - out : begin] = True
        fades[end : end + into] = True
        fades[begin:end] = bool(out or into)
    return fades


def _count_slope(means: np.ndarray, black: float) -> int:
    """How many frames, going away from black, get lighter without a pause; 0 for no fade."""
    level, last_rise, paused = black, 0, False
    for index, mean in enumerate(means):
        # a rise much slower than the fade so far is the image itself that gets lighter
        if mean > level + max(FADE_RISE, 0.25 * (level - black) / (index + 1)):
            level, last_rise = mean, index
        elif mean < level - FADE_RISE or index - last_rise >= FADE_STEP_FRAMES:
            paused = True
            break
    length = last_rise if paused else len(means)  # the last rise led to the whole image
    return length if level - black >= FADE_DROP and length >= FADE_MIN_FRAMES else 0
