"""What a packed dataset holds: counts by reason, category and split; the leak check; in words."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.dataset.overlay_text import SET_ASIDE, TREATMENTS
from workflow_scripts.dataset.splits import find_leaks
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.value_files import read_values

SMALL_SIDE_PX = 256  # a shorter side below it is enlarged to what base models are trained on
LEAK_KEYS = ("shot_id", "group", "view_group", "split_group")
NUMBERS = {"type": "object", "additionalProperties": {"type": "number"}}
COUNTS = {  # what others read of counts.json
    "properties": {
        "candidates": {"type": "integer"},
        "in_dataset": {"type": "integer"},
        "empty": {"type": "array", "items": {"type": "string"}},
        "trigger": {"type": "string"},
        "crops": NUMBERS,
        "overlay_text": NUMBERS,
        "diversity": NUMBERS,
    },
    "dependentRequired": {"empty": ["candidates"], "crops": ["in_dataset"]},
}


def read_counts(path: Path) -> dict[str, Any]:
    """What the counts.json of a packed dataset says; {} where it has none."""
    return read_values(path, COUNTS) if path.is_file() else {}


def count_dataset(kind: Kind, rows: pd.DataFrame, min_images: int) -> dict:
    """Counts of one dataset as plain values, ready for JSON; they add up to the candidates.

    `rows` are all candidates; categories with fewer than `min_images` in it count as too few.
    """
    chosen = rows[rows["split"] != ""]
    return {
        "candidates": len(rows),
        "in_dataset": len(chosen),
        "set_aside": _count(rows.loc[rows["reason"] != "", "reason"]),
        "splits": {s: int((rows["split"] == s).sum()) for s in ("train", "validation")},
        "balanced_over": kind.category,
        "categories": _count_categories(rows),
        "too_few": _find_too_few(kind, chosen, min_images),
        "held_out": _describe_split(chosen),
        "crops": _count_crops(chosen),
        "overlay_text": count_overlays(rows),
    }


def _count_crops(chosen: pd.DataFrame) -> dict[str, float]:
    """What buckets cut off, and how many images are so small that training enlarges them."""
    sides = (chosen["x1"] - chosen["x0"]).combine(chosen["y1"] - chosen["y0"], min)
    small = int((sides < SMALL_SIDE_PX).sum())
    losses = chosen["crop_loss"]
    return {
        "mean_loss": round(float(losses.mean()), 4) if len(chosen) else 0.0,
        "max_loss": round(float(losses.max()), 4) if len(chosen) else 0.0,
        "faces_cut": int(chosen["face_cut"].sum()),
        f"under_{SMALL_SIDE_PX}_px": small,
        f"under_{SMALL_SIDE_PX}_px_share": round(small / max(len(chosen), 1), 4),
    }


def count_overlays(rows: pd.DataFrame) -> dict[str, int]:
    """What was done about subtitles and the like: images of the dataset, and those set aside."""
    treated = rows.loc[rows["split"] != "", "overlay_text"]
    counts = {name: int((treated == name).sum()) for name in TREATMENTS}
    return counts | {SET_ASIDE: int((rows["reason"] == "overlay_text").sum())}


def _count(values: pd.Series) -> dict[str, int]:
    return {str(value): int(n) for value, n in values.value_counts().items()}


def _count_categories(rows: pd.DataFrame) -> dict[str, dict]:
    """Per category: images before and after, in each split, and how often training sees them."""
    seen = (rows["repeats"] * (rows["split"] == "train")).groupby(rows["category"]).sum()
    table = {}
    for category, group in rows.groupby("category", sort=True):
        train = group[group["split"] == "train"]
        table[str(category)] = {
            "candidates": len(group),
            "in_dataset": int((group["split"] != "").sum()),
            "train": len(train),
            "validation": int((group["split"] == "validation").sum()),
            "max_repeats": int(train["repeats"].max()) if len(train) else 0,
            "seen": int(seen[category]),
            "seen_share": round(float(seen[category] / max(seen.sum(), 1)), 4),
            "wanted_share": round(float(group["wanted_share"].iloc[0]), 4),
        }
    return table


def _find_too_few(kind: Kind, chosen: pd.DataFrame, min_images: int) -> dict[str, int]:
    """Categories with fewer images than wanted, also those that the film does not show at all."""
    counts = chosen["category"].value_counts()
    names = {*counts.index, *kind.expected}
    few = {name: int(counts.get(name, 0)) for name in sorted(names)}
    return {name: n for name, n in few.items() if n < min_images}


def _describe_split(chosen: pd.DataFrame) -> dict:
    held = chosen[chosen["split"] == "validation"]
    none = (
        "nothing is held out: without a leak there is no part that is under a third of the images"
        " and leaves every category to train on"
    )
    sides = {s: sorted(map(int, g["shot_id"].unique())) for s, g in chosen.groupby("split")}
    leaks = find_leaks(chosen, LEAK_KEYS)
    return {
        "shots": sides,
        "leaks": leaks,
        "leak": sum(map(len, leaks.values())),
        "notes": [none] if held.empty else [],
    }


def describe_overlays(counts: dict[str, int]) -> str:
    """The counts of overlaid text in words; "" where there was none."""
    words = {"cropped": "cropped off", "painted": "painted over", "kept": "left in"}
    words |= {SET_ASIDE: "set aside"}
    said = ", ".join(f"{words[name]} {n}" for name, n in counts.items() if n)
    return f"images with subtitles, watermarks or titles: {said}" if said else ""


def format_counts(name: str, counts: dict) -> list[str]:
    """The same in some lines for the log, the leak check among them."""
    splits, held = counts["splits"], counts["held_out"]
    lines = [
        f"{name}: {counts['in_dataset']} of {counts['candidates']} candidates;"
        f" {splits['train']} to train on, {splits['validation']} held out"
    ]
    lines += [f"  set aside, {reason}: {n}" for reason, n in counts["set_aside"].items()]
    for category, row in counts["categories"].items():
        lines.append(
            f"  {counts['balanced_over']} {category}: {row['train']} images, seen {row['seen']}"
            f" times, {row['seen_share']:.0%} of an epoch (wanted {row['wanted_share']:.0%}),"
            f" {row['validation']} held out"
        )
    small = counts["crops"][f"under_{SMALL_SIDE_PX}_px"]
    lines += [f"  smaller than {SMALL_SIDE_PX} px, with little detail: {small}"] if small else []
    treated = describe_overlays(counts["overlay_text"])
    lines += [f"  {treated}"] if treated else []
    amounts = counts["diversity"]
    lines.append(
        f"  {amounts['images']} training images amount to {amounts['effective_images']:.1f}"
        f" different ones; {amounts['near_repeats']} nearly repeat another"
    )
    few = ", ".join(f"{name} {n}" for name, n in counts["too_few"].items())
    lines += [f"  too few images: {few}"] if few else []
    lines += [f"  {note}" for note in held["notes"]]
    keys = ", ".join(f"{key} {len(values)}" for key, values in held["leaks"].items())
    return [*lines, f"  leak check, shared by both splits: {keys}"]
