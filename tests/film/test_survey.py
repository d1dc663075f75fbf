"""What a look at a film finds before its pass, wherever its keyframes lie."""

import cv2
import numpy as np
import pytest

from tests.factories.films_in_code import draw_scene, moving_shot, pan, weave, write_film
from workflow_scripts.film.decoding.survey import survey_film

SIZE = (320, 192)
ONE_KEYFRAME = {"crf": "12", "keyint": "infinite", "g": "9999", "sc_threshold": "0"}
MANY_KEYFRAMES = {"crf": "12", "g": "6"}


def with_bars(images, top, left):
    inner = (SIZE[0] - 2 * left, SIZE[1] - 2 * top)
    inside = [cv2.resize(image, inner, interpolation=cv2.INTER_AREA) for image in images]
    return [
        cv2.copyMakeBorder(i, top, top, left, left, cv2.BORDER_CONSTANT, value=0) for i in inside
    ]


def light(seed, count):
    return [np.maximum(image, 40) for image in moving_shot(seed, count, SIZE)]


@pytest.fixture(params=["many keyframes", "one keyframe", "no index"])
def write(request, tmp_path):
    """Writes images as a film."""
    options = MANY_KEYFRAMES if request.param == "many keyframes" else ONE_KEYFRAME
    suffix = ".h264" if request.param == "no index" else ".mp4"
    return lambda images: write_film(tmp_path / f"film{suffix}", images, options=options)


@pytest.mark.parametrize(
    ("images", "crop", "usual"),
    [
        (light(1, 100), None, None),
        (with_bars(light(1, 100), 24, 0), (0, 24, 320, 144), (0, 24, 320, 144)),
        (with_bars(light(1, 100), 0, 40), (40, 0, 240, 192), (40, 0, 240, 192)),
        (with_bars(light(1, 100), 24, 40), (40, 24, 240, 144), (40, 24, 240, 144)),
        (with_bars(light(1, 30), 0, 40) + light(2, 70), None, None),
        (with_bars(light(1, 90), 24, 0) + light(2, 24), None, (0, 24, 320, 144)),
        ([np.zeros((192, 320, 3), np.uint8)] * 30, None, None),
        ([draw_scene(1, SIZE)], None, None),
    ],
    ids=[
        "none",
        "letterbox",
        "pillarbox",
        "all around",
        "in the first shot only",
        "one shot opens up",
        "a black film",
        "one frame",
    ],
)
def test_bars(write, images, crop, usual):
    survey = survey_film(write(images))
    assert survey.crop == (crop and pytest.approx(crop, abs=2))
    assert survey.usual == (usual and pytest.approx(usual, abs=2))


@pytest.mark.parametrize(
    ("images", "order"),
    [
        (pan(1, 100, 3, SIZE), ""),
        (weave(pan(1, 200, 2, SIZE)), "tff"),
        (weave(pan(1, 200, 2, SIZE), first_row=1), "bff"),
    ],
    ids=["film", "upper line first", "lower line first"],
)
def test_fields(write, images, order):
    assert survey_film(write(images)).field_order == order
