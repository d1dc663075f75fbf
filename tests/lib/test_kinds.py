"""Kinds: each is complete, and names only what there is."""

import dataclasses
import string

import pytest

from workflow_scripts.dataset.facts import COLUMNS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.lib.tables import PHASES, RESULTS


def test_there_are_six_kinds_and_none_can_be_changed():
    assert list(KINDS) == ["character", "background", "pose", "expression", "style", "lighting"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        KINDS["pose"].category = "view"


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_a_kind_names_tables_and_phases_that_there_are(kind):
    assert {*kind.words, *kind.chosen_by} - {"embeddings"} <= set(COLUMNS)
    assert "embeddings" in kind.chosen_by  # what looks alike is chosen once, whatever the kind
    tables = {*kind.words, *kind.chosen_by, *kind.measured_by, *filter(None, [kind.masks])}
    assert {RESULTS[table].phase for table in tables} <= set(kind.phases) <= set(PHASES)
    assert bool(kind.class_word) == bool(kind.trigger)
    assert kind.key == ("frame_id" if kind.is_of_frames else "instance_id")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_names_of_files_are_unique_within_a_dataset(kind):
    fields = {field for _, field, *_ in string.Formatter().parse(kind.file_name) if field}
    assert "number" in fields or {"scene", "turn"} <= fields


@pytest.mark.parametrize(
    ("dataset", "kind", "character"),
    [("pose", "pose", ""), ("character-nella", "character", "nella")]
    + [("character-old-tom", "character", "old-tom")],
)
def test_split_name(dataset, kind, character):
    assert split_name(dataset) == (KINDS[kind], character)


def test_a_dataset_of_no_kind_is_refused():
    with pytest.raises(CineloraError, match="'poses' is no dataset: it must begin with one of"):
        split_name("poses")
