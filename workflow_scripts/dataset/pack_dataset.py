"""Select, balance, name and split the images of one dataset; write it as trainers read it.

Reads what every phase knows, leaves a folder: train/ and validation/ with images, captions, masks
and metadata.jsonl; dataset.toml for kohya; dataset.parquet with every candidate and the reason why
it is not in; counts.json. Frames and clean plates are hard links: edit copies, not these files.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from workflow_scripts.dataset.balance import count_repeats, keep_quotas, target_shares
from workflow_scripts.dataset.captions import find_trigger, name_subject
from workflow_scripts.dataset.crops import (
    cut_boxes,
    find_cut_faces,
    find_images,
    measure_loss,
    read_masks,
    write_images,
    write_masks,
)
from workflow_scripts.dataset.dataset_counts import count_dataset, format_counts, refuse_empty
from workflow_scripts.dataset.facts import FRAME_KINDS, read_facts
from workflow_scripts.dataset.kohya import (
    folder_when_done,
    name_folder,
    write_captions,
    write_metadata,
    write_toml,
)
from workflow_scripts.dataset.names import name_images
from workflow_scripts.dataset.selection import (
    CATEGORY,
    find_reasons,
    find_same_poses,
    measure_quality,
    name_category,
)
from workflow_scripts.dataset.splits import choose_held_out, connect_shots
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

DATASET = pa.schema(
    [
        ("image_id", pa.string()),
        ("frame_id", pa.string()),
        ("shot_id", pa.int32()),
        ("split_group", pa.int64()),  # shots that share a duplicate are never split
        ("group", pa.string()),  # duplicate group of the frame
        ("view_group", pa.string()),  # near-identical clean backgrounds; "" for other kinds
        ("file", pa.string()),  # relative to the dataset; "" when it is not in it
        ("mask_file", pa.string()),  # white = learn; "" for kinds without masks
        ("split", pa.string()),  # train, validation or ""
        ("folder", pa.string()),
        ("repeats", pa.int32()),
        ("caption", pa.string()),
        ("category", pa.string()),  # what the kind is balanced over
        ("character", pa.string()),
        ("action", pa.string()),
        ("view", pa.string()),
        ("shot_type", pa.string()),
        ("emotion", pa.string()),
        ("intensity", pa.string()),
        ("location", pa.string()),
        ("time_of_day", pa.string()),
        ("weather", pa.string()),
        ("indoor", pa.string()),
        ("x0", pa.int32()),  # what was cut out of the frame, pixels, end excluded
        ("y0", pa.int32()),
        ("x1", pa.int32()),
        ("y1", pa.int32()),
        ("crop_loss", pa.float32()),  # share of the image that training buckets cut off
        ("face_cut", pa.bool_()),  # part of a face lies in what they cut off
        ("reason", pa.string()),  # "": in the dataset
    ]
)
FACTS = ["character", "action", "view", "shot_type", "emotion", "intensity"]
FACTS += ["location", "time_of_day", "weather", "indoor"]
MASKED = ("character", "pose", "expression", "background")


def read_candidates(kind: str, paths: dict, captions: Sequence[str]) -> pd.DataFrame:
    """Every image that might be in the dataset: its facts, its frame's fate, its caption."""
    tables = {name: path for name, path in paths.items() if name not in ("decisions", "groups")}
    rows = read_facts(kind, tables)
    decisions = read_manifest(paths["decisions"], ["frame_id", "reason"])
    groups = read_manifest(paths["groups"], ["frame_id", "group"])
    said = read_manifest(captions, ["image_id", "caption"])
    rows = rows.merge(decisions.rename(columns={"reason": "frame_reason"}), "left", "frame_id")
    rows = rows.merge(groups, "left", "frame_id").merge(said, "left", "image_id")
    texts = {"frame_reason": "unreadable", "group": "", "caption": ""}
    rows = rows.fillna(texts).reset_index(drop=True)
    for name in FACTS:
        rows[name] = rows[name].fillna("") if name in rows else ""
    rows["view_group"] = rows["view_group"].fillna("") if kind in FRAME_KINDS else ""
    return rows


