"""Who of the people found is who in the truth: masks matched one to one, frame by frame.

Judged are images that a viewer can judge: sampled frames with an image that are neither a fade
nor blurred on purpose (there the truth is of the sharp, bright scene); and of them people with at
least 0.3 % of the image's pixels showing, less than 60 % hidden. A found person is the true one
where their masks overlap by IoU >= 0.5.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from workflow_scripts.lib.images import decode_rle
from workflow_scripts.report.accuracy.truth import Truth

MIN_AREA = 0.003  # share of the image that a person must fill
MAX_OCCLUDED = 0.6
MIN_IOU = 0.5


def select_frames(frames: pd.DataFrame, truth: Truth) -> pd.DataFrame:
    """Frames with an image that a viewer can judge, with the truth's number and drawing."""
    frames = frames[frames["file"] != ""].copy()
    frames["truth_no"] = truth.frame_numbers(frames["time_s"])
    columns = ["frame_no", "unique_render_id", "is_fade", "is_blurred"]
    table = truth.frames[columns].rename(columns={"frame_no": "truth_no"})
    frames = frames.merge(table, on="truth_no")
    return frames[(frames["is_fade"] == 0) & (frames["is_blurred"] == 0)]


def match_people(
    frames: pd.DataFrame, instances: pd.DataFrame, truth: Truth
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """True people, each with instance_id ("" if missed) and IoU of the one found; and all found
    people, each with whether it is somebody, and the share of its mask that shows anybody."""
    true_people = dict(list(truth.instances.groupby("frame_no")))
    found_people = dict(list(instances.groupby("frame_id")))
    people, pairs = [], []
    for frame in frames.itertuples():
        expected = true_people.get(frame.truth_no, truth.instances[:0])
        found = found_people.get(frame.frame_id, instances[:0])
        overlaps, shares = _compare_masks(frame, expected, found, truth)
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        matches = {r: c for r, c in zip(rows, columns, strict=True) if overlaps[r, c] >= MIN_IOU}
        for row, person in enumerate(expected.itertuples(index=False)):
            best = matches.get(row)
            size = frame.width_px * frame.height_px
            people.append(
                {
                    **person._asdict(),
                    "frame_id": frame.frame_id,
                    "shot": frame.shot_id,
                    "crop_x": frame.crop_x,
                    "crop_y": frame.crop_y,
                    "width_px": frame.width_px,
                    "height_px": frame.height_px,
                    "judged": person.visible_px >= MIN_AREA * size
                    and person.occluded_fraction < MAX_OCCLUDED,
                    "instance_id": "" if best is None else found["instance_id"].iloc[best],
                    "track_id": "" if best is None else found["track_id"].iloc[best],
                    "iou": 0.0 if best is None else overlaps[row, best],
                }
            )
        taken = set(matches.values())
        pairs += [
            (instance, number in taken, shares[number])
            for number, instance in enumerate(found["instance_id"])
        ]
    return pd.DataFrame(people), pd.DataFrame(
        pairs, columns=["instance_id", "is_somebody", "share"]
    )


def _compare_masks(frame, expected, found, truth) -> tuple[np.ndarray, np.ndarray]:
    """IoU (true people, found people), and the share of each found mask that shows anybody."""
    if not len(expected) or not len(found):
        return np.zeros((len(expected), len(found))), np.zeros(len(found))
    image = truth.mask(frame.unique_render_id)
    image = image[frame.crop_y :, frame.crop_x :][: frame.height_px, : frame.width_px]
    index = truth.screenplay["mask_index"]
    masks = [
        decode_rle(row.mask, row.height_px, row.width_px).astype(bool) for row in found.itertuples()
    ]
    overlaps = np.zeros((len(expected), len(masks)))
    for row, name in enumerate(expected["character"]):
        true_mask = image == index[name]
        for column, mask in enumerate(masks):
            overlaps[row, column] = (true_mask & mask).sum() / max(1, (true_mask | mask).sum())
    return overlaps, np.array([(image[mask] > 0).mean() if mask.any() else 0 for mask in masks])
