"""The facts of images as captions and questions speak of them: who, in what posture, which text."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from workflow_scripts.dataset.crops import BOX, add_crop_boxes, cut_boxes
from workflow_scripts.dataset.facts import list_people, name_place, read_facts
from workflow_scripts.dataset.others import list_others
from workflow_scripts.dataset.postures import find_posture, hide_joints
from workflow_scripts.dataset.selection import sees_joints
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.manifest import read_manifest

TEXT_COLUMNS = ["frame_id", "x0", "y0", "x1", "y1", "kind"]
Tables = Mapping[str, str | Sequence[str]]


def read_words(
    kind: Kind, character: str, tables: Tables, names: dict[str, str], style: Sequence[str]
) -> pd.DataFrame:
    """Facts of every image that the dataset can have, one row each.

    `tables` are named as in dataset.facts, and texts; `names` are the words for characters,
    `style` those for the style.
    """
    facts = read_facts(kind, {name: path for name, path in tables.items() if name != "texts"})
    rows = add_words(kind, keep_candidates(kind, facts, character), names, style)
    if "instances" in kind.words:
        add = add_people if kind.is_of_frames else partial(add_others, kind)
        rows = add(rows, tables, names)
    return add_texts(kind, rows, read_manifest(tables["texts"], TEXT_COLUMNS))


def keep_candidates(kind: Kind, facts: pd.DataFrame, character: str) -> pd.DataFrame:
    """Keep the images that can be in a dataset: of its character, with seen joints, with a file."""
    rows = facts[facts["file"] != ""]
    if character:
        return rows[rows["character"] == character]
    if "keypoints" in kind.words:
        return rows[[sees_joints(points) for points in rows["keypoints"]]]
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


def add_people(rows: pd.DataFrame, tables: Tables, names: dict[str, str]) -> pd.DataFrame:
    """Add who is in each frame; a frame where nobody was found says nothing of people."""
    who = read_manifest(tables["instances"], ["instance_id", "frame_id"]).merge(
        read_manifest(tables["identities"], ["instance_id", "character"]), how="left"
    )
    people = list_people(who, names)
    return rows.assign(people=[people.get(frame_id, []) for frame_id in rows["frame_id"]])


def add_others(
    kind: Kind, rows: pd.DataFrame, tables: Tables, names: dict[str, str]
) -> pd.DataFrame:
    """Add who else shows in each crop."""
    people = read_manifest(tables["instances"], ["instance_id", "frame_id", *BOX]).merge(
        read_manifest(tables["identities"], ["instance_id", "character"]), how="left"
    )
    return rows.assign(others=list_others(rows, _find_cuts(kind, rows), people, names))


def add_texts(kind: Kind, rows: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """Add which kinds of text show in each image: what a caption names, its trigger won't learn.

    Bars that a shot has of its own are not known here, but hold no text that belongs to the image.
    """
    boxes = _find_cuts(kind, rows)
    by_frame, nothing = dict(iter(texts.groupby("frame_id"))), texts.iloc[:0]
    shown = []
    for frame_id, (x0, y0, x1, y1) in zip(rows["frame_id"], boxes, strict=True):
        text = by_frame.get(frame_id, nothing)
        inside = (text["x0"] < x1) & (text["x1"] > x0) & (text["y0"] < y1) & (text["y1"] > y0)
        shown.append(sorted(text.loc[inside, "kind"].unique()))
    return rows.assign(text=shown)


def _find_cuts(kind: Kind, rows: pd.DataFrame) -> np.ndarray:
    """What images show of their frames: (N, 4) int, x0, y0, x1, y1 in pixels, end excluded."""
    frames = np.zeros((len(rows), 4), int)
    frames[:, 2:] = rows[["width_px", "height_px"]]
    return cut_boxes(kind, add_crop_boxes(kind, rows), frames)
