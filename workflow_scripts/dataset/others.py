"""Who else shows in what is cut out around somebody: a caption that is silent about a second person
teaches the trigger both."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workflow_scripts.dataset.facts import list_people
from workflow_scripts.dataset.framing_measures import find_shown
from workflow_scripts.lib.boxes import BOX, measure_overlaps

SAME_BODY = 0.5  # IoU of two boxes of one body that was found twice


def list_others(
    rows: pd.DataFrame, crops: np.ndarray, people: pd.DataFrame, names: Mapping[str, str]
) -> list[list[str]]:
    """Who shows in each crop besides the one it is of, as list_people says it; [] for nobody.

    `rows` has image_id and frame_id, `crops` (N, 4) are what is cut out of their frames; `people`
    are all that were found: instance_id, frame_id, x0 ... y1, character. `names` maps characters
    to their words in captions.
    """
    by_frame, nobody = people.groupby("frame_id").indices, np.zeros(0, int)
    ids, who = people["instance_id"].to_numpy(), people["character"].fillna("").to_numpy()
    boxes = people[BOX].to_numpy(float)
    shown = []
    for image_id, frame_id, crop in zip(rows["image_id"], rows["frame_id"], crops, strict=True):
        near = by_frame.get(frame_id, nobody)
        is_other = find_others(ids[near] == image_id, who[near], boxes[near])
        others = near[is_other & find_shown(boxes[near], crop)]
        shown.append(list_people(who[others], names))
    return shown


def find_others(own: np.ndarray, who: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Which of the N people of a frame are somebody else than the one marked in `own`: bool (N,).

    The same character of `who`, or a nameless body in nearly the same of boxes (N, 4), is that one
    found twice.
    """
    if not own.any():
        return ~own
    overlaps = measure_overlaps(boxes[own][0], boxes)
    twice = (who == who[own][0]) & (who != "") | (who == "") & (overlaps >= SAME_BODY)
    return ~own & ~twice
