"""Rounds of a search, and which files each of them reads and leaves: known before any has run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from workflow_scripts.adapter.trial_file import SHORT
from workflow_scripts.lib.errors import CineloraError, show_value
from workflow_scripts.lib.tables import locate
from workflow_scripts.plan.schema import Validator, read_schema
from workflow_scripts.plan.variants import is_trial

FRONT = re.compile(r"(?:\./)?results/[^/]+/search_adapter/")


Range = dict[str, Any]  # low, high and perhaps log


class Round(NamedTuple):
    """Some trials that are trained at once."""

    name: str  # as files have it
    purpose: str  # search, promote or confirm
    number: int  # among those of its purpose, from 1


def list_rounds(search: Mapping[str, Any]) -> list[Round]:
    """All rounds of a search, in order; `search` is the block adapter.search."""
    asked = search["trials"] // search["round"]
    rounds = []
    for number in range(1, asked + 1):
        rounds.append(Round(f"{number}", "search", number))
        if search["halving"] and number % 2 == 0:
            rounds.append(Round(f"full{number // 2}", "promote", number // 2))
    confirmed = range(1, len(search["confirm_seeds"]) + 1) if rounds else ()
    return rounds + [Round(f"confirm{number}", "confirm", number) for number in confirmed]


def find_round(search: Mapping[str, Any], name: str) -> Round:
    """The round of this name."""
    return next(each for each in list_rounds(search) if each.name == name)


def list_read(search: Mapping[str, Any], name: str) -> list[Round]:
    """The rounds whose results a round is chosen from, or all for the sum at the end (name "")."""
    rounds = list_rounds(search)
    if not name:
        return rounds
    own = find_round(search, name)
    asked = [each for each in rounds if each.purpose == "search"]
    if own.purpose == "search":
        return asked[: own.number - 1]
    if own.purpose == "promote":
        return asked[2 * own.number - 2 : 2 * own.number]
    whole = "promote" if search["halving"] else "search"
    return [each for each in rounds if each.purpose == whole]


def list_variants(search: Mapping[str, Any], rounds: Sequence[Round]) -> list[str]:
    """What the files of each trial of these rounds add to the name of the dataset."""
    return [
        f".{name_trial(each.name, number)}"
        for each in rounds
        for number in range(1, search["round"] + 1)
    ]


def name_trial(name: str, number: int) -> str:
    """The name of a trial: of its round, and its number within it."""
    return f"trial_{name}_{number}"


def list_search_inputs(
    search: Mapping[str, Any], film: str, dataset: str, name: str
) -> dict[str, list[str]]:
    """Files that a round is chosen from, or the sum at the end is made of (name "")."""
    folder, rounds = f"results/{film}", list_read(search, name)
    variants = list_variants(search, rounds)
    files = {
        "asked": [
            path for each in rounds for path in locate_trials(search, film, dataset, each.name)
        ]
    }
    for key, result in (("trained", "settings"), ("scores", "scores")):
        files[key] = [
            locate(result, folder, dataset=dataset, variant=variant)[0] for variant in variants
        ]
        files[f"chosen_{result}"] = locate(result, folder, dataset=dataset) if rounds else []
    return files


def locate_trials(search: Mapping[str, Any], film: str, dataset: str, name: str) -> list[str]:
    """The files of parameters of the trials of a round."""
    pattern = locate("trials", f"results/{film}", dataset=dataset)[0].replace("{round}", name)
    return [pattern.replace("{number}", f"{n + 1}") for n in range(search["round"])]


def locate_trial(film: str, dataset: str, variant: str) -> list[str]:
    """The file of parameters of an adapter that is a trial; [] of others."""
    if not is_trial(variant):
        return []
    *_, name, number = variant.split("_")
    pattern = locate("trials", f"results/{film}", dataset=dataset)[0]
    return [pattern.replace("{round}", name).replace("{number}", number)]


def resolve_search(config: Mapping[str, Any], tier: str) -> dict[str, Any]:
    """The options of a search with the space of the tier."""
    block = config["adapter"]["search"]
    asked = {**block["space"], **block["tiers"][tier]}
    space = {name: type_dimension(name, each) for name, each in asked.items()}
    kept = {key: value for key, value in block.items() if key != "tiers"}
    return kept | {"space": space, "share": SHORT if block["halving"] else 1.0}


def check_search_targets(targets: Iterable[str], search: Mapping[str, Any]) -> None:
    """Raise CineloraError where a search is asked for and there is none."""
    wanted = [target for target in map(str, targets) if FRONT.match(target)]
    if wanted and not search["trials"]:
        raise CineloraError(
            f"{wanted[0]}: there is no search, adapter.search.trials is 0.\n"
            "  Set it in config/config.yaml; 50 is a good number."
        )


def find_search_problems(config: Mapping[str, Any]) -> list[str]:
    """What is wrong with the search, in plain words."""
    search = config["adapter"]["search"]
    spaces = {"space": search["space"]} | {
        f"tiers.{tier}": space for tier, space in search["tiers"].items()
    }
    problems = _find_count_problems(search)
    for place, space in spaces.items():
        for name, asked in space.items():
            said = _find_mistake(name, asked)
            problems += [f"adapter.search.{place}.{name}: {said}"] if said else []
    if search["trials"]:
        problems += _find_staged(config)
    if config["seed"] in search["confirm_seeds"]:
        said = f"{config['seed']} is the seed of the config, with which all trials are trained."
        problems.append(f"adapter.search.confirm_seeds: {said}")
    return problems


def _find_staged(config: Mapping[str, Any]) -> list[str]:
    """Options of the space that stages would overrule."""
    adapter = config["adapter"]
    blocks = [adapter["defaults"], *adapter["kinds"].values(), *adapter["tiers"].values()]
    blocks.append(adapter["variants"].get(adapter["chosen"], {}))
    if not any(block.get("stages") for block in blocks):
        return []
    tiers = adapter["search"]["tiers"].values()
    asked = {name for space in (adapter["search"]["space"], *tiers) for name in space}
    why = "the stages of the chosen settings have their own"
    return [
        f"adapter.search.space: {name} would change nothing, {why}."
        for name in sorted(asked & {"steps", "learning_rate"})
    ]


def _find_count_problems(search: Mapping[str, Any]) -> list[str]:
    trials, size = search["trials"], search["round"]
    problems = []
    if trials % (size * (2 if search["halving"] else 1)):
        many = f"twice adapter.search.round ({size}), for halving takes two rounds"
        whole = many if search["halving"] else f"adapter.search.round ({size})"
        problems.append(f"adapter.search.trials: {trials} is no multiple of {whole}.")
    if trials and not all({**search["space"], **tier} for tier in search["tiers"].values()):
        problems.append("adapter.search.space: there is nothing to search; name some options.")
    return problems


def _find_mistake(name: str, asked: Range | list[Any]) -> str:
    """What is wrong with one option of the space; "" where nothing is."""
    if isinstance(asked, dict) and asked.get("log") and asked["low"] <= 0:
        return f"low is {asked['low']}; on a log scale it must be above 0."
    for value in asked if isinstance(asked, list) else (asked["low"], asked["high"]):
        if not _may_be(name, value):
            return f"{show_value(value)} is nothing that this option may be."
    return ""


def _may_be(name: str, value: Any) -> bool:
    """Whether an option of a training may have this value."""
    check = Validator({"$ref": "#/$defs/training", "$defs": read_schema()["$defs"]})
    return check.is_valid({name: value})


def type_dimension(name: str, asked: Range | list[Any]) -> dict[str, Any]:
    """One option of the space with its type: categorical, int or float, as the option has it."""
    if isinstance(asked, list):
        return {"type": "categorical", "choices": asked}
    between = (
        asked["low"] + (asked["high"] - asked["low"]) * 0.381966
    )  # a whole number by no chance
    is_whole = all(isinstance(asked[end], int) for end in ("low", "high"))
    kind = "int" if is_whole and not _may_be(name, between) else "float"
    return {"type": kind, "log": False} | asked
