"""What frames of a film take in memory is told by its header; too much is refused."""

import os
import struct
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.factories.films_in_code import moving_shot, write_film
from workflow_scripts.film.decoding import footprint
from workflow_scripts.film.decoding.footage import Sampling
from workflow_scripts.film.decoding.footprint import (
    BASE_MB,
    FrameStore,
    ask_memory_mb,
    find_memory_mb,
)
from workflow_scripts.film.decoding.video_pass import read_video
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.resources import grow, grow_with_film

SMALL = (320, 192)
SAMPLING = Sampling(6, 3, 22, 6, crop_bars=True)


def write_huge(path, side):
    """A GIF of a few hundred bytes whose header says that it is `side` pixels wide and high."""
    data = bytearray(
        write_film(path, moving_shot(1, 4, SMALL), codec="gif", pix_fmt="rgb8").read_bytes()
    )
    data[6:10] = struct.pack("<HH", side, side)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("size", "pix_fmt", "rate", "measured_mb"),
    [
        ((3840, 2160), "yuv420p", 24, 403),
        ((3840, 2160), "yuv420p", 60, 568),
        ((3840, 2160), "yuv420p", 120, 750),
        ((3840, 2160), "yuv444p", 24, 598),
        ((3840, 2160), "rgb24", 24, 486),
        ((7680, 4320), "yuv420p", 24, 1194),
        ((7680, 4320), "yuv420p10le", 24, 2077),
    ],
)
def test_what_films_took_is_foreseen_and_not_much_more(size, pix_fmt, rate, measured_mb):
    asked_mb = FrameStore(size, pix_fmt, rate).predict_mb(frames_per_shot=3)
    assert measured_mb < asked_mb < 2 * measured_mb + BASE_MB


def test_more_images_of_a_shot_ask_for_more():
    store = FrameStore((1000, 1000), "yuv420p", 24)
    frame_mb = 1.5e6 / 2**20
    more_mb = store.predict_mb(23) - store.predict_mb(3)
    assert more_mb == pytest.approx(5 * 20 * frame_mb, abs=1)


def test_a_header_that_says_nothing_sensible_asks_for_little():
    assert FrameStore((0, 0), "", 4e9).predict_mb(3) == BASE_MB


def test_a_huge_film_is_refused_before_it_is_decoded(tmp_path):
    path = write_huge(tmp_path / "film.gif", 16_000)
    with pytest.raises(CineloraError, match="frames of 16000x16000 pixels .* Make it smaller"):
        read_video(path, tmp_path / "images", SAMPLING)
    assert not (tmp_path / "images").exists()


def test_frames_that_grow_half_way_are_refused_too(tmp_path, monkeypatch):
    small = write_film(tmp_path / "small.h264", moving_shot(1, 24))
    large = write_film(tmp_path / "large.h264", moving_shot(2, 24, SMALL))
    both = tmp_path / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    there_mb = FrameStore((160, 96), "yuv420p", 24).predict_mb(3)
    monkeypatch.setattr(footprint, "find_memory_mb", lambda: there_mb)
    with pytest.raises(CineloraError, match=rf"320x192 .* there are {there_mb} MB"):
        read_video(both, tmp_path / "images", SAMPLING)


def test_memory_is_what_the_process_may_have(monkeypatch, tmp_path):
    found_mb = find_memory_mb()
    assert found_mb > BASE_MB
    monkeypatch.setattr(footprint, "CGROUPS", tmp_path)
    for text, expected_mb in {"max\n": found_mb, f"{300 << 20}\n": 300}.items():
        (tmp_path / "memory.max").write_text(text, encoding="utf-8")
        assert min(find_memory_mb(), found_mb) == expected_mb


@pytest.mark.parametrize(
    ("own", "file"),
    [
        ("0::/slurm/job_1/step_0\n", "slurm/job_1/memory.max"),
        ("3:cpu:/\n2:cpuset,memory:/job_1\n0::/\n", "memory/job_1/memory.limit_in_bytes"),
        ("2:memory:/docker/1\n", "memory/memory.limit_in_bytes"),  # its own root alone is seen
    ],
    ids=["a group around it", "version 1", "version 1 in a container"],
)
def test_memory_is_what_a_batch_systems_job_may_have(monkeypatch, tmp_path, own, file):
    monkeypatch.setattr(footprint, "CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(footprint, "OWN_CGROUPS", tmp_path / "own")
    footprint.OWN_CGROUPS.write_text(own, encoding="utf-8")
    limit = footprint.CGROUPS / file
    limit.parent.mkdir(parents=True)
    limit.write_text(f"{300 << 20}\n", encoding="utf-8")
    assert find_memory_mb() == 300


def test_the_scheduler_is_asked_for_what_headers_say(tmp_path):
    film = write_film(tmp_path / "film.mp4", moving_shot(1, 4, SMALL))
    assert ask_memory_mb(film, 3) == FrameStore(SMALL, "yuv420p", 24).predict_mb(3)
    folder = tmp_path / "folder"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), np.zeros((2000, 3000, 3), np.uint8))
    (folder / "2.png").write_bytes(b"no image")
    assert ask_memory_mb(folder, 3) == BASE_MB + 257  # 45 bytes a pixel
    large = grow_with_film(2000, 3)
    inputs = SimpleNamespace(film=str(film))
    assert large(None, inputs, attempt=2) == grow(2000)(None, 2)


def test_of_what_cannot_be_read_nothing_is_asked(tmp_path):
    (tmp_path / "text.mp4").write_text("no film", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe.mp4")
    huge = write_huge(tmp_path / "film.gif", 16_000)
    paths = [tmp_path / "text.mp4", tmp_path / "pipe.mp4", tmp_path / "gone.mp4", huge]
    assert [ask_memory_mb(path, 3) for path in paths] == [0, 0, 0, 0]
