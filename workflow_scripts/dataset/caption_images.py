"""Write a caption for every image of one kind, in one shard.

Reads the fact tables that the kind speaks of, leaves captions with the source of every clause.
A person's caption in config/reviews/{film}/captions.csv (columns kind, image_id, caption) wins.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from workflow_scripts.dataset.captions import (
    Caption,
    Tag,
    correct_caption,
    find_trigger,
    name_subject,
    write_caption,
)
from workflow_scripts.dataset.facts import FRAME_KINDS, list_people, name_place, read_facts
from workflow_scripts.dataset.framing import crop_body, crop_face
from workflow_scripts.dataset.postures import find_posture
from workflow_scripts.dataset.vlm import Description
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.models.registry import load_model

TEXT_COLUMNS = ["frame_id", "x0", "y0", "x1", "y1", "kind"]
CAPTIONS = pa.schema(
    [
        ("image_id", pa.string()),  # frame_id, or instance_id for character, pose and expression
        ("kind", pa.string()),
        ("caption", pa.string()),
        ("tokens", pa.int32()),  # of CLIP's tokenizer, without start and end; at most 75
        ("tags", pa.list_(pa.struct([("text", pa.string()), ("source", pa.string())]))),
        ("dropped", pa.list_(pa.string())),  # "too long: fog", "core tag: red scarf"
        ("reason", pa.string()),  # vlm_unparsable: the model's answer was no use, facts alone
        ("contradictions", pa.list_(pa.string())),  # "action: measured walk, seen sit"
    ]
)


def select_images(kind: str, facts: pd.DataFrame, characters: dict) -> pd.DataFrame:
    """Keep the images that this kind can have: a named character, seen joints, any image."""
    if kind == "character":
        return facts[facts["character"].isin(list(characters))]
    if kind == "pose":
        return facts[[_sees_joints(points) for points in facts["keypoints"]]]
    return facts[facts["file"] != ""]


def _sees_joints(keypoints: object) -> bool:
    return keypoints is not None and np.size(keypoints) == 51 and bool(np.isfinite(keypoints).any())


def add_words(kind: str, facts: pd.DataFrame, characters: dict, style: dict) -> pd.DataFrame:
    """Add the facts that no table holds as such: who, in what posture, in which place and style."""
    rows = name_place(facts) if "location" in facts else facts.copy()
    if kind == "style":
        rows["style_words"] = [list(style.get("words", []))] * len(rows)
    if kind in FRAME_KINDS:
        return rows
    if "intensity" in rows:  # of nothing, and of no emotion, there is no degree
        rows["intensity"] = rows["intensity"].mask(rows["emotion"].isin(["", "neutral"]), "")
    names = name_characters(characters)
    rows["subject"] = rows["character"].map(names).fillna("person")
    rows["sources"] = [
        {} if who in names else {"subject": "segment_instances"} for who in rows["character"]
    ]
    if "keypoints" in rows:
        rows["posture"] = [
            find_posture(np.reshape(points, (17, 3))) if _sees_joints(points) else []
            for points in rows["keypoints"]
        ]
    return rows


def name_characters(characters: dict) -> dict[str, str]:
    """What captions call each character: trigger and class word."""
    return {who: name_subject(row["trigger"], row["class"]) for who, row in characters.items()}


def add_people(rows: pd.DataFrame, tables: dict[str, str], characters: dict) -> pd.DataFrame:
    """Add who is in each frame; a frame where nobody was found says nothing of people."""
    who = read_manifest(tables["instances"], ["instance_id", "frame_id"]).merge(
        read_manifest(tables["identities"], ["instance_id", "character"]), how="left"
    )
    people = list_people(who, name_characters(characters))
    return rows.assign(people=[people.get(frame_id, []) for frame_id in rows["frame_id"]])


def add_texts(kind: str, rows: pd.DataFrame, texts: pd.DataFrame) -> pd.DataFrame:
    """Add which kinds of text show in each image: what a caption names, its trigger won't learn."""
    boxes = dict(iter(texts.groupby("frame_id")))
    nothing = texts.iloc[:0]
    shown = []
    for row in rows.to_dict("records"):
        x0, y0, x1, y1 = find_cut(kind, row)
        text = boxes.get(row["frame_id"], nothing)
        inside = (text["x0"] < x1) & (text["x1"] > x0) & (text["y0"] < y1) & (text["y1"] > y0)
        shown.append(sorted(text.loc[inside, "kind"].unique()))
    return rows.assign(text=shown)


def find_triggers(
    kind: str, film: str, triggers: dict[str, str], style: dict, characters: dict
) -> dict[str, str]:
    """What leads a caption, by character; "" is for kinds that have one trigger."""
    if kind == "character":
        return name_characters(characters)
    return {"": find_trigger(kind, film, triggers, style)[0]}


def keep_shard(rows: pd.DataFrame, frames: str, shard: str) -> pd.DataFrame:
    """Rows of the shard's frames that have an image."""
    everything = read_manifest(frames, ["frame_id", "shot_id", "file"])
    shown = select_shard(everything, shard).query("file != ''")
    return rows[rows["frame_id"].isin(shown["frame_id"])]


