"""Options that suit one model and no other: they stand in its row of the table of models.

They lie over config/options/*.yaml and under the user's pages. A model whose row lacks one is
uncalibrated there: the shipped value holds, which was made for the light tier's model, and the
report says so. calibrate.py tells those of embed and scene from a film that was run.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.registry import (
    choose_model,
    list_roles,
    read_calibrated,
    read_registry,
)

OPTIONS = {  # role: options that mean something else with each model that plays it
    "text": ("select_text.min_confidence",),
    "detect": (
        "segment_instances.tiling_interval",
        "cluster_scenes.limits.max_leftover",
        "cluster_scenes.limits.max_missed",
    ),
    "segment": ("inpaint_backgrounds.grow",),
    "pose": (
        "classify_poses.min_confidence",
        "classify_poses.shoulder_width",
        "classify_poses.close_shoulder_width",
    ),
    "inpaint": ("cluster_scenes.limits.max_painted",),
    "embed": ("identify_characters.vector_weight", "identify_characters.max_distance"),
    "scene": (
        "cluster_scenes.min_similarity",
        "cluster_scenes.near_bonus",
        "cluster_scenes.view_similarity",
    ),
    "expression": (
        "classify_expressions.min_score",
        "classify_expressions.prior_correction",
        "classify_expressions.bias",
    ),
}


def list_calibrated(models: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Role -> {option: value} of the models that play under the config block `models`."""
    return {role: _read_own(role, models) for role in list_roles()}


def _read_own(role: str, models: Mapping[str, Any]) -> dict[str, Any]:
    row = choose_model(role, models)
    values = read_calibrated(row["name"], models)
    named = read_registry(models.get("table"))["models"][row["name"]]["role"]
    roles = [named] if isinstance(named, str) else named
    known = {option for one in roles for option in OPTIONS.get(one, ())}
    if unknown := sorted(set(values) - known):
        raise CineloraError(
            f"models.table: {row['name']} is calibrated for {unknown[0]!r}, which is no option "
            f"that depends on a model of the role {' or '.join(roles)}."
            f" Known: {', '.join(sorted(known)) or 'none'}."
        )
    return {option: values[option] for option in OPTIONS.get(role, ()) if option in values}


def list_uncalibrated(models: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, list[str]]:
    """Role -> options that were neither made for its model nor set by the user's `own` pages."""
    made = list_calibrated(models)
    return {
        role: [
            option
            for option in OPTIONS.get(role, ())
            if option not in values and not _is_set(own, option)
        ]
        for role, values in made.items()
    }


def nest(values: Mapping[str, Any]) -> dict[str, Any]:
    """{"a.b": 1} as the config has it: {"a": {"b": 1}}."""
    nested: dict[str, Any] = {}
    for path, value in values.items():
        *blocks, name = path.split(".")
        reduce(lambda block, key: block.setdefault(key, {}), blocks, nested)[name] = value
    return nested


def _is_set(own: Any, path: str) -> bool:
    """Whether a config has an option, "a.b", or a part of it."""
    for key in path.split("."):
        if not isinstance(own, Mapping) or own.get(key) is None:
            return False
        own = own[key]
    return True
