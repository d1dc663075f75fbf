"""Reading films: times, damage, and files that are none."""

from fractions import Fraction

import av
import numpy as np
import pytest

from tests.factories.films_in_code import (
    draw_scene,
    make_frame,
    moving_shot,
    open_video,
    write_film,
)
from workflow_scripts.film.decoding.video import Clock, Film
from workflow_scripts.lib.errors import CineloraError

SIZE = (320, 192)


@pytest.fixture(scope="module")
def streamed(tmp_path_factory):
    """Eight shots of a second each in a file that can be cut off or damaged anywhere."""
    images = [image for seed in range(8) for image in moving_shot(seed, 24, SIZE)]
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    return write_film(path, images, options={"crf": "14", "g": "12"})


def read_times(path):
    with Film(path) as film:
        return [time_s for time_s, _ in film], film.problems


@pytest.mark.parametrize(
    ("stamps", "times_s", "jumps"),
    [
        ([0, 0.1, 0.3], [0, 0.1, 0.3], 0),
        ([1.4, 1.5, 1.7], [0, 0.1, 0.3], 0),
        ([None, None, None], [0, 0.1, 0.2], 0),
        ([0, None, 0.2], [0, 0.1, 0.2], 0),
        ([5, 5.1, 0, 0.1], [0, 0.1, 0.2, 0.3], 1),
        ([0, 0, 0.2], [0, 0.001, 0.2], 0),
        ([-0.2, -0.1, 0], [0, 0.1, 0.2], 0),
        ([0, 0.3, 0.2, 0.4], [0, 0.3, 0.301, 0.4], 0),
    ],
    ids=[
        "plain",
        "a late start",
        "no stamps",
        "one missing",
        "set back",
        "twice the same",
        "before zero",
        "out of order",
    ],
)
def test_clock(stamps, times_s, jumps):
    clock = Clock(None, rate=10)
    assert [clock.read(stamp) for stamp in stamps] == pytest.approx(times_s)
    assert clock.jumps == jumps


@pytest.mark.parametrize(
    ("start_s", "stamps", "times_s"),
    [
        (1.4, [2.0, 2.1], [0.6, 0.7]),
        (0.0, [-0.1, 0.0], [0, 0.1]),
        (0.5, [None, 0.7], [0, 0.2]),
    ],
    ids=["the first frames are lost", "earlier than the file says", "the first has no stamp"],
)
def test_a_clock_that_knows_its_start(start_s, stamps, times_s):
    clock = Clock(start_s, rate=10)
    assert [clock.read(stamp) for stamp in stamps] == pytest.approx(times_s)


def test_times_are_those_of_the_stream(tmp_path):
    wanted = [0, 0.05, 0.5, 0.52, 2.0]
    path = write_film(tmp_path / "vfr.mkv", moving_shot(1, 5), times_s=wanted)
    times_s, problems = read_times(path)
    assert times_s == pytest.approx(wanted, abs=0.002)
    assert problems == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no film"),
        (b"", r"is empty \(0 bytes\)"),
        (b"I am a text file.\n" * 100, "cannot be opened as a film"),
    ],
    ids=["missing", "empty", "text"],
)
def test_files_that_are_no_films(tmp_path, content, message):
    path = tmp_path / "film.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CineloraError, match=message):
        Film(path)


def test_a_film_without_its_index(tmp_path):
    whole = write_film(tmp_path / "whole.mp4", moving_shot(1, 30)).read_bytes()
    path = tmp_path / "half.mp4"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CineloraError, match="lacks its index"):
        Film(path)


def test_sound_only(tmp_path):
    path = tmp_path / "sound.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 44100), np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate = 44100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(CineloraError, match=r"holds no video \(it holds: audio\)"):
        Film(path)


