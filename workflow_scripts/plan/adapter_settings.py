"""With which settings an adapter is trained and judged: one answer for rules, tools and tests."""

from collections.abc import Mapping
from itertools import product
from typing import Any

from workflow_scripts.adapter.settings import find_conflicts
from workflow_scripts.lib.kinds import KINDS


def resolve_adapter_settings(
    config: Mapping[str, Any], tier: str, kind: str, variant: str
) -> dict[str, Any]:
    """Every option of one training; of defaults, tier, kind and variant a later one wins."""
    block = config["adapter"]
    kinds, variants = block["kinds"], block["variants"]
    return {**block["defaults"], **block["tiers"][tier], **kinds.get(kind, {}), **variants[variant]}


def find_option_problems(adapter: Mapping[str, Any], tier: str) -> list[str]:
    """Options of the variants that are trained which do not go together, in plain words."""
    said: dict[tuple[str, str], list[str]] = {}
    known = [
        name for name in (adapter["chosen"], *adapter["compared"]) if name in adapter["variants"]
    ]
    for name, kind in product(known, KINDS):
        options = resolve_adapter_settings({"adapter": adapter}, tier, kind, name)
        for conflict in find_conflicts(options):
            said.setdefault((name, conflict), []).append(kind)
    return [
        f"adapter.variants.{name}, {', '.join(kinds) if len(kinds) < len(KINDS) else 'all kinds'}:"
        f" {conflict}."
        for (name, conflict), kinds in said.items()
    ]


def resolve_evaluation_settings(config: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """Every option of an evaluation; what depends on the size of the base is that of its tier.

    Which controls there are is said by their files.
    """
    block = config["evaluate_adapter"]
    options = {**block, **block["tiers"][tier]}
    return {key: value for key, value in options.items() if key not in ("tiers", "controls")}


def resolve_composition_settings(config: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """Every option of a composition; how images are drawn is that of the evaluation."""
    shared = resolve_evaluation_settings(config, tier)
    names = ("sampling_steps", "guidance", "images", "timesteps")
    return {name: shared[name] for name in names} | {
        name: value for name, value in config["compose_adapters"].items() if name != "datasets"
    }


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
