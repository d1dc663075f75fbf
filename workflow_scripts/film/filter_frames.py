"""Decide which frames later phases may use. Reads measures, groups, text; leaves a decision each.

A frame gets the first reason that applies, in this order:

    unreadable  gave no image
    held        repeats the image before it
    fade        fades from or to black or white
    dissolve    shows two shots at once
    combed      shows two moments, line by line
    dark, bright, flat  has too little light, too much, too little contrast
    blurred     is far less sharp than the film usually is
    small       has fewer pixels than a dataset needs
    odd_color   is made of colors that the rest of the film lacks
    text        is covered by a title or by credits
    duplicate   has another frame of its group that is kept

A group keeps its sharpest frame; where that one is set aside for another reason, the sharpest of
those left takes its place, so no image is lost with its keeper.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.blur import measure_blur
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

DECISIONS = pa.schema([("frame_id", pa.string()), ("reason", pa.string())])  # "": kept
FRAMES = ["frame_id", "shot_id", "width_px", "height_px", "sharpness", "brightness", "contrast"]
FRAMES += ["combing", "histogram", "fade", "dissolve", "reason"]
RARE = 0.002  # a color that fills less than this share of the other shots is none of the film's
# which option sets frames aside for a reason, and the column that it looks at
OPTIONS = {
    "fade": ("keep_fades", ""),
    "dissolve": ("keep_dissolves", ""),
    "combed": ("max_combing", "combing"),
    "dark": ("min_brightness", "brightness"),
    "bright": ("max_brightness", "brightness"),
    "flat": ("min_contrast", "contrast"),
    "blurred": ("max_blur", "sharpness"),
    "small": ("min_side_px", "side_px"),
    "odd_color": ("max_odd_color", "odd_color"),
    "text": ("max_text", "text"),
}


def measure_odd_color(frames: pd.DataFrame) -> np.ndarray:
    """Share (N,) of each image in colors that the film's other shots hardly have."""
    shots, sizes = np.unique(frames["shot_id"], return_inverse=True, return_counts=True)[1:]
    if len(sizes) < 2:
        return np.zeros(len(frames))
    histograms = np.stack(frames["histogram"].to_numpy()).astype(np.float64)
    sums = np.zeros((len(sizes), histograms.shape[1]))
    np.add.at(sums, shots, histograms)
    # shots count alike however long they are, as the mean of the means of all others
    means = sums / sizes[:, None]
    others = (means.sum(0) - means) / (len(sizes) - 1)
    return (histograms * (others[shots] < RARE)).sum(1)


def measure_text(frames: pd.DataFrame, text: pd.DataFrame, kinds: list[str]) -> np.ndarray:
    """Share (N,) of each image that boxes of text of these kinds cover."""
    lines = text[text["kind"].isin(kinds)]
    areas = (lines["x1"] - lines["x0"]) * (lines["y1"] - lines["y0"])
    covered = frames["frame_id"].map(areas.groupby(lines["frame_id"]).sum()).astype(float).fillna(0)
    pixels = frames["width_px"] * frames["height_px"]
    return (covered / pixels.clip(lower=1)).to_numpy(float)


def find_reasons(frames: pd.DataFrame, limits: dict) -> pd.Series:
    """The first reason that applies to each frame, duplicates apart; "" where none does."""
    seen = frames[frames["reason"] == ""]
    blur = measure_blur(seen["sharpness"]).reindex(frames.index)
    failed = {
        "fade": frames["fade"] & (not limits["keep_fades"]),
        "dissolve": frames["dissolve"] & (not limits["keep_dissolves"]),
        "combed": frames["combing"] > limits["max_combing"],
        "dark": frames["brightness"] < limits["min_brightness"],
        "bright": frames["brightness"] > limits["max_brightness"],
        "flat": frames["contrast"] < limits["min_contrast"],
        "blurred": (blur > limits["max_blur"]) | (frames["sharpness"] < limits["min_sharpness"]),
        "small": frames["side_px"] < limits["min_side_px"],
        "odd_color": frames["odd_color"] > limits["max_odd_color"],
        "text": frames["text"] > limits["max_text"],
    }
    reasons = frames["reason"].copy()
    for reason, is_so in failed.items():
        reasons[is_so & (reasons == "")] = reason
    return reasons


def find_duplicates(reasons: pd.Series, groups: pd.DataFrame, sharpness: pd.Series) -> pd.Series:
    """Reasons in which of each group only one frame is kept: the keeper, else the sharpest."""
    rivals = groups.assign(sharpness=sharpness)[reasons == ""]
    best_first = rivals.sort_values(["is_keeper", "sharpness"], ascending=False, kind="stable")
    spare = best_first.index[best_first["group"].duplicated()]
    reasons = reasons.copy()
    reasons[spare] = "duplicate"
    return reasons


def explain_none_kept(frames: pd.DataFrame, reasons: pd.Series, limits: dict) -> str:
    """Name the option that took most, where nothing is left."""
    counts = reasons[reasons.isin(OPTIONS)].value_counts()
    if counts.empty:
        return f"Not one of {len(reasons)} frames gave an image."
    option, column = OPTIONS[counts.index[0]]
    found = frames.loc[reasons == counts.index[0], column].median() if column else None
    values = "" if found is None else f" (median {column} of these: {found:.3g})"
    return (
        f"filter_frames kept none of {len(reasons)} frames: {reasons.value_counts().to_dict()}.\n"
        f"  Most went by filter_frames.{option} = {limits[option]}{values}.\n"
        "  Loosen that option in the config, or every dataset is empty."
    )


def main(frames: str, groups: str, text: str, decisions: str, *, limits: dict) -> Counts:
    rows = read_manifest(frames, FRAMES)
    lines = read_manifest(text, ["frame_id", "x0", "y0", "x1", "y1", "kind"])
    group_rows = read_manifest(groups, ["frame_id", "group", "is_keeper"])
    group_rows = group_rows.set_index("frame_id").loc[rows["frame_id"]].reset_index()
    rows["side_px"] = rows[["width_px", "height_px"]].min(axis=1)
    rows["odd_color"] = measure_odd_color(rows)
    rows["text"] = measure_text(rows, lines, limits["text_kinds"])
    reasons = find_duplicates(find_reasons(rows, limits), group_rows, rows["sharpness"])
    if len(reasons) and not (reasons == "").any():
        log.warning("%s", explain_none_kept(rows, reasons, limits))
    log.info("%d frames: %s", len(rows), reasons.value_counts().to_dict())
    write_manifest(rows[["frame_id"]].assign(reason=reasons), decisions, DECISIONS)
    return Counts.of("frames", reasons, int((reasons == "unreadable").sum()))


if __name__ == "__main__":
    run_phase(main, snakemake)
