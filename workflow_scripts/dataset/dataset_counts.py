"""What a packed dataset holds: counts by reason, category and split; the leak check; in words."""

import pandas as pd

from workflow_scripts.dataset.splits import find_leaks
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import Kind

LEAK_KEYS = ("shot_id", "group", "view_group", "split_group")


def refuse_empty(name: str, reasons: pd.Series) -> None:
    """Stop when no candidate is left: say how many there were and what set each aside."""
    if (reasons == "").any():
        return
    if reasons.empty:
        raise CineloraError(
            f"dataset {name}: there is not one candidate image.\n"
            "  The phases before found nothing of this kind in the film (see their logs).\n"
            f"  Take the kind {name.partition('-')[0]} out of the film's `kinds` in the config."
        )
    counts = ", ".join(f"{reason} {n}" for reason, n in reasons.value_counts().items())
    if (reasons == "unknown_character").any():
        counts += (
            ".\n  Unknown characters get names by reference images (config/rosters/<film>/"
            "<character>/*.jpg)\n  or by config/reviews/<film>/identities.csv"
        )
    raise CineloraError(
        f"dataset {name}: {len(reasons)} candidate images, and none is left.\n"
        f"  Set aside: {counts}.\n"
        "  Frames are set aside by filter_frames, the rest by select_images: loosen the option of\n"
        "  the largest number, or take the kind out of the film's `kinds`."
    )


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
        "crops": {
            "mean_loss": round(float(chosen["crop_loss"].mean()), 4),
            "max_loss": round(float(chosen["crop_loss"].max()), 4),
            "faces_cut": int(chosen["face_cut"].sum()),
        },
    }


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
            "repeats": int(train["repeats"].max()) if len(train) else 0,
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
            f"  {counts['balanced_over']} {category}: {row['train']} x {row['repeats']} repeats ="
            f" {row['seen_share']:.0%} of an epoch (wanted {row['wanted_share']:.0%}),"
            f" {row['validation']} held out"
        )
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
