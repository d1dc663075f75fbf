"""Fades from and to black or white, by the luma of every frame of a film."""

import numpy as np

from workflow_scripts.film.decoding.features import BLACK_MEAN, FLAT_SPREAD, WHITE_MEAN

USUAL_STEP_S = 1 / 24
FADE_DROP = 0.08  # least fall of the mean luma
FADE_RISE = 0.004  # least change of the mean from one drawing to the next
FADE_SLOWEST = 0.25  # of the fade's usual rise: slower is the image itself that gets lighter
FADE_STEP_S = 0.16  # a fade holds one drawing for less than this
FADE_MIN_S = 0.12


def find_fades(
    means: np.ndarray, spreads: np.ndarray, times_s: np.ndarray, starts: list[int]
) -> np.ndarray:
    """Mark (N,) the frames that fade to or from black or white.

    means and spreads (N,) of the frames' luma, 0 to 1; starts: indices at which shots begin.
    """
    is_flat = spreads < FLAT_SPREAD
    black = _find_around(is_flat & (means < BLACK_MEAN), means, times_s, starts)
    white = _find_around(is_flat & (means > WHITE_MEAN), 1 - means, times_s, starts)
    return black | white


def _find_around(
    is_blank: np.ndarray, means: np.ndarray, times_s: np.ndarray, starts: list[int]
) -> np.ndarray:
    """Mark what rises from blank stretches on both sides, and those between."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_blank, [False]]).astype(int)))
    fades = np.zeros(len(means), bool)
    for begin, end in edges.reshape(-1, 2):
        shot_start = max(start for start in starts if start <= begin)
        shot_end = min([start for start in starts if start > end] + [len(means)])
        before = slice(shot_start, begin)
        out = _count_slope(
            means[before][::-1], times_s[begin] - times_s[before][::-1], means[begin]
        )
        after = slice(end, shot_end)
        into = _count_slope(means[after], times_s[after] - times_s[end - 1], means[end - 1])
        fades[begin - out : begin] = True
        fades[end : end + into] = True
        fades[begin:end] = bool(out or into)
    return fades


def _count_slope(means: np.ndarray, away_s: np.ndarray, blank: float) -> int:
    """How many frames, going away from a blank one, leave it without a pause; 0 for no fade.

    away_s: seconds from the blank frame.
    """
    level, last_rise, paused = blank, 0, False
    for index, (mean, now_s) in enumerate(zip(means, away_s, strict=True)):
        least = max(FADE_RISE, FADE_SLOWEST * (level - blank) * USUAL_STEP_S / now_s)
        if mean > level + least:
            level, last_rise = mean, index
        elif mean < level - FADE_RISE or now_s - away_s[last_rise] >= FADE_STEP_S:
            paused = True
            break
    length = last_rise if paused else len(means)  # the last rise led to the whole image
    lasts_s = away_s[length - 1] if length else 0.0
    return length if level - blank >= FADE_DROP and lasts_s >= FADE_MIN_S else 0
