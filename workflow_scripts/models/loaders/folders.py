"""Folders of weights in the layout of the Hugging Face hub: is it the model that the row names?"""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from transformers.utils import logging as transformers_logging

from workflow_scripts.lib.errors import CineloraError

transformers_logging.disable_progress_bar()  # its bars of loading would fill our logs


def check_folder(folder: Path, weights: str, kinds: set[str]) -> dict:
    """The folder's config.json; its model_type must be one of `kinds`, and `weights` be there."""
    for name in ("config.json", weights):
        if not (folder / name).is_file():
            raise CineloraError(
                f"{folder} holds no {name}: the weights are not whole.\n"
                "  Delete the folder and run snakemake again, it fetches them."
            )
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    if config.get("model_type") not in kinds:
        raise CineloraError(
            f"{folder} holds a model of type {config.get('model_type')!r}; this loader opens "
            f"{', '.join(sorted(kinds))}.\n  Check the row of this model in the table of models."
        )
    check_parts(folder)
    check_weights(folder)
    return config


def check_parts(folder: Path) -> None:
    """Refuse a folder whose list of parts names one that is not there."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        parts = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        if missing := sorted(part for part in parts if not (folder / part).is_file()):
            raise CineloraError(
                f"{folder} holds no {', '.join(missing)}: the weights are not whole.\n"
                "  Delete the folder and run snakemake again, it fetches them."
            )


def check_weights(folder: Path) -> None:
    """Refuse safetensors below `folder` that are cut off; their headers say how long they are."""
    for file in sorted(folder.rglob("*.safetensors")):
        try:
            safe_open(file, "numpy")
        except (SafetensorError, OSError) as error:
            raise CineloraError(
                f"{file} is damaged: {error}\n"
                "  Delete the folder and run snakemake again, it fetches it."
            ) from error
