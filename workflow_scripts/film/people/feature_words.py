"""Words for eyes, mouth and brows, from what was measured on a face; "" where it is not clear."""

import numpy as np
import pandas as pd

from workflow_scripts.film.people.signs import PLAIN, judge_signs

CLEAR = 0.8  # a sign is named when it is at least so likely
CLOSED_LIPS = 0.05  # inner edges of the lips apart by less
# Eyes differ between people more than between open and narrowed, so they are compared with those
# of their own track; a blink is short, so most faces of a track have them open.
OPEN_EYES = 0.22  # lids at least so far apart, over the width of the eye
SAME_EYES = 0.9  # of the track's own opening: no blink
BLINK = 0.75  # of it: a blink
SHUT_EYES = 0.1  # lids so near are shut in any track


def name_features(
    measures: pd.DataFrame, extents: pd.DataFrame, fine: pd.Series, tracks: pd.Series
) -> pd.DataFrame:
    """Columns eyes, mouth and brows of each face; rows that nobody measured get "" for all.

    Lips are called closed on `fine` faces only: on others a smile or a gap may go unseen.
    """
    chances = judge_signs(extents)
    smiling, opened = chances["smile"], chances["open_mouth"]
    closed = fine & (measures["mouth_open"] < CLOSED_LIPS) & (smiling < PLAIN) & (opened < PLAIN)
    mouths = [opened >= CLEAR, smiling >= CLEAR, closed]
    return pd.DataFrame(
        {
            "eyes": name_eyes(measures["eye_open"], tracks),
            "mouth": np.select(mouths, ["open", "smiling", "closed"], ""),
            "brows": np.where(chances["lowered_brows"] >= CLEAR, "lowered", ""),
        },
        index=measures.index,
    )


def name_eyes(opening: pd.Series, tracks: pd.Series) -> np.ndarray:
    """open or closed, seen beside the other faces of the track; "" between, and where unknown."""
    usual = opening.groupby(tracks.to_numpy()).transform("median")
    share = opening / usual.where(usual > 0)
    shut = (opening < SHUT_EYES) | ((share < BLINK) & (usual >= OPEN_EYES))
    wide = (opening >= OPEN_EYES) & (share >= SAME_EYES)
    return np.select([shut, wide], ["closed", "open"], "")
