"""film.text.letters: what looks written, on drawn letters and patterns."""

import cv2
import numpy as np
import pytest

from tests.factories.written_images import make_noise, write_text
from workflow_scripts.film.text.letters import measure_letters, rank_writing
from workflow_scripts.film.text.lines import count_letters

BOX = (100.0, 138.0, 190.0, 162.0)


def draw_bars(step: int, bright: int) -> np.ndarray:
    image = np.full((180, 320, 3), 90, np.uint8)
    for x in range(0, 320, step):
        cv2.rectangle(image, (x, 130), (x + step // 2, 170), (bright,) * 3, -1)
    return image


@pytest.mark.parametrize(
    ("image", "rank"),
    [
        (write_text(make_noise(1), "Hello you", 105, 155), 2),
        (np.clip(write_text(make_noise(1), "Hello you", 105, 155), 90, 150), 1),
        (draw_bars(60, 250), 0),
        (draw_bars(12, 130), 1),
        (np.full((180, 320, 3), 80, np.uint8), 0),
    ],
    ids=["letters", "letters that one can see through", "windows", "a faint fence", "a wall"],
)
def test_letters_have_contrast_and_strokes(image, rank):
    assert rank_writing(BOX, 180, *measure_letters(image, BOX)) == rank


def test_red_letters_on_black_have_the_contrast_of_red():
    image = np.zeros((180, 320, 3), np.uint8)
    cv2.putText(image, "Hello you", (105, 155), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 0, 0), 2)
    contrast, strokes = measure_letters(image, BOX)
    assert contrast > 0.9 and strokes > 2.5


def test_a_line_that_runs_down_is_measured_along_itself():
    image = write_text(make_noise(1), "Hello you", 105, 155)
    across = measure_letters(image, BOX)
    down = measure_letters(image.transpose(1, 0, 2), (BOX[1], BOX[0], BOX[3], BOX[2]))
    assert down == pytest.approx(across)
    assert measure_letters(image, (400.0, 10.0, 500.0, 20.0)) == (0.0, 0.0)  # outside


@pytest.mark.parametrize(
    ("text", "count"), [("Hello", 5), ("大闹天宫", 8), ("の。", 2), ("|-/.", 0), ("한국", 4)]
)
def test_an_ideograph_says_as_much_as_two_letters(text, count):
    assert count_letters(text) == count
