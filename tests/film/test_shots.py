"""Cuts, fades and dissolves in films made in code."""

import cv2
import numpy as np
import pytest

from tests.factories.films_in_code import draw_scene, moving_shot, pan
from workflow_scripts.film.decoding.features import extract_features, score_change
from workflow_scripts.film.decoding.folder_pass import glance_at
from workflow_scripts.film.decoding.shots import ShotFinder

MIN_CHANGE = 22.0


def find_shots(images, rate=24):
    """The shot finder after it saw images (RGB), so many a second."""
    finder = ShotFinder(MIN_CHANGE)
    for number, image in enumerate(images):
        finder.push(number / rate, glance_at(image))
    finder.finish()
    return finder


def list_boundaries(images, rate=24):
    return [(b.frame_no, b.transition) for b in find_shots(images, rate).list_boundaries()]


def mark_fades(images):
    return np.flatnonzero(find_shots(images).mark_fades()).tolist()


def show_at(images, rate):
    """What is shown of images made for 24 a second, at another rate."""
    count = round(len(images) * rate / 24)
    return [images[min(len(images) - 1, int(number * 24 / rate + 1e-6))] for number in range(count)]


def dim(image, share):
    return (image * share).astype(np.uint8)


def mix(one, other, share):
    return (one * (1.0 - share) + other * share).astype(np.uint8)


def on_threes(images):
    return [image for image in images[::3] for _ in range(3)]


FLASH = np.full((96, 160, 3), 250, np.uint8)
BLACK = np.zeros((96, 160, 3), np.uint8)


@pytest.mark.parametrize(
    ("images", "cuts"),
    [
        (moving_shot(1, 40), []),
        (moving_shot(1, 20) + moving_shot(2, 20), [20]),
        (moving_shot(1, 3) + moving_shot(2, 9), [3]),
        (moving_shot(1, 9) + moving_shot(2, 2), [9]),
        (on_threes(moving_shot(1, 30) + moving_shot(2, 30)), [30]),
        ([dim(i, 0.2) for i in moving_shot(1, 20) + moving_shot(2, 20)], [20]),
        (moving_shot(1, 12) + [FLASH] + moving_shot(1, 12), []),
        (moving_shot(1, 12) + [FLASH] * 2 + moving_shot(1, 12), []),
        ([draw_scene(1)], []),
        ([draw_scene(1), draw_scene(2)], [1]),
    ],
    ids=[
        "one shot",
        "a cut",
        "a cut right after the start",
        "a cut right before the end",
        "drawings held for three frames",
        "dark shots",
        "a flash of one frame",
        "a flash of two frames",
        "one frame",
        "two frames",
    ],
)
def test_cuts(images, cuts):
    assert list_boundaries(images) == [(0, "start"), *((cut, "cut") for cut in cuts)]


def test_a_jump_within_one_view_shows_where_nothing_else_moves():
    near = draw_scene(1)[3:-3, 6:-6]
    closer = cv2.resize(near, (160, 96), interpolation=cv2.INTER_AREA)
    images = [draw_scene(1)] * 12 + [closer] * 12
    score = score_change(*[glance_at(image) for image in (draw_scene(1), closer)])
    assert MIN_CHANGE * 0.6 < score < MIN_CHANGE
    assert list_boundaries(images) == [(0, "start"), (12, "cut")]


def test_a_cut_is_told_before_the_frames_after_it_are_sampled():
    finder = ShotFinder(MIN_CHANGE)
    told = {}
    for number, image in enumerate(moving_shot(1, 20) + moving_shot(2, 20)):
        features = extract_features([image[..., 0], *[image[::2, ::2, 1]] * 2], full_range=True)
        for boundary in finder.push(number / 24, features):
            told[boundary.frame_no] = number
            assert finder.settled <= 21
    assert told == {20: 25}


def test_violent_motion_after_a_cut_does_not_hide_it():
    after = [np.roll(draw_scene(2), 5 * number, axis=1) for number in range(15)]
    assert (15, "cut") in list_boundaries(moving_shot(1, 15) + after)


