"""Figures about packed crops: are their labels true, is whoever else shows named, is whole whole.

Judged are crops of people whom the truth knows. Somebody else shows where a third of what is
visible of them, or a twentieth of the crop, is theirs; who shows by less, but not by less than half
of that, may be named or not. Whole is whoever has the nose and both ankles inside the crop. Labels
count as often as an epoch shows their image.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.dataset.facts import count_people
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import find
from workflow_scripts.report.accuracy.matching import match_people, select_frames
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

VOCABULARY = Path(__file__).resolve().parents[3] / "resources" / "vocabularies" / "captions.yaml"
PART, SHARE = 1 / 3, 1 / 20  # of the person, of the crop
COLUMNS = [
    "image_id",
    "frame_id",
    "split",
    "repeats",
    "category",
    "caption",
    "x0",
    "y0",
    "x1",
    "y1",
]
LABELS = {"action": "action", "emotion": "expression"}  # category of a kind -> the truth's column
ENDS = ["nose", "left_ankle", "right_ankle"]


@dataclass(frozen=True)
class Company:
    """Characters who certainly show in a crop, and those of whom a little does."""

    shown: set[str]
    partly: set[str]


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """All figures; left out where nothing is packed that they judge."""
    frames, instances = read_result(results, "frames"), read_result(results, "instances")
    crops = read_crops(find("packed", results))
    if frames is None or instances is None or crops.empty:
        return {}
    people, _ = match_people(select_frames(frames, truth), instances, truth)
    if people.empty:
        return {}
    known = people[people["instance_id"] != ""].rename(columns={"instance_id": "image_id"})
    known = known.drop(columns=["frame_id", "x0", "y0", "x1", "y1"])
    rows = crops.merge(known, on="image_id")
    if rows.empty:
        return {}
    names = [who.lower() for who in truth.screenplay["mask_index"]]
    right = [
        agrees(row.caption, find_company(row, truth), names) for row in rows.itertuples(index=False)
    ]
    metrics = measure_labels(rows)
    metrics["packed_others_correct"] = Metric(float(np.mean(right)), len(right))
    called = rows[[calls_whole(caption) for caption in rows["caption"]]]
    if len(called):
        whole = find_whole(called, truth)
        metrics["packed_whole_correct"] = Metric(float(whole.mean()), len(whole))
    return metrics


def read_crops(paths: Collection[Path]) -> pd.DataFrame:
    """What is packed of the kinds that cut images out around somebody: COLUMNS and `kind`."""
    tables = [pd.DataFrame(columns=[*COLUMNS, "kind"])]
    for path in paths:
        kind = path.parent.name.partition("-")[0]
        if not KINDS[kind].is_of_frames:
            rows = read_manifest(path, COLUMNS).query("split != ''")
            tables.append(rows.assign(kind=kind))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def measure_labels(rows: pd.DataFrame) -> dict[str, Metric]:
    """Share of what an epoch of poses, and of faces, shows that is what it is labeled.

    `rows` joins crops and people: `category` is the label, `action` and `expression` the truth.
    """
    metrics = {}
    train = rows[rows["split"] == "train"]
    for kind, group in train.groupby("kind"):
        name = KINDS[kind].category
        if LABELS.get(name) in group and group["repeats"].sum():
            right = group["category"] == group[LABELS[name]]
            share = float(np.average(right, weights=group["repeats"]))
            metrics[f"packed_{name}_correct"] = Metric(share, len(group), 0.85)
    return metrics


def find_company(crop: tuple, truth: Truth) -> Company:
    """Who besides its own character shows in a crop (a row of crops and people joined)."""
    frame = truth.frames.set_index("frame_no").loc[crop.frame_no]
    image = truth.mask(frame["unique_render_id"])[crop.crop_y :, crop.crop_x :]
    image = image[crop.y0 : crop.y1, crop.x0 : crop.x1]
    visible = truth.instances.query("frame_no == @crop.frame_no").set_index("character")
    shown, partly = set(), set()
    for who, index in truth.screenplay["mask_index"].items():
        if who == crop.character or who not in visible.index:
            continue
        pixels = int((image == index).sum())
        degree = max(
            pixels / visible.loc[who, "visible_px"] / PART, pixels / max(image.size, 1) / SHARE
        )
        if degree >= 0.5:
            (shown if degree >= 1 else partly).add(who.lower())
    return Company(shown, partly)


def agrees(caption: str, company: Company, names: Collection[str]) -> bool:
    """Whether a caption names or counts all who show, and nobody else."""
    clauses = [text.removeprefix("with ") for text in caption.split(", ") if text[:5] == "with "]
    named = {who for who in names if any(text.startswith(who) for text in clauses)}
    strangers = next((n for n in range(1, 5) if count_people(n) in clauses), 0)
    said = len(named) + strangers
    may = company.shown | company.partly
    return named <= may and len(company.shown) <= said <= len(may)


def calls_whole(caption: str) -> bool:
    """Whether a caption names a shot type in which a body shows from head to feet."""
    words = read_vocabulary(VOCABULARY)["words"]["shot_type"]
    return bool({words["full"], words["wide"]} & set(caption.split(", ")))


def find_whole(crops: pd.DataFrame, truth: Truth) -> np.ndarray:
    """Whether both ends of a body lie in its crop: (N,) bool; rows of crops and people joined."""
    joints = truth.table("keypoints")
    joints = joints[joints["keypoint"].isin(ENDS)]
    ends = joints.groupby(["frame_no", "character"])["y_px"].agg(["min", "max"])
    heights = crops.join(ends, on=["frame_no", "character"])
    top, bottom = (heights[name] - heights["crop_y"] for name in ("min", "max"))
    return ((top >= heights["y0"]) & (bottom < heights["y1"])).to_numpy()
