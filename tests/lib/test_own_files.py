"""Temporary names that others can foresee: links there are not followed, and nobody is mixed in."""

import os
from pathlib import Path

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.own_files import open_own


@pytest.fixture
def victim(tmp_path) -> Path:
    """A file elsewhere that must stay as it is."""
    (tmp_path / "elsewhere").write_text("precious", encoding="utf-8")
    return tmp_path / "elsewhere"


def plant_link(victim: Path, place: Path) -> None:
    place.symlink_to(victim)


def plant_second_name(victim: Path, place: Path) -> None:
    os.link(victim, place)


def plant_loop(victim: Path, place: Path) -> None:
    place.symlink_to(place)


def plant_pipe(victim: Path, place: Path) -> None:
    os.mkfifo(place)


def plant_leftover(victim: Path, place: Path) -> None:
    place.write_text("half of a killed run, and longer than what comes", encoding="utf-8")


PLANTS = [plant_link, plant_second_name, plant_loop, plant_pipe, plant_leftover]


@pytest.mark.parametrize("plant", PLANTS)
def test_what_lies_at_the_temporary_name_is_not_written_to(tmp_path, victim, plant):
    path = tmp_path / "table"
    plant(victim, tmp_path / ".table.partial")
    with replace_when_done(path) as partial:
        partial.write_text("mine", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "mine" and not path.is_symlink()
    assert victim.read_text(encoding="utf-8") == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["elsewhere", "table"]


def test_a_folder_at_the_temporary_name_is_an_error(tmp_path):
    (tmp_path / ".table.partial").mkdir()
    with pytest.raises(IsADirectoryError), replace_when_done(tmp_path / "table"):
        pass


def test_of_two_who_write_at_once_the_last_wins_whole(tmp_path):
    path = tmp_path / "table"
    with replace_when_done(path) as first, first.open("w", encoding="utf-8") as text:
        text.write("the first one's half,")
        with replace_when_done(path) as second:
            second.write_text("second", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "second"
        text.write(" and the other half")
    assert path.read_text(encoding="utf-8") == "the first one's half, and the other half"
    assert [p.name for p in tmp_path.iterdir()] == ["table"]


def test_a_failed_writer_takes_its_own_file_away_only(tmp_path):
    path = tmp_path / "table"
    with replace_when_done(path) as first:
        with pytest.raises(ZeroDivisionError), replace_when_done(path):
            raise ZeroDivisionError
        first.write_text("mine", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == "mine"


def test_rights_are_those_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    with replace_when_done(tmp_path / "table"):
        pass
    assert (tmp_path / "table").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_on_a_drive_that_shows_another_owner_a_new_file_is_ours(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    (tmp_path / ".table.partial").write_text("another's, maybe", encoding="utf-8")
    with replace_when_done(tmp_path / "table") as partial:
        partial.write_text("mine", encoding="utf-8")
    assert (tmp_path / "table").read_text(encoding="utf-8") == "mine"


def test_where_no_name_stays_what_it_was_the_search_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "samestat", lambda *_: False)
    with pytest.raises(CineloraError, match="part cannot be written"):
        open_own(tmp_path / "part")


def test_a_file_that_another_process_holds_is_not_opened(tmp_path):
    file = open_own(tmp_path / "part")
    assert open_own(tmp_path / "part") is None
    os.close(file)
    again = open_own(tmp_path / "part")
    assert again is not None
    os.close(again)
