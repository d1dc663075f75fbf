"""Black bars around the image."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding.bars import BarFinder, find_crop, lights_bars


def framed(seed, top, bottom, left, right, black=0):
    luma = np.maximum(draw_scene(seed, (200, 120))[..., 1], 70)
    return cv2.copyMakeBorder(luma, top, bottom, left, right, cv2.BORDER_CONSTANT, value=black)


def noisy(luma, seed):
    noise = np.random.default_rng(seed).integers(-4, 5, luma.shape)
    return np.clip(luma.astype(int) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("bars", "crop"),
    [
        ((0, 0, 0, 0), (0, 0, 200, 120)),
        ((20, 20, 0, 0), (0, 20, 200, 120)),
        ((0, 0, 30, 30), (30, 0, 200, 120)),
        ((10, 24, 8, 8), (8, 10, 200, 120)),
        ((21, 21, 0, 0), (0, 22, 200, 118)),
    ],
    ids=["none", "letterbox", "pillarbox", "around", "odd: cut to even"],
)
@pytest.mark.parametrize("black", [0, 16], ids=["full range", "limited range"])
def test_bars(bars, crop, black):
    lumas = [noisy(framed(seed, *bars, black), seed) for seed in range(12)]
    assert find_crop(lumas, black) == crop


def test_black_frames_and_fades_say_nothing():
    lumas = [framed(seed, 20, 20, 0, 0) for seed in range(8)]
    lumas += [np.zeros((160, 200), np.uint8)] * 20
    assert find_crop(lumas) == (0, 20, 200, 120)


@pytest.mark.parametrize("every", [20, 2, 1], ids=["once", "half the time", "always"])
def test_letters_in_a_bar_do_not_end_it(every):
    lumas = [framed(seed, 20, 20, 0, 0) for seed in range(20)]
    for luma in lumas[::every]:
        luma[145:155, 50:150:3] = 220  # within the bar
        luma[138:148, 60:140:3] = 220  # partly over the image
    assert find_crop(lumas) == (0, 20, 200, 120)


@pytest.mark.parametrize("tall", [10, 1], ids=["half of it", "in one frame of twenty"])
def test_a_film_that_opens_up_keeps_its_tall_scenes(tall):
    lumas = [framed(seed, 20, 20, 0, 0) for seed in range(20 - tall)]
    lumas += [cv2.resize(framed(seed, 0, 0, 0, 0), (200, 160)) for seed in range(tall)]
    finder = BarFinder()
    for luma in lumas:
        finder.add(luma)
    assert find_crop(lumas) == finder.find() == (0, 0, 200, 160)
    if tall == 1:
        assert finder.find_usual() == (0, 20, 200, 120)


def test_a_film_of_two_ratios_keeps_the_taller_one():
    lumas = [framed(seed, 20, 20, 0, 0) for seed in range(15)]
    lumas += [cv2.resize(framed(seed, 10, 10, 0, 0), (200, 160)) for seed in range(5)]
    x, y, width, height = find_crop(lumas)
    assert (x, width) == (0, 200)
    assert (y, height) == pytest.approx((11, 137), abs=1)  # bars of 10, grown by the stretch


def test_a_film_for_phones_within_a_wide_frame():
    lumas = [framed(seed, 0, 0, 200, 200) for seed in range(8)]
    finder = BarFinder(least_lit=0.1)
    for luma in lumas:
        finder.add(luma)
    assert finder.find() == (200, 0, 200, 120)


@pytest.mark.parametrize(
    ("luma", "is_open"),
    [
        (framed(1, 20, 20, 0, 0), False),
        (cv2.resize(framed(1, 0, 0, 0, 0), (200, 160)), True),
        (framed(1, 20, 20, 0, 0, black=16), True),
    ],
    ids=["bars", "an open image", "bars that are lighter than black"],
)
def test_lights_bars(luma, is_open):
    assert lights_bars(luma, (0, 20, 200, 120), 0) == is_open


def test_dark_images_are_no_bars():
    lumas = []
    for seed in range(20):
        luma = framed(seed, 0, 0, 0, 0)
        luma[: 3 * seed] = 0  # a dark sky that ends elsewhere in each image
        lumas.append(luma)
    assert find_crop(lumas) == (0, 0, 200, 120)


def test_no_more_frames_are_read_than_needed():
    lumas = iter([framed(seed, 0, 0, 0, 0) for seed in range(32)])
    assert find_crop(lumas) == (0, 0, 200, 120)
    assert len(list(lumas)) == 31


@given(st.lists(st.tuples(*[st.sampled_from([0, 2, 8])] * 4), min_size=1, max_size=32))
def test_nothing_that_is_lit_anywhere_is_cut_off(bars):
    left, top, width, height = find_crop([lit_within(bar) for bar in bars])
    least = np.min(bars, axis=0)
    cut = (top, 60 - top - height, left, 80 - left - width)
    assert all(taken <= dark for taken, dark in zip(cut, least, strict=True))
    if len(set(bars)) == 1:
        assert (left, top, width, height) == (
            least[2],
            least[0],
            80 - least[2:].sum(),
            60 - least[:2].sum(),
        )


def lit_within(margins):
    top, bottom, left, right = margins
    luma = np.zeros((60, 80), np.uint8)
    luma[top : 60 - bottom, left : 80 - right] = 200
    return luma


@pytest.mark.parametrize(
    ("lumas", "crop"),
    [([], None), ([np.zeros((40, 60), np.uint8)] * 3, (0, 0, 60, 40))],
    ids=["no frames", "a black film"],
)
def test_nothing_to_see(lumas, crop):
    assert find_crop(lumas) == crop
