"""Which frames of a shot become images: so many a second, and never fewer than so many a shot."""

from dataclasses import dataclass
from typing import Any

EARLY_S = 1e-4  # how much too early a frame may come: time stamps are rounded


@dataclass(frozen=True)
class Candidate:
    """A decoded frame that may be taken."""

    frame_no: int
    time_s: float
    frame: Any
    on_grid: bool = False


class Sampler:
    """Takes frames in order, hands out those to keep in order, and holds only a few meanwhile.

    A shot's clock starts at its first frame. Until a shot has reached its minimum, frames between
    the ticks are kept too, thinned evenly while the shot grows; at its end they fill what is
    missing. A shot of fewer frames than its minimum gives all of them.
    """

    def __init__(self, frames_per_second: float, frames_per_shot: int):
        self.step_s = 1 / frames_per_second if frames_per_second else None
        self.minimum = frames_per_shot
        self._waiting: list[Candidate] = []
        self._given: list[int] = []  # frame_no of what this shot already gave
        self._start_s: float | None = None
        self._ticks = 0
        self._stride = 1  # of the spare frames, in frames
        self._seen = 0

    def offer(self, frame_no: int, time_s: float, frame: Any) -> list[Candidate]:
        """Look at the next frame; return frames that are now sure to be kept."""
        on_grid = self._ticks_at(time_s)
        is_spare = len(self._given) < self.minimum and self._seen % self._stride == 0
        self._seen += 1
        if on_grid or is_spare:
            self._waiting.append(Candidate(frame_no, time_s, frame, on_grid))
        on_ticks = [candidate for candidate in self._waiting if candidate.on_grid]
        if len(self._given) + len(on_ticks) >= self.minimum:
            self._waiting = []
            return self._give(on_ticks)
        self._thin()
        return []

    def split(self, frame_no: int) -> list[Candidate]:
        """End the shot before `frame_no`; frames already seen from there on begin the next one."""
        ended = [c for c in self._waiting if c.frame_no < frame_no]
        rest = [c for c in self._waiting if c.frame_no >= frame_no]
        missing = self.minimum - sum(given < frame_no for given in self._given)
        given = self._give(choose_evenly(ended, missing))
        self._given = [number for number in self._given if number >= frame_no]
        self._waiting, self._stride, self._seen = rest, 1, 0
        if not rest and not self._given:
            self._start_s = None
        return given

    def _ticks_at(self, time_s: float) -> bool:
        if self._start_s is None:
            self._start_s, self._ticks = time_s, 0
        if self.step_s is None or time_s < self._start_s + self._ticks * self.step_s - EARLY_S:
            return False
        self._ticks = int((time_s - self._start_s + EARLY_S) / self.step_s) + 1
        return True

    def _thin(self) -> None:
        spares = [candidate for candidate in self._waiting if not candidate.on_grid]
        if len(spares) <= 4 * self.minimum:
            return
        dropped = {candidate.frame_no for candidate in spares[1::2]}
        self._waiting = [c for c in self._waiting if c.frame_no not in dropped]
        self._stride *= 2

    def _give(self, chosen: list[Candidate]) -> list[Candidate]:
        self._given += [candidate.frame_no for candidate in chosen]
        return chosen


def choose_evenly(candidates: list[Candidate], count: int) -> list[Candidate]:
    """All on the grid and, when these are fewer than `count`, others spread over the shot."""
    chosen = [candidate for candidate in candidates if candidate.on_grid]
    spares = [candidate for candidate in candidates if not candidate.on_grid]
    while spares and len(chosen) < count:
        taken = [candidate.frame_no for candidate in chosen]
        chosen.append(max(spares, key=lambda spare: _distance(spare.frame_no, taken, candidates)))
        spares.remove(chosen[-1])
    return sorted(chosen, key=lambda candidate: candidate.frame_no)


def _distance(frame_no: int, taken: list[int], candidates: list[Candidate]) -> float:
    """Frames to the nearest one taken; with none taken, nearness to the middle of the shot."""
    if taken:
        return min(abs(frame_no - other) for other in taken)
    return -abs(frame_no - (candidates[0].frame_no + candidates[-1].frame_no) / 2)
