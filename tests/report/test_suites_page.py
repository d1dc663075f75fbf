"""The chapter on test suites: figures by scenario, margins in words, and why a step was chosen."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.report.page.charts import draw_estimates
from workflow_scripts.report.page.suites import (
    choose_own,
    explain_choice,
    state_margins,
    tabulate_attributes,
    tabulate_scenarios,
)

LEVELS = [  # scenario, adapter, strength, score, value, low, high, unknown
    ("near", "own", 1.0, "asked", 0.6, 0.5, 0.7, 0),
    ("near", "own", 1.0, "consistency", 0.3, np.nan, np.nan, 0),
    ("near", "base", 0.0, "asked", 0.4, 0.3, 0.5, 0),
    ("all", "own", 1.0, "asked", 0.6, 0.5, 0.7, 0),
    ("all", "own", 1.0, "asked.people", 0.7, 0.5, 0.9, 0),
    ("all", "own", 1.0, "asked.view", 0.2, 0.1, 0.3, 6),
    ("all", "own", 0.5, "asked.view", 0.9, 0.1, 0.3, 6),
    ("all", "base", 0.0, "asked.view", 0.1, 0.0, 0.3, 8),
]


def make_scores(margins=()):
    columns = ["scenario", "adapter", "strength", "score", "value", "low", "high", "unknown"]
    rows = pd.DataFrame(LEVELS, columns=columns).assign(over="", step=None, n=10)
    more = [
        {"scenario": "all", "adapter": "own", "strength": 1.0, "step": None, "n": 10} | margin
        for margin in margins
    ]
    return pd.concat([rows, pd.DataFrame(more)], ignore_index=True) if more else rows


def make_margin(over, score, value, low, high):
    return {"over": over, "score": score, "value": value, "low": low, "high": high, "unknown": 0}


def test_a_row_per_scenario_has_values_with_their_intervals_and_the_base():
    table = tabulate_scenarios(make_scores(), 1.0)
    assert list(table.head) == [
        *("scenario", "came as asked", "consistency"),
        *("came as asked, base alone", "consistency, base alone"),
    ]
    assert table.rows == [
        ["near", "0.60\n0.50 to 0.70", "0.30", "0.40", ""],
        ["all", "0.60\n0.50 to 0.70", "", "", ""],
    ]


def test_attributes_say_how_often_nobody_could_tell():
    table = tabulate_attributes(make_scores(), 1.0)
    assert table.rows == [
        ["people", 10, "0.70", "0.00", "nan"],
        ["view", 10, "0.20", "0.60", "0.10"],
    ]


@pytest.mark.parametrize(
    ("low", "high", "tone"), [(0.1, 0.3, "good"), (-0.1, 0.3, "plain"), (-0.3, -0.1, "warn")]
)
def test_a_margin_is_good_or_bad_only_where_its_interval_is_clear_of_0(low, high, tone):
    margin = make_margin("base", "asked", (low + high) / 2, low, high)
    ((words, found),) = state_margins(make_scores([margin]), 1.0)
    assert found == tone
    assert words.startswith("Beside the base model alone: came as asked ")
    assert f"({low:+.2f} to {high:+.2f})" in words


def test_the_strength_that_comes_nearest_to_full_is_shown():
    assert choose_own(make_scores()) == 1.0


@pytest.mark.parametrize(
    ("keep", "losses", "words"),
    [
        ("best", {2: 0.4, 4: 0.3, 6: 0.5}, "of 3 states measured this one has the lowest held-out"),
        ("last", {2: 0.4, 4: 0.3}, "the last: adapter.keep is last"),
        ("best", {}, "the last: nothing was held out to choose by"),
    ],
)
def test_why_a_step_was_chosen_is_said(keep, losses, words):
    metrics = pd.DataFrame({"step": [0, *losses], "validation_loss": [0.9, *losses.values()]})
    settings = {"steps": 4, "settings": {"keep": keep, "steps": 6}}
    said = explain_choice(settings, metrics)
    assert said.startswith("The adapter is that of step 4")
    assert words in said
    assert ("step 6: 0.5" in said) == (6 in losses)


def test_a_curve_has_a_dot_a_step_and_marks_the_chosen_one():
    steps, values = np.array([60.0, 120, 180]), np.array([0.2, 0.4, 0.3])
    svg = str(draw_estimates(steps, values, values - 0.1, np.full(3, np.nan), mark=120))
    assert (svg.count("<circle"), svg.count('class="second"')) == (3, 1)
    assert 'class="faint"' not in svg  # half an interval is none
    assert "nan" not in svg
