"""Cuts, fades and dissolves, found while a film is decoded: every frame is looked at, small.

All that counts here is time, not frames: a film that shows 60 or 120 frames a second (each of its
drawings several times) is looked at some 30 times a second, and has the shots it has at 24.
"""

from array import array
from collections import deque
from dataclasses import dataclass

import numpy as np

from workflow_scripts.film.decoding.dissolves import Dissolve, DissolveFinder, Look
from workflow_scripts.film.decoding.fades import find_fades
from workflow_scripts.film.decoding.features import (
    FrameFeatures,
    correlate,
    measure_same,
    score_change,
)

LOOK_S = 1 / 32  # least time between two frames that are looked at
SIDE_S = 0.21  # a cut must stand out from what changes so long before and after it;
READY_S = 0.19  # drawings are held for up to 4 frames of 24. Judged when so much of it is seen
LEAST_SIDE = 2  # frames, however few there are a second
OVER_MOTION = 1.25  # times the greatest change around it,
OVER_CALM = 2.0  # and times the two greatest of the calmer side: before or after;
STILL = 2.0  # where no change around it is greater than this,
OVER_STILL = 0.6  # a cut needs only so much of the least change
STAYS = 0.4  # share of the image that a cut leaves as it was, at most,
OVER_PASSING = 3.0  # unless it stands out so much: else somebody passes before the camera
FLASH_S = (0.078, 0.118)  # when a flash is over: two frames of 24 a second, and another
SAME_SHOT = 0.6  # correlation before and after a white-out, from which both are one shot
WELL_CLEAR = 36.0  # gray levels of structure that a shot coming out of white has soon,
WHITE_OUT_S = 0.75  # or never; after so long, it is compared whatever it has


@dataclass(frozen=True)
class Boundary:
    """Where a new shot begins."""

    frame_no: int
    transition: str  # start | cut | fade | dissolve


