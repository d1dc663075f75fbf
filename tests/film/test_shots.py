"""Cuts, fades and dissolves in films made in code."""

import cv2
import numpy as np
import pytest

from tests.factories.films_in_code import draw_scene, moving_shot
from workflow_scripts.film.decoding.folder_pass import glance_at
from workflow_scripts.film.decoding.shots import (
    ShotFinder,
    extract_features,
    find_fades,
    score_change,
)

MIN_CHANGE = 22.0


def find_shots(images):
    """The shot finder after it saw images (RGB)."""
    finder = ShotFinder(MIN_CHANGE)
    for image in images:
        finder.push(glance_at(image))
    finder.finish()
    return finder


def list_boundaries(images):
    return [(b.frame_no, b.transition) for b in find_shots(images).boundaries]


def mark_fades(images):
    finder = find_shots(images)
    starts = [boundary.frame_no for boundary in finder.boundaries]
    fades = find_fades(np.array(finder.means), np.array(finder.spreads), starts)
    return np.flatnonzero(fades).tolist()


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
        boundary = finder.push(
            extract_features([image[..., 0], *[image[::2, ::2, 1]] * 2], full_range=True)
        )
        if boundary:
            told[boundary.frame_no] = number
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


@pytest.mark.parametrize("length", [12, 24, 40])
def test_dissolve(length):
    one, other = draw_scene(1), draw_scene(2)
    blend = [mix(one, other, (k + 1) / (length + 1)) for k in range(length)]
    images = [one] * 30 + blend + [other] * 30
    (_, (frame_no, transition)) = list_boundaries(images)
    assert transition == "dissolve"
    assert abs(frame_no - (30 + length / 2)) <= 10


def test_a_pan_is_no_dissolve():
    wide = draw_scene(5, (480, 96))
    images = [np.ascontiguousarray(wide[:, 4 * k : 4 * k + 160]) for k in range(75)]
    assert list_boundaries(images) == [(0, "start")]


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