def choose_images(
    kind: str, rows: pd.DataFrame, limits: dict, character: str
) -> tuple[pd.Series, pd.Series]:
    """Reason of every candidate ("" for the chosen), and the share wanted of each category."""
    reasons = find_reasons(kind, rows, limits, character)
    if "normalized" in rows:
        free = rows[reasons == ""]
        same = find_same_poses(free, limits["min_pose_change"])
        reasons[free.index[same]] = "same_pose"
    free = rows[reasons == ""]
    if free.empty:
        return reasons, pd.Series(dtype=float)
    wanted = limits["shares"].get(CATEGORY[kind], {})
    shares = target_shares(free["category"], wanted)
    within = keep_quotas(free, shares, limits["max_images"])
    reasons[free.index[~within]] = "over_quota"
    return reasons, shares


def find_split_groups(kind: str, paths: dict[str, str]) -> pd.Series:
    """Split group of every shot: shots that share a duplicate, or a clean view, are one."""
    frames = read_manifest(paths["frames"], ["frame_id", "shot_id"])
    frames = frames.merge(read_manifest(paths["groups"], ["frame_id", "group"]), "left")
    frames = frames.merge(read_manifest(paths["decisions"], ["frame_id", "reason"]), "left")
    # Black, flat and blurred frames look alike everywhere: they prove nothing about their shots.
    frames = frames[frames["reason"].isin(["", "duplicate", "held"])]
    keys = ["group"]
    if kind in FRAME_KINDS:  # of these, the scenery is what could be memorized
        views = read_manifest(paths["locations"], ["frame_id", "view_group"])
        frames, keys = frames.merge(views, "left"), ["group", "view_group"]
    return connect_shots(frames, keys)


def split_images(rows: pd.DataFrame, share: float, seed: int) -> pd.Series:
    """Put each chosen image into "train" or "validation"; "" for those that are not chosen."""
    chosen = rows["reason"] == ""
    held = choose_held_out(rows[chosen], share, seed)
    sides = np.where(rows["split_group"].isin(held), "validation", "train")
    return pd.Series(np.where(chosen, sides, ""), index=rows.index)


def count_repeats_of(rows: pd.DataFrame, shares: pd.Series, limits: dict) -> dict[str, int]:
    """Repeats of each category, from its training images."""
    train = rows.loc[rows["split"] == "train", "category"]
    return count_repeats(train, shares, limits["max_repeats"])


def place_images(
    kind: str, rows: pd.DataFrame, stems: pd.Series, subject: str, repeats: dict[str, int]
) -> pd.DataFrame:
    """Add repeats, folder, file and mask_file; empty for what is not in the dataset."""
    train, chosen = rows["split"] == "train", rows["split"] != ""
    times = rows["category"].map(repeats).fillna(1).where(train, 1).where(chosen, 0).astype(int)
    folders = pd.Series([name_folder(n, subject) for n in times], rows.index).where(chosen, "")
    suffixes = (
        [Path(name).suffix for name in rows["plate"].where(rows["plate"] != "", ".jpg")]
        if kind == "background"
        else ".jpg"
    )
    files = rows["split"] + "/" + folders + "/" + stems + suffixes
    masks = rows["split"] + "/masks/" + stems + ".png"
    return rows.assign(
        repeats=times,
        folder=folders,
        frame_file=rows["file"],
        file=files.where(chosen, ""),
        mask_file=masks.where(chosen & (kind in MASKED), ""),
    )


