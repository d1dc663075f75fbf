"""What drawn images are compared with: the film's own, as the model of the role embed sees them."""

from collections.abc import Sequence

import numpy as np

from workflow_scripts.adapter.buckets import make_buckets
from workflow_scripts.adapter.finished import SPLITS
from workflow_scripts.adapter.metrics import Stills
from workflow_scripts.adapter.score_rows import Embed
from workflow_scripts.adapter.training_data import (
    TrainingImage,
    find_shots,
    fit_image,
    read_split,
)
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.models.diffusion import Base

SEEN_AT_ONCE = 64  # images that are embedded together


def find_stills(
    opened: Base, embed: Embed, dataset: str, references: Sequence[str], who: str
) -> Stills:
    """Vectors of the dataset's images, all of them, and of reference images of the characters.

    `references`: the table of embed_references, where people are cut out; [] of other kinds.
    """
    splits = [read_split(dataset, split) for split in SPLITS]
    seen = [embed_split(opened, embed, images) for images in splits]
    shots = [find_shots(dataset, images) for images in splits]
    gallery, is_own = seen[0][:0], np.zeros(0, bool)
    if references:
        rows = read_manifest(list(references), ["character", "vector", "reason"])
        rows = rows[rows["reason"] == ""]
        gallery = np.stack(rows["vector"].to_list()) if len(rows) else gallery
        is_own = (rows["character"] == who).to_numpy(bool)
    return Stills(*seen, gallery, is_own, *shots)


def embed_split(opened: Base, embed: Embed, images: Sequence[TrainingImage]) -> np.ndarray:
    """Vectors (N, D) of images as the base is shown them; few of them are in memory at once."""
    buckets = make_buckets(opened.resolution_px, opened.side_step_px)
    parts = [
        embed([fit_image(image, buckets).pixels for image in images[start : start + SEEN_AT_ONCE]])
        for start in range(0, max(len(images), 1), SEEN_AT_ONCE)
    ]
    return np.concatenate(parts)