@pytest.mark.parametrize("color", [(250, 240, 235), (10, 12, 20)], ids=["light", "dark"])
def test_somebody_who_passes_before_the_camera_is_no_cut(color):
    reaches = [8, 24, 75, 120, 110, 104, 100]  # px that are covered, from the left
    images = [draw_scene(1) for _ in range(20 + len(reaches))]
    for image, reach in zip(images[12:], reaches, strict=False):
        image[:70, :reach] = color
    assert list_boundaries(images) == [(0, "start")]


@pytest.mark.parametrize("rate", [12, 24, 25, 30, 50, 60, 120])
@pytest.mark.parametrize("length_s", [0.3, 0.5, 1.0, 2.0, 3.0])
def test_dissolve(length_s, rate):
    one, other = draw_scene(1), draw_scene(2)
    shares = np.clip((np.arange(round((8 + length_s) * rate)) / rate - 4) / length_s, 0, 1)
    finder = find_shots([mix(one, other, share) for share in shares], rate)
    (_, boundary) = finder.list_boundaries()
    close = 2 * max(1 / rate, 1 / 32)  # some 30 frames a second are looked at
    assert boundary.transition == "dissolve"
    assert boundary.frame_no / rate == pytest.approx(4 + length_s / 2, abs=close)
    marked = np.flatnonzero(finder.mark_dissolves()) / rate
    assert marked[0] == pytest.approx(4 + 0.05 * length_s, abs=close)
    assert marked[-1] == pytest.approx(4 + 0.95 * length_s, abs=close)


@pytest.mark.parametrize("length", [12, 24])
def test_a_dissolve_between_moving_shots(length):
    one, other = pan(11, 130, 0.7), pan(31, 130, 0.7)
    shares = np.clip((np.arange(130) - 50) / length, 0, 1)
    images = [mix(a, b, share) for a, b, share in zip(one, other, shares, strict=True)]
    (_, (frame_no, transition)) = list_boundaries(images)
    assert transition == "dissolve"
    assert 50 <= frame_no <= 50 + length


def test_a_dissolve_then_a_cut():
    one, two, three = draw_scene(1), draw_scene(2), draw_scene(3)
    blend = [mix(one, two, (k + 1) / 13) for k in range(12)]
    found = list_boundaries([one] * 40 + blend + [two] * 5 + [three] * 40)
    assert [transition for _, transition in found] == ["start", "dissolve", "cut"]
    assert found[1][0] == pytest.approx(46, abs=2)
    assert found[2][0] == 57


FILM_OF_SHOTS = (
    on_threes(moving_shot(1, 48) + moving_shot(2, 24) + moving_shot(3, 36))
    + [mix(draw_scene(3, shift=72), draw_scene(4), (k + 1) / 13) for k in range(12)]
    + on_threes(moving_shot(4, 48))
)


@pytest.mark.parametrize("rate", [24, 25, 30, 48, 50, 60, 120, 240])
def test_a_film_has_the_same_shots_at_every_rate(rate):
    finder = find_shots(show_at(FILM_OF_SHOTS, rate), rate)
    found = [(b.frame_no / rate, b.transition) for b in finder.list_boundaries()]
    assert [transition for _, transition in found] == ["start", "cut", "cut", "dissolve"]
    times_s = [time_s for time_s, _ in found]
    assert times_s[:3] == pytest.approx([0, 2, 3], abs=1 / rate)
    assert times_s[3] == pytest.approx(4.75, abs=0.1)


@pytest.mark.parametrize("speed", [0.3, 1, 2, 4, 7])
def test_a_pan_is_no_dissolve(speed):
    assert list_boundaries(pan(5, 150, speed)) == [(0, "start")]


def test_fade_out_then_in():
    one, other = draw_scene(1), draw_scene(2)
    out = [dim(one, 1 - (k + 1) / 12) for k in range(12)]  # the last one is black
    into = [dim(other, (k + 1) / 12) for k in range(11)]
    images = [one] * 30 + out + [BLACK] * 6 + into + [other] * 30
    assert [b for b in list_boundaries(images) if b[1] != "start"][0][1] == "fade"
    assert len(list_boundaries(images)) == 2
    assert mark_fades(images) == list(range(30, 59))


