"""What stands in the place of an adapter whose dataset holds no image to train on.

The rule's files must be there, and none of them may pass for an adapter: the file of weights is a
valid one without a tensor, which changes no image, and its metadata, card and settings say why.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.adapter_file import pack
from workflow_scripts.adapter.finished import write_settings
from workflow_scripts.adapter.grid import draw_words
from workflow_scripts.dataset.dataset_counts import read_counts
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log

WORDS = "Empty: the dataset holds no image to train on, so nothing was trained."


def explain_empty(dataset: str | Path) -> str:
    """One paragraph: that nothing was trained, and what the dataset's counts.json says of it."""
    counts = read_counts(Path(dataset) / "counts.json")
    return " ".join([WORDS, "; ".join(counts.get("empty", []))]).strip()


def pack_nothing(title: str, why: str) -> bytes:
    """A safetensors file without a tensor that says so."""
    about = {"modelspec.title": f"{title} (empty)", "modelspec.description": why}
    return pack({}, about)


def make_card(why: str) -> dict[str, Any]:
    """The card that A1111 and Forge show: there is no trigger to call."""
    return {"description": why, "activation text": "", "preferred weight": 0.0, "notes": why}


def write_unscored(
    title: str,
    why: str,
    how_measured: str,
    tables: Mapping[str, pa.Schema],
    pages: Sequence[str],
    images: str = "",
) -> Counts:
    """Of what was not trained: tables without rows, a folder without images, settings and
    pages that say why."""
    log.warning("%s: %s", title, why)
    write_settings(how_measured, {"empty": why, "images": 0, "scores": 0})
    if images:
        shutil.rmtree(images, ignore_errors=True)
        Path(images).mkdir(parents=True)
    for path, schema in tables.items():
        write_manifest(pd.DataFrame(columns=schema.names), path, schema)
    for page in pages:
        write_image(page, draw_words(title, why))
    return Counts("images", 0, 0)


def is_empty(settings: dict[str, Any]) -> bool:
    """Whether settings.yaml is of an adapter that was not trained."""
    return bool(settings.get("empty"))
