"""Which variants of an adapter are trained and judged, by which names, beside which controls."""

import copy
import re

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.config import find_problems, read_shipped
from workflow_scripts.plan.controls import Control, choose_controls
from workflow_scripts.plan.targets import list_proofs
from workflow_scripts.plan.variants import (
    admit_trained,
    admit_variants,
    is_control,
    list_compared,
    name_variant,
)

ADAPTER = {
    "chosen": "plain",
    "compared": ["higher_rank"],
    "variants": {"plain": {}, "higher_rank": {"rank": 16}, "longer": {"steps": 9}},
}


def test_the_chosen_variant_has_the_simple_path():
    assert list_compared(ADAPTER) == ["", ".higher_rank"]
    assert list_compared(ADAPTER | {"compared": []}) == [""]


@pytest.mark.parametrize(
    ("variant", "is_judged", "is_trained"),
    [
        ("", True, True),
        (".higher_rank", True, True),
        (".longer", True, True),
        (".trial_0_12", True, True),
        (".shuffled_captions", False, True),
        (".plain", False, False),
        (".higher", False, False),
        (".trial_1", False, False),
        ("xhigher_rank", False, False),
    ],
)
def test_any_variant_and_trial_is_judged_and_controls_are_only_trained(
    variant, is_judged, is_trained
):
    assert bool(re.fullmatch(admit_variants(ADAPTER), variant)) == is_judged
    assert bool(re.fullmatch(admit_trained(ADAPTER), variant)) == is_trained


def test_controls_are_trained_with_the_settings_of_the_chosen_variant():
    names = [name_variant(one, ADAPTER) for one in ("", ".higher_rank", ".shuffled_captions")]
    assert names == ["plain", "higher_rank", "plain"]
    assert [is_control(one) for one in ("", ".higher_rank", ".shuffled_captions")] == [
        *(False, False, True)
    ]


def test_a_variant_without_settings_is_an_error_that_names_those_there_are():
    with pytest.raises(CineloraError, match="no variant 'higher'.*plain, higher_rank, longer"):
        name_variant(".higher", ADAPTER)


def test_a_trial_has_the_chosen_settings_below_its_own():
    assert name_variant(".trial_confirm1_2", ADAPTER) == "plain"


def test_a_variant_is_judged_beside_another_subject_of_the_same_variant():
    controls = [
        Control("other_subject", "character-pip"),
        Control("shuffled_captions", "pose", ".shuffled_captions"),
    ]
    assert choose_controls(controls, "") == controls
    assert choose_controls(controls, ".higher_rank") == [
        Control("other_subject", "character-pip", ".higher_rank")
    ]


def test_one_more_variant_adds_its_own_training_and_evaluation_for_each_dataset_and_no_more():
    datasets = ["character-nella", "pose", "style"]
    few, more = (
        set(list_proofs("luca", datasets, True, variants)) for variants in ([""], ["", ".longer"])
    )
    assert few < more
    added = {tuple(path.split("/")[2:4]) for path in more - few}
    folders = [(phase, f"{name}.longer") for name in datasets for phase in PHASES]
    assert added == set(folders)
    assert len(more - few) == 3 * (6 + 7)  # files of a training, and of an evaluation


PHASES = ("adapters", "evaluate_adapter")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"compared": ["longer"]}, "compared: there is no variant 'longer'. Known: plain, higher"),
        ({"compared": ["plain"]}, "'plain' is adapter.chosen, which is judged anyway"),
        ({"compared": ["shuffled_captions"]}, "compared: 'shuffled_captions' is the name of a con"),
        ({"compared": ["trial_1_2"]}, "compared: 'trial_1_2' is the name of a trial of a search"),
        ({"compared": ["higher_rank", "higher_rank"]}, "non-unique"),
        ({"compared": "higher_rank"}, "a list such as [a, b] is expected"),
        ({"compared": ["a/b"]}, "'a/b' is no name; use small letters"),
        (
            {"variants": {"plain": {}, "trial_1_2": {}}},
            "variants: 'trial_1_2' is the name of a trial of a search; choose another name",
        ),
        (
            {"variants": {"plain": {}, "shuffled_captions": {}}},
            "variants: 'shuffled_captions' is the name of a control; choose another name",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_name_that_cannot_be_is_refused_when_the_config_is_read(change, words):
    config = copy.deepcopy(read_shipped())
    config["adapter"] |= change
    (problem,) = find_problems(config)
    assert problem.startswith("adapter.") and words in problem
