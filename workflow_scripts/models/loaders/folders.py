"""Folders of weights in the layout of the Hugging Face hub: is it the model that the row names?"""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from transformers.utils import logging as transformers_logging

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.models.damage import explain_damage

transformers_logging.disable_progress_bar()  # its bars of loading would fill our logs
REMEDY = "Delete the folder and run snakemake again, it fetches it."
MAX_NAMED = 3


def check_folder(folder: Path, weights: str, kinds: set[str]) -> dict:
    """The folder's config.json; its model_type must be one of `kinds`, and `weights` be there."""
    for name in ("config.json", weights):
        if not (folder / name).is_file():
            raise CineloraError(f"{folder} holds no {name}: the weights are not whole.\n  {REMEDY}")
    config = read_json(folder / "config.json")
    if config.get("model_type") not in kinds:
        raise CineloraError(
            f"{folder} holds a model of type {config.get('model_type')!r}; this loader opens "
            f"{', '.join(sorted(kinds))}.\n  Check the row of this model in the table of models."
        )
    check_parts(folder)
    check_files(folder)
    return config


def read_json(path: Path) -> dict[str, Any]:
    """What a JSON file of names and values holds; numbers that are none are refused."""
    return read_values(path, remedy=REMEDY)


def check_parts(folder: Path) -> None:
    """Refuse a folder whose list of parts names one that is not there, or not in it."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        parts = read_json(index).get("weight_map")
        names = list(parts.values()) if isinstance(parts, dict) else []
        if not names or not all(isinstance(name, str) and name for name in names):
            raise CineloraError(f"{index} is damaged: it names no parts.\n  {REMEDY}")
        if outside := sorted({name for name in names if Path(name).name != name}):
            raise CineloraError(
                f"{index} names {outside[0][:200]!r}, which is not in its folder.\n  {REMEDY}"
            )
        if missing := sorted({part for part in names if not (folder / part).is_file()}):
            raise CineloraError(
                f"{folder} holds no {', '.join(missing)}: the weights are not whole.\n  {REMEDY}"
            )


def check_files(folder: Path) -> None:
    """Refuse JSON that is none, and safetensors that are cut off: their headers say how long."""
    for file in sorted(folder.rglob("*.json")):
        read_json(file)
    for file in sorted(folder.rglob("*.safetensors")):
        try:
            with safe_open(file, "numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise CineloraError(f"{file} is damaged: {error}\n  {REMEDY}") from error


def open_pretrained(kind: Any, folder: Path, *, is_part: bool = False, **options: Any) -> Any:
    """A net of transformers from a folder that has all of its weights, in the right shapes.

    Of itself transformers makes up what is missing, at random, and goes on. `is_part`: the folder
    holds more than this net.
    """
    with explain_damage(folder):
        net, found = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are told below, by name
            **options,
        )
    odd = [*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])]
    if odd:
        named = ", ".join(sorted(odd)[:MAX_NAMED])
        raise CineloraError(
            f"{folder} lacks {len(odd)} tensors of the net that its config.json describes, or has\n"
            f"  them in another shape: {named}.\n  {REMEDY}"
        )
    if found["unexpected_keys"] and not is_part:
        log.warning(
            "%s has %d tensors that the net of its config.json does not use, such as %s",
            folder,
            len(found["unexpected_keys"]),
            min(found["unexpected_keys"]),
        )
    return net