class ShotFinder:
    """Takes one features after another; says later, within seconds, where a new shot began."""

    def __init__(self, min_change: float):
        self.min_change = min_change
        self.boundaries = [Boundary(0, "start")]
        self.dissolves: list[Dissolve] = []
        self.settled = 0  # no cut will be told before this frame
        self.count = 0  # frames seen
        self._means, self._spreads, self._times_s = array("f"), array("f"), array("d")
        self._looks: deque[Look] = deque()  # what is judged, and what lies around it
        self._judged = -1  # index in _looks of the last frame that was judged
        self._between: list[FrameFeatures] = []
        self._frame_nos = array("q")
        self._dissolving = DissolveFinder()
        self._white = WhiteOut()

    def push(self, time_s: float, features: FrameFeatures) -> list[Boundary]:
        """Look at the next frame; a cut is told SIDE_S after it, before any later one."""
        frame_no, self.count = self.count, self.count + 1
        if self._looks and time_s - self._looks[-1].time_s < LOOK_S:
            self._between.append(features)
            return []
        change = score_change(self._looks[-1].features, features) if self._looks else 0.0
        self._looks.append(Look(frame_no, time_s, features, change, tuple(self._between)))
        self._between = []
        self._frame_nos.append(frame_no)
        self._times_s.append(time_s)
        self._means.append(features.mean / 255)
        self._spreads.append(features.spread / 255)
        return self._judge_ready(READY_S)

    def finish(self) -> list[Boundary]:
        """Cuts among the last frames, which had too little after them to be judged."""
        found = self._judge_ready(None)
        dissolve = self._dissolving.finish()
        self.settled = self.count
        return found + (self._add_dissolve(dissolve) if dissolve else [])

    def list_boundaries(self) -> list[Boundary]:
        """All shots in film order: dissolves are told late."""
        return sorted(self.boundaries, key=lambda boundary: boundary.frame_no)

    def mark_fades(self) -> np.ndarray:
        """Mark (N,) the frames that fade from or to black or white."""
        numbers = np.array(self._frame_nos)
        firsts = sorted(b.frame_no for b in self.boundaries if b.transition != "dissolve")
        starts = np.searchsorted(numbers, firsts).tolist()  # a cut between two looks: the later
        found = find_fades(
            np.array(self._means), np.array(self._spreads), np.array(self._times_s), starts
        )
        nearest = np.searchsorted(numbers, np.arange(self.count), side="right") - 1
        return found[nearest]

    def mark_dissolves(self) -> np.ndarray:
        """Mark (N,) the frames that show two shots at once."""
        marks = np.zeros(self.count, bool)
        for dissolve in self.dissolves:
            marks[dissolve.first : dissolve.end] = True
        return marks

    def _judge_ready(self, ready_s: float | None) -> list[Boundary]:
        """Judge every frame that has so much after it; None: all."""
        found = []
        while self._judged + 1 < len(self._looks):
            index = self._judged + 1
            if ready_s is not None:
                after_s = self._looks[-1].time_s - self._looks[index].time_s
                if after_s < ready_s or len(self._looks) - 1 - index < LEAST_SIDE:
                    break
            self._judged = index
            found += self._look(index)
            self.settled = self._looks[index].frame_no + 1
            self._forget()
        return found

    def _forget(self) -> None:
        """Let go of what lies too far before the frame that is judged next."""
        here_s = self._looks[self._judged].time_s
        while self._judged > LEAST_SIDE and here_s - self._looks[0].time_s > 2 * SIDE_S:
            self._looks.popleft()
            self._judged -= 1

    def _look(self, index: int) -> list[Boundary]:
        look = self._looks[index]
        white_out = self._white.push(look)
        transition = self._judge(index) if look.frame_no else ""
        if transition or white_out is not None:
            number = self._place(index) if transition else white_out
            told = self._end_shot(number)
            told.append(Boundary(number, transition or "fade"))
            self.boundaries.append(told[-1])
            self._dissolving.push(look)
            return told
        if self._white.is_open:
            self._dissolving.finish(look.frame_no)  # what comes out of white dissolves from nothing
            return []
        dissolve = self._dissolving.push(look)
        return self._add_dissolve(dissolve) if dissolve else []

    def _end_shot(self, frame_no: int) -> list[Boundary]:
        """A cut ends what dissolves before it."""
        self._white = WhiteOut()
        dissolve = self._dissolving.finish(frame_no)
        if dissolve is None or dissolve.end > frame_no:
            return []
        return self._add_dissolve(dissolve)

    def _add_dissolve(self, dissolve: Dissolve) -> list[Boundary]:
        if self.mark_fades()[dissolve.middle]:
            return []  # an image that comes out of black is a blend of black and itself
        self.dissolves.append(dissolve)
        self.boundaries.append(Boundary(dissolve.middle, "dissolve"))
        return self.boundaries[-1:]

    def _place(self, index: int) -> int:
        """The frame after the greatest change between two looks."""
        look = self._looks[index]
        if not look.between:
            return look.frame_no
        steps = [self._looks[index - 1].features, *look.between, look.features]
        changes = [score_change(*pair) for pair in zip(steps, steps[1:], strict=False)]
        return look.frame_no - len(look.between) + int(np.argmax(changes))

    def _judge(self, index: int) -> str:
        """Whether a frame begins a shot, and how."""
        before, here = self._looks[index - 1].features, self._looks[index].features
        if here.is_blank or before.is_white:
            return ""  # black and white belong to the shot before them
        if before.is_black:
            return "fade"
        change = self._looks[index].change
        if change < OVER_STILL * self.min_change:
            return ""  # nearly every frame; what follows costs more
        left, right = self._list_changes(index)
        if change < self._least_change(left, right):
            return ""
        if change < OVER_PASSING * max(left + right) and measure_same(before, here) > STAYS:
            return ""
        # a flash of a frame or two comes back to where it came from
        later = [self._find_after(index, wait_s) for wait_s in FLASH_S]
        is_flash = any(score_change(before, features) < change / 3 for features in later)
        return "" if is_flash else "cut"

    def _list_changes(self, index: int) -> tuple[list[float], list[float]]:
        """Changes within SIDE_S before and after a frame, without its own."""
        here_s, changes = self._looks[index].time_s, ([], [])
        for place, look in enumerate(self._looks):
            near = abs(look.time_s - here_s) <= SIDE_S or abs(place - index) <= LEAST_SIDE
            if near and place != index:
                changes[place > index].append(look.change)
        left, right = ([*side, *[0.0] * (LEAST_SIDE - len(side))] for side in changes)
        return left, right

    def _find_after(self, index: int, wait_s: float) -> FrameFeatures:
        """What is seen so long after a frame, or last."""
        from_s = self._looks[index].time_s + wait_s
        later = (self._looks[place] for place in range(index + 1, len(self._looks)))
        return next((look for look in later if look.time_s >= from_s), self._looks[-1]).features

    def _least_change(self, left: list[float], right: list[float]) -> float:
        """What a cut must reach, given the changes before and after it."""
        most = max(left + right)
        if most < STILL:  # next to nothing moves: a jump within one view shows
            return max(OVER_STILL * self.min_change, OVER_MOTION * most)
        calm = min(sum(sorted(side)[-2:]) / 2 for side in (left, right))
        return max(self.min_change, OVER_MOTION * most, OVER_CALM * (calm + 1))


class WhiteOut:
    """Follows a shot into white and out of it: to another shot, or back, as a flash goes."""

    def __init__(self) -> None:
        self._clear: FrameFeatures | None = None  # the last frame with structure before white
        self._began: Look | None = None  # first frame after white
        self.is_open = False  # white, or not yet clear again

    def push(self, look: Look) -> int | None:
        """The frame at which another shot began, once that is clear."""
        features = look.features
        if features.is_white:
            self.is_open, self._began = True, None
            return None
        if not self.is_open:
            self._clear = features if features.is_clear else self._clear
            return None
        self._began = self._began or look
        if features.spread < WELL_CLEAR and look.time_s - self._began.time_s < WHITE_OUT_S:
            return None
        began, self.is_open, self._began = self._began, False, None
        before, self._clear = self._clear, features
        if before is not None and correlate(before, features) > SAME_SHOT:
            return None
        return began.frame_no
