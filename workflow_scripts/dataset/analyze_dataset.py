"""Measure the balance of a packed dataset from its pixels, boxes and joints, not from its words.

Reads the dataset and who stands where; leaves one row of measures per image, and the shares that
training sees (images times repeats) beside the recommended ranges.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.framing_measures import (
    find_shown,
    measure_complexity,
    measure_shot_type,
)
from workflow_scripts.dataset.postures import hide_joints
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.images import decode_rle, read_rgb
from workflow_scripts.lib.kinds import SHOT_TYPES, Kind, split_name
from workflow_scripts.lib.manifest import read_manifest, replace_when_done, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase

BALANCE = pa.schema(
    [
        ("image_id", pa.string()),
        ("file", pa.string()),
        ("split", pa.string()),
        ("repeats", pa.int32()),
        ("shot_type", pa.string()),  # close-up medium full wide, or none: nobody in the image
        ("body_share", pa.float32()),  # height of the body as a share of the image's
        ("people", pa.int32()),  # whose larger part lies in the image
        ("occlusion", pa.float32()),  # hidden share of the subject; null where nobody measured it
        ("edges", pa.float32()),  # share of edge pixels where nobody stands
        ("entropy", pa.float32()),  # of gray levels there, bits
        ("multi_character", pa.bool_()),
        ("occluded", pa.bool_()),
        ("complex_background", pa.bool_()),
        ("caption_shot_type", pa.string()),  # what the caption says; "" when it says nothing
        ("caption_agrees", pa.bool_()),  # with the measured shot type; null when it says nothing
    ]
)
SAID = ("caption_shot_type", "caption_agrees")
FLAGS = ("multi_character", "occluded", "complex_background")
PEOPLE = ["instance_id", "frame_id", "x0", "y0", "x1", "y1", "area_px"]
PEOPLE += ["mask", "height_px", "width_px"]


def find_said_shot_type(caption: str, words: dict[str, str]) -> str:
    """The shot type that a caption names, "" if none; `words` maps types to their words."""
    clauses = [clause.strip() for clause in caption.split(",")]
    return next((name for name, text in words.items() if text in clauses), "")


def measure_images(
    kind: Kind, rows: pd.DataFrame, folder: Path, people: pd.DataFrame, rules: dict
) -> pd.DataFrame:
    """Measures of every image of the dataset; `people` are the instances of its frames."""
    by_frame = dict(list(people.groupby("frame_id")))
    measures = []
    for row in progress(rows.to_dict("records"), "balance", total=len(rows)):
        near = by_frame.get(row["frame_id"], people.iloc[:0])
        measures.append(_measure_one(kind, row, read_rgb(folder / row["file"]), near, rules))
    names = [name for name in BALANCE.names if name not in rows and name not in SAID]
    return rows.assign(**pd.DataFrame(measures, index=rows.index, columns=names))


def _measure_one(
    kind: Kind, row: dict, image: np.ndarray, near: pd.DataFrame, rules: dict
) -> dict[str, object]:
    crop = np.array([row["x0"], row["y0"], row["x1"], row["y1"]], int)
    edges, entropy = measure_complexity(image, _join_masks(near, crop))
    people = int(find_shown(near[["x0", "y0", "x1", "y1"]].to_numpy(float), crop).sum())
    subject = find_subject(kind, row["image_id"], near) if people else None
    shot_type, share, occlusion = "none", 0.0, np.nan
    if subject is not None:
        shot_type, share = _measure_subject(subject, crop, rules["wide_height"])
        occlusion = float(subject.get("occlusion", np.nan))
    return {
        "shot_type": shot_type,
        "body_share": share,
        "people": people,
        "occlusion": occlusion,
        "edges": edges,
        "entropy": entropy,
        "multi_character": people > 1,
        "occluded": occlusion >= rules["min_occlusion"],
        "complex_background": edges >= rules["min_edges"],
    }


def find_subject(kind: Kind, image_id: str, near: pd.DataFrame) -> pd.Series | None:
    """Whom an image is of: the instance it was cut for, in a frame the largest one."""
    own = near["instance_id"] == image_id
    rows = near.nlargest(1, "area_px") if kind.is_of_frames else near[own]
    return None if rows.empty else rows.iloc[0]


def _measure_subject(subject: pd.Series, crop: np.ndarray, wide_height: float) -> tuple[str, float]:
    box = subject[["x0", "y0", "x1", "y1"]].to_numpy(float) - np.tile(crop[:2], 2)
    points = subject.get("keypoints")
    if points is not None:
        points = hide_joints(points, subject.get("joints_seen")) - [crop[0], crop[1], 0]
    return measure_shot_type(box, tuple(crop[2:] - crop[:2]), points, wide_height)


def _join_masks(near: pd.DataFrame, crop: np.ndarray) -> np.ndarray:
    """Where people are in the crop: bool (H, W)."""
    x0, y0, x1, y1 = crop
    joined = np.zeros((y1 - y0, x1 - x0), bool)
    for one in near.itertuples():
        joined |= decode_rle(one.mask, one.height_px, one.width_px)[y0:y1, x0:x1]
    return joined


def sum_shares(kind: Kind, rows: pd.DataFrame, recommended: dict) -> dict[str, dict]:
    """Share of each measure in what training sees, beside its recommended range."""
    train = rows[rows["split"] == "train"]
    summary = {}
    for name in (*SHOT_TYPES, *FLAGS):
        hits = train["shot_type"] == name if name in SHOT_TYPES else train[name].astype(bool)
        share = float((hits * train["repeats"]).sum() / max(train["repeats"].sum(), 1))
        bounds = recommended[name] if name in kind.judged and len(train) else None
        verdict = judge(share, bounds)
        summary[name] = {"share": round(share, 4), "recommended": bounds, "n": int(hits.sum())}
        summary[name]["verdict"] = verdict
    said = train["caption_agrees"].dropna().astype(bool)
    summary["caption_agreement"] = {
        "share": round(float(said.mean()), 4) if len(said) else None,
        "recommended": None,
        "n": len(said),
        "verdict": "not judged",
    }
    return summary


def judge(share: float, bounds: list[float] | None) -> str:
    """Where a share lies beside its range, both ends included."""
    if bounds is None:
        return "not judged"
    return "below" if share < bounds[0] else "above" if share > bounds[1] else "within"


def read_people(
    frame_ids: pd.Series, instances: Sequence[str], keypoints: Sequence[str], poses: str
) -> pd.DataFrame:
    """The instances of these frames with masks, joints and what of them is seen, where known."""
    wanted = set(frame_ids)
    parts = []
    for path in instances:  # shard by shard: masks of a whole film need not be in memory
        part = read_manifest(path, PEOPLE)
        parts.append(part[part["frame_id"].isin(wanted)])
    people = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PEOPLE)
    for path, columns in ((keypoints, ["keypoints"]), (poses, ["occlusion", "joints_seen"])):
        if path:
            people = people.merge(read_manifest(path, ["instance_id", *columns]), "left")
    return people


def main(
    dataset: str,
    vocabulary: str,
    balance: str,
    summary: str,
    *,
    name: str,
    rules: dict,
    instances: Sequence[str] = (),
    keypoints: Sequence[str] = (),
    poses: str = "",
) -> Counts:
    kind, folder = split_name(name)[0], Path(dataset)
    rows = read_manifest(folder / "dataset.parquet").query("split != ''").reset_index(drop=True)
    people = read_people(rows["frame_id"], instances, keypoints, poses)
    if kind.shows == "plate":  # freed of them
        people = people.iloc[:0]
    log.info("%s: %d images, %d people in their frames", name, len(rows), len(people))
    rows = measure_images(kind, rows.drop(columns="shot_type"), folder, people, rules)
    words = read_vocabulary(vocabulary)["words"]["shot_type"]
    said = rows["caption"].map(lambda caption: find_said_shot_type(caption, words))
    agrees = (said == rows["shot_type"]).astype(object).where(said != "", None)
    rows = rows.assign(caption_shot_type=said, caption_agrees=agrees)
    shares = sum_shares(kind, rows, rules["recommended"])
    write_manifest(rows[BALANCE.names], balance, BALANCE)
    with replace_when_done(summary) as partial:
        partial.write_text(json.dumps(shares, indent=1), encoding="utf-8")
    for measure, row in shares.items():
        log.info(
            "%s %s: %s, recommended %s: %s", name, measure, *list(row.values())[:2], row["verdict"]
        )
    return Counts("images", len(rows), len(rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
