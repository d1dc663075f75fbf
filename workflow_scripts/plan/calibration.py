"""Options that suit one model and no other: they stand in its row of the table of models.

They lie over config/options/*.yaml and under the user's pages. A model whose row lacks one is
uncalibrated there: the shipped value holds, which was made for the light tier's model, and the
report says so.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.registry import choose_model, list_roles, read_calibrated

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
    known = {option for options in OPTIONS.values() for option in options}
    if unknown := sorted(set(values) - known):
        raise CineloraError(
            f"models.table: {row['name']} is calibrated for {unknown[0]!r}, which is no option "
            f"that depends on a model. Known: {', '.join(sorted(known))}."
        )
    return {option: values[option] for option in OPTIONS.get(role, ()) if option in values}


def list_uncalibrated(
    models: Mapping[str, Any], config: Mapping[str, Any], shipped: Mapping[str, Any]
) -> dict[str, list[str]]:
    """Role -> options that were neither made for its model nor set by the user."""
    made = list_calibrated(models)
    return {
        role: [
            option
            for option in OPTIONS.get(role, ())
            if option not in values and _look_up(config, option) == _look_up(shipped, option)
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


def _look_up(config: Mapping[str, Any], path: str) -> Any:
    return reduce(lambda block, key: block[key], path.split("."), config)
