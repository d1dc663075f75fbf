"""What an adapter cost: read from what train_adapter left of it, where that is still there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.lib.tables import locate
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.report.comparison.evaluations import Evaluation

UNKNOWN = "not measured"
NUMBERS = {  # what is read of the settings.yaml of a training
    "properties": {
        "steps": {"type": "integer"},
        "seconds": {"type": "number"},
        "adapter_parameters": {"type": "integer"},
        "settings": {"type": "object"},
    }
}
COSTS = ("updates", "training", "file", "trained numbers")


def read_training(evaluation: Evaluation) -> dict[str, Any]:
    """The settings.yaml of its training; {} where the folder lies apart from it."""
    path = _find(evaluation, "settings")
    return read_values(path, NUMBERS) if path and path.is_file() else {}


def list_costs(evaluation: Evaluation, training: Mapping[str, Any]) -> list[str]:
    """In the order of COSTS: updates (those kept, if others were best), seconds, MB, parameters."""
    file = _find(evaluation, "adapter")
    size = f"{file.stat().st_size / 1e6:.2f} MB" if file and file.is_file() else UNKNOWN
    seconds, count = training.get("seconds"), training.get("adapter_parameters")
    return [
        _say_steps(training),
        UNKNOWN if seconds is None else f"{seconds:,.0f} s",
        size,
        UNKNOWN if count is None else f"{count:,}",
    ]


def _say_steps(training: Mapping[str, Any]) -> str:
    kept = training.get("steps")
    if kept is None:
        return UNKNOWN
    stages = training.get("settings", {}).get("stages") or [training.get("settings", {})]
    taken = sum(stage.get("steps", 0) for stage in stages)
    return f"{taken:,}, best at {kept:,}" if taken > kept else f"{kept:,}"


def list_changes(training: Mapping[str, Any], reference: Mapping[str, Any]) -> str:
    """Settings in which a training differs from another one: "rank 16 (8)"."""
    mine, its = (one.get("settings", {}) for one in (training, reference))
    if not mine or not its:
        return UNKNOWN
    changed = [name for name in mine if mine[name] != its.get(name)]
    return ", ".join(f"{name} {mine[name]} ({its.get(name)})" for name in changed)


def _find(evaluation: Evaluation, name: str) -> Path | None:
    if not evaluation.film:
        return None
    variant = f".{evaluation.variant}" if evaluation.variant else ""
    folder = evaluation.folder.parents[1]
    return Path(locate(name, folder, dataset=evaluation.dataset, variant=variant)[0])
