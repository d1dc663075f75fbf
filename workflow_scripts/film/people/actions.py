"""What a body does, judged from a window of its track; how sure that is; "unknown" is an answer.

Walkers and runners move their feet apart and together. What tells the two apart is the heel: in
every stride of a run it comes up to the knee, in a walk it never does (the knee of the swinging leg
bends by about 60 degrees in a walk, by 90 and more in a run: Novacheck, The biomechanics of
running, Gait and Posture 7, 1998). That shows from every side, also of those who come nearer or go
away, whose feet swing little sideways. Whoever waves has a hand above the shoulder that moves to
and fro: a raised arm that rests is no wave.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

MEASURES = ["foot_x", "foot_y", "knee_x", "heel", "drop", "lean", "size"]
HANDS = [["left_x", "left_rise"], ["right_x", "right_rise"]]
COLUMNS = [*MEASURES, *sum(HANDS, [])]
FEW = 4  # images in the window: fewer show no movement, the pose alone must tell
WIDE_STRIDE = 0.7  # torsos between the feet in a single image of somebody who walks
BENT_HEEL = 0.5  # torsos from knee to heel: less is a lifted foot, of a leg that is not straight
LIFTED = 2  # images in the window that must show the lifted heel of a run: one may be mistaken
APPROACH = 0.1  # growth of the body per second: it comes nearer or goes away
MIN_WAVE = 0.06  # torsos by which a waving hand spreads
SURE_RISE, SURE_HEEL, SURE_DROP, SURE_LEAN_DEG = 0.15, 0.2, 0.2, 15  # from a threshold: no doubt


@dataclass(frozen=True)
class Verdict:
    """An action; how clear it is, 0 at the threshold to 1; images of the window that tell it."""

    action: str
    margin: float = 0.0
    images: int = 0


UNKNOWN = Verdict("unknown")
Window = dict[str, np.ndarray]  # by MEASURES and HANDS, one value an image; nan: not seen


def name_action(window: Window, times_s: np.ndarray, now: int, rules: dict) -> Verdict:
    """What the body of image `now` does, by the images (T,) around it."""
    leans = _known(window["lean"])
    if len(leans) and np.median(leans) > rules["lie_lean_deg"]:
        over = np.median(leans) - rules["lie_lean_deg"]
        return Verdict("lie", _clip(over / SURE_LEAN_DEG), len(leans))
    if len(times_s) < FEW:
        return _name_pose({name: values[[now]] for name, values in window.items()}, rules)
    legs = _name_steps(window, times_s, rules)
    if legs.action in ("walk", "run"):
        raised = _known(window["drop"])  # knees: on a swing, on a bicycle
        return legs if not len(raised) or np.median(raised) >= rules["sit_drop"] else UNKNOWN
    wave = _find_wave(window, rules)
    if wave.action == "wave" or legs.action == "unknown":
        return wave
    return _name_rest(window, legs, rules)


def _name_steps(window: Window, times_s: np.ndarray, rules: dict) -> Verdict:
    """walk, run, stand (the legs rest, straight or not) or, where too little shows, unknown."""
    seen = ~np.isnan(window["foot_x"])
    if seen.sum() < FEW:  # knees that rest are enough, knees that move are not: in a walk or a run?
        knees = _known(window["knee_x"])
        moved = knees.std() / rules["min_swing"] if len(knees) >= FEW else np.inf
        return _rest(moved, len(knees)) if moved < 1 else UNKNOWN
    moved = np.hypot(window["foot_x"][seen].std(), window["foot_y"][seen].std())
    moved /= rules["min_swing"]
    if abs(_slope(times_s[seen], window["size"][seen])) >= APPROACH:
        # feet that move in depth show half of it
        moved *= 2
    return _rest(moved, int(seen.sum())) if moved < 1 else _name_gait(window, moved, rules)


def _rest(moved: float, images: int) -> Verdict:
    return Verdict("stand", _halvings(1 / max(moved, 1e-6)), images)


def _name_gait(window: Window, moved: float, rules: dict) -> Verdict:
    """walk or run, of somebody whose feet move; unknown where heels are not seen."""
    heels = np.sort(_known(window["heel"]))
    if len(heels) < FEW:
        return UNKNOWN
    over = heels[LIFTED - 1] - rules["run_heel"]
    margin = min(_halvings(moved), _clip(abs(over) / SURE_HEEL))
    return Verdict("run" if over < 0 else "walk", margin, len(heels))


def _find_wave(window: Window, rules: dict) -> Verdict:
    """wave, if a hand does; unknown, if none does."""
    found = UNKNOWN
    for side, height in HANDS:
        seen = ~np.isnan(window[height])
        if seen.sum() < FEW:
            continue
        rise = np.median(window[height][seen]) - rules["wave_rise"]
        spread = np.hypot(window[side][seen].std(), window[height][seen].std()) / MIN_WAVE
        if rise > 0 and spread >= 1:
            margin = min(_halvings(spread), _clip(rise / SURE_RISE))
            wave = Verdict("wave", margin, int(seen.sum()))
            found = max(found, wave, key=lambda one: (one.images > 0, one.margin))
    return found


def _name_rest(window: Window, legs: Verdict, rules: dict) -> Verdict:
    """sit or stand, of somebody whose legs rest; unknown where hips and knees are not seen."""
    drops = _known(window["drop"])
    if not len(drops):
        return UNKNOWN
    over = float(np.median(drops)) - rules["sit_drop"]
    margin = min(legs.margin, _clip(abs(over) / SURE_DROP))
    return Verdict("sit" if over < 0 else "stand", margin, min(len(drops), legs.images))


def _name_pose(image: Window, rules: dict) -> Verdict:
    """What a single image shows: without movement, a step must be wide and have a lifted foot."""
    apart, heel, drop = (
        float(value[0])
        for value in (np.hypot(image["foot_x"], image["foot_y"]), image["heel"], image["drop"])
    )
    if np.isnan(drop):
        return UNKNOWN
    if drop < rules["sit_drop"]:
        return Verdict("sit", _clip((rules["sit_drop"] - drop) / SURE_DROP), 1)
    if np.isnan(heel):
        return UNKNOWN
    if apart >= WIDE_STRIDE and heel < BENT_HEEL:
        over = heel - rules["run_heel"]
        return Verdict("run" if over < 0 else "walk", _clip(abs(over) / SURE_HEEL), 1)
    raised = np.fmax(image[HANDS[0][1]], image[HANDS[1][1]])[0] > rules["wave_rise"]
    if apart >= WIDE_STRIDE or heel < BENT_HEEL or raised:  # mid-step? in mid-wave?
        return UNKNOWN
    return Verdict("stand", _clip((WIDE_STRIDE - apart) / WIDE_STRIDE), 1)


def name_actions(
    movement: pd.DataFrame, tracks: np.ndarray, times_s: np.ndarray, rules: dict
) -> tuple[np.ndarray, np.ndarray]:
    """Action of each body (N,), and how sure it is, 0 to 1 (N,).

    Each image votes as its window says; the action is what most votes in a window are for. Sure is
    what many images tell (Laplace's rule of succession), agree on, and what no threshold is near:
    an action right at a threshold is at most half sure.
    """
    actions = np.full(len(movement), "unknown", object)
    certainty = np.zeros(len(movement))
    columns = {name: movement[name].to_numpy(float) for name in COLUMNS}
    for rows in pd.Series(range(len(movement))).groupby(tracks).indices.values():
        rows = rows[np.argsort(times_s[rows], kind="stable")]
        times = times_s[rows]
        starts = np.searchsorted(times, times - rules["window_s"])
        ends = np.searchsorted(times, times + rules["window_s"], side="right")
        votes = [
            name_action(
                {name: values[rows[start:end]] for name, values in columns.items()},
                times[start:end],
                number - start,
                rules,
            )
            for number, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]
        for row, start, end in zip(rows, starts, ends, strict=True):
            actions[row], certainty[row] = count_votes(votes[start:end])
    return actions, certainty


def count_votes(votes: list[Verdict]) -> tuple[str, float]:
    """The action that most images of a window stand for, and how sure it is, 0 to 1."""
    names, counts = np.unique([vote.action for vote in votes], return_counts=True)
    action = str(names[counts.argmax()])
    if action == "unknown":
        return action, 0.0
    agree = [vote for vote in votes if vote.action == action]
    images = max(len(agree), *(vote.images for vote in agree))
    told = (images + 1) / (images + 2)
    clear = np.mean([0.5 + 0.5 * vote.margin for vote in agree])
    return action, float(told * clear * len(agree) / len(votes))


def _slope(times_s: np.ndarray, values: np.ndarray) -> float:
    """Of the straight line through the values; 0 where all are of one moment."""
    away = times_s - times_s.mean()
    return float(away @ values / spread) if (spread := away @ away) else 0.0


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values)]


def _halvings(ratio: float) -> float:
    """How clearly a ratio is above 1: 0 at 1, 1 from 2 on."""
    return _clip(np.log2(max(ratio, 1.0)))


def _clip(value: float) -> float:
    return float(np.clip(value, 0, 1))
