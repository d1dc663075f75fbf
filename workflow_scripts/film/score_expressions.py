"""Show each face to the model of expressions; name nothing.

Reads the face crops of one shard; leaves one row per face: what the model makes of it. Each face is
shown at several sizes and mirrored, and the log-probabilities are averaged.
"""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.lib.emotions import EMOTIONS
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

SCORES = pa.schema(
    [
        ("instance_id", pa.string()),
        ("log_probabilities", pa.list_(pa.float64())),  # mean over the views; order of EMOTIONS
    ]
)
FACE_COLUMNS = ["instance_id", "x0", "y0", "x1", "y1", "file", "crop_x", "crop_y"]
VIEW_PX = 128
SIZES, SHIFTS = (1.0, 1.1, 1.2, 1.3), (0.0, 0.05)  # of the face box; the net's own is 1.05
FLOOR = 1e-4  # no single view may rule an emotion out


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


def main(faces: str, crops: str, weights: list[str], scores: str, *, model: dict) -> Counts:
    shown = read_manifest(faces, FACE_COLUMNS).sort_values("instance_id", ignore_index=True)
    shown["path"] = [str(Path(crops) / name) for name in shown["file"]]
    log.info("%d faces; %s on %s", len(shown), model["name"], model["device"])
    evidence = show_faces(shown, load_model(model, weights)) if len(shown) else []
    rows = shown[["instance_id"]].assign(
        log_probabilities=pd.Series(list(evidence), dtype=object)  # also where there are none
    )
    write_manifest(rows, scores, SCORES)
    return Counts("faces", len(rows), len(rows))


if __name__ == "__main__":
    run_phase(main, snakemake)
