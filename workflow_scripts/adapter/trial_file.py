"""The file of one trial of a search: what its training does otherwise than the chosen settings.

A place of a round that needs no training has a file too, because rules know their files beforehand:
it says why, and an empty adapter takes the place.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workflow_scripts.adapter.finished import write_settings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.value_files import read_values

SHORT = 0.25  # share of the steps of the short trials of a search with halving
SCHEMA = {
    "required": ["trial", "settings", "of", "seed", "share", "skipped"],
    "additionalProperties": False,
    "properties": {
        "trial": {"type": "string"},
        "settings": {
            "type": "object",
            "additionalProperties": {"type": ["number", "string", "boolean"]},
        },
        "of": {"type": "string"},
        "seed": {"type": ["integer", "null"]},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "skipped": {"type": "string"},
    },
}


class Trial(NamedTuple):
    """One training of a search."""

    trial: str  # its name: round and number, such as 3_2
    settings: dict[str, Any]  # options that it has otherwise
    of: str = ""  # the trial that it trains again, in full or with another seed
    seed: int | None = None  # in place of the run's own
    share: float = 1.0  # of the steps that it is trained for
    skipped: str = ""  # why there is nothing to train in this place


class Laid(NamedTuple):
    """With what an adapter is trained."""

    options: dict[str, Any]
    seed: int
    name: str = ""  # of the trial; "": a training that is no trial
    skipped: str = ""


def write_trial(path: str, trial: Trial) -> None:
    """Write the file of a trial."""
    write_settings(path, trial._asdict())


def read_trial(path: str) -> Trial:
    """Read the file of a trial; CineloraError where it is damaged."""
    return Trial(**read_values(path, SCHEMA))


def lay_trial(paths: str | Sequence[str], options: Mapping[str, Any], seed: int) -> Laid:
    """Options and seed of a training with those of its trial over them; `paths` may be none."""
    if not paths:
        return Laid(dict(options), seed)
    path = paths if isinstance(paths, str) else paths[0]
    trial = read_trial(path)
    if unknown := sorted(trial.settings.keys() - options.keys()):
        raise CineloraError(
            f"{path} sets {', '.join(unknown)}, which is no option of a training.\n"
            "  Delete the file; the search writes it again."
        )
    laid = shorten(dict(options) | trial.settings, trial.share)
    return Laid(laid, seed if trial.seed is None else trial.seed, trial.trial, trial.skipped)


def shorten(options: dict[str, Any], share: float) -> dict[str, Any]:
    """The same training with this share of its steps; each stage, and the schedule, runs whole."""
    if share == 1:
        return options
    stages = [_shorten_stage(stage, share) for stage in options["stages"]]
    return options | {"steps": math.ceil(options["steps"] * share), "stages": stages}


def _shorten_stage(stage: dict[str, Any], share: float) -> dict[str, Any]:
    if "steps" in stage:
        return stage | {"steps": math.ceil(stage["steps"] * share)}
    return stage | {"epochs": stage["epochs"] * share}
