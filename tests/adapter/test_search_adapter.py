"""With which settings the trials of a round are trained: new ones, the better half, the front."""

import pytest

from tests.factories.trial_files import OPTIONS, gather, make_scores, write_result
from workflow_scripts.adapter import search_adapter
from workflow_scripts.adapter.trial_file import Trial, read_trial
from workflow_scripts.lib.errors import CineloraError

NOTHING = {key: [] for key in ("asked", "trained", "scores", "chosen_settings", "chosen_scores")}
REACHED = {  # gain, drift, copy risk
    "chosen": (0.1, 0.1),
    "1_1": (0.3, 0.2),
    "1_2": (0.2, 0.15),
    "1_3": (0.9, 0.1, 0.5),
    "1_4": (0.05, 0.3),
    "1_5": None,
}


def rate(number):
    return {"learning_rate": 0.01 * (number + 1)}


@pytest.fixture
def done(tmp_path):
    """Files of a round that is over; three are on the front, others copy, are beaten, or broke."""
    found = []
    for number, (name, values) in enumerate(REACHED.items()):
        scores = values and make_scores(*values, chosen=name == "chosen")
        found.append(write_result(tmp_path, Trial(name, rate(number)), scores))
    return found


def run(tmp_path, inputs, purpose="search", number=2, names=("2_1", "2_2", "2_3"), **changes):
    """What the phase writes, as trials."""
    paths = [str(tmp_path / f"round/{name}.yaml") for name in names]
    counts = search_adapter.main(
        **inputs,
        trials=paths,
        names=names,
        purpose=purpose,
        number=number,
        options=OPTIONS | changes,
    )
    trials = [read_trial(path) for path in paths]
    assert counts.kept == sum(not one.skipped for one in trials)
    assert [one.trial for one in trials] == list(names)
    return trials


def test_the_first_round_asks_without_results(tmp_path):
    trials = run(tmp_path, NOTHING, number=1)
    assert len({str(one.settings) for one in trials}) == 3
    assert {(one.of, one.seed, one.share, one.skipped) for one in trials} == {("", None, 1, "")}
    assert trials == run(tmp_path, NOTHING, number=1)
    assert trials != run(tmp_path, NOTHING, number=1, dataset="pose")


def test_another_round_learns_from_results_in_the_order_of_trials(tmp_path, done):
    trials = run(tmp_path, gather(done))
    assert trials == run(tmp_path, gather(done))
    assert trials != run(tmp_path, NOTHING)


def test_the_better_ones_are_trained_in_full(tmp_path, done):
    short = [write_result(tmp_path, Trial(f"1_{n}", rate(n), share=0.25), make_scores(n / 9, 0.1))
             for n in range(1, 5)]  # fmt: skip
    trials = run(
        tmp_path, gather([done[0], *short]), "promote", 1, ("full1_1", "full1_2"), share=0.25
    )
    assert [(one.of, one.settings, one.share) for one in trials] == [
        ("1_4", rate(4), 1),
        ("1_3", rate(3), 1),
    ]


def test_failed_ones_are_not_trained_in_full(tmp_path, done):
    names = [f"full1_{n}" for n in range(1, 6)]
    trials = run(tmp_path, gather(done), "promote", 1, names, share=0.25)
    assert [one.of for one in trials] == ["1_1", "1_2", "1_4", "1_3", ""]
    assert trials[-1].skipped == "too few short trials have been trained"


def test_the_front_is_confirmed_with_another_seed_and_the_chosen_settings_are_on_it(tmp_path, done):
    names = [f"confirm2_{n}" for n in range(1, 5)]
    trials = run(tmp_path, gather(done), "confirm", 2, names)
    assert [one.of for one in trials] == ["1_1", "1_2", "chosen", ""]
    assert [one.seed for one in trials[:3]] == [102, 102, 102]
    assert trials[2].settings == rate(0)
    assert trials[3].skipped == "the front has 3 trials only"


def test_of_a_large_front_its_ends_are_confirmed(tmp_path, done):
    trials = run(tmp_path, gather(done), "confirm", 1, ("confirm1_1", "confirm1_2"))
    assert [one.of for one in trials] == ["1_1", "chosen"]


def test_nothing_to_search_by_is_an_error(tmp_path, done):
    scores = make_scores(0.1, 0.1)
    scores = scores[~scores["score"].isin(["retrieval", "heldout_loss"])]
    done[0] = write_result(tmp_path, Trial("chosen", {}), scores)
    with pytest.raises(CineloraError, match="nothing to search by"):
        run(tmp_path, gather(done))
