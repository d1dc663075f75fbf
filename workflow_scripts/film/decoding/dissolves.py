"""Dissolves: stretches in which every frame is a blend of the one before and the one after."""

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np

from workflow_scripts.film.decoding.features import FrameFeatures, correlate, score_change

LAGS_S = (5 / 12, 5 / 6, 5 / 3, 10 / 3)  # a dissolve is looked for over each of these
LOOKS_PER_LAG = 16  # so often is each looked at while it passes
LOOKED_AT = 10  # frames between the ends of a lag that are tried as a blend
DISSOLVE_CHANGE = 30.0  # least change from end to end
MIXED = 0.06  # greatest share of the change that no mixture of the two ends explains,
MIXED_EVENLY = 0.1  # and where the mixture goes on evenly, as blends of moving shots do
EVEN = 0.1  # of the way that it is off at most
ALIKE = 0.75  # correlation of the ends: above, the same image gets lighter or darker
BACKWARDS = 0.05  # of the way that noise may seem to go back
PURE = 0.05  # share of the other end up to which a frame counts as one of the ends
QUIET_S = 0.25  # without a blend: the dissolve before is over,
FADED_S = 0.75  # unless it leads to black or white so soon: then it was a fade
EARLY_S = 0.002  # time stamps are rounded


@dataclass(frozen=True)
class Look:
    """A frame that the search for shots looks at."""

    frame_no: int
    time_s: float
    features: FrameFeatures
    change: float = 0.0  # from the frame that was looked at before
    between: tuple[FrameFeatures, ...] = ()  # frames since that one, which came too fast


@dataclass(frozen=True)
class Dissolve:
    """Frames that show two shots at once, from `first` to before `end`; one half at `middle`."""

    first: int
    middle: int
    end: int


class DissolveFinder:
    """Takes the frames of a shot in order; says, some seconds later, where it dissolved."""

    def __init__(self) -> None:
        self._span: list[Look] = []
        self._due_s = [0.0] * len(LAGS_S)
        self._best: tuple[float, list[Look]] | None = None  # the greatest change of a blend
        self._seen_s = 0.0  # when a blend was seen last

    def push(self, look: Look) -> Dissolve | None:
        """Look at the next frame of a shot."""
        self._span.append(look)
        if look.features.is_blank and look.time_s - self._seen_s < FADED_S:
            self._best = None
        if look.time_s - self._span[0].time_s > 2 * LAGS_S[-1]:
            del self._span[: self._find(look.time_s - LAGS_S[-1] - 1)]
        for index, lag_s in enumerate(LAGS_S):
            if look.time_s >= self._due_s[index]:
                self._due_s[index] = look.time_s + lag_s / LOOKS_PER_LAG - EARLY_S
                self._try(lag_s)
        wait_s = QUIET_S if look.features.is_clear else FADED_S
        if self._best and look.time_s - self._seen_s > wait_s:
            return self.finish()
        return None

    def finish(self, keep_from: int | None = None) -> Dissolve | None:
        """The dissolve under way, if any; frames before its end, or `keep_from`, are done with."""
        best, self._best = self._best, None
        dissolve = measure_extent(best[1]) if best else None
        done = keep_from if keep_from is not None else dissolve.end if dissolve else 0
        self._span = [look for look in self._span if look.frame_no >= done]
        return dissolve

    def _find(self, time_s: float) -> int:
        """Index of the first frame from a time on."""
        return bisect_left(self._span, time_s, key=lambda look: look.time_s)

    def _try(self, lag_s: float) -> None:
        """Try the last so many seconds as a blend of their ends."""
        last = self._span[-1]
        if last.features.is_blank or last.time_s - self._span[0].time_s < lag_s - EARLY_S:
            return
        begin = self._find(last.time_s - lag_s - EARLY_S)
        first = self._span[begin]
        if first.features.is_blank:
            return
        change = score_change(first.features, last.features)
        if change <= DISSOLVE_CHANGE:
            return
        span = self._span[begin:]
        if is_mixture([look.features for look in span]):
            self._seen_s = last.time_s
            if self._best is None or change > self._best[0]:
                self._best = change, span


def is_mixture(span: list[FrameFeatures]) -> bool:
    """Whether the frames between the first and the last are blends of these two."""
    step = max(1, len(span) // LOOKED_AT)
    between = span[step:-1:step]
    if not between or correlate(span[0], span[-1]) > ALIKE:
        return False
    shares, rest = measure_shares([span[0], *between, span[-1]])
    shares, rest = shares[1:-1], rest[1:-1]
    half_way = (shares > 0.1) & (shares < 0.9)  # a cut has no frame there
    if half_way.sum() < 3 or (np.diff(shares) < -BACKWARDS).any():
        return False
    most = rest.max()
    return bool(most < MIXED or (most < MIXED_EVENLY and _is_even(shares, half_way)))


def _is_even(shares: np.ndarray, half_way: np.ndarray) -> bool:
    """Whether shares rise along a line."""
    rising = np.flatnonzero(half_way)
    line = np.polyval(np.polyfit(rising, shares[rising], 1), rising)
    return bool(np.abs(shares[rising] - line).max() < EVEN)


def measure_shares(span: list[FrameFeatures]) -> tuple[np.ndarray, np.ndarray]:
    """How much of the last frame is in each (N,), and what of each no blend explains (N,).

    Both as shares of the way from the first to the last.
    """
    lumas = np.stack([features.luma for features in span])
    lumas -= lumas[0].copy()
    way = lumas[-1].copy()
    length = max(float((way * way).sum()), 1e-6)
    shares = (lumas * way).sum((1, 2)) / length
    lumas -= shares[:, None, None] * way
    return shares, (lumas * lumas).sum((1, 2)) / length


def measure_extent(span: list[Look]) -> Dissolve:
    """Where within a span that dissolves both shots show."""
    shares = measure_shares([look.features for look in span])[0]
    end = int(np.flatnonzero(shares >= 1 - PURE)[0])
    first = int(np.flatnonzero(shares[:end] <= PURE)[-1]) + 1
    middle = first + int(np.flatnonzero(shares[first : end + 1] >= 0.5)[0])
    return Dissolve(span[first].frame_no, span[middle].frame_no, span[end].frame_no)