def find_cut(kind: str, row: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """The part x0, y0, x1, y1 of its frame that is packed as this image."""
    width, height = int(row["width_px"]), int(row["height_px"])
    if kind in FRAME_KINDS:
        return 0, 0, width, height
    if kind == "expression":
        face = [row[name] for name in ("face_x0", "face_y0", "face_x1", "face_y1")]
        return crop_face(np.array(face), width, height)
    body = [row[name] for name in ("x0", "y0", "x1", "y1")]
    return crop_body(np.array(body), width, height, row.get("shot_type", ""))


def open_image(kind: str, images: Path, plates: Path, row: dict[str, Any]) -> np.ndarray:
    """Decode what the caption is about: the frame, the clean plate, or the cut that is packed."""
    if kind == "background" and row["plate"]:
        return read_rgb(plates / row["plate"])
    x0, y0, x1, y1 = find_cut(kind, row)
    return read_rgb(images / row["file"])[y0:y1, x0:x1]


def read_corrections(path: str, kind: str) -> dict[str, str]:
    """People's captions of one kind by image_id; {} when there is no file."""
    if not path:
        return {}
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    missing = {"kind", "image_id", "caption"} - set(rows.columns)
    if missing:
        raise CineloraError(
            f"{path} has no column {', '.join(sorted(missing))}.\n"
            "  Its first line must read: kind,image_id,caption"
        )
    rows = rows[(rows["kind"] == kind) & (rows["caption"].str.strip() != "")]
    return dict(zip(rows["image_id"], rows["caption"], strict=True))


def describe_images(
    kind: str, rows: pd.DataFrame, load: Callable, images: Callable, vocabulary: dict
) -> list[Description]:
    """Ask the model about every row; it is not even loaded for no rows."""
    if rows.empty:
        return []
    facts = rows.to_dict("records")
    openers = [partial(images, row) for row in facts]
    described = load()(kind, facts, openers, vocabulary)
    return list(progress(described, f"captions of {kind}", total=len(facts)))


def write_captions(
    kind: str,
    rows: pd.DataFrame,
    tags: list[list[Tag]],
    corrections: dict[str, str],
    triggers: dict[str, str],
    core_tags: dict[str, list[str]],
) -> list[Caption]:
    """One caption per row; `triggers` and `core_tags` go by character ("" for the other kinds)."""
    captions = []
    for row, row_tags in zip(rows.to_dict("records"), tags, strict=True):
        who = row.get("character", "")
        trigger = triggers[who if kind == "character" else ""]
        if row["image_id"] in corrections:
            captions.append(correct_caption(trigger, corrections[row["image_id"]]))
        else:
            captions.append(write_caption(trigger, row_tags, core_tags.get(who, [])))
    return captions


def make_table(
    kind: str, image_ids: Sequence[str], captions: list[Caption], described: list[Description]
) -> pd.DataFrame:
    """Captions as rows of the table."""
    rows = {
        "image_id": list(image_ids),
        "kind": [kind] * len(captions),
        "caption": [caption.text for caption in captions],
        "tokens": [caption.tokens for caption in captions],
        "tags": [[asdict(tag) for tag in caption.tags] for caption in captions],
        "dropped": [caption.dropped for caption in captions],
        "reason": [one.reason for one in described],
        "contradictions": [one.contradictions for one in described],
    }
    return pd.DataFrame(rows, columns=CAPTIONS.names, dtype=object)


def main(
    frames: str,
    images: str,
    texts: str,
    vocabulary: str,
    captions: str,
    *,
    kind: str,
    film: str,
    shard: str,
    model: dict,
    characters: dict,
    style: dict,
    caption: dict,
    weights: Sequence[str] = (),
    review: str = "",
    plates: str = "",
    **tables: str,
) -> Counts:
    """Write the captions; `tables` are named as in dataset.facts."""
    facts = read_facts(kind, {"frames": frames, **tables})
    facts = keep_shard(facts, frames, shard)
    rows = add_words(kind, select_images(kind, facts, characters), characters, style)
    if kind in ("style", "lighting"):
        rows = add_people(rows, tables, characters)
    rows = add_texts(kind, rows, read_manifest(texts, TEXT_COLUMNS))
    words = yaml.safe_load(Path(vocabulary).read_text())
    described = describe_images(
        kind,
        rows,
        partial(load_model, model, weights),
        partial(open_image, kind, Path(images), Path(plates)),
        words,
    )
    corrections = read_corrections(review, kind)
    triggers = find_triggers(kind, film, caption["triggers"], style, characters)
    core_tags = {who: row.get("core_tags", []) for who, row in characters.items()}
    tags = [one.tags for one in described]
    made = write_captions(kind, rows, tags, corrections, triggers, core_tags)
    write_manifest(make_table(kind, rows["image_id"], made, described), captions, CAPTIONS)
    corrected = int(rows["image_id"].isin(list(corrections)).sum())
    shortened = sum(any(d.startswith("too long") for d in one.dropped) for one in made)
    longest = max((one.tokens for one in made), default=0)
    log.info("%s: %d captions by %s, longest %d tokens", kind, len(made), model["name"], longest)
    found = {"corrected": corrected, "shortened": shortened}
    unparsable = sum(one.reason != "" for one in described)
    contradicted = sum(bool(one.contradictions) for one in described)
    if model.get("loader") != "facts":
        found |= {"vlm_unparsable": unparsable, "contradicted": contradicted}
    return Counts("images", len(made), len(made), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
