"""Which stream of a file is the film, and how long it promises to be."""

from types import SimpleNamespace

import av
import numpy as np
import pytest

from tests.factories.films_in_code import (
    draw_scene,
    make_frame,
    moving_shot,
    open_video,
    write_film,
    write_streams,
)
from workflow_scripts.film.decoding.streams import find_stream, open_container
from workflow_scripts.film.decoding.video import Film
from workflow_scripts.lib.errors import CineloraError

FILM = moving_shot(1, 48, (320, 192))
SMALL = moving_shot(2, 48, (160, 96))
COVER = [draw_scene(3, (640, 640))]
DEFAULT = int(av.stream.Disposition.default)


@pytest.mark.parametrize(
    "streams",
    [
        [(FILM, 24, 0)],
        [(SMALL, 24, 0), (FILM, 24, 0)],
        [(SMALL, 24, DEFAULT), (FILM, 24, DEFAULT)],
        [(SMALL, 24, DEFAULT), (FILM, 24, 0)],
        [(moving_shot(2, 48, (480, 288)), 24, 0), (FILM, 24, DEFAULT)],
        [(COVER, 24, 0), (FILM, 24, 0)],
        [(COVER, 24, DEFAULT), (FILM, 24, DEFAULT)],
        [(FILM, 24, 0), (COVER, 24, 0)],
        [(moving_shot(2, 3, (640, 384)), 1, DEFAULT), (FILM, 24, DEFAULT)],
    ],
    ids=[
        "one",
        "a thumbnail stream first",
        "all are called default",
        "the thumbnails are called default",
        "a larger one that is not the default",
        "a cover that nothing marks",
        "a cover that is called default",
        "a cover behind it",
        "stills once a second",
    ],
)
@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_the_stream_that_is_the_film(tmp_path, streams, suffix):
    path = write_streams(tmp_path / f"film{suffix}", streams)
    with Film(path) as film:
        assert (film.stream.width, film.stream.height) == (320, 192)
        assert len(list(film)) == 48
        assert film.problems == []


@pytest.mark.parametrize("kind", ["attached_pic", "timed_thumbnails", "still_image"])
def test_a_marked_cover_is_no_film(tmp_path, kind):
    path = write_film(tmp_path / "cover.mp4", COVER)
    with open_container(path) as container:
        container.streams.video[0].disposition = av.stream.Disposition[kind]
        with pytest.raises(CineloraError, match=r"holds no video \(it holds: video\)"):
            find_stream(container, path)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_sound_that_goes_on_is_no_film_broken_off(tmp_path, suffix):
    path = tmp_path / f"film{suffix}"
    with av.open(str(path), "w") as container:
        video = open_video(container, FILM[0])
        audio = container.add_stream("aac", rate=44100, layout="mono")
        for number, image in enumerate(FILM):
            container.mux(video.encode(make_frame(image, number / 24)))
        container.mux(video.encode())
        for second in range(6):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 44100), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 44100, 44100 * second
            container.mux(audio.encode(frame))
        container.mux(audio.encode())
    with Film(path) as film:
        assert len(list(film)) == 48
        assert film.problems == []


def test_a_format_that_ffmpeg_does_not_know(tmp_path):
    data = write_film(tmp_path / "film.mp4", FILM[:12]).read_bytes()
    path = tmp_path / "unknown.mp4"
    path.write_bytes(data.replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    with pytest.raises(CineloraError, match="format that this FFmpeg does not know"):
        Film(path)


def test_a_title_that_is_not_utf_8(tmp_path):
    path = tmp_path / "film.avi"
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Die Voegel"
        stream = open_video(container, FILM[0])
        container.mux(stream.encode(make_frame(FILM[0], 0)))
        container.mux(stream.encode())
    path.write_bytes(path.read_bytes().replace(b"Die Voegel", b"Die V\xf6gel."))
    with Film(path) as film:
        assert len(list(film)) == 1


def test_of_streams_without_a_size_one_is_taken(tmp_path):
    path = write_streams(tmp_path / "film.mp4", [(SMALL, 24, 0), (SMALL, 24, DEFAULT)])
    known = {"codec_context": 1, "width": None, "height": 0}
    streams = [
        SimpleNamespace(index=index, disposition=av.stream.Disposition(mark), **known)
        for index, mark in enumerate((0, DEFAULT))
    ]
    container = SimpleNamespace(streams=SimpleNamespace(video=streams))
    assert find_stream(container, path) is streams[1]
