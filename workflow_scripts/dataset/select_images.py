"""Choose the images of a dataset: reasons, variety, quotas, split, repeats; none is opened.

Reads what every phase knows, leaves one row per candidate: why it is not in, or into which split it
goes and how often it is seen. Within the quota of a category those are taken that differ most, and
none that nearly repeats another (dataset/farthest_first.py): a dataset is rather small than of
copies. Those over quota that are next in turn are marked as reserve: they are described as well, so
that a correction which sets images aside asks no model about those that take their place.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.balance import cap_repeats, count_repeats, target_shares
from workflow_scripts.dataset.crops import FACE_BOX, add_crop_boxes
from workflow_scripts.dataset.facts import read_facts
from workflow_scripts.dataset.farthest_first import choose_varied, set_quotas
from workflow_scripts.dataset.looks import read_looks
from workflow_scripts.dataset.overlay_text import read_overlays, treat_overlays
from workflow_scripts.dataset.selection import (
    find_reasons,
    find_same_poses,
    measure_quality,
    name_category,
)
from workflow_scripts.dataset.splits import choose_held_out, connect_shots
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.kinds import Kind, split_name
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

NO_FACTS = ("decisions", "groups", "embeddings", "texts")  # what is read apart from dataset.facts
FACTS = ["character", "action", "view", "shot_type", "emotion", "intensity"]
FACTS += ["location", "time_of_day", "weather", "indoor"]
SELECTION = pa.schema(
    [
        ("image_id", pa.string()),
        ("frame_id", pa.string()),
        ("shot_id", pa.int32()),
        ("split_group", pa.int64()),  # shots that share a duplicate are never split
        ("group", pa.string()),  # duplicate group of the frame
        ("view_group", pa.string()),  # near-identical clean backgrounds; "" for other kinds
        ("frame_reason", pa.string()),  # why filter_frames set the frame aside
        ("reason", pa.string()),  # why the image is not in the dataset; "": it is
        ("reserve", pa.bool_()),  # over quota, and next in turn
        ("split", pa.string()),  # train, validation or ""
        ("repeats", pa.int32()),  # how often an epoch shows it; 0: not at all
        ("category", pa.string()),  # what the kind is balanced over
        ("wanted_share", pa.float64()),  # of its category, in what training sees
        ("quality", pa.float64()),  # decides between images of one category that look alike
        *((name, pa.string()) for name in FACTS),
        ("frame_file", pa.string()),  # the frame's image, in extract_frames/images; "": none
        ("plate", pa.string()),  # the frame's clean image, in the plates; "": none
        ("width_px", pa.int32()),  # of the frame
        ("height_px", pa.int32()),
        # pixels of the frame, nan where there is none: what is cut out, and where its face lies
        *((name, pa.float64()) for name in (*BOX, *FACE_BOX)),
        # of subtitles, watermarks and the like: cropped, painted, kept, set_aside; "": none shows
        ("overlay_text", pa.string()),
        ("free_area", pa.list_(pa.int32())),  # x0 ... y1: what of the frame it is cut from
        ("painted_boxes", pa.list_(pa.list_(pa.float64()))),  # of the frame: text painted over
    ]
)


def read_candidates(kind: Kind, paths: dict, overlay_text: str) -> pd.DataFrame:
    """Every image that might be in the dataset: its facts, its frame's fate, its overlaid text."""
    rows = read_facts(kind, {name: path for name, path in paths.items() if name not in NO_FACTS})
    decisions = read_manifest(paths["decisions"], ["frame_id", "reason"])
    groups = read_manifest(paths["groups"], ["frame_id", "group"])
    rows = rows.merge(decisions.rename(columns={"reason": "frame_reason"}), "left", "frame_id")
    rows = rows.merge(groups, "left", "frame_id")
    rows = rows.fillna({"frame_reason": "unreadable", "group": ""}).reset_index(drop=True)
    for name in [*FACTS, "plate"]:
        rows[name] = rows[name].fillna("") if name in rows else ""
    rows["view_group"] = rows["view_group"].fillna("") if kind.is_of_frames else ""
    rows = treat_overlays(kind, rows, read_overlays(paths["texts"]), overlay_text)
    return rows.assign(category=name_category(kind, rows), quality=measure_quality(kind, rows))


