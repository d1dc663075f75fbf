"""What a search asks: the same of the same results, and better than by chance."""

import pytest

from benchmarks.search_studies import ask_random, judge, search
from benchmarks.search_toys import SPACE, Toy
from workflow_scripts.adapter.fronts import Point
from workflow_scripts.adapter.study import Outcome, ask, is_inside, make_distributions, replay

RATE = {"learning_rate": {"type": "float", "low": 0.001, "high": 0.1, "log": True}}


def outcome(name, rate, point=None):
    return Outcome(name, {"learning_rate": rate}, point)


def test_the_same_results_are_answered_alike_and_rounds_differ():
    done = [outcome(f"1_{n}", 0.01, Point(n / 9, 0.1)) for n in range(8)]
    first = ask(RATE, done, 3, 7, "pose", 2)
    assert first == ask(RATE, done, 3, 7, "pose", 2)
    assert first != ask(RATE, done, 3, 7, "pose", 3)
    assert first != ask(RATE, done, 3, 8, "pose", 2)
    assert len({str(one) for one in first}) == 3


def test_every_parameter_lies_in_its_space():
    asked = ask(SPACE, [], 40, 1)
    assert len(asked) == 40
    assert all(is_inside(one, make_distributions(SPACE)) for one in asked)
    assert {one["schedule"] for one in asked} == {"constant", "linear", "cosine"}
    assert {type(one["rank"]) for one in asked} == {int}


@pytest.mark.parametrize(
    "parameters",
    [{}, {"learning_rate": 1.0}, {"learning_rate": "fast"}, {"learning_rate": 0.01, "rank": 8}],
    ids=["none", "too large", "a word", "one more"],
)
def test_what_the_search_could_not_have_asked_is_left_out(parameters):
    assert not is_inside(parameters, make_distributions(RATE))
    assert replay([Outcome("chosen", parameters, Point(1, 0))], make_distributions(RATE)) == []


def test_a_failed_trial_is_told_as_the_worst_that_breaks_a_constraint():
    done = [outcome("1_1", 0.01, Point(0.5, 0.3, 0.2)), outcome("1_2", 0.09)]
    kept, failed = replay(done, make_distributions(RATE))
    assert kept.values == failed.values == [0.5, 0.3]
    assert kept.constraints == {"limits": 0.2, "failed": 0.0}
    assert failed.constraints == {"limits": 0.0, "failed": 1.0}


def test_trials_keep_away_from_where_others_failed():
    fine = [outcome(f"1_{n}", 0.002 + n / 5000, Point(0.5 + n / 100, 0.1)) for n in range(10)]
    broken = [outcome(f"2_{n}", 0.03 + n / 200) for n in range(10)]
    asked = ask(RATE, fine + broken, 20, 3)
    assert sum(one["learning_rate"] < 0.03 for one in asked) >= 15


def test_a_search_finds_more_than_chance():
    toys = [Toy(seed) for seed in range(2000, 2006)]
    found, random = (
        [judge(toy, search(toy, 30, way)) for toy in toys] for way in (ask, ask_random)
    )
    assert sum(found) > sum(random)