def test_a_film_broken_off_keeps_what_can_be_read(streamed, tmp_path):
    data = streamed.read_bytes()
    path = tmp_path / "short.mkv"
    path.write_bytes(data[: len(data) * 6 // 10])
    times_s, problems = read_times(path)
    assert 3 < times_s[-1] < 6
    assert [problem.problem for problem in problems][-1] == "the film ends here, but promises 8.0 s"
    assert problems[-1].time_s == times_s[-1]


def test_damage_in_the_middle_is_noted_with_its_time(streamed, tmp_path):
    data = bytearray(streamed.read_bytes())
    middle = len(data) // 2
    noise = np.random.default_rng(0).integers(0, 256, 12_000, np.uint8)
    data[middle : middle + len(noise)] = noise.tobytes()
    path = tmp_path / "damaged.mkv"
    path.write_bytes(data)
    times_s, problems = read_times(path)
    assert len(times_s) > 120
    assert times_s[-1] > 7.9
    assert problems
    assert all(2 < problem.time_s < 6 for problem in problems)


def test_two_films_in_one_file(tmp_path):
    data = write_film(tmp_path / "one.ts", moving_shot(1, 24, SIZE)).read_bytes()
    path = tmp_path / "two.ts"
    path.write_bytes(data + data)
    times_s, problems = read_times(path)
    assert np.diff(times_s).min() > 0
    assert times_s[-1] == pytest.approx(47 / 24, abs=0.01)
    assert "set back" in problems[0].problem


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("b_frames.avi", "libx264", {"crf": "14", "bf": "3", "b_strategy": "0"}),
        ("b_frames_mpeg4.avi", "mpeg4", {"q": "3", "bf": "2"}),
        ("plain.avi", "mjpeg", {"q": "3"}),
        ("b_frames.mkv", "libx264", {"crf": "14", "bf": "3"}),
        ("b_frames.flv", "libx264", {"crf": "14", "bf": "3"}),
        ("stream.ts", "libx264", {"crf": "14", "bf": "3"}),
    ],
)
def test_times_of_many_containers(tmp_path, name, codec, options):
    images = moving_shot(1, 72, SIZE)
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    path = write_film(tmp_path / name, images, codec=codec, options=options, pix_fmt=pix_fmt)
    times_s, problems = read_times(path)
    assert times_s == pytest.approx(np.arange(72) / 24, abs=0.002)
    assert problems == []


@pytest.mark.parametrize("start_s", [10.0, -3.0, 3600.0])
@pytest.mark.parametrize("name", ["film.mkv", "film.ts"])
def test_a_film_that_does_not_start_at_zero_ends_where_it_ends(tmp_path, name, start_s):
    if start_s < 0 and name.endswith("mkv"):
        start_s = -start_s / 10  # Matroska has no times before zero
    wanted = np.arange(48) / 24
    images = moving_shot(1, 48, SIZE)
    path = write_film(tmp_path / name, images, times_s=(wanted + start_s).tolist())
    times_s, problems = read_times(path)
    assert times_s == pytest.approx(wanted, abs=0.002)
    assert problems == []


def test_frames_from_a_keyframe_on(streamed):
    with Film(streamed) as film:
        stamp = round(3 / film.stream.time_base)
        step = round(1 / 24 / film.stream.time_base)
        rows = [film.read_at(stamp, count) for count in (1, 5, 1)]
        rest = sum(1 for _ in film)
    assert [len(frames) for frames in rows] == [1, 5, 1]
    assert [frames[0].pts for frames in rows] == pytest.approx([stamp] * 3, abs=step / 4)
    assert rows[1][4].pts == pytest.approx(stamp + 4 * step, abs=step / 4)
    assert rest > 100


def test_pixels_of_no_sensible_shape_are_square(tmp_path):
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = open_video(container, draw_scene(1))
        stream.codec_context.sample_aspect_ratio = Fraction(1, 100)
        container.mux(stream.encode(make_frame(draw_scene(1), 0)))
        container.mux(stream.encode())
    with Film(path) as film:
        assert len(list(film)) == 1
        assert film.shape.stretch == 1
        assert "taken for square" in film.problems[0].problem


def test_one_frame(tmp_path):
    path = write_film(tmp_path / "one.mp4", [draw_scene(1)])
    assert read_times(path) == ([0.0], [])
