"""Figures about who is who: are the names right, and how many of the people have one.

What is judged. Sampled frames with an image that are no fade; people who fill at least 0.3 % of
the frame with less than 60 % of them hidden. A found instance is the true person where their boxes
overlap by IoU >= 0.5, one to one. Names of the truth are compared in small letters.

identity_purity: named instances that are a true person and have their name. identity_coverage: true
people whose instance has their name (who was not found has none). identity_strangers: share of the
named instances that are nobody. cluster_purity: share of people who are what most of their cluster
is; cluster_coverage: share who are where most of their character is. Neither needs a roster.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from workflow_scripts.lib.boxes import BOX
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

MIN_AREA = 0.003  # share of the frame that a person must fill
MAX_OCCLUDED = 0.6
MIN_IOU = 0.5
FRAME_COLUMNS = ["frame_id", "time_s", "file", "width_px", "height_px", "crop_x", "crop_y"]


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """All figures whose tables and truth are there."""
    names = read_result(results, "identities", ["instance_id", "cluster", "character"])
    people = read_result(results, "instances", ["instance_id", "frame_id", *BOX])
    if names is None or people is None or not len(truth.instances):
        return {}
    frames = select_frames(read_result(results, "frames", FRAME_COLUMNS), truth)
    people = people.merge(names)
    people = people[people["frame_id"].isin(frames["frame_id"])].reset_index(drop=True)
    return measure_names(*match_people(frames, people, truth.instances))


def select_frames(frames: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Sampled frames that have an image and are no fade, with their number in the truth."""
    frames = frames[frames["file"] != ""].copy()
    frames["truth_no"] = truth.frame_numbers(frames["time_s"])
    faded = truth.frames.loc[truth.frames["is_fade"] == 1, "frame_no"]
    return frames[~frames["truth_no"].isin(faded)]


def match_people(
    frames: pd.DataFrame, people: pd.DataFrame, instances: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """True people with the name of whom was found there ("": nobody); found ones with the truth."""
    true_groups = dict(list(instances.groupby("frame_no")))
    found_groups = dict(list(people.groupby("frame_id")))
    expected, found = [], []
    for frame in frames.itertuples():
        truth_rows = true_groups.get(frame.truth_no, instances[:0])
        rows = found_groups.get(frame.frame_id, people[:0])
        pairs = match_boxes(truth_rows[BOX].to_numpy(float), move(rows, frame))
        who = truth_rows["character"].str.lower().to_numpy()
        names = np.full(len(truth_rows), "", object)
        true_names = np.full(len(rows), "", object)
        for one, other in pairs:
            names[one], true_names[other] = rows["character"].iloc[other], who[one]
        judged = (truth_rows["visible_px"] >= MIN_AREA * frame.width_px * frame.height_px) & (
            truth_rows["occluded_fraction"] < MAX_OCCLUDED
        )
        expected.append(pd.DataFrame({"who": who, "name": names, "judged": judged.to_numpy(bool)}))
        found.append(rows[["cluster", "character"]].assign(who=true_names))
    return pd.concat(expected), pd.concat(found)


def move(rows: pd.DataFrame, frame: tuple) -> np.ndarray:
    """Boxes (N, 4) of the image in pixels of the uncropped frame."""
    shift = [frame.crop_x, frame.crop_y] * 2
    return rows[BOX].to_numpy(float) + np.array(shift, float)


def match_boxes(first: np.ndarray, second: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows of boxes (N, 4) and (M, 4) that overlap enough, one to one."""
    corners = np.maximum(first[:, None, :2], second[None, :, :2])
    ends = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(ends - corners, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    overlaps = shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9)
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if overlaps[row, column] >= MIN_IOU]


def measure_names(expected: pd.DataFrame, found: pd.DataFrame) -> dict[str, Metric]:
    """The figures, from who was expected where and who was found."""
    metrics = {}
    judged = expected[expected["judged"]]
    named = found[found["character"] != ""]
    somebody = named[named["who"] != ""]
    if len(somebody):
        right = float((somebody["character"] == somebody["who"]).mean())
        metrics["identity_purity"] = Metric(right, len(somebody), 0.98)
        share = 1 - len(somebody) / len(named)
        metrics["identity_strangers"] = Metric(share, len(named), at_least=False)
    if len(judged):
        right = float((judged["name"] == judged["who"]).mean())
        metrics["identity_coverage"] = Metric(right, len(judged), 0.9)
    known = found[found["who"] != ""]
    if len(known):
        counts = pd.crosstab(known["cluster"], known["who"]).to_numpy()
        pure, whole = counts.max(1).sum() / len(known), counts.max(0).sum() / len(known)
        metrics["cluster_purity"] = Metric(float(pure), len(known))
        metrics["cluster_coverage"] = Metric(float(whole), len(known))
    return metrics
