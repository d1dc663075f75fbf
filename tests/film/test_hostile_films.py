"""Films that lie, that lead elsewhere, that are no files, that change while they are read."""

import os
import shutil
from pathlib import Path

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.films_in_code import moving_shot, write_film
from workflow_scripts.film import extract_frames
from workflow_scripts.film.decoding.streams import in_plain_words, open_container
from workflow_scripts.film.decoding.video import Film
from workflow_scripts.lib.errors import CineloraError, format_error
from workflow_scripts.lib.images import read_rgb

SAMPLING = {"frames_per_second": 6, "frames_per_shot": 3, "min_cut_change": 22}
SAMPLING |= {"held_tolerance": 6, "crop_bars": True}
LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\nfilm.ts\n#EXT-X-ENDLIST\n",
    "live.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:2,\nfilm.ts\n",
    "list.ffconcat": "ffconcat version 1.0\nfile film.ts\n",
    "list.mp4": "ffconcat version 1.0\nfile film.ts\n",
    "list.sdp": "v=0\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\n",
    "text.txt": "\x1b[31mletters, which FFmpeg would draw\x1b[0m\n" * 50,
}


def extract(film, folder, max_unreadable=0.1):
    """Frames and what is in the images of a film."""
    paths = [str(folder / f"{name}.parquet") for name in ("frames", "shots", "problems")]
    images = folder / "images"
    extract_frames.main(
        str(film), *paths, str(images), sampling=SAMPLING, max_unreadable=max_unreadable
    )
    frames = pd.read_parquet(paths[0])
    return frames, [read_rgb(images / name) for name in frames["file"] if name]


@pytest.mark.parametrize("name", LISTS)
def test_no_other_file_is_opened_and_no_text_drawn(tmp_path, name):
    write_film(tmp_path / "film.ts", moving_shot(1, 24))
    (tmp_path / name).write_text(LISTS[name], encoding="utf-8")
    with pytest.raises(CineloraError, match="cannot be opened as a film"):
        open_container(tmp_path / name)


@pytest.mark.parametrize("name", ["http:film.mp4", "concat:a|b.mp4", "-film.mp4", "%03d.mp4"])
def test_a_name_is_a_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / "plain.mp4", moving_shot(1, 24)).rename(tmp_path / name)
    with Film(Path(name)) as film:
        assert len(list(film)) == 24


@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "broken link"])
def test_what_is_no_file_is_not_opened(tmp_path, kind):
    path = tmp_path / "film.mp4"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to({"device": "/dev/zero", "loop": path, "broken link": "gone"}[kind])
    words = "a link that leads nowhere" if kind in ("loop", "broken link") else "no file but a pipe"
    with pytest.raises(CineloraError, match=words):
        Film(path)


@pytest.mark.parametrize(
    "size",
    [(1, 1), (2, 1), (1, 2), (3, 3), (5, 3), (4, 4), (1, 120), (120, 1), (10, 1200)],
    ids=lambda size: "{}x{}".format(*size),
)
def test_the_smallest_frames_and_the_narrowest(tmp_path, size):
    width, height = size
    levels = [40, 40, 200, 200]
    noise = np.random.default_rng(1).integers(0, 3, (4, height, width, 3))
    images = [(level + grain).astype(np.uint8) for level, grain in zip(levels, noise, strict=True)]
    film = write_film(
        tmp_path / "x.avi", images * 6, pix_fmt="gray", codec="rawvideo", options={"x": ""}
    )
    frames, found = extract(film, tmp_path)
    assert set(frames["reason"]) <= {"", "held"}
    assert {image.shape for image in found} == {(height, width, 3)}
    assert {round(float(image.mean()) / 10) for image in found} <= {4, 20}
    assert frames["time_s"].is_monotonic_increasing


@pytest.mark.parametrize("size", [(1, 200), (3000, 2)])
def test_frames_that_are_no_images_are_refused(tmp_path, size):
    image = np.full((size[1], size[0], 3), 99, np.uint8)
    film = write_film(
        tmp_path / "x.avi", [image], pix_fmt="gray", codec="rawvideo", options={"x": ""}
    )
    with pytest.raises(CineloraError, match="cannot be used: frames of {}x{} pixels".format(*size)):
        extract(film, tmp_path)


def test_a_film_that_is_replaced_while_it_is_read(tmp_path, monkeypatch):
    film = write_film(tmp_path / "film.mp4", moving_shot(1, 24))
    other = write_film(tmp_path / "other.mp4", moving_shot(2, 48))
    read = extract_frames.read_footage

    def replace_then(*arguments):
        footage = read(*arguments)
        other.replace(film)
        return footage

    before, after = film.stat().st_size, other.stat().st_size
    monkeypatch.setattr(extract_frames, "read_footage", replace_then)
    with pytest.raises(
        CineloraError, match=f"changed while .*{before} bytes before, {after} bytes now"
    ):
        extract(film, tmp_path)


def test_images_of_any_size_get_an_image_or_a_reason(tmp_path):
    folder = tmp_path / "film"
    folder.mkdir()
    sizes = [(1, 1), (2, 3), (40, 40), (1, 120), (8, 900), (1, 5000), (5000, 1)]
    for number, (width, height) in enumerate(sizes):
        level = np.full((height, width, 3), 30 * (number + 1), np.uint8)
        for suffix in (".jpg", ".png"):
            cv2.imwrite(str(folder / f"{number}{suffix}"), level)
    frames, found = extract(folder, tmp_path, max_unreadable=0.5)
    assert frames["reason"].tolist() == ["", "held"] * 5 + ["unreadable"] * 4
    assert [image.shape for image in found] == [(height, width, 3) for width, height in sizes[:5]]
    levels = [round(float(image.mean())) for image in found]
    assert levels == pytest.approx([30, 60, 90, 120, 150], abs=2)
    problems = pd.read_parquet(tmp_path / "problems.parquet")["problem"]
    assert problems.str.contains("are a strip").sum() == 4


@pytest.mark.parametrize("change", ["gone", "new", "written"])
def test_a_folder_that_changes_while_it_is_read(tmp_path, change):
    folder = tmp_path / "film"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(b"x")
    before = extract_frames.identify(folder)
    if change == "gone":
        shutil.move(folder / "1.png", tmp_path)
    else:
        (folder / {"new": "3.png", "written": "1.png"}[change]).write_bytes(b"other")
    after = extract_frames.identify(folder)
    extract_frames.check_unchanged(folder, before, before)
    with pytest.raises(CineloraError, match=r"changed while it was read: 1 file\(s\)"):
        extract_frames.check_unchanged(folder, before, after)


def test_what_ffmpeg_raises_is_said_in_words_that_name_the_film():
    with (
        pytest.raises(
            CineloraError, match=r"a\.mkv cannot be read as a film \(Input/output error\)"
        ),
        in_plain_words(Path("a.mkv")),
    ):
        raise av.error.OSError(5, "Input/output error")
    with pytest.raises(MemoryError) as raised, in_plain_words(Path("a.mkv")):
        raise av.error.MemoryError(12, "Cannot allocate memory")
    assert "not enough memory" in format_error(raised.value)
