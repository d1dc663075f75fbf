"""With which settings an adapter is trained and judged: one answer for rules, tools and tests."""

from collections.abc import Mapping
from typing import Any


def resolve_adapter_settings(
    config: Mapping[str, Any], tier: str, kind: str, variant: str
) -> dict[str, Any]:
    """Every option of one training; of defaults, tier, kind and variant a later one wins."""
    block = config["adapter"]
    kinds, variants = block["kinds"], block["variants"]
    return {**block["defaults"], **block["tiers"][tier], **kinds.get(kind, {}), **variants[variant]}


def resolve_evaluation_settings(config: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """Every option of an evaluation; what depends on the size of the base is that of its tier.

    Which controls there are is said by their files.
    """
    block = config["evaluate_adapter"]
    options = {**block, **block["tiers"][tier]}
    return {key: value for key, value in options.items() if key not in ("tiers", "controls")}


def resolve_controls(config: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """Beside which controls the adapters of a tier are judged."""
    return config["evaluate_adapter"]["tiers"][tier]["controls"]


def resolve_drawing_settings(config: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """Every option with which a suite is drawn; where its file lies is said by that file."""
    block = config["draw_suite"]
    options = {**block, **block["tiers"][tier]}
    return {
        key: options[key] for key in ("sampling_steps", "prompts", "guidance", "strengths", "seeds")
    }


def choose_tier(base: Mapping[str, Any], config: Mapping[str, Any]) -> str:
    """The tier whose settings a base model takes: its own; one on request, that of the config."""
    return base["tier"] if base["tier"] in config["adapter"]["tiers"] else config["models"]["tier"]