def frame_images(kind: str, rows: pd.DataFrame, images: Path, resolution: int) -> pd.DataFrame:
    """Add what each image shows of its frame (in place of the body's box), and its losses.

    Candidates that are not in the dataset get a box of zeros: nothing is cut for them.
    """
    chosen = rows[rows["split"] != ""]
    boxes = cut_boxes(kind, chosen, find_images(chosen, images))
    losses = measure_loss(boxes, resolution)
    rows = rows.assign(x0=0, y0=0, x1=0, y1=0, crop_loss=0.0, face_cut=False)
    rows.loc[chosen.index, ["x0", "y0", "x1", "y1"]] = boxes
    rows.loc[chosen.index, "crop_loss"] = 1 - (1 - losses).prod(1)
    rows.loc[chosen.index, "face_cut"] = find_cut_faces(kind, chosen, boxes, losses)
    return rows


def write_folder(
    kind: str,
    rows: pd.DataFrame,
    folder: Path,
    images: Path,
    plates: Sequence[str],
    tables: dict,
    limits: dict,
) -> None:
    """Write images, masks, captions and the trainers' own files."""
    chosen = rows[rows["split"] != ""]
    files = {path.name: path for plate in plates for path in Path(plate).iterdir()}
    write_images(kind, chosen, folder, images, files)
    if kind in MASKED:
        source = (
            ("backgrounds", "frame_id", "painted")
            if kind == "background"
            else ("instances", "instance_id", "mask")
        )
        runs = read_masks(tables[source[0]], *source[1:], chosen["image_id"])
        write_masks(kind, chosen, folder, runs, limits["mask_dilate_px"])
    write_captions(folder, chosen)
    for split, part in chosen.groupby("split"):
        columns = ["image_id", "shot_id", "category", "repeats"]
        write_metadata(folder / split, part, columns)
    resolution = limits["resolution"]
    write_toml(folder / "dataset.toml", chosen, resolution=resolution, masks=kind in MASKED)
    if kind in MASKED:
        without = folder / "dataset_without_masks.toml"
        write_toml(without, chosen, resolution=resolution, masks=False)


def main(
    frames: str,
    images: str,
    captions: Sequence[str],
    vocabulary: str,
    dataset: str,
    *,
    name: str,
    film: str,
    characters: dict,
    style: dict,
    triggers: dict,
    limits: dict,
    seed: int,
    plates: Sequence[str] = (),
    **tables: str | list[str],
) -> Counts:
    """Pack one dataset; `tables` are the fact tables of the rule, named as in dataset.facts."""
    kind, _, character = name.partition("-")
    paths = {"frames": frames, **tables}
    rows = read_candidates(kind, paths, captions)
    rows["category"], rows["quality"] = name_category(kind, rows), measure_quality(kind, rows)
    rows["reason"], shares = choose_images(kind, rows, limits, character)
    refuse_empty(name, rows["reason"])
    rows["split_group"] = (
        rows["shot_id"].map(find_split_groups(kind, paths)).fillna(rows["shot_id"])
    )
    rows["split"] = split_images(rows, limits["held_out_share"], seed)
    trigger, class_word = find_trigger(kind, film, triggers, style, characters.get(character))
    subject = name_subject(trigger, class_word)
    words = yaml.safe_load(Path(vocabulary).read_text())["file_words"]
    stems = name_images(kind, rows, words, style.get("trigger", film).removesuffix(" style"))
    rows = place_images(kind, rows, stems, subject, count_repeats_of(rows, shares, limits))
    rows = frame_images(kind, rows, Path(images), limits["resolution"])
    with folder_when_done(dataset) as folder:
        write_folder(kind, rows, folder, Path(images), plates, tables, limits)
        write_manifest(rows[DATASET.names], folder / "dataset.parquet", DATASET)
        counts = count_dataset(kind, rows, shares, limits["min_per_category"])
        about = {"dataset": name, "kind": kind, "trigger": trigger, "class": class_word}
        text = json.dumps(about | {"seed": seed} | counts, indent=1, ensure_ascii=False)
        (folder / "counts.json").write_text(text, encoding="utf-8")
    for line in format_counts(name, counts):
        log.info("%s", line)
    return Counts.of("images", rows["reason"], **counts["splits"])


if __name__ == "__main__":
    run_phase(main, snakemake)
