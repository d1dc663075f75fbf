"""Snakemake with pages of the config, each in a folder of its own: planned, run, and refused."""

import cv2
import pandas as pd
import pytest

from tests.factories.films_in_code import draw_scene
from tests.factories.runs import ROOT, snakemake

pytestmark = pytest.mark.workflow
PAGE = "films: {no: {path: $FILMS/stills, kinds: [style]}}\nshards: 1\n"
FRAMES = "results/no/extract_frames/frames.parquet"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder far from the Snakefile, and a film of six equal images in another place."""
    stills = tmp_path / "films/stills"
    stills.mkdir(parents=True)
    for number in range(6):
        cv2.imwrite(str(stills / f"{number}.jpg"), draw_scene(1, (320, 288)))
    monkeypatch.setenv("FILMS", str(tmp_path / "films"))
    run = tmp_path / "run"
    (run / "config").mkdir(parents=True)
    (run / "resources").symlink_to(ROOT / "resources")
    return run


def write(path, text):
    """Write a page; return its path as a command takes it."""
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_options_come_from_beside_the_snakefile_and_the_page_from_the_folder(folder):
    write(folder / "config/config.yaml", PAGE)
    said = snakemake(folder, "-n", "--printshellcmds")  # with Snakemake's own lines
    assert "results/no/report/index.html" in said
    assert "additional config" not in said  # Snakemake's remark on each configfile that is overlaid


def test_jobs_run_with_the_pages_that_were_named(folder):
    write(folder / "config/config.yaml", "films: {mine: {path: gone, kinds: [style]}}\n")
    page = write(folder / "page.yaml", PAGE)
    over = write(folder / "over.yaml", "extract_frames: {sampling: {held_tolerance: -1}}\n")
    snakemake(folder, "--configfile", page, over, "--config", "seed=8", "--", FRAMES)
    images = folder / "results/no/extract_frames/images"
    assert len(list(images.glob("*.jpg"))) == len(pd.read_parquet(folder / FRAMES)) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (PAGE + "shards: 2\n", "config/config.yaml, line 3: shards stands in line 2 already"),
        (PAGE + "seed: 010\n", "seed: '010' is given, a whole number such as 2 is expected"),
        (PAGE + "\tseed: 1\n", "config/config.yaml, line 3: a tab; indent with spaces"),
        (PAGE.replace("FILMS", "FILM_S"), "the variable FILM_S of $FILM_S/stills is not set"),
    ],
    ids=["doubled", "octal", "tab", "variable"],
)
def test_a_wrong_page_ends_in_one_message(folder, text, words):
    write(folder / "config/config.yaml", text)
    said = snakemake(folder, "-n", check=False)
    assert "The config has 1 problem(s):" in said
    assert words in said
    assert "Traceback" not in said


def test_what_snakemake_reads_over_in_a_named_page_is_refused_too(folder):
    page = write(folder / "page.yaml", PAGE + "shards: 2\n")
    said = snakemake(folder, "-n", "--configfile", page, check=False)
    assert f"{page}, line 3: shards stands in line 2 already" in said
    assert "Traceback" not in said


def test_a_folder_without_a_page(folder):
    said = snakemake(folder, "-n", check=False)
    assert "There is no config/config.yaml in" in said
    assert "Traceback" not in said
