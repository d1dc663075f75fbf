"""Which adapters of a film are put together."""

from pathlib import Path

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.tables import list_names, locate
from workflow_scripts.plan.composition import COMPOSING, choose_composed, list_composition

DATASETS = ["character-bruno", "character-nella", "background", "pose", "style"]


def test_without_a_wish_the_first_of_each_kind():
    assert choose_composed([], "luca", DATASETS) == [
        *("character-bruno", "background", "pose", "style")
    ]


def test_a_wish_is_taken_as_it_stands_and_may_name_two_characters():
    wanted = ["style", "character-nella", "character-bruno"]
    assert choose_composed(wanted, "luca", DATASETS) == wanted


def test_a_dataset_that_the_film_has_not_is_an_error():
    with pytest.raises(CineloraError, match="film luca has no dataset lighting"):
        choose_composed(["style", "lighting"], "luca", DATASETS)


def test_the_report_reads_a_composition_that_is_whole(tmp_path):
    assert list_composition("luca", tmp_path) == []
    files = [locate(name, f"{tmp_path}/luca")[0] for name in list_names([COMPOSING])]
    (tmp_path / "luca/compose_adapters").mkdir(parents=True)
    for file in files[:-1]:
        Path(file).touch()
    assert list_composition("luca", tmp_path) == []
    Path(files[-1]).touch()
    assert list_composition("luca", tmp_path) == files
    assert len(files) == 4
