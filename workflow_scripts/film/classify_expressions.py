"""Name the emotion of each face. Reads what the model made of the faces, and people's corrections.

Evidence is averaged within the track, where an expression lasts, over the faces that look our way;
and what the model says of this film's faces on average is partly taken off, for every film has a
resting face of its own. Below the least score it is "unsure".

Corrections: config/reviews/{film}/expressions.csv with the columns id and emotion, and if wanted
intensity; id is an instance_id or a track_id, an instance wins over its track.

The words for eyes, mouth and brows are derived from the emotion, not measured (see FEATURES).
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.emotions import EMOTIONS, INTENSITIES
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.reviews import count_unknown, read_review

EXPRESSIONS = pa.schema(
    [
        ("instance_id", pa.string()),
        ("emotion", pa.string()),  # one of EMOTIONS, or unsure
        ("intensity", pa.string()),  # low medium high
        ("score", pa.float32()),  # probability of the emotion, after averaging; 1 after a review
        ("probabilities", pa.list_(pa.float32())),  # in the order of EMOTIONS
        ("eyes", pa.string()),
        ("mouth", pa.string()),
        ("brows", pa.string()),
        ("source", pa.string()),  # model (this image alone), track, review
        ("reason", pa.string()),  # "", unsure, or turned_away in all images of the track
    ]
)

# What moves in a face, by emotion; after the action units of Ekman and Friesen.
FEATURES = {
    "neutral": ("relaxed eyes", "closed mouth", "relaxed brows"),
    "happy": ("smiling eyes", "smiling mouth", "relaxed brows"),
    "sad": ("downcast eyes", "downturned mouth", "raised inner brows"),
    "angry": ("glaring eyes", "pressed lips", "lowered brows"),
    "surprised": ("wide eyes", "open mouth", "raised brows"),
    "fear": ("wide eyes", "tense mouth", "raised inner brows"),
    "disgust": ("narrowed eyes", "raised upper lip", "lowered brows"),
}


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


def name_emotions(probabilities: np.ndarray, min_score: float, levels: list[float]) -> pd.DataFrame:
    """Emotion, intensity, score and reason of rows of probabilities (N, 7); nan: turned away."""
    turned = np.isnan(probabilities).any(1)
    probabilities = np.where(turned[:, None], 0.0, probabilities)
    best = probabilities.argmax(1)
    scores = probabilities.max(1)
    emotions = np.array(EMOTIONS, object)[best]
    strength = np.where(best == 0, 0, np.searchsorted(levels, scores, side="right"))
    unsure = scores < min_score
    return pd.DataFrame(
        {
            "emotion": np.where(unsure, "unsure", emotions),
            "intensity": np.array(INTENSITIES, object)[strength],
            "score": scores,
            "reason": np.select([turned, unsure], ["turned_away", "unsure"], ""),
        }
    )


def apply_review(rows: pd.DataFrame, tracks: pd.Series, review: pd.DataFrame) -> pd.DataFrame:
    """Overwrite what a person corrected: first by track, then by instance."""
    rows, review = rows.copy(), review.set_index("id")
    for ids in (tracks, rows["instance_id"]):
        told = ids.isin(review.index).to_numpy()
        words = review.loc[ids[told]]
        rows.loc[told, "emotion"] = words["emotion"].to_numpy()
        given = (words["intensity"] != "").to_numpy()
        rows.loc[np.flatnonzero(told)[given], "intensity"] = words["intensity"].to_numpy()[given]
        rows.loc[told, ["score", "source", "reason"]] = 1.0, "review", ""
    return rows


def name_features(emotion: str) -> tuple[str, str, str]:
    """Words for eyes, mouth and brows; "" where the emotion is not known."""
    return FEATURES.get(emotion, ("", "", ""))


def read_faces(
    instances: list[str], faces: list[str], scores: list[str]
) -> tuple[pd.DataFrame, np.ndarray]:
    """One row per face with its gaze_yaw and track_id, in order of their ids; evidence (N, 7)."""
    shown = read_manifest(faces, ["instance_id", "gaze_yaw"])
    shown = shown.merge(read_manifest(instances, ["instance_id", "track_id"]), on="instance_id")
    shown = shown.merge(read_manifest(scores, ["instance_id", "log_probabilities"]))
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
        evidence[shown["gaze_yaw"].abs() > max_yaw] = np.nan
        chances = weigh_evidence(evidence, tracks, prior_correction=prior_correction, bias=bias)
        rows = name_emotions(chances, min_score, intensity_levels)
        rows["instance_id"] = shown["instance_id"]
        rows["probabilities"] = list(chances)
        rows["source"] = np.where(tracks.map(tracks.value_counts()) > 1, "track", "model")
        rows = apply_review(rows, tracks, said)
        words = [name_features(emotion) for emotion in rows["emotion"]]
        rows[["eyes", "mouth", "brows"]] = words
    write_manifest(rows, expressions, EXPRESSIONS)
    log.info("emotions: %s", rows["emotion"].value_counts().to_dict())
    unknown = count_unknown(said, "expressions", {*tracks, *rows["instance_id"]})
    found = {"unsure": int((rows["reason"] != "").sum()), "review_unknown": unknown}
    return Counts("faces", len(rows), len(rows), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
