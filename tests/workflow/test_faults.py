"""Disks, files and people that fail: each ends in words that say what to do, or in right counts."""

import os
import shutil
import signal
import subprocess
import sys
import time

import cv2
import pandas as pd
import pytest

from tests.factories import films_in_code
from tests.factories.copy_in_code import ROOT, SMALL, prepare_run

FRAMES = "results/short/extract_frames/frames.parquet"
FILM = ROOT / "resources/demo_film/film.mp4"


def command(*targets, film=None):
    """Command line that runs the workflow as far as `targets`, perhaps with another film."""
    overlay = [film] if film else []
    snakemake = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    return [*snakemake, "--cores", "2", *SMALL, *overlay, "--", *targets]


def run(folder, *targets, film=None):
    """Run the workflow as far as `targets`; return exit status and what it printed."""
    done = subprocess.run(command(*targets, film=film), cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def table():
    """Rows (fault, exit status, what was said or counted); printed at the end, for `pytest -s`."""
    rows = []
    yield rows
    print("\n\n| fault | exit | what was said or counted |\n|---|---|---|")
    for fault, status, words in rows:
        print(f"| {fault} | {status} | {words} |")


def quote(words, text):
    """The line of what was printed that holds a text; fails where there is none."""
    lines = [line.strip() for line in words.splitlines() if text in line]
    assert lines, words
    return lines[0]


def use_film(folder, path):
    """An overlay of the config in which the film is another one."""
    (folder / "film.yaml").write_text(
        f"films: {{short: {{path: {path}, kinds: [style]}}}}", encoding="utf-8"
    )
    return "film.yaml"


@pytest.fixture
def folder(tmp_path):
    """A folder for a run."""
    return prepare_run(tmp_path / "run")


@pytest.fixture
def disk(folder):
    """Mounts a small disk of its own below the folder of a run."""
    mounted = []

    def mount(name, options):
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
        if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no disk can be mounted here (that takes root)")
        mounted.append(place)

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk(folder, disk, table):
    disk("results/short", "size=1m")
    status, words = run(folder, FRAMES)
    assert status == 1
    assert "No space left on device" in words
    assert "please report it" not in words
    table.append(("a full disk", status, quote(words, "The disk is full. Make room")))


def test_a_results_folder_that_can_only_be_read(folder, disk, table):
    disk("results", "ro")
    status, words = run(folder, FRAMES)
    assert status == 1
    table.append(("read-only results", status, quote(words, "Read-only file system")))


def test_a_video_whose_end_is_missing(folder, table):
    film = folder / "film.mp4"
    film.write_bytes(FILM.read_bytes()[: FILM.stat().st_size // 2])
    status, words = run(folder, FRAMES, film=use_film(folder, film))
    assert status == 0, words
    problems = pd.read_parquet(folder / "results/short/extract_frames/problems.parquet")
    rows = len(pd.read_parquet(folder / FRAMES))
    assert rows
    said = quote("\n".join(problems["problem"]), "the film ends here")
    table.append(("a film cut off at half its bytes", status, f"{rows} frames; {said}"))


def test_a_video_of_which_nothing_can_be_read(folder, table):
    film = folder / "film.mp4"
    film.write_bytes(FILM.read_bytes()[:1000])
    status, words = run(folder, FRAMES, film=use_film(folder, film))
    assert status == 1
    assert "copy the film again" in words
    table.append(("a film's first 1,000 bytes", status, quote(words, "cannot be opened as a film")))


def test_a_folder_of_images_of_which_some_are_broken(folder, table):
    images = folder / "images"
    images.mkdir()
    jpegs = [
        cv2.imencode(".jpg", films_in_code.draw_scene(seed, (320, 288)))[1].tobytes()
        for seed in range(20)
    ]
    for number in range(2000):
        jpeg = jpegs[number % 20]
        is_broken = number % 20 == 7
        (images / f"{number:04d}.jpg").write_bytes(jpeg[:100] if is_broken else jpeg)
    status, words = run(folder, FRAMES, film=use_film(folder, images))
    assert status == 0, words
    reasons = pd.read_parquet(folder / FRAMES)["reason"].value_counts()
    assert (len(pd.read_parquet(folder / FRAMES)), reasons["unreadable"]) == (2000, 100)
    table.append(("2,000 images, 100 broken", status, "2,000 rows, 100 of them unreadable"))


def test_a_file_that_vanishes_between_two_phases(folder, table):
    assert run(folder, FRAMES)[0] == 0
    images = folder / "results/short/extract_frames/images"
    sorted(images.glob("*.jpg"))[0].unlink()
    shard = "results/short/segment_instances/01of02.parquet"
    status, words = run(folder, shard)
    assert status == 1
    said = quote(words, "An earlier phase left this file, and it is gone")
    table.append(("an image vanishes between two phases", status, said))
    shutil.rmtree(images)
    assert run(folder, "results/short/extract_frames/images")[0] == 0
    assert list(images.glob("*.jpg"))


def test_two_runs_in_one_folder(folder, table):
    first = subprocess.Popen(command(FRAMES), cwd=folder, stderr=subprocess.DEVNULL)
    while first.poll() is None and not list(folder.glob(".snakemake/locks/*")):
        time.sleep(0.1)
    first.send_signal(signal.SIGSTOP)  # or it might be done before the other has begun
    status, words = run(folder, FRAMES)
    first.send_signal(signal.SIGCONT)
    assert status == 1
    assert "--unlock" in words
    said = quote(words, "Directory cannot be locked")
    table.append(("two runs in one folder: the second", status, said))
    assert first.wait() == 0