def choose_images(
    kind: Kind, rows: pd.DataFrame, limits: dict, character: str, embeddings: Sequence[str]
) -> tuple[pd.Series, pd.Series, pd.Series]:
    """Reason of every candidate ("" for the chosen), the reserve, the wanted share by category.

    Of `embeddings`, tables of embed_images, only the images that nothing else keeps out are read.
    """
    reasons = find_reasons(kind, rows, limits, character)
    if "normalized" in rows:
        free = rows[reasons == ""]
        same = find_same_poses(free, limits["min_pose_change"])
        reasons[free.index[same]] = "same_pose"
    reserve = pd.Series(False, index=rows.index)
    free = rows[reasons == ""]
    if free.empty:
        return reasons, reserve, pd.Series(dtype=float)
    shares = target_shares(free["category"], limits["shares"])
    quotas = set_quotas(shares, limits["max_images"], limits["reserve"])
    looks = read_looks(kind, free, embeddings)
    own, next_in_turn = choose_varied(free, looks, quotas, limits["min_change"])
    reasons[free.index], reserve[free.index] = own, next_in_turn
    return reasons, reserve, shares


def find_split_groups(kind: Kind, paths: dict[str, str]) -> pd.Series:
    """Split group of every shot: shots that share a duplicate, or a clean view, are one."""
    frames = read_manifest(paths["frames"], ["frame_id", "shot_id"])
    frames = frames.merge(read_manifest(paths["groups"], ["frame_id", "group"]), "left")
    frames = frames.merge(read_manifest(paths["decisions"], ["frame_id", "reason"]), "left")
    # Black, flat and blurred frames look alike everywhere: they prove nothing about their shots.
    frames = frames[frames["reason"].isin(["", "duplicate", "held"])]
    keys = ["group"]
    if kind.is_of_frames:  # of these, the scenery is what could be memorized
        views = read_manifest(paths["locations"], ["frame_id", "view_group"])
        frames, keys = frames.merge(views, "left"), ["group", "view_group"]
    return connect_shots(frames, keys)


def split_images(rows: pd.DataFrame, share: float, seed: int) -> pd.Series:
    """Put each chosen image into "train" or "validation"; "" for those that are not chosen."""
    chosen = rows["reason"] == ""
    held = choose_held_out(rows[chosen], share, seed)
    sides = np.where(rows["split_group"].isin(held), "validation", "train")
    return pd.Series(np.where(chosen, sides, ""), index=rows.index)


def repeat_images(kind: Kind, rows: pd.DataFrame, shares: pd.Series, max_repeats: int) -> pd.Series:
    """How often an epoch shows each image: by its category to train on, once when held out.

    Images that are less sure are repeated less than the rarity of their category asks for.
    """
    train, chosen = rows["split"] == "train", rows["split"] != ""
    repeats = count_repeats(rows.loc[train, "category"], shares, max_repeats)
    times = rows["category"].map(repeats).fillna(1)
    if kind.score and kind.is_probability:
        times = np.minimum(times, cap_repeats(rows[kind.score]))
    return times.where(train, 1).where(chosen, 0).astype(int)


def main(
    frames: str,
    texts: str,
    selection: str,
    *,
    dataset: str,
    limits: dict,
    seed: int,
    **tables: str | Sequence[str],
) -> Counts:
    """Choose the images; `tables` are named as in dataset.facts, besides NO_FACTS."""
    kind, character = split_name(dataset)
    paths = {"frames": frames, "texts": texts, **tables}
    rows = read_candidates(kind, paths, limits["overlay_text"])
    rows["reason"], rows["reserve"], shares = choose_images(
        kind, rows, limits, character, paths["embeddings"]
    )
    groups = rows["shot_id"].map(find_split_groups(kind, paths))
    rows["split_group"] = groups.fillna(rows["shot_id"]).astype("int64")
    rows["split"] = split_images(rows, limits["held_out_share"], seed)
    rows["repeats"] = repeat_images(kind, rows, shares, limits["max_repeats"])
    rows["wanted_share"] = rows["category"].map(shares).fillna(0.0)
    rows = add_crop_boxes(kind, rows).rename(columns={"file": "frame_file"})
    write_manifest(rows[SELECTION.names], selection, SELECTION)
    chosen = int((rows["reason"] == "").sum())
    log.info("%s: %d of %d candidates", dataset, chosen, len(rows))
    if not chosen:
        log.warning("%s: nothing is left; pack_dataset says what would let images in", dataset)
    return Counts.of("images", rows["reason"], reserve=int(rows["reserve"].sum()))


if __name__ == "__main__":
    run_phase(main, snakemake)
