"""The facts of images as captions and questions speak of them: who, in what posture, which text."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from workflow_scripts.dataset.crops import add_crop_boxes, cut_boxes
from workflow_scripts.dataset.facts import name_place, read_facts
from workflow_scripts.dataset.others import list_others
from workflow_scripts.dataset.overlay_text import (
    OVERLAY,
    TEXT_COLUMNS,
    overlaps,
    read_overlays,
    treat_overlays,
)
from workflow_scripts.dataset.postures import find_posture, hide_joints
from workflow_scripts.dataset.selection import sees_joints
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.manifest import read_manifest

Tables = Mapping[str, str | Sequence[str]]


def read_words(
    kind: Kind,
    character: str,
    tables: Tables,
    names: dict[str, str],
    style: Sequence[str],
    overlay_text: str,
    wanted: Collection[str] | None = None,
) -> pd.DataFrame:
    """Facts of every image that the dataset can have, or of those `wanted` by image_id; a row each.

    `tables` are named as in dataset.facts, and texts; `names` are the words for characters,
    `style` those for the style; `overlay_text` is the option of select_images.
    """
    facts = read_facts(kind, {name: path for name, path in tables.items() if name != "texts"})
    if wanted is not None:
        facts = facts[facts["image_id"].isin(wanted)]
    rows = add_words(kind, keep_candidates(kind, facts, character), names, style)
    texts, overlays = read_manifest(tables["texts"], TEXT_COLUMNS), read_overlays(tables["texts"])
    treated = treat_overlays(kind, rows, overlays, overlay_text)
    areas = np.array(treated["free_area"].tolist(), int).reshape(-1, 4)
    cuts = cut_boxes(kind, add_crop_boxes(kind, rows), areas)
    if "instances" in kind.words:
        rows = add_people(kind, rows, cuts, tables, names)
    return add_texts(rows, texts, cuts, treated["overlay_text"])


def keep_candidates(kind: Kind, facts: pd.DataFrame, character: str) -> pd.DataFrame:
    """Keep the images that can be in a dataset: of its character, with seen joints, with a file."""
    rows = facts[facts["file"] != ""]
    if character:
        return rows[rows["character"] == character]
    if "keypoints" in kind.words:
        return rows[rows["keypoints"].map(sees_joints).astype(bool)]  # a list of none is no mask
    return rows


def add_words(
    kind: Kind, facts: pd.DataFrame, names: dict[str, str], style: Sequence[str]
) -> pd.DataFrame:
    """Add the facts that no table holds as such: who, in what posture, in which place and style."""
    rows = name_place(facts) if "location" in facts else facts.copy()
    rows["style_words"] = [list(style)] * len(rows)
    if kind.is_of_frames:
        return rows
    if "intensity" in rows:  # of nothing, and of no emotion, there is no degree
        rows["intensity"] = rows["intensity"].mask(rows["emotion"].isin(["", "neutral"]), "")
    rows["subject"] = rows["character"].map(names).fillna("person")
    rows["sources"] = [
        {} if who in names else {"subject": "segment_instances"} for who in rows["character"]
    ]
    if "keypoints" in rows:
        seen = rows["joints_seen"] if "joints_seen" in rows else [None] * len(rows)
        rows["posture"] = [
            find_posture(hide_joints(points, shown)) if sees_joints(points) else []
            for points, shown in zip(rows["keypoints"], seen, strict=True)
        ]
    return rows


def add_people(
    kind: Kind, rows: pd.DataFrame, cuts: np.ndarray, tables: Tables, names: dict[str, str]
) -> pd.DataFrame:
    """Add who shows in each image, and in crops who does besides whom they are of.

    `cuts` (N, 4) are what is cut out of their frames, in pixels, end excluded. An image in which
    nobody was found says nothing of people.
    """
    people = read_manifest(tables["instances"], ["instance_id", "frame_id", *BOX]).merge(
        read_manifest(tables["identities"], ["instance_id", "character"]), how="left"
    )
    fact = "people" if kind.is_of_frames else "others"
    return rows.assign(**{fact: list_others(rows, cuts, people, names)})


def add_texts(
    rows: pd.DataFrame, texts: pd.DataFrame, cuts: np.ndarray, treated: pd.Series
) -> pd.DataFrame:
    """Add which kinds of text show in each image: what a caption names, its trigger won't learn.

    What is cropped off or painted over, as `treated` says, is not named. Bars that a shot has of
    its own are not known here, but hold no text that belongs to the image.
    """
    gone = set(OVERLAY)
    by_frame, nothing = texts.groupby("frame_id").indices, np.zeros(0, int)
    kinds, boxes = texts["kind"].to_numpy(), texts[BOX].to_numpy(float)
    shown = []
    for frame_id, box, done in zip(rows["frame_id"], cuts, treated, strict=True):
        near = by_frame.get(frame_id, nothing)
        inside = set(kinds[near[overlaps(boxes[near], box)]])
        shown.append(sorted(inside - gone if done in ("cropped", "painted") else inside))
    return rows.assign(text=shown)
