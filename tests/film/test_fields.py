"""Frames that are woven from fields, told from those of one moment by their pixels."""

from collections import Counter

import cv2
import numpy as np
import pytest

from tests.factories.films_in_code import draw_scene, pan, telecine, weave
from workflow_scripts.film.decoding.fields import (
    FieldSigns,
    cut_strips,
    measure_combing,
    read_sign,
)

SIZE = (320, 192)


def to_lumas(images):
    return [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in images]


def read_signs(images):
    strips = [cut_strips(luma) for luma in to_lumas(images)]
    return [read_sign(*three) for three in zip(strips, strips[1:], strips[2:], strict=False)]


MOVING = pan(1, 24, 3, SIZE)


@pytest.mark.parametrize(
    ("images", "sign"),
    [
        (MOVING, "whole"),
        (weave(MOVING), "tff"),
        (weave(MOVING, first_row=1), "bff"),
        ([draw_scene(1, SIZE)] * 6, ""),
        ([np.full((96, 160, 3), 90, np.uint8)] * 4, ""),
    ],
    ids=["film", "upper line first", "lower line first", "nothing moves", "flat"],
)
def test_signs(images, sign):
    signs = Counter(read_signs(images))
    assert signs.most_common(1)[0][0] == sign
    assert not signs.keys() & {"tff", "bff"} - {sign}


def test_ten_bits_tell_what_eight_do():
    deep = [cut_strips(luma.astype(np.uint16) << 2) for luma in to_lumas(weave(MOVING))]
    assert read_sign(*deep[:3]) == "tff"


def test_a_cut_is_no_sign_of_fields():
    images = [*pan(1, 6, 3, SIZE), *pan(2, 6, 3, SIZE)]
    assert "tff" not in read_signs(images) and "bff" not in read_signs(images)


def test_two_of_five_telecined_frames_are_woven():
    signs = read_signs(telecine(pan(1, 40, 3, SIZE)))
    assert 0.3 < signs.count("tff") / len(signs) < 0.65
    assert signs.count("bff") <= 1


@pytest.mark.parametrize(
    ("counts", "order"),
    [
        ({"tff": 9, "whole": 1}, "tff"),
        ({"bff": 4, "whole": 6}, "bff"),
        ({"tff": 2}, ""),
        ({"tff": 4, "whole": 96}, ""),
        ({"": 50}, ""),
    ],
    ids=["interlaced", "telecined", "too few", "chance", "nothing moves"],
)
def test_order(counts, order):
    signs = FieldSigns()
    for sign, count in counts.items():
        for _ in range(count):
            signs.add(sign)
    assert signs.order == order


@pytest.mark.parametrize(
    ("image", "least", "most"),
    [
        (weave(pan(1, 2, 8, SIZE))[0], 0.01, 0.5),
        (draw_scene(1, SIZE), 0.0, 0.002),
        (np.zeros((2, 8, 3), np.uint8), 0.0, 0.0),
    ],
    ids=["woven", "one moment", "next to nothing"],
)
def test_combing(image, least, most):
    assert least <= measure_combing(to_lumas([image])[0]) <= most


def test_a_single_line_is_no_comb_and_stripes_are():
    luma = np.full((96, 160), 60, np.uint8)
    luma[40] = 200
    assert measure_combing(luma) == 0
    luma[::2] = 200
    assert measure_combing(luma) > 0.9
