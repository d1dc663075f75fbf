"""Black bars around the image."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding.bars import ENOUGH, find_crop


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


def test_a_title_in_a_bar_once_does_not_end_it():
    lumas = [framed(seed, 20, 20, 0, 0) for seed in range(20)]
    lumas[3][145:155, 50:150] = 220
    assert find_crop(lumas) == (0, 20, 200, 120)


def test_a_film_that_opens_up_keeps_its_tall_scenes():
    lumas = [framed(seed, 20, 20, 0, 0) for seed in range(10)]
    lumas += [cv2.resize(framed(seed, 0, 0, 0, 0), (200, 160)) for seed in range(10)]
    assert find_crop(lumas) == (0, 0, 200, 160)


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
    assert len(list(lumas)) == 32 - ENOUGH


@given(st.lists(st.tuples(*[st.sampled_from([0, 0, 1, 8])] * 4), min_size=1, max_size=32))
def test_what_is_not_read_would_change_nothing(bars):
    lumas = [lit_within(bar) for bar in bars]
    margins = np.quantile(bars, 0.1, axis=0).astype(int)
    has_bars = [np.mean(abs(np.array(bars)[:, s] - margins[s]) <= 2) >= 0.5 for s in range(4)]
    top, bottom, left, right = np.where(has_bars, margins + margins % 2, 0)
    assert find_crop(lumas) == (left, top, 80 - left - right, 60 - top - bottom)


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
