"""Woven frames are made whole; what is whole stays as it is."""

import av
import numpy as np
import pytest

from tests.factories.films_in_code import draw_scene, make_frame, pan, telecine, weave
from workflow_scripts.film.decoding.fields import measure_combing
from workflow_scripts.film.decoding.mending import Timed, mend_fields
from workflow_scripts.film.decoding.yuv import view_planes

SIZE = (320, 192)
MOMENTS = pan(1, 80, 3, SIZE)


def as_film(images, rate=25, pix_fmt="yuv420p"):
    for number, image in enumerate(images):
        frame = make_frame(image, number / rate).reformat(format=pix_fmt)
        yield Timed(number / rate, frame, number == 3)


def mend(images, order="tff", **how):
    return list(mend_fields(as_film(images, **how), order))


def luma_of(frame):
    return view_planes(frame)[0].astype(int)


@pytest.mark.parametrize(("order", "first_row"), [("tff", 0), ("bff", 1)])
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv420p10le"])
def test_interlaced_video_is_deinterlaced(order, first_row, pix_fmt):
    woven = weave(MOMENTS, first_row)
    mended = mend(woven, order, pix_fmt=pix_fmt)
    assert [each.time_s for each in mended] == [number / 25 for number in range(40)]
    assert {each.fields for each in mended[2:-2]} == {"deinterlaced"}
    assert [each.is_damaged for each in mended] == [number == 3 for number in range(40)]
    before = [measure_combing(view_planes(each.frame)[0]) for each in as_film(woven)]
    after = [view_planes(each.frame)[0] for each in mended]
    assert np.mean([measure_combing(luma) for luma in after]) < 0.1 * np.mean(before)
    wanted = [luma_of(each.frame) for each in as_film(MOMENTS[::2])]
    errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(after, wanted, strict=True)]
    assert np.mean(errors[2:-2]) < 6


def test_telecined_film_gets_its_frames_back():
    film = MOMENTS[:40]
    mended = mend(telecine(film))
    assert len(mended) == 50
    assert {each.fields for each in mended} == {"", "matched"}
    lumas = [luma_of(each.frame) for each in as_film(film)]
    nearest = [
        min(np.abs(luma_of(each.frame) - luma).mean() for luma in lumas) for each in mended[2:-2]
    ]
    assert max(nearest) < 0.5  # every frame is one that was filmed


@pytest.mark.parametrize(
    "images",
    [MOMENTS[:30], [draw_scene(1, SIZE)] * 30],
    ids=["film", "a still"],
)
def test_frames_of_one_moment_pass_untouched(images):
    mended = mend(images)
    assert len(mended) == 30
    assert {each.fields for each in mended} == {""}
    assert all(
        np.array_equal(luma_of(a.frame), luma_of(b.frame))
        for a, b in zip(mended, as_film(images), strict=True)
    )


def test_each_shot_of_a_mixed_film_gets_what_it_needs():
    mended = mend(MOMENTS[:40] + weave(pan(2, 80, 3, SIZE)))
    fields = [each.fields for each in mended]
    assert set(fields[:30]) == {""}
    assert set(fields[42:-2]) == {"deinterlaced"}


def test_a_film_that_changes_its_size_loses_no_frame():
    images = weave(MOMENTS[:24]) + weave(pan(2, 24, 3, (160, 96)))
    mended = mend(images)
    assert [each.frame.width for each in mended] == [320] * 12 + [160] * 12
    assert [each.time_s for each in mended] == [number / 25 for number in range(24)]


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_few_frames(count):
    assert len(mend(MOMENTS[:count])) == count
    assert isinstance(mend(MOMENTS[:1])[0].frame, av.VideoFrame)
