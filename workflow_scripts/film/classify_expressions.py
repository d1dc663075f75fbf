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

from workflow_scripts.film.people.feature_words import name_features
from workflow_scripts.film.people.features import MEASURES
from workflow_scripts.film.people.signs import (
    average_signs,
    find_extents,
    judge_signs,
    keep_seen,
    measure_strength,
    weigh_signs,
)
from workflow_scripts.lib.emotions import EMOTIONS, INTENSITIES
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

MIN_MESH_SCORE = 0.9  # below it the points may lie anywhere
MIN_SIDE_PX = 40  # of a face; on a smaller one an open mouth is a few dark pixels
FINE_SIDE_PX = 64  # on smaller faces a smile may go unseen; here lips apart are two pixels apart


def average_tracks(evidence: np.ndarray, tracks: pd.Series) -> np.ndarray:
    """Mean log-probability (N, 7) over the faces of the same track, given to each of them.

    Rows of nan (faces turned away) don't count; a track with no other stays nan.
    """
    return pd.DataFrame(evidence).groupby(tracks.to_numpy()).transform("mean").to_numpy()


def find_resting_face(evidence: np.ndarray, tracks: pd.Series) -> np.ndarray:
    """What the model says of the film's faces on average (7,); each track counts once."""
    return pd.DataFrame(evidence).groupby(tracks.to_numpy()).mean().mean().to_numpy()


def weigh_evidence(
    evidence: np.ndarray, tracks: pd.Series, *, prior_correction: float, bias: dict[str, float]
) -> np.ndarray:
    """Probabilities (N, 7) from log-probabilities of single faces (N, 7); nan stays nan."""
    averaged = average_tracks(evidence, tracks)
    averaged = averaged - prior_correction * find_resting_face(evidence, tracks)
    averaged += [bias.get(emotion, 0.0) for emotion in EMOTIONS]
    powers = np.exp(averaged - averaged.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def name_emotions(probabilities: np.ndarray, min_score: float) -> pd.DataFrame:
    """Emotion, score and reason of rows of probabilities (N, 7); nan: turned away."""
    turned = np.isnan(probabilities).any(1)
    probabilities = np.where(turned[:, None], 0.0, probabilities)
    scores = probabilities.max(1)
    emotions = np.array(EMOTIONS, object)[probabilities.argmax(1)]
    unsure = scores < min_score
    return pd.DataFrame(
        {
            "emotion": np.where(unsure, "unsure", emotions),
            "score": scores,
            "reason": np.select([turned, unsure], ["turned_away", "unsure"], ""),
        }
    )


def name_intensities(emotions: pd.Series, extents: pd.DataFrame, levels: list[float]) -> np.ndarray:
    """low, medium or high, by how far the sign of the emotion goes; medium where it is unknown."""
    strength = measure_strength(emotions, extents)
    steps = np.searchsorted(levels, strength, side="right")
    words = np.array(INTENSITIES, object)[np.where(np.isnan(strength), 1, steps)]
    return np.where(emotions == "neutral", "low", words)


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


def keep_clear(faces: pd.DataFrame, max_yaw: float) -> pd.DataFrame:
    """The measures of the faces; nan for those that are small, turned away or without a mesh."""
    clear = (faces["mesh_score"] >= MIN_MESH_SCORE) & (measure_sides(faces) >= MIN_SIDE_PX)
    clear &= faces["gaze_yaw"].abs() <= max_yaw
    return faces[list(MEASURES)].where(clear).astype(float)


def measure_sides(faces: pd.DataFrame) -> pd.Series:
    """The longer side of each face, in pixels of its frame."""
    return np.maximum(faces["x1"] - faces["x0"], faces["y1"] - faces["y0"])


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


def classify(
    shown: pd.DataFrame,
    evidence: np.ndarray,
    *,
    max_yaw: float,
    min_score: float,
    prior_correction: float,
    bias: dict[str, float],
    intensity_levels: list[float],
) -> pd.DataFrame:
    """Rows of EXPRESSIONS, before anybody corrected them; `shown` and `evidence` of read_faces."""
    tracks = shown["track_id"]
    evidence = np.where(shown["gaze_yaw"].abs().to_numpy()[:, None] > max_yaw, np.nan, evidence)
    chances = weigh_evidence(evidence, tracks, prior_correction=prior_correction, bias=bias)
    measures, fine = keep_clear(shown, max_yaw), measure_sides(shown) >= FINE_SIDE_PX
    extents = find_extents(measures, fine, tracks)
    lasting = average_signs(extents, tracks)
    seen = keep_seen(judge_signs(lasting), fine.groupby(tracks).transform("mean") > 0.5)
    chances = weigh_signs(chances, seen)
    rows = name_emotions(chances, min_score)
    rows["intensity"] = name_intensities(rows["emotion"], lasting, intensity_levels)
    rows["instance_id"] = shown["instance_id"]
    rows["probabilities"] = list(chances)
    rows["source"] = np.where(tracks.map(tracks.value_counts()) > 1, "track", "model")
    return rows.join(name_features(measures, extents, fine, tracks))


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
