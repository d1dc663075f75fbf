"""Show each face to the models of expressions and of faces' points; name nothing.

Reads the face crops of one shard; leaves one row per face: what the model of expressions makes of
it, and what its eyes, mouth and brows do (film.people.features). For the former each face is shown
at several sizes and mirrored, and the log-probabilities are averaged.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.face_views import Face, make_views, score_faces
from workflow_scripts.film.people.features import MEASURES
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


def show_faces(faces: pd.DataFrame, expression: Expression, mesh: Callable) -> pd.DataFrame:
    """Rows of SCORES, in the order of `faces`, which has path, box and landmark columns."""
    reader = read_ahead(faces.itertuples(), partial(open_face, view_px=expression.view_px))
    rows = []
    for batch in take_batches(progress(reader, "reading faces", total=len(faces))):
        rows += score_faces(batch, expression, mesh)
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