def test_fade_on_threes_ends_in_a_cut():
    one, other = draw_scene(1), draw_scene(2)
    out = [dim(one, 1 - (k // 3 + 1) / 6) for k in range(18)]
    images = [one] * 30 + out + [other] * 30
    assert list_boundaries(images) == [(0, "start"), (48, "fade")]
    assert mark_fades(images) == list(range(30, 48))


@pytest.mark.parametrize(
    "images",
    [
        moving_shot(1, 30),
        [BLACK] * 30,
        [draw_scene(1)] * 20 + [BLACK] * 10,
        [draw_scene(1)] * 12 + [BLACK] * 4 + [draw_scene(2)] * 12,
    ],
    ids=["a lit shot", "nothing but black", "a cut to black", "black between two cuts"],
)
def test_no_fade(images):
    assert mark_fades(images) == []


@pytest.mark.parametrize("rate", [24, 60])
@pytest.mark.parametrize("black", [0, 14])
@pytest.mark.parametrize("length_s", [0.5, 1, 2, 3])
def test_a_fade_in_after_black_is_no_dissolve(length_s, black, rate):
    count = round((5 + length_s) * rate)
    bright = pan(1, count, 40 / rate)
    shares = np.clip((np.arange(count) / rate - 1) / length_s, 0, 1)
    images = [np.maximum(dim(i, s), black) for i, s in zip(bright, shares, strict=True)]
    finder = find_shots(images, rate)
    assert [b.transition for b in finder.list_boundaries()] == ["start", "fade"]
    assert not finder.mark_dissolves().any()
    marked = np.flatnonzero(finder.mark_fades())
    assert marked[-1] / rate == pytest.approx(1 + length_s, abs=0.1)


@pytest.mark.parametrize("rate", [24, 60])
@pytest.mark.parametrize(
    ("fade_s", "white_s", "faded_s"),
    [(0.5, 0.5, 1.5), (1.0, 0.1, 2.1), (0, 0.5, 0), (0, 0.1, 0), (2, 1, 5)],
    ids=["slow", "without a pause", "sudden", "a flash between", "very slow"],
)
@pytest.mark.parametrize("other", [1, 2], ids=["back to the same", "to another shot"])
def test_a_white_out_counts_once(other, fade_s, white_s, faded_s, rate):
    at = np.arange(round((6 + 2 * fade_s + white_s) * rate)) / rate
    back_s = 3 + fade_s + white_s
    first, then, white = draw_scene(1), draw_scene(other), np.full((96, 160, 3), 255)
    shares = np.where(at < 3 + fade_s, (at - 3) / max(fade_s, 1e-6), 1)
    shares = np.where(at >= back_s, 1 - (at - back_s + 1e-6) / max(fade_s, 1e-6), shares)
    images = [
        mix(first if now < back_s else then, white, np.clip(share, 0, 1))
        for now, share in zip(at, shares, strict=True)
    ]
    finder = find_shots(images, rate)
    found = [(b.transition, b.frame_no / rate) for b in finder.list_boundaries()]
    assert [transition for transition, _ in found] == ["start", "fade"][:other]
    if other == 2:
        assert back_s - 0.05 <= found[1][1] <= back_s + 0.2 * fade_s + 0.05
    assert finder.mark_fades().sum() / rate == pytest.approx(faded_s, abs=0.15)


def test_ten_bits_give_the_glimpse_of_eight():
    image = draw_scene(1)
    planes = [image[..., 0], image[::2, ::2, 1], image[::2, ::2, 2]]
    deep = [plane.astype(np.uint16) << 2 for plane in planes]
    eight, ten = (
        extract_features(planes, full_range=False),
        extract_features(deep, full_range=False, bits=10),
    )
    assert np.abs(eight.luma - ten.luma).max() < 2
    assert abs(eight.mean - ten.mean) < 1
