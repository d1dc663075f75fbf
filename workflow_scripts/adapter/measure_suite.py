"""Measure the drawings of a suite with the models of the film's own phases; name nothing.

Reads the drawings; leaves a row per drawing (its light, its look) and one per person in it (mask,
joints, face, look). Drawings are shots of one frame: what these cannot show is not measured.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter.still_measures import IMAGES, PEOPLE, Eyes, measure_stills
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

ROLES = ("detect", "segment", "pose", "face", "expression", "face_mesh", "embed")


def open_eyes(
    models: dict[str, dict], weights: Sequence[Sequence[str]], options: dict[str, Any]
) -> Eyes:
    """Load every model; `weights` are those of ROLES, in their order."""
    loaded = [load_model(models[role], files) for role, files in zip(ROLES, weights, strict=True)]
    return Eyes(*loaded, models["detect"]["sure_score"], options)


def read_drawings(drawings: str, images: str) -> list[tuple[str, Path]]:
    """Id and file of every drawing that was made."""
    rows = read_manifest(drawings, ["drawing_id", "file"]).query("file != ''")
    files = [Path(images) / file for file in rows["file"]]
    return list(zip(rows["drawing_id"], files, strict=True))


def open_images(drawn: Sequence[tuple[str, Path]]) -> Iterator[tuple[str, np.ndarray]]:
    """Every drawing decoded, in order."""
    yield from read_ahead(drawn, lambda item: (item[0], read_rgb(item[1])))


def main(
    drawings: str,
    images: str,
    detect_weights: Sequence[str],
    segment_weights: Sequence[str],
    pose_weights: Sequence[str],
    face_weights: Sequence[str],
    expression_weights: Sequence[str],
    face_mesh_weights: Sequence[str],
    embed_weights: Sequence[str],
    people: str,
    measures: str,
    *,
    models: dict[str, dict],
    options: dict[str, Any],
) -> Counts:
    drawn = read_drawings(drawings, images)
    log.info("%d drawings; %s", len(drawn), ", ".join(models[role]["name"] for role in ROLES))
    bodies: list[dict] = []
    wholes: list[dict] = []
    if drawn:
        weights = [
            *(detect_weights, segment_weights, pose_weights, face_weights),
            *(expression_weights, face_mesh_weights, embed_weights),
        ]
        eyes = open_eyes(models, weights, options)
        shown = progress(open_images(drawn), "measuring drawings", total=len(drawn))
        for some, others in measure_stills(shown, eyes):
            bodies += some
            wholes += others
    write_manifest(pd.DataFrame(bodies).reindex(columns=PEOPLE.names), people, PEOPLE)
    write_manifest(pd.DataFrame(wholes).reindex(columns=IMAGES.names), measures, IMAGES)
    return Counts("drawings", len(drawn), len(wholes), found={"people": len(bodies)})


if __name__ == "__main__":
    run_phase(main, snakemake)
