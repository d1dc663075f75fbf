"""Rounds of a search and their files, known before any has run; what may be wrong with it."""

import copy
import re

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.config import find_problems, merge, read_shipped
from workflow_scripts.plan.search import (
    check_search_targets,
    list_read,
    list_rounds,
    list_search_inputs,
    locate_trial,
    locate_trials,
    resolve_search,
    type_dimension,
)
from workflow_scripts.plan.variants import TRIAL

SEARCH = {"trials": 4, "round": 2, "halving": False, "confirm_seeds": [101, 102]}
HALVED = SEARCH | {"halving": True, "trials": 8}


def names(rounds):
    return [each.name for each in rounds]


def test_rounds_of_a_search():
    assert names(list_rounds(SEARCH)) == ["1", "2", "confirm1", "confirm2"]
    assert names(list_rounds(HALVED)) == [
        *("1", "2", "full1", "3", "4", "full2", "confirm1", "confirm2")
    ]
    assert list_rounds(SEARCH | {"trials": 0}) == []


@pytest.mark.parametrize(
    ("search", "name", "read"),
    [
        (SEARCH, "1", []),
        (SEARCH, "2", ["1"]),
        (SEARCH, "confirm2", ["1", "2"]),
        (SEARCH, "", ["1", "2", "confirm1", "confirm2"]),
        (HALVED, "3", ["1", "2"]),
        (HALVED, "full2", ["3", "4"]),
        (HALVED, "confirm1", ["full1", "full2"]),
    ],
)
def test_what_a_round_reads(search, name, read):
    assert names(list_read(search, name)) == read


def test_more_trials_leave_the_first_rounds_as_they_are():
    more = SEARCH | {"trials": 10}
    assert all(list_read(more, name) == list_read(SEARCH, name) for name in ("1", "2"))
    assert list_rounds(more)[:2] == list_rounds(SEARCH)[:2]


def test_files_of_a_round():
    files = list_search_inputs(SEARCH, "luca", "pose", "2")
    assert files == {
        "asked": [f"results/luca/search_adapter/pose/round_1/trial_{n}.yaml" for n in (1, 2)],
        "trained": [f"results/luca/adapters/pose.trial_1_{n}/settings.yaml" for n in (1, 2)],
        "scores": [
            f"results/luca/evaluate_adapter/pose.trial_1_{n}/scores.parquet" for n in (1, 2)
        ],
        "chosen_settings": ["results/luca/adapters/pose/settings.yaml"],
        "chosen_scores": ["results/luca/evaluate_adapter/pose/scores.parquet"],
    }
    assert not any(list_search_inputs(SEARCH, "luca", "pose", "1").values())


@pytest.mark.parametrize("name", ["1", "full12", "confirm3"])
def test_a_trial_finds_its_parameters(name):
    path = locate_trials(SEARCH, "luca", "pose", name)[1]
    variant = f".trial_{name}_2"
    assert re.fullmatch(TRIAL, variant)
    assert locate_trial("luca", "pose", variant) == [path]


@pytest.mark.parametrize("variant", ["", ".higher_rank", ".shuffled_captions"])
def test_other_adapters_have_none(variant):
    assert locate_trial("luca", "pose", variant) == []


@pytest.mark.parametrize(
    ("name", "asked", "kind"),
    [
        ("rank", {"low": 4, "high": 64}, "int"),
        ("alpha", {"low": 4, "high": 64}, "float"),
        ("caption_dropout", {"low": 0, "high": 1}, "float"),
        ("optimizer", ["adamw", "muon"], "categorical"),
    ],
)
def test_an_option_gives_its_dimension_the_type(name, asked, kind):
    assert type_dimension(name, asked)["type"] == kind


def test_the_space_is_that_of_the_tier():
    light, full = (resolve_search(read_shipped(), tier)["space"] for tier in ("light", "full"))
    assert light.keys() == full.keys() == {"rank", "caption_dropout", "learning_rate"}
    assert light["learning_rate"]["low"] > full["learning_rate"]["low"]


def test_a_search_is_asked_for_only_where_there_is_one():
    target = "results/luca/search_adapter/pose/front.parquet"
    check_search_targets([target], SEARCH)
    check_search_targets(["results/luca/datasets/pose", "--cores"], SEARCH | {"trials": 0})
    with pytest.raises(CineloraError, match="adapter.search.trials is 0"):
        check_search_targets([target], SEARCH | {"trials": 0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"space": {"lr": [1]}}, "unknown key 'lr'"),
        ({"space": {"stages": [1]}}, "unknown key 'stages'"),
        ({"space": {"rank": {"low": 8, "high": 4}}}, "space.rank: low 8, high 4: each must be"),
        ({"space": {"rank": {"low": 8}}}, "space.rank: {\"low\": 8"),
        ({"space": {"rank": {"low": 0}}}, "space.rank: low is 0; on a log scale"),
        ({"space": {"rank": {"low": 4.5}}}, "space.rank: 4.5 is nothing that this option may be"),
        ({"space": {"keep": ["best", "worst"]}}, "space.keep: 'worst' is nothing that"),
        ({"space": {"keep": []}}, "space.keep: [] does not fit. Either low and high"),
        ({"tiers": {"full": {"learning_rate": {"high": 3}}}}, "tiers.full.learning_rate: 3 is"),
        ({"trials": 12}, "trials: 12 is no multiple of adapter.search.round (5)."),
        ({"trials": 15, "halving": True}, "trials: 15 is no multiple of twice"),
        ({"confirm_seeds": [7]}, "confirm_seeds: 7 is the seed of the config"),
        ({"trials": -5}, "trials: -5"),
    ],
)  # fmt: skip
def test_a_wrong_search_is_said_with_the_config(change, words, monkeypatch):
    config = merge(copy.deepcopy(read_shipped()), {"adapter": {"search": change}})
    if words.startswith('space.rank: {"'):
        config["adapter"]["search"]["space"]["rank"] = change["space"]["rank"]
    problems = [one for one in find_problems(config) if "adapter.search" in one]
    assert len(problems) == 1
    assert words in problems[0]


def test_there_must_be_something_to_search():
    config = copy.deepcopy(read_shipped())
    config["adapter"]["search"] |= {"trials": 5, "space": {}, "tiers": {"light": {}, "full": {}}}
    assert "there is nothing to search" in "".join(find_problems(config))


def test_stages_overrule_a_searched_learning_rate():
    config = copy.deepcopy(read_shipped())
    config["adapter"]["search"]["trials"] = 5
    assert find_problems(config) == []
    config["adapter"]["variants"]["plain"] = {"stages": [{"steps": 9, "learning_rate": 0.1}]}
    assert find_problems(config) == [
        "adapter.search.space: learning_rate would change nothing,"
        " the stages of the chosen settings have their own."
    ]
