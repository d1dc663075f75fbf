"""Name the emotion of each face, and what its eyes, mouth and brows do.

Reads what the models made of the faces, and people's corrections. Evidence is averaged within the
track, where an expression lasts, over the faces that look our way; what the model of expressions
says of this film's faces on average is partly taken off, for every film has a resting face of its
own. Then it is weighed with what the faces show (film.people.signs): who is said to be angry with
raised brows and an open mouth probably is not. Below the least score the emotion is "unsure".

Eyes, mouth and brows are named face by face, as measured, never from the emotion. Faces that are
small, turned away, or without a mesh have no measures: their emotions rest on the model, and on
what other faces of their track show.

Corrections: config/reviews/{film}/expressions.csv with the columns id and emotion, and if wanted
intensity; id is an instance_id or a track_id, an instance wins over its track.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.emotions import (
    classify,
)
from workflow_scripts.film.people.features import MEASURES
from workflow_scripts.lib.emotions import EMOTIONS
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.reviews import count_unknown, read_review

EXPRESSIONS = pa.schema(
    [
        ("instance_id", pa.string()),
        ("emotion", pa.string()),  # one of EMOTIONS, or unsure
        ("intensity", pa.string()),  # low medium high
        ("score", pa.float32()),  # probability that the emotion is true; 1 after a review
        ("probabilities", pa.list_(pa.float32())),  # in the order of EMOTIONS
        ("eyes", pa.string()),  # open, closed; "": not clear, here and below
        ("mouth", pa.string()),  # open, smiling, closed
        ("brows", pa.string()),  # lowered
        ("source", pa.string()),  # model (this image alone), track, review
        ("reason", pa.string()),  # "", unsure, or turned_away in all images of the track
    ]
)


def apply_review(rows: pd.DataFrame, tracks: pd.Series, review: pd.DataFrame) -> pd.DataFrame:
    """Overwrite what a person corrected: first by track, then by instance.

    Where no intensity is given it is medium, as nothing was measured of that emotion.
    """
    rows, review = rows.copy(), review.set_index("id")
    for ids in (tracks, rows["instance_id"]):
        told = ids.isin(review.index).to_numpy()
        words = review.loc[ids[told]]
        rows.loc[told, "emotion"] = words["emotion"].to_numpy()
        rows.loc[told, "intensity"] = np.where(words["emotion"] == "neutral", "low", "medium")
        given = (words["intensity"] != "").to_numpy()
        rows.loc[np.flatnonzero(told)[given], "intensity"] = words["intensity"].to_numpy()[given]
        rows.loc[told, ["score", "source", "reason"]] = 1.0, "review", ""
    return rows


def read_faces(
    instances: list[str], faces: list[str], scores: list[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """One row per face: box, gaze_yaw, track_id, measures, by id; evidence (N, 7) beside them."""
    shown = read_manifest(faces, ["instance_id", "x0", "y0", "x1", "y1", "gaze_yaw"])
    shown = shown.merge(read_manifest(instances, ["instance_id", "track_id"]), on="instance_id")
    measured = ["instance_id", "log_probabilities", "mesh_score", *MEASURES]
    shown = shown.merge(read_manifest(scores, measured))
    shown = shown.sort_values("instance_id", ignore_index=True)
    evidence = np.array(shown.pop("log_probabilities").tolist()).reshape(-1, len(EMOTIONS))
    return shown, evidence


def main(
    instances: list[str],
    faces: list[str],
    scores: list[str],
    review: list[str],
    expressions: str,
    *,
    max_yaw: float,
    min_score: float,
    prior_correction: float,
    bias: dict[str, float],
    intensity_levels: list[float],
) -> Counts:
    shown, evidence = read_faces(instances, faces, scores)
    tracks = shown["track_id"]
    said = read_review(review, "expressions")
    log.info("%d faces in %d tracks, %d corrections", len(shown), tracks.nunique(), len(said))
    rows = pd.DataFrame(columns=EXPRESSIONS.names)
    if len(shown):
        options = {"max_yaw": max_yaw, "min_score": min_score, "bias": bias}
        options |= {"prior_correction": prior_correction, "intensity_levels": intensity_levels}
        rows = apply_review(classify(shown, evidence, **options), tracks, said)
    write_manifest(rows, expressions, EXPRESSIONS)
    for name in ("emotion", "eyes", "mouth", "brows"):
        log.info("%s: %s", name, rows[name].value_counts().to_dict())
    unknown = count_unknown(said, "expressions", {*tracks, *rows["instance_id"]})
    found = {"unsure": int((rows["reason"] != "").sum()), "review_unknown": unknown}
    return Counts("faces", len(rows), len(rows), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
