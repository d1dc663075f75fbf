"""What reading text and selecting it must agree on: places, pieces of shots, grids of gray."""

import math
from unicodedata import east_asian_width

import numpy as np
import pandas as pd

Box = tuple[float, float, float, float]
SAME_PLACE = 0.5  # overlap (intersection over union) of two finds of one line
PIECE = 24  # images of a long shot that are read together: bounds memory, and the wait for news
CARD_GRID = (32, 18)  # cells (wide, high) whose gray tells a title card
LEAST_FIT = 0.5  # correlation down to which a line is followed; no selection can ask for less


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return wide * high / (sum(areas) - wide * high)


def same_place(a: Box, b: Box) -> bool:
    """Whether two boxes hold one line."""
    return overlap(a, b) > SAME_PLACE


def count_letters(text: str) -> int:
    """Letters and digits of a reading; one of Chinese, Japanese or Korean says as much as two."""
    return sum(1 + (east_asian_width(one) in "WF") for one in text if one.isalnum())


def split_long_shots(table: pd.DataFrame) -> list[pd.DataFrame]:
    """The images of each shot in order; those of a long one in several pieces, about equally long.

    A last image on its own would not know that credits roll, or what stands in all the others.
    """
    shots = [shot for _, shot in table.groupby("shot_id")]
    counts = [math.ceil(len(shot) / PIECE) for shot in shots]
    return [
        shot.iloc[part]
        for shot, count in zip(shots, counts, strict=True)
        for part in np.array_split(np.arange(len(shot)), count)
    ]
