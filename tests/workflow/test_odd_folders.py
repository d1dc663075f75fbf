"""Folders and films of odd names: they work, or are refused in plain words before anything runs."""

import subprocess
import sys

import pandas as pd
import pytest

from tests.factories.copy_in_code import SMALL, copy_project
from tests.factories.films_in_code import write_film
from tests.factories.odd_films import draw_scenery

pytestmark = pytest.mark.workflow
FILM = '- Film: "it\'s" #1 100%d $ü;&.mp4'


def run(folder, *arguments):
    """Run Snakemake in a copy of the project, with a Python that lies in it too."""
    (folder / ".venv").symlink_to(sys.prefix)
    command = [str(folder / ".venv/bin/python"), "-m", "snakemake", *SMALL, "film.yaml"]
    target = ["--", "results/odd/check_sizes/sizes.parquet"]
    done = subprocess.run(
        [*command, "--cores", "1", *arguments, *target], capture_output=True, text=True, cwd=folder
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def make_project(tmp_path):
    """A function of a folder's name that copies the project there, with a film of an odd name."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        copy_project(folder)
        write_film(folder / FILM, draw_scenery(1, 12, (384, 288)))
        page = "only: [odd]\nfilms: {odd: {path: '%s', kinds: [style]}}\n"
        page %= FILM.replace("'", "''")
        (folder / "film.yaml").write_text(page, encoding="utf-8")
        return folder

    return make


def test_a_project_runs_in_a_folder_of_any_name(make_project):
    folder = make_project('my film\'s "ä" #1 %s $HOME; `x` *')
    status, said = run(folder)
    assert status == 0, said
    sizes = pd.read_parquet(folder / "results/odd/check_sizes/sizes.parquet")
    assert sizes["largest_px"].tolist() == [384, 288]


@pytest.mark.parametrize("name", ["my {film}", "two\nlines"], ids=["braces", "line break"])
def test_a_folder_that_snakemake_cannot_work_in_is_refused(make_project, name):
    status, said = run(make_project(name), "-n")
    assert status == 1
    assert "The workflow cannot run in the folder" in said
    assert "Rename or move the folder" in said
    assert "Traceback" not in said
