"""Name the emotion of each face. Reads face crops and tracks, and people's corrections.

Each face is shown to the model at several sizes and mirrored; evidence is averaged within the
track, where an expression lasts, over the faces that look our way; and what the model says of this
film's faces on average is partly taken off, for every film has a resting face of its own. Below the
least score it is "unsure".

Corrections: config/reviews/{film}/expressions.csv with the columns id and emotion, and if wanted
intensity; id is an instance_id or a track_id, an instance wins over its track.

The words for eyes, mouth and brows are derived from the emotion, not measured (see FEATURES).
"""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

EMOTIONS = ["neutral", "happy", "sad", "angry", "surprised", "fear", "disgust"]
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
FACE_COLUMNS = ["instance_id", "x0", "y0", "x1", "y1", "gaze_yaw", "file", "crop_x", "crop_y"]
INTENSITIES = ["low", "medium", "high"]
VIEW_PX = 128
SIZES, SHIFTS = (1.0, 1.1, 1.2, 1.3), (0.0, 0.05)  # of the face box; the net's own is 1.05
FLOOR = 1e-4  # no single view may rule an emotion out

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


def make_views(crop: np.ndarray, box: np.ndarray) -> list[np.ndarray]:
    """The face in a box of the crop at several sizes and heights, each also mirrored."""
    x0, y0, x1, y1 = box
    middle, longer = np.array([x0 + x1, y0 + y1]) / 2, max(x1 - x0, y1 - y0)
    views = []
    for size in SIZES:
        side = longer * size
        soft = cv2.GaussianBlur(crop, (0, 0), side / VIEW_PX / 2) if side > 2 * VIEW_PX else crop
        for shift in SHIFTS:
            left, top = middle + [0, shift * side] - side / 2
            matrix = np.array([[side / VIEW_PX, 0, left], [0, side / VIEW_PX, top]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            view = cv2.warpAffine(
                soft, matrix, (VIEW_PX, VIEW_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            views += [view, np.ascontiguousarray(view[:, ::-1])]
    return views


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


def read_review(paths: list[str]) -> pd.DataFrame:
    """People's corrections by id; no path, no corrections."""
    if not paths:
        return pd.DataFrame(columns=["emotion", "intensity"])
    review = pd.read_csv(paths[0], dtype=str, keep_default_na=False)
    if not {"id", "emotion"} <= set(review.columns):
        raise CineloraError(
            f"{paths[0]} has the columns {', '.join(review.columns)}; id and emotion are needed."
        )
    wrong = review[~review["emotion"].isin(EMOTIONS)]
    if len(wrong):
        raise CineloraError(
            f"{paths[0]}: {wrong['emotion'].iloc[0]!r} (id {wrong['id'].iloc[0]}) is no emotion.\n"
            f"  Use one of: {', '.join(EMOTIONS)}."
        )
    if "intensity" not in review:
        review["intensity"] = ""
    return review.drop_duplicates("id", keep="last").set_index("id")


def apply_review(rows: pd.DataFrame, tracks: pd.Series, review: pd.DataFrame) -> pd.DataFrame:
    """Overwrite what a person corrected: first by track, then by instance."""
    rows = rows.copy()
    for ids in (tracks, rows["instance_id"]):
        told = ids.isin(review.index).to_numpy()
        words = review.loc[ids[told]]
        rows.loc[told, "emotion"] = words["emotion"].to_numpy()
        given = words["intensity"].isin(INTENSITIES).to_numpy()
        rows.loc[np.flatnonzero(told)[given], "intensity"] = words["intensity"].to_numpy()[given]
        rows.loc[told, ["score", "source", "reason"]] = 1.0, "review", ""
    unknown = set(review.index) - set(tracks) - set(rows["instance_id"])
    if unknown:
        log.warning("review: no face has the id %s", ", ".join(sorted(unknown)[:5]))
    return rows


def name_features(emotion: str) -> tuple[str, str, str]:
    """Words for eyes, mouth and brows; "" where the emotion is not known."""
    return FEATURES.get(emotion, ("", "", ""))


def show_faces(faces: pd.DataFrame, expression) -> np.ndarray:
    """Mean log-probability (N, 7) of each face over its views; `faces` has path and box columns."""
    evidence = np.zeros((len(faces), len(EMOTIONS)))
    reader = progress(read_ahead(faces.itertuples(), open_views), "reading faces", total=len(faces))
    for row, views in enumerate(reader):
        evidence[row] = np.log(np.maximum(expression(views), FLOOR)).mean(0)
    return evidence


def open_views(face: tuple) -> list[np.ndarray]:
    """The views of one face, from its crop."""
    box = np.array([face.x0, face.y0, face.x1, face.y1], float)
    box -= np.tile([face.crop_x, face.crop_y], 2)
    return make_views(read_rgb(face.path), box)


def main(
    instances: list[str],
    faces: list[str],
    crops: list[str],
    weights: list[str],
    review: list[str],
    expressions: str,
    *,
    model: dict,
    max_turn: float,
    min_score: float,
    prior_correction: float,
    bias: dict[str, float],
    intensity_levels: list[float],
) -> Counts:
    tables = [read_manifest(path, FACE_COLUMNS) for path in faces]
    for table, folder in zip(tables, crops, strict=True):
        table["path"] = [str(Path(folder) / name) for name in table["file"]]
    shown = pd.concat(tables, ignore_index=True).sort_values("instance_id", ignore_index=True)
    people = read_manifest(instances, ["instance_id", "track_id"]).set_index("instance_id")
    tracks = people["track_id"].reindex(shown["instance_id"]).reset_index(drop=True)
    log.info("%d faces in %d tracks; %s", len(shown), tracks.nunique(), model["name"])
    rows = pd.DataFrame(columns=EXPRESSIONS.names)
    if len(shown):
        evidence = show_faces(shown, load_model(model, weights))
        evidence[shown["gaze_yaw"].abs() > max_turn] = np.nan
        chances = weigh_evidence(evidence, tracks, prior_correction=prior_correction, bias=bias)
        rows = name_emotions(chances, min_score, intensity_levels)
        rows["instance_id"] = shown["instance_id"]
        rows["probabilities"] = list(chances)
        rows["source"] = np.where(tracks.map(tracks.value_counts()) > 1, "track", "model")
        rows = apply_review(rows, tracks, read_review(review))
        words = [name_features(emotion) for emotion in rows["emotion"]]
        rows[["eyes", "mouth", "brows"]] = words
    write_manifest(rows, expressions, EXPRESSIONS)
    log.info("emotions: %s", rows["emotion"].value_counts().to_dict())
    unsure = int((rows["reason"] != "").sum())
    return Counts("faces", len(rows), len(rows), found={"unsure": unsure})


if __name__ == "__main__":
    run_phase(main, snakemake)
