"""Which emotion faces show: the evidence of their tracks, weighed with what the faces do."""

import numpy as np
import pandas as pd

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


def keep_clear(faces: pd.DataFrame, max_yaw: float) -> pd.DataFrame:
    """The measures of the faces; nan for those that are small, turned away or without a mesh."""
    clear = (faces["mesh_score"] >= MIN_MESH_SCORE) & (measure_sides(faces) >= MIN_SIDE_PX)
    clear &= faces["gaze_yaw"].abs() <= max_yaw
    return faces[list(MEASURES)].where(clear).astype(float)


def measure_sides(faces: pd.DataFrame) -> pd.Series:
    """The longer side of each face, in pixels of its frame."""
    return np.maximum(faces["x1"] - faces["x0"], faces["y1"] - faces["y0"])


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
