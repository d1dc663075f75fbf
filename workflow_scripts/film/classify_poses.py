"""Name what each body does and how it is seen. Reads instances, keypoints, faces; rules, no model.

Lengths are in torsos (shoulders to hips) of the person, so that children and distance do not
matter; movement is measured along the track, in a window of time around each image. Where the
image does not show enough, the word is "unknown".
"""

import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.pose_labels import label_people
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

LABELS = pa.schema(
    [
        ("instance_id", pa.string()),
        ("action", pa.string()),  # stand walk run sit wave lie unknown
        ("view", pa.string()),  # front three_quarter side back unknown
        ("occlusion", pa.float32()),  # share of the joints inside the frame that something hides
        ("truncated", pa.bool_()),  # the body goes on beyond the frame
        ("shot_type", pa.string()),  # close-up medium full wide
        ("score", pa.float32()),  # how sure the action is: images that tell it, agree, are clear
        ("joints_seen", pa.list_(pa.bool_())),  # of the 17 joints: sure, in the frame, not hidden
    ]
)
BODY_COLUMNS = ["instance_id", "frame_id", "track_id", "mask", "width_px", "height_px"]


def read_people(instances: str, keypoints: str, faces: str, times: pd.DataFrame) -> pd.DataFrame:
    """People of one shard with keypoints, time_s and gaze_yaw, in the order of their ids."""
    people = read_manifest(instances, BODY_COLUMNS + BOX)
    joints = read_manifest(keypoints, ["instance_id", "keypoints"])
    people = people.merge(joints, on="instance_id", validate="one_to_one")
    people = people.merge(times, on="frame_id")
    gazes = read_manifest(faces, ["instance_id", "gaze_yaw"])
    people = people.merge(gazes, on="instance_id", how="left")
    return people.sort_values("instance_id", ignore_index=True)


def main(
    instances: list[str],
    keypoints: list[str],
    faces: list[str],
    frames: str,
    labels: str,
    *,
    rules: dict,
) -> Counts:
    times = read_manifest(frames, ["frame_id", "time_s"])
    parts = [pd.DataFrame(columns=LABELS.names)]
    for shard in zip(instances, keypoints, faces, strict=True):  # of whole shots: tracks are whole
        people = read_people(*shard, times)
        parts += [label_people(people, rules)[LABELS.names]] if len(people) else []
    rows = pd.concat(parts[1:] or parts, ignore_index=True)
    write_manifest(rows, labels, LABELS)
    log.info("actions: %s", rows["action"].value_counts().to_dict())
    log.info("views: %s", rows["view"].value_counts().to_dict())
    return Counts("instances", len(rows), len(rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
