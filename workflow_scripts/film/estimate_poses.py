"""Measure the joints of each person. Reads instances and images, leaves COCO-17 keypoints.

The normalized pose is what poses are compared by: middle of the hips at 0, torso of length 1.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead, take_batches
from workflow_scripts.models.registry import load_model

POSES = pa.schema(
    [
        ("instance_id", pa.string()),
        ("frame_id", pa.string()),
        ("keypoints", pa.list_(pa.float32())),  # 17 x (x, y, confidence), pixels of the image
        ("normalized", pa.list_(pa.float32())),  # 17 x (x, y); null where the torso has no length
    ]
)
COLUMNS = ["instance_id", "frame_id", "x0", "y0", "x1", "y1", "region"]
SHOULDERS, HIPS = [5, 6], [11, 12]
MIN_TORSO = 0.05  # of the body's extent; a shorter torso points at the camera and gives no scale


def normalize_pose(keypoints: np.ndarray) -> np.ndarray | None:
    """Move the middle of the hips of (17, 3) to 0 and scale the torso to 1: (17, 2)."""
    points = np.asarray(keypoints, float)[:, :2]
    hips = points[HIPS].mean(0)
    torso = float(np.linalg.norm(points[SHOULDERS].mean(0) - hips))
    extent = float(np.ptp(points, axis=0).max())
    if not np.isfinite(points).all() or torso <= MIN_TORSO * extent:
        return None
    return (points - hips) / torso


def stack_regions(regions: pd.Series) -> np.ndarray | None:
    """Regions (N, 4) that prompted the segmenter; None where it works without them."""
    return None if regions.isna().any() else np.stack(regions.tolist()).astype(np.float32)


def make_rows(people: pd.DataFrame, keypoints: np.ndarray) -> list[tuple]:
    """Rows of the table for N people; `keypoints` is (N, 17, 3)."""
    rows = []
    for person, points in zip(people.itertuples(), keypoints, strict=True):
        normal = normalize_pose(points)
        rows.append(
            (
                person.instance_id,
                person.frame_id,
                points.ravel(),
                None if normal is None else normal.ravel(),
            )
        )
    return rows


def main(
    instances: str, frames: str, images: str, weights: list[str], poses: str, *, model: dict
) -> Counts:
    people = read_manifest(instances, COLUMNS)
    files = read_manifest(frames, ["frame_id", "file"]).set_index("frame_id")["file"]
    log.info("%d instances; %s on %s", len(people), model["name"], model["device"])
    rows: list[tuple] = []
    if len(people):
        pose, regions = load_model(model, weights), stack_regions(people["region"])
        groups = people.groupby("frame_id", sort=True)
        reader = read_ahead(groups, lambda item: (item[1], read_rgb(Path(images) / files[item[0]])))
        shown = progress(reader, "measuring poses", total=groups.ngroups)
        for batch in take_batches(shown):
            together = pd.concat([group for group, _ in batch])
            views = [image for group, image in batch for _ in range(len(group))]
            boxes = together[["x0", "y0", "x1", "y1"]].to_numpy(np.float32)
            own = None if regions is None else regions[together.index]
            rows += make_rows(together, pose(views, boxes, own))
    write_manifest(pd.DataFrame(rows, columns=POSES.names), poses, POSES)
    return Counts("instances", len(people), len(rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
