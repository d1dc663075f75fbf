"""A kind is one entry of lib.kinds and its words: no phase of the datasets knows more of it."""

import dataclasses
from pathlib import Path

import pytest
import yaml

from tests.factories import dataset_phases, tables
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.plan.inputs import balance_inputs, select_inputs
from workflow_scripts.plan.schema import read_schema
from workflow_scripts.plan.targets import list_phases

VIEW = dataclasses.replace(
    KINDS["pose"],
    name="view",
    class_word="view",
    trigger="{film} seen",
    category="view",
    expected=("front", "side", "back"),
    score="",
    file_name="view_{view}_{number}",
)


def test_a_new_kind_is_selected_captioned_and_packed(tmp_path, monkeypatch):
    monkeypatch.setitem(KINDS, "view", VIEW)
    words = yaml.safe_load(Path(dataset_phases.VOCABULARY).read_text(encoding="utf-8"))
    words["recipes"]["view"] = ["view", "action"]
    (tmp_path / "words.yaml").write_text(yaml.safe_dump(words), encoding="utf-8")
    monkeypatch.setattr(dataset_phases, "VOCABULARY", str(tmp_path / "words.yaml"))
    film = tables.make_film(tmp_path / "film")
    _, rows, counts = dataset_phases.pack(film, tmp_path / "view", "view")
    chosen = rows[rows["file"] != ""]
    assert len(chosen) > 0 and chosen["file"].str.contains("/view_[a-z-]+_[0-9]{4}.jpg").all()
    assert chosen["caption"].str.startswith("tiny seen, ").all()
    assert chosen["mask_file"].ne("").all()
    assert counts["balanced_over"] == "view" and set(counts["too_few"]) == {"front", "back"}


@pytest.fixture
def known(monkeypatch):
    """The new kind, known to the schema, which is read once a process."""
    monkeypatch.setitem(KINDS, "view", VIEW)
    read_schema.cache_clear()
    yield
    read_schema.cache_clear()


def test_config_and_plan_know_a_new_kind(known):
    schema = read_schema()["$defs"]
    assert "view" in schema["kind"]["enum"] and "view" in schema["kind_with_trigger"]["enum"]
    assert "view" in schema["category"]["enum"]
    assert "classify_poses" in list_phases(["view"])
    assert set(select_inputs("x", "view", ["01of01"])) == set(VIEW.chosen_by)
    assert set(balance_inputs("x", "view", ["01of01"])) == set(VIEW.measured_by)
