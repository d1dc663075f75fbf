"""Work that is done already: a result made from the same inputs is kept, not made again.

A changed threshold that changes no image leads Snakemake to plan the training again. Its rule
leaves the old files in place (`update`); beside them stands from what they were made.
"""

import hashlib
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import yaml

from workflow_scripts.lib.checksums import hash_file, hash_folder, join_checksums
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import log
from workflow_scripts.lib.value_files import read_values

SPLITS = ("train", "validation")
TRAINED = {  # what is read of the settings.yaml that train_adapter leaves
    "properties": {"empty": {"type": "string"}, "settings": {"type": "object"}},
    "anyOf": [
        {"required": ["empty"]},
        {
            "required": [
                *("base", "base_sha256", "dataset_sha256", "resolution_px", "settings"),
                *("trigger", "steps", "distinct_images"),
            ]
        },
    ],
}


def hash_parts(*parts: Any) -> str:
    """Fingerprint of plain values: equal only where all of them are."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def hash_splits(dataset: str | Path) -> str:
    """Sha256 of the files that a training reads: images, masks and captions of both splits.

    What the dataset knows besides, such as why another image is not in it, does not count.
    """
    return join_checksums({name: hash_folder(Path(dataset) / name) for name in SPLITS})


def sign(fingerprint: str, files: Sequence[str | Path]) -> dict[str, Any]:
    """What a settings.yaml says for `find_finished`: from what these files were made, and they."""
    names = {Path(file).name: hash_file(file) for file in files}
    return {"fingerprint": fingerprint, "files_sha256": names}


def read_trained(path: str | Path) -> dict[str, Any]:
    """The settings.yaml of an adapter, trained or empty; CineloraError where it is damaged."""
    return read_values(path, TRAINED)


def write_settings(path: str | Path, facts: dict[str, Any]) -> None:
    """Write settings.yaml: plain values, in the order in which a person reads them."""
    with replace_when_done(path) as partial:
        partial.write_text(
            yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, width=100), encoding="utf-8"
        )


def find_finished(
    settings: str | Path, fingerprint: str, files: Sequence[str | Path]
) -> dict[str, Any] | None:
    """The settings of a whole and unchanged result with this fingerprint; None if there is none."""
    try:
        facts = read_values(settings)
        found = {Path(file).name: hash_file(file) for file in files}
    except (FileNotFoundError, CineloraError):
        return None
    if facts.get("fingerprint") != fingerprint:
        return None
    if facts.get("files_sha256") != found:
        log.warning("%s is of other files than lie beside it: they are made anew", settings)
        return None
    log.info("%s: made from the same inputs with the same settings, kept as it is", settings)
    return facts


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint; {} of one that is damaged, which costs the steps before it and nothing else."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, ValueError, KeyError, pickle.UnpicklingError) as error:
        log.warning("%s is damaged, training starts anew: %s", path, str(error).split(". ")[0])
        return {}
