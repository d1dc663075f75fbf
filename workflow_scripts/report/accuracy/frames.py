"""Figures about frames: cuts, fades, dissolves, duplicates, blur.

Cuts are matched to the frame or one beside it; what is found at a fade or a dissolve is no false
cut. Fades are judged frame by frame, among those sampled.

Duplicates are judged in pairs of sampled frames. True copies show the same drawing, be it in
another shot. Two drawings of one shot that differ next to nothing (somebody stands still) are no
mistake either way and left out: those with few changes from drawing to drawing between them, and
those whose images look the same, as after a return to an old pose. Frames of fades and dissolves
are left out too: black is black, and a dissolve shows two drawings at once.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.lib.images import read_rgb
from workflow_scripts.report.accuracy.truth import Metric, Truth, read_result

NEAR_CUT = 1  # frames
NEAR_CHANGE = 12  # frames: a fade or a dissolve has no sharp middle
SAME_LOOK = 0.5  # mean absolute change of the image (0 to 255) up to which drawings look alike


def measure(results: Path, truth: Truth) -> dict[str, Metric]:
    """All figures whose tables and truth are there."""
    frames = read_result(results, "frames", ["frame_id", "time_s", "file", "fade", "sharpness"])
    if frames is None:
        return {}
    frames["frame_no"] = truth.frame_numbers(frames["time_s"])
    wanted = ["frame_no", "shot_id", "is_fade", "is_blurred", "unique_render_id"]
    frames = frames.merge(truth.frames[wanted], on="frame_no", how="left")
    metrics = measure_shots(read_result(results, "shots"), truth)
    metrics |= measure_fades(frames) | measure_sharpness(frames)
    if (groups := read_result(results, "groups")) is not None:
        images = results / "extract_frames" / "images"
        metrics |= measure_duplicates(frames.merge(groups, on="frame_id"), truth, images)
    if (decisions := read_result(results, "decisions")) is not None:
        metrics |= measure_blurred(frames.merge(decisions, on="frame_id"))
    return metrics


def score(hits: int, found: int, wanted: int) -> tuple[float, float, float]:
    """Precision, recall and F1; found nothing is perfectly precise."""
    precision = hits / found if found else 1.0
    recall = hits / wanted if wanted else 1.0
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def measure_shots(shots: pd.DataFrame, truth: Truth) -> dict[str, Metric]:
    """F1 of cuts and of dissolves."""
    found = shots[shots["transition"] != "start"].copy()
    found["frame_no"] = truth.frame_numbers(found["start_s"])
    wanted = list_boundaries(truth)
    cuts = wanted[wanted["transition"] == "cut"]["frame_no"].to_numpy()
    others = wanted[wanted["transition"] != "cut"]["frame_no"].to_numpy()
    claimed = found["frame_no"].to_numpy()
    hits = count_matches(claimed, cuts, NEAR_CUT)
    explained = hits + count_matches(claimed, others, NEAR_CHANGE)
    f1 = score(hits, hits + max(0, len(claimed) - explained), len(cuts))[2]
    metrics = {"cuts_f1": Metric(f1, len(cuts), 0.98)} if len(cuts) else {}
    dissolves = wanted[wanted["transition"] == "dissolve"]["frame_no"].to_numpy()
    if len(dissolves):
        claimed = found[found["transition"] == "dissolve"]["frame_no"].to_numpy()
        hits = count_matches(claimed, dissolves, NEAR_CHANGE)
        f1 = score(hits, len(claimed), len(dissolves))[2]
        metrics["dissolves_f1"] = Metric(f1, len(dissolves))
    return metrics


def list_boundaries(truth: Truth) -> pd.DataFrame:
    """First frame of every shot but the first, and how it begins (a cut where nobody says)."""
    shots = truth.table("shots")
    if shots is not None:
        rows = shots[shots["transition_in"] != "start"]
        return rows.rename(columns={"first_frame": "frame_no", "transition_in": "transition"})
    changes = truth.frames["shot_id"].diff().fillna(0) != 0
    return truth.frames.loc[changes, ["frame_no"]].assign(transition="cut")


def count_matches(claimed: np.ndarray, wanted: np.ndarray, tolerance: int) -> int:
    """How many wanted places have a claimed one of their own within the tolerance."""
    free = sorted(claimed.tolist())
    hits = 0
    for place in sorted(wanted.tolist()):
        near = next((other for other in free if abs(other - place) <= tolerance), None)
        if near is not None:
            free.remove(near)
            hits += 1
    return hits


def measure_fades(frames: pd.DataFrame) -> dict[str, Metric]:
    """F1 over the sampled frames that fade from or to black."""
    wanted = frames["is_fade"] == 1
    if not wanted.any():
        return {}
    hits = int((wanted & frames["fade"]).sum())
    f1 = score(hits, int(frames["fade"].sum()), int(wanted.sum()))[2]
    return {"fades_f1": Metric(f1, int(wanted.sum()))}


def measure_duplicates(frames: pd.DataFrame, truth: Truth, images: Path) -> dict[str, Metric]:
    """Precision, recall and F1 of pairs in one group; `images` holds the files of the frames."""
    frames = frames[frames["is_fade"] == 0]
    drawings = locate_drawings(truth).reindex(frames["unique_render_id"])
    shots, places = drawings["shot_id"].to_numpy(), drawings["place"].to_numpy()
    ids = pd.factorize(frames["unique_render_id"])[0]
    groups = pd.factorize(frames["group"])[0]
    one, other = np.triu_indices(len(frames), 1)
    copies = ids[one] == ids[other]
    alike = (shots[one] == shots[other]) & (np.abs(places[one] - places[other]) <= SAME_LOOK)
    joined = groups[one] == groups[other]
    doubtful = np.flatnonzero(joined & ~copies & ~alike)
    alike[doubtful] = look_alike(frames["file"].to_numpy(), one[doubtful], other[doubtful], images)
    judged = copies | ~alike
    hits, found = int((joined & copies).sum()), int((joined & judged).sum())
    names = ("dedup_precision", "dedup_recall", "dedup_f1")
    values = score(hits, found, int(copies.sum()))
    count = int(copies.sum())
    goals = (None, None, 0.98)
    return {n: Metric(v, count, g) for n, v, g in zip(names, values, goals, strict=True)}


def look_alike(files: np.ndarray, one: np.ndarray, other: np.ndarray, images: Path) -> np.ndarray:
    """Whether the images of each pair of rows are the same to the eye; held frames have none."""
    same = np.zeros(len(one), bool)
    for place, pair in enumerate(zip(files[one], files[other], strict=True)):
        if all(pair):
            first, second = (read_rgb(images / file).astype(np.int16) for file in pair)
            same[place] = np.abs(first - second).mean() <= SAME_LOOK
    return same


def locate_drawings(truth: Truth) -> pd.DataFrame:
    """Per drawing the shot it first appears in, and its place there: the sum of changes before."""
    changes = truth.table("duplicates")
    steps = pd.to_numeric(changes["change_from_previous_frame"], errors="coerce").fillna(0)
    table = truth.frames[["frame_no", "shot_id", "unique_render_id"]].merge(
        changes[["frame_no"]].assign(place=steps.cumsum()), on="frame_no"
    )
    return table.groupby("unique_render_id")[["shot_id", "place"]].first()


def measure_sharpness(frames: pd.DataFrame) -> dict[str, Metric]:
    """How often a sharp frame measures sharper than a blurred one."""
    seen = frames[(frames["file"] != "") & (frames["is_fade"] == 0)]
    blurred = seen.loc[seen["is_blurred"] == 1, "sharpness"].to_numpy()
    sharp = seen.loc[seen["is_blurred"] == 0, "sharpness"].to_numpy()
    if not len(blurred) or not len(sharp):
        return {}
    return {"blur_auc": Metric(float((sharp[:, None] > blurred).mean()), len(blurred), 0.95)}


def measure_blurred(frames: pd.DataFrame) -> dict[str, Metric]:
    """Recall and precision of the reason "blurred", among frames with an image and no fade."""
    seen = frames[(frames["file"] != "") & (frames["is_fade"] == 0)]
    wanted, claimed = seen["is_blurred"] == 1, seen["reason"] == "blurred"
    if not wanted.any():
        return {}
    hits = int((wanted & claimed).sum())
    precision, recall, _ = score(hits, int(claimed.sum()), int(wanted.sum()))
    count = int(wanted.sum())
    return {"blur_precision": Metric(precision, count), "blur_recall": Metric(recall, count)}
