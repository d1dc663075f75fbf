"""What a face shows (a smile, an open mouth, lowered brows, drawn corners), and what that says.

A sign is one of the action units of Ekman and Friesen's FACS that the points of a face show well.
Which emotion shows it how often: Du, Tao and Martinez, Compound facial expressions of emotion
(PNAS 2014), table 1, rounded, where a unit of the emotion itself is used by more than 70 % of
people and others by the share that is printed there. Nothing counts for more than 95 to 5: films
draw faces in their own ways, and points err.
"""

import numpy as np
import pandas as pd

from workflow_scripts.film.people.features import AVERAGE_BROW_HEIGHT
from workflow_scripts.lib.emotions import EMOTIONS

RARE = 0.05
SHOWN = {  # sign -> share of those who feel it that show it; others RARE
    "smile": {"happy": 0.9},  # AU 12
    "open_mouth": {"surprised": 0.8, "fear": 0.33},  # AU 26
    "lowered_brows": {"angry": 0.8, "disgust": 0.31, "sad": 0.3},  # AU 4 without AU 1
    "drawn_corners": {"sad": 0.8},  # AU 15
}
SIGNS = tuple(SHOWN)
# Extent of a sign at which it is as likely there as not, and how much more makes it 73 % likely.
# Extents are the measures of film.people.features, brows as a share of the film's resting height.
LIMITS = {
    "smile": (-0.10, 0.015),
    "open_mouth": (0.14, 0.02),  # some 13 mm
    "lowered_brows": (0.14, 0.025),
    "drawn_corners": (0.0075, 0.0055),  # below the film's resting mouths
}
AT_REST = {"smile": -0.26, "open_mouth": 0.06, "lowered_brows": 0.0}  # of the average face
SIGN_OF = {"happy": "smile", "surprised": "open_mouth", "angry": "lowered_brows"}
PLAIN = 0.2  # a sign less likely than this is not there
LEAST_PLAIN_TRACKS = 5  # fewer don't tell how the film's mouths rest
AVERAGE_TRACKS = 3  # the average face counts as so many tracks of the film


def find_extents(measures: pd.DataFrame, fine: pd.Series, tracks: pd.Series) -> pd.DataFrame:
    """Extent (N rows, SIGNS) of each sign on each face; nan where nothing was measured.

    `measures` has the MEASURES of the features; `fine` is True for faces that are large enough for
    slight signs (drawn corners); `tracks` say which faces are one person's.
    """
    extents = pd.DataFrame(
        {
            "smile": measures["corner_lift"] - measures["corner_drop"],
            "open_mouth": measures["mouth_open"],
            "lowered_brows": 1 - measures["brow_height"] / find_resting_brows(measures, tracks),
        }
    )
    # The net draws small faces like the average one: they steady the level.
    plain = (judge_signs(extents) < PLAIN).all(axis=1)
    resting = measures["corner_lift"][plain].groupby(tracks[plain]).median()
    level = resting.median() if len(resting) >= LEAST_PLAIN_TRACKS else np.nan
    return extents.assign(drawn_corners=level - measures["corner_lift"].where(fine))


def find_resting_brows(measures: pd.DataFrame, tracks: pd.Series) -> float:
    """Height of the film's brows at rest; the average face's, while few tracks are known."""
    known = measures["brow_height"].groupby(tracks).median().dropna()
    return float(np.median([*known, *[AVERAGE_BROW_HEIGHT] * AVERAGE_TRACKS]))


def average_signs(extents: pd.DataFrame, tracks: pd.Series) -> pd.DataFrame:
    """The median extent of the faces of a track, given to each of them."""
    return extents.groupby(tracks.to_numpy()).transform("median")


def judge_signs(extents: pd.DataFrame) -> pd.DataFrame:
    """How likely each sign is there, 0 to 1; nan where nothing was measured."""
    chances = {}
    for sign in extents.columns:
        limit, step = LIMITS[sign]
        chances[sign] = 1 / (1 + np.exp(-np.clip((extents[sign] - limit) / step, -30, 30)))
    return pd.DataFrame(chances, index=extents.index)


def keep_seen(chances: pd.DataFrame, fine: pd.Series) -> pd.DataFrame:
    """nan for signs that are not there, but would hardly be seen: faces that are not `fine`.

    The net draws a face that it sees badly like the average one.
    """
    return chances.where((chances >= 0.5) | fine.to_numpy()[:, None])


def weigh_signs(probabilities: np.ndarray, chances: pd.DataFrame) -> np.ndarray:
    """Probabilities (N, 7) of the emotions, given what the faces show; nan says nothing.

    Bayes' rule, signs taken as independent of each other and of what the model went by.
    """
    weights = probabilities.copy()
    for sign in SIGNS:
        there = chances[sign].to_numpy()[:, None]
        shown = np.array([SHOWN[sign].get(emotion, RARE) for emotion in EMOTIONS])
        said = there * shown + (1 - there) * (1 - shown)
        weights *= np.where(np.isnan(said), 1.0, said)
    return weights / weights.sum(1, keepdims=True)


def measure_strength(emotions: pd.Series, extents: pd.DataFrame) -> np.ndarray:
    """How far the sign of each emotion goes: 0 at rest, .5 at its limit, 1 twice as far.

    nan where the emotion has no sign of its own here, or nothing was measured.
    """
    strength = np.full(len(emotions), np.nan)
    for emotion, sign in SIGN_OF.items():
        rest, (limit, _) = AT_REST[sign], LIMITS[sign]
        share = (extents[sign] - rest) / (limit - rest) / 2
        strength = np.where(emotions == emotion, np.clip(share, 0, 1), strength)
    return strength
