"""Why a dataset holds no image, in words, and what would let images in."""

from pathlib import Path

import pandas as pd

from workflow_scripts.lib.kinds import Kind

FILE = "EMPTY.txt"  # in the folder of a dataset without images, in place of what trainers read
NOBODY_OFFERED = {  # by what an image of the kind shows
    "frame": "no frame of the film gave an image",
    "plate": "no frame of the film gave an image",
    "body": "nobody was found in the film",
    "face": "no face was found in the film",
}
ADMITS = {  # why an image is not in -> what lets it in; a copy is let in by nothing
    "unreadable": "a copy of the film that is not damaged there",
    "fade": "filter_frames.keep_fades: true",
    "dissolve": "filter_frames.keep_dissolves: true",
    "combed": "a larger filter_frames.max_combing",
    "dark": "a smaller filter_frames.min_brightness",
    "bright": "a larger filter_frames.max_brightness",
    "flat": "a smaller filter_frames.min_contrast",
    "blurred": "a larger filter_frames.max_blur and a smaller filter_frames.min_sharpness",
    "small": "a smaller filter_frames.min_side_px",
    "odd_color": "a larger filter_frames.max_odd_color",
    "text": "a larger filter_frames.max_text, or fewer filter_frames.text_kinds",
    "unknown_character": "more or other images of {who} in the film's roster ({who}/*.jpg), or"
    " lines in config/reviews/{film}/identities.csv",
    "not_this_character": "lines in config/reviews/{film}/identities.csv, where it is {who}",
    "too_small": "a smaller select_images.min_side_px.{kind}",
    "occluded": "a larger select_images.max_occlusion",
    "low_score": "a smaller select_images.min_score.{kind}",
    "unknown_action": "bodies whose arms and legs are in the image; options of classify_poses",
    "no_joints": "bodies of which more is in the image",
    "unsure_expression": "a smaller classify_expressions.min_score, or lines in"
    " config/reviews/{film}/expressions.csv",
    "unknown_lighting": "other classify_lighting.thresholds",
    "too_much_covered": "a larger cluster_scenes.limits.max_covered",
    "too_much_painted": "a larger cluster_scenes.limits.max_painted",
    "character_left": "a larger cluster_scenes.limits.max_leftover or max_missed",
    "something_moving": "a larger cluster_scenes.limits.max_moving",
    "duplicate_view": "a larger cluster_scenes.view_similarity",
    "near_repeat": "a smaller select_images.min_change",
    "overlay_text": "select_images.overlay_text: paint or keep",
    "over_quota": "a larger select_images.max_images",
}


def explain_empty(kind: Kind, character: str, film: str, reasons: pd.Series) -> list[str]:
    """What kept every candidate out, the most frequent first; [] where the dataset has images.

    `reasons` has one reason per candidate; "" is an image that is in.
    """
    if (reasons == "").any():
        return []
    if reasons.empty:
        return [f"{NOBODY_OFFERED[kind.shows]}: there is no candidate"]
    fills = {"who": character or "the character", "film": film, "kind": kind.name}
    counts = reasons.value_counts()
    return [_explain(str(reason), int(n), fills) for reason, n in counts.items()]


def _explain(reason: str, number: int, fills: dict[str, str]) -> str:
    said = f"{number} x {reason.replace('_', ' ')}"
    return f"{said}: {ADMITS[reason].format(**fills)}" if reason in ADMITS else said


def format_empty(name: str, candidates: int, why: list[str]) -> list[str]:
    """The same as lines for a log or a file; [] where the dataset has images."""
    if not why:
        return []
    return [
        f"The dataset {name} is empty: of {candidates} candidates none is in it.",
        "What kept them out, and what would let them in:",
        *(f"  {line}" for line in why),
    ]


def write_empty(folder: Path, lines: list[str]) -> None:
    """Leave the lines where a person looks who finds no image in the folder."""
    (folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")
