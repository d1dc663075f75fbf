"""Which adapters of a dataset there are beside the chosen one, and what tells their files apart."""

import re
from collections.abc import Mapping
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.controls import SHUFFLED_CAPTIONS, VARIANTS

TRIAL = r"\.trial_\d+_\d+"  # of a search: number of the round, number within it
CONTROL_NAMES = (SHUFFLED_CAPTIONS,)


def list_compared(adapter: Mapping[str, Any]) -> list[str]:
    """What the files of each judged variant add to the name of the dataset: of the chosen one "".

    `adapter` is the block of the config.
    """
    return ["", *(f".{name}" for name in adapter["compared"])]


def admit_variants(adapter: Mapping[str, Any]) -> str:
    """Pattern of what files of adapters that are to be judged may add to the name of the dataset.

    Any variant may be asked for by its path, whether or not it is compared.
    """
    others = [name for name in adapter["variants"] if name != adapter["chosen"]]
    return "|".join(["", *(re.escape(f".{name}") for name in others), TRIAL])


def admit_trained(adapter: Mapping[str, Any]) -> str:
    """The same of all that are trained, with the controls."""
    return "|".join([admit_variants(adapter), *map(re.escape, VARIANTS)])


def is_control(variant: str) -> bool:
    """Whether an adapter is trained to be compared with only."""
    return variant in VARIANTS


def name_variant(variant: str, adapter: Mapping[str, Any]) -> str:
    """Which of `adapter.variants` an adapter is trained with; a control: the chosen one."""
    if not variant or is_control(variant):
        return adapter["chosen"]
    name = variant.removeprefix(".")
    if name not in adapter["variants"]:
        known = ", ".join(adapter["variants"])
        raise CineloraError(f"There is no variant {name!r} (adapter.variants). Known: {known}.")
    return name


def find_variant_problems(adapter: Mapping[str, Any]) -> list[str]:
    """What is wrong with the names of variants, in plain words."""
    chosen, variants, compared = (adapter[key] for key in ("chosen", "variants", "compared"))
    known = ", ".join(variants)
    problems = [f"adapter.variants: {_explain_taken(name)}" for name in variants if _is_taken(name)]
    if chosen not in variants:
        problems.append(f"adapter.chosen: there is no variant {chosen!r}. Known: {known}.")
    for name in compared:
        if name == chosen:
            words = "is adapter.chosen, which is judged anyway; leave it out."
            problems.append(f"adapter.compared: {name!r} {words}")
        elif name not in variants:
            why = f"there is no variant {name!r}. Known: {known}."
            problems.append(f"adapter.compared: {_explain_taken(name) if _is_taken(name) else why}")
    return problems


def _is_taken(name: str) -> bool:
    return name in CONTROL_NAMES or bool(re.fullmatch(TRIAL, f".{name}"))


def _explain_taken(name: str) -> str:
    what = "a control" if name in CONTROL_NAMES else "a trial of a search"
    return f"{name!r} is the name of {what}; choose another name for the variant."
