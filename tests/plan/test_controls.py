"""Beside which adapters each adapter is judged, and which of them are trained for that."""

import pytest

from workflow_scripts.adapter.training_facts import CONTROLS
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.controls import (
    SHUFFLED_CAPTIONS,
    Control,
    list_control_files,
    list_controls,
    list_trained_controls,
)
from workflow_scripts.plan.inputs import list_references

DATASETS = ["character-nella", "character-bruno", "character-pip", "pose", "style"]
BOTH = {"other_subject": True, "shuffled_captions": ["pose"]}


def test_another_subject_is_the_next_of_its_kind_and_captions_are_shuffled_where_asked():
    shuffled = Control("shuffled_captions", "pose", ".shuffled_captions")
    assert list_controls(BOTH, DATASETS) == {
        "character-nella": [Control("other_subject", "character-bruno")],
        "character-bruno": [Control("other_subject", "character-pip")],
        "character-pip": [Control("other_subject", "character-nella")],
        "pose": [shuffled],
        "style": [],
    }


def test_a_character_may_have_both():
    wanted = {"other_subject": True, "shuffled_captions": ["character"]}
    names = [one.name for one in list_controls(wanted, DATASETS)["character-nella"]]
    assert names == ["other_subject", "shuffled_captions"]


@pytest.mark.parametrize(
    ("wanted", "datasets"),
    [({"other_subject": False, "shuffled_captions": []}, DATASETS), (BOTH, ["character-nella"])],
    ids=["switched off", "the only one of its kind"],
)
def test_there_may_be_none(wanted, datasets):
    controls = list_controls(wanted, datasets)
    assert list(controls) == datasets
    assert all(not each for each in controls.values())


def test_the_files_of_controls_are_those_of_their_adapters():
    controls = list_controls(BOTH, DATASETS)
    assert list_control_files("settings", "luca", controls["character-nella"]) == [
        "results/luca/adapters/character-bruno/settings.yaml"
    ]
    assert list_control_files("adapter", "luca", controls["pose"]) == [
        "results/luca/adapters/pose.shuffled_captions/luca-pose.shuffled_captions.safetensors"
    ]


def test_trained_as_controls_are_only_those_that_no_dataset_has_anyway():
    files = list_trained_controls("luca", list_controls(BOTH, DATASETS))
    assert len(files) == 6
    assert {path.split("/")[3] for path in files} == {"pose.shuffled_captions"}


def test_every_control_that_is_trained_says_in_its_card_what_it_is():
    assert set(CONTROLS) == {SHUFFLED_CAPTIONS}


@pytest.mark.parametrize("tier", ["light", "full"])
def test_every_kind_of_the_full_tier_has_a_control_and_the_light_one_trains_one_more(tier):
    wanted = read_shipped()["evaluate_adapter"]["tiers"][tier]["controls"]
    kinds = ["background", "pose", "expression", "style", "lighting"]
    controls = list_controls(wanted, [*DATASETS[:3], *kinds])
    assert sum(bool(each) for each in controls.values()) == (8 if tier == "full" else 4)
    assert len(list_trained_controls("x", controls)) == (30 if tier == "full" else 6)


def test_characters_alone_are_told_from_others():
    table = "results/luca/embed_references/references.parquet"
    assert list_references("luca", "character-nella") == [table]
    assert list_references("luca", "pose") == []
