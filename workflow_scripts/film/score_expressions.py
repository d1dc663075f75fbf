"""Show each face to the models of expressions and of faces' points; name nothing.

Reads the face crops of one shard; leaves one row per face: what the model of expressions makes of
it, and what its eyes, mouth and brows do (film.people.features). For the former each face is shown
at several sizes and mirrored, and the log-probabilities are averaged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.features import MEASURES, measure_features
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead, take_batches
from workflow_scripts.models.expressions import Expression
from workflow_scripts.models.registry import load_model

SCORES = pa.schema(
    [
        ("instance_id", pa.string()),
        ("log_probabilities", pa.list_(pa.float64())),  # mean over the views; order of EMOTIONS
        ("mesh_score", pa.float32()),  # 0 to 1: whether the points of the face were found
        *((name, pa.float32()) for name in MEASURES),
    ]
)
FACE_COLUMNS = ["instance_id", "x0", "y0", "x1", "y1", "landmarks", "file", "crop_x", "crop_y"]
SIZES, SHIFTS = (1.0, 1.1, 1.2, 1.3), (0.0, 0.05)  # of the face box
FLOOR = 1e-4  # no single view may rule an emotion out


@dataclass(frozen=True)
class Face:
    """One face as it is shown to both models."""

    instance_id: str
    crop: np.ndarray  # (H, W, 3) RGB
    box: np.ndarray  # (4,) pixels of the crop
    eyes: np.ndarray  # (2, 2) their middles, pixels of the crop
    views: list[np.ndarray]  # of make_views


def make_views(crop: np.ndarray, box: np.ndarray, view_px: int) -> list[np.ndarray]:
    """The face in a box of the crop at several sizes and heights, each also mirrored.

    Each is a square of `view_px`, cut at once for the net that looks at it.
    """
    x0, y0, x1, y1 = box
    middle, longer = np.array([x0 + x1, y0 + y1]) / 2, max(x1 - x0, y1 - y0)
    views = []
    for size in SIZES:
        side = longer * size
        soft = cv2.GaussianBlur(crop, (0, 0), side / view_px / 2) if side > 2 * view_px else crop
        for shift in SHIFTS:
            left, top = middle + [0, shift * side] - side / 2
            matrix = np.array([[side / view_px, 0, left], [0, side / view_px, top]])
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            view = cv2.warpAffine(
                soft, matrix, (view_px, view_px), flags=flags, borderMode=cv2.BORDER_REPLICATE
            )
            views += [view, np.ascontiguousarray(view[:, ::-1])]
    return views


def show_faces(faces: pd.DataFrame, expression: Expression, mesh: Callable) -> pd.DataFrame:
    """Rows of SCORES, in the order of `faces`, which has path, box and landmark columns.

    The model of expressions sees the views of several faces at once.
    """
    reader = read_ahead(faces.itertuples(), partial(open_face, view_px=expression.view_px))
    rows = []
    for batch in take_batches(progress(reader, "reading faces", total=len(faces))):
        chances = np.maximum(expression([view for face in batch for view in face.views]), FLOOR)
        evidence = np.split(np.log(chances), len(batch))  # as many views of each
        for face, own in zip(batch, evidence, strict=True):
            points, score = mesh(face.crop, face.box, face.eyes)
            row = {"instance_id": face.instance_id, "log_probabilities": own.mean(0)}
            rows.append(row | {"mesh_score": score} | measure_features(points))
    return pd.DataFrame(rows, columns=SCORES.names)


def open_face(row: tuple, view_px: int) -> Face:
    """Read the crop of one face and cut its views."""
    corner = np.array([row.crop_x, row.crop_y], float)
    box = np.array([row.x0, row.y0, row.x1, row.y1], float) - np.tile(corner, 2)
    points = np.reshape(np.asarray(row.landmarks, float), (5, 2)) - corner
    crop = read_rgb(row.path)
    return Face(row.instance_id, crop, box, points[:2], make_views(crop, box, view_px))


def main(
    faces: str,
    crops: str,
    weights: list[str],
    mesh_weights: list[str],
    scores: str,
    *,
    model: dict,
    mesh_model: dict,
) -> Counts:
    shown = read_manifest(faces, FACE_COLUMNS).sort_values("instance_id", ignore_index=True)
    shown["path"] = [str(Path(crops) / name) for name in shown["file"]]
    names = f"{model['name']}, {mesh_model['name']}"
    log.info("%d faces; %s on %s", len(shown), names, model["device"])
    rows = pd.DataFrame(columns=SCORES.names)
    if len(shown):
        mesh = load_model(mesh_model, mesh_weights)
        rows = show_faces(shown, load_model(model, weights), mesh)
    write_manifest(rows, scores, SCORES)
    return Counts("faces", len(rows), len(rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
