"""The sum of a search: every trial with a reason, the front, the best settings as a page."""

import json

import pandas as pd
import pytest
import yaml

from tests.factories.trial_files import OPTIONS, gather, make_scores, write_result
from workflow_scripts.adapter import rank_trials
from workflow_scripts.adapter.rank_trials import choose_best, format_best
from workflow_scripts.adapter.trial_file import Trial

ROWS = (  # trial, purpose, what it trains again, share, (gain, drift, copy risk, diversity)
    ("chosen", "chosen", "", 1, (0.1, 0.1)),
    ("1_1", "search", "", 1, (0.3, 0.2)),
    ("1_2", "search", "", 1, (0.25, 0.15)),
    ("1_3", "search", "", 1, (0.9, 0.1, 0.5)),
    ("1_4", "search", "", 1, (0.9, 0.1, 0, 0.05)),
    ("2_1", "search", "", 1, (0.05, 0.3)),
    ("2_2", "search", "", 0.25, (0.9, 0.01)),
    ("2_3", "search", "", 1, None),
    ("confirm1_1", "confirm", "1_1", 1, (0.1, 0.3)),
    ("confirm1_2", "confirm", "1_2", 1, (0.2, 0.2)),
    ("confirm2_1", "confirm", "1_1", 1, (0.2, 0.3)),
    ("confirm2_2", "confirm", "1_2", 1, (0.3, 0.2)),
)
REASONS = {
    "chosen": "",
    "1_1": "",
    "1_2": "",
    "1_3": "copy risk 0.50, at most 0.1",
    "1_4": "diversity 0.25 of the base's, at least 0.5",
    "2_1": "dominated by 1_1",
    "2_2": "trained for 0.25 of its steps only",
    "2_3": "failed: the loss of step 3 is nan.",
    "confirm1_1": "confirms 1_1",
    "confirm1_2": "confirms 1_2",
    "confirm2_1": "confirms 1_1",
    "confirm2_2": "confirms 1_2",
}


def run(folder, rows, **changes):
    """Files of these trials, summed up; the paths of what is left."""
    found = []
    for number, (name, _, of, share, values) in enumerate(rows):
        trial = Trial(name, {"learning_rate": 0.01 * (number + 1)}, of=of, share=share)
        scores = values and make_scores(*values, chosen=name == "chosen")
        found.append(write_result(folder, trial, scores))
    left = {name: folder / f"out/{name}" for name in ("front", "best", "chart")}
    rank_trials.main(
        **gather(found),
        **{key: str(path) for key, path in left.items()},
        purposes=[purpose for _, purpose, *_ in rows[1:]],
        options=OPTIONS | changes,
    )
    return left


@pytest.fixture(scope="module")
def left(tmp_path_factory):
    return run(tmp_path_factory.mktemp("search"), ROWS)


def test_every_trial_is_on_the_front_or_says_why_not(left):
    rows = pd.read_parquet(left["front"]).set_index("trial")
    assert rows["reason"].to_dict() == REASONS
    assert set(rows.index[rows["on_front"]]) == {"chosen", "1_1", "1_2"}
    assert set(rows["measure"]) == {"identity_margin"}


def test_a_row_says_what_a_trial_reached_and_broke(left):
    rows = pd.read_parquet(left["front"]).set_index("trial")
    assert rows.loc["1_3", ["gain", "drift"]].tolist() == pytest.approx([0.9, 0.1])
    assert rows.loc["1_3", "over_copy_risk"] == pytest.approx(0.4)
    assert rows.loc["1_4", "under_diversity"] == pytest.approx(0.25)
    assert json.loads(rows.loc["1_1", "parameters"]) == {"learning_rate": 0.02}
    assert rows.loc["2_3", ["gain", "drift", "over_copy_risk"]].isna().all()


def test_the_best_is_the_one_that_gains_most_with_other_seeds(left):
    rows = pd.read_parquet(left["front"]).set_index("trial")
    confirmed = rows.loc[["1_1", "1_2"], "confirmed_gain"]
    assert confirmed.tolist() == pytest.approx([0.15, 0.25])
    assert rows.loc[["chosen", "1_1", "1_2"], "confirmations"].tolist() == [0, 2, 2]
    text = left["best"].read_text(encoding="utf-8")
    page = yaml.safe_load(text)
    assert page == {"adapter": {"variants": {"best_character-nella": {"learning_rate": 0.03}}}}
    assert "with 2 other seeds gain 0.2500" in text


def test_without_confirmation_the_largest_gain_wins(tmp_path):
    best = run(tmp_path, ROWS[:3])["best"].read_text(encoding="utf-8")
    assert "# Trial 1_1 of character-nella: gain 0.3000 (identity_margin)" in best


def test_where_no_trial_keeps_the_limits_there_is_no_best(tmp_path):
    left = run(tmp_path, ROWS, max_copy_risk=-1)
    rows = pd.read_parquet(left["front"])
    assert not rows["on_front"].any()
    assert choose_best(rows) is None
    assert "raise adapter.search.max_copy_risk" in format_best(None, "pose")
    assert yaml.safe_load(left["best"].read_text(encoding="utf-8")) == {"adapter": {"variants": {}}}


def test_without_another_subject_the_loss_is_what_counts(tmp_path):
    chosen = make_scores(0.2, 0.1)
    files = gather([write_result(tmp_path, Trial("chosen", {"learning_rate": 0.01}), chosen)])
    left = {key: str(tmp_path / key) for key in ("front", "best", "chart")}
    rank_trials.main(**files, **left, purposes=[], options=OPTIONS)
    rows = pd.read_parquet(left["front"])
    assert rows["measure"].tolist() == ["heldout_loss_margin"]
    assert rows["gain"].tolist() == pytest.approx([0.02])


def test_the_drawing_is_the_same_each_time_and_names_the_front(left, tmp_path):
    drawn = left["chart"].read_text(encoding="utf-8")
    assert drawn == run(tmp_path, ROWS)["chart"].read_text(encoding="utf-8")
    assert all(f">{name}</text>" in drawn for name in ("chosen", "1_1", "1_2"))
    assert "1 without a gain" in drawn
    assert "identity margin over the other subject" in drawn
