"""Who is seen beside whom: the evidence that two tracks are two people, weighed over their images.

One image proves little: detectors find a person twice now and then (a coat beside its wearer, an
arm cut off by a post). Two people stand apart, and do so for a while.
"""

from itertools import combinations

import numpy as np
import pandas as pd

from workflow_scripts.lib.boxes import BOX, share_overlap

FEW = 3  # images; tracks that meet in fewer are two people only where that is most of both
MANY = 12  # images, some 2 s: no detector finds somebody twice for so long, however long the film
MAX_OVERLAP = 0.5  # share of the smaller box; two boxes that overlap more may be one person's
MAX_SHARE = 0.05  # of the images of the smaller group; what meets less may be one person


def count_meetings(people: pd.DataFrame, tracks: list[str]) -> np.ndarray:
    """Images (T, T) in which two tracks stand apart; `people` has frame_id, track_id, x0 ... y1."""
    numbers = people["track_id"].map({name: n for n, name in enumerate(tracks)}).to_numpy()
    boxes = people[BOX].to_numpy(float)
    meetings = np.zeros((len(tracks), len(tracks)), np.float32)
    for rows in people.groupby("frame_id").indices.values():
        for one, other in combinations(rows, 2):
            if share_overlap(boxes[one], boxes[other]) < MAX_OVERLAP:
                pair = numbers[one], numbers[other]
                meetings[pair] += 1
                meetings[pair[::-1]] += 1
    np.fill_diagonal(meetings, 0)
    return meetings


def weigh_meetings(meetings: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Meetings (T, T) as evidence: tracks of so many images (T,) that meet for most of the longer
    one fill a short shot together, and count as FEW images at least. A single image stays one.
    """
    most = (meetings > np.maximum(images[:, None], images[None]) / 2) & (meetings > 1)
    return np.where(most, np.maximum(meetings, FEW), meetings)


def count_images(people: pd.DataFrame, tracks: list[str]) -> np.ndarray:
    """Images (T,) of each track."""
    return people["track_id"].value_counts().reindex(tracks, fill_value=0).to_numpy(float)


def are_two(meetings: np.ndarray, images: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Whether groups that meet so often are two people, by how many images each has."""
    return meetings >= np.clip(MAX_SHARE * np.minimum(images, others), FEW, MANY)


def find_doubles(rows: pd.DataFrame) -> pd.Series:
    """True for all but one of those in a frame who have the same name: nobody is there twice.

    `rows` has frame_id, character, track_id, area_px and source. Who was named by a review keeps
    the name, then who is seen longest, then who is larger.
    """
    named = rows[rows["character"] != ""]
    length = named.groupby("track_id")["track_id"].transform("size")
    order = named.assign(by_hand=named["source"] == "review", length=length).sort_values(
        ["by_hand", "length", "area_px"], ascending=False, kind="stable"
    )
    again = order.duplicated(["frame_id", "character"]) & ~order["by_hand"]
    return again.reindex(rows.index, fill_value=False)
