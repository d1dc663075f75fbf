"""Measures of a JPEG that the decoder halved, against those of its every pixel."""

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from workflow_scripts.film.decoding.image_files import load_image
from workflow_scripts.film.decoding.measures import count_halvings, measure, reduce_luma, shrink
from workflow_scripts.film.decoding.video import Film

DEMO = Path(__file__).parents[2] / "resources/demo_film/film.mp4"


@pytest.mark.parametrize(
    ("height", "count"), [(97, 0), (719, 0), (720, 1), (1080, 1), (1440, 2), (2160, 2)]
)
def test_count_halvings(height, count):
    assert count_halvings(height) == count


def measure_image(image):
    return measure(*reduce_luma(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)), shrink(image))


def make_images():
    """Mosaics (1080, 1920, 3) of frames of the demo film, which is smaller: real detail."""
    with Film(DEMO, 2) as film:
        frames = [f.to_ndarray(format="rgb24") for n, (_, f) in enumerate(film) if n % 30 == 0]
    for start in range(0, len(frames) - 3, 2):
        a, b, c, d = frames[start : start + 4]
        yield np.vstack([np.hstack([a, b]), np.hstack([c, d])])


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Measures of the whole and of the halved decode: sizes even and odd, sharp and blurred."""
    path, found = tmp_path_factory.mktemp("images") / "x.jpg", []
    for number, image in enumerate(make_images()):
        image = image[number % 3 :, number % 2 :]
        if number % 4 == 3:
            image = cv2.GaussianBlur(image, (0, 0), 2)
        data = io.BytesIO()
        Image.fromarray(image).save(data, "JPEG", quality=(70, 85, 95)[number % 3])
        path.write_bytes(data.getvalue())
        whole = np.asarray(Image.open(path))
        halved = load_image(path).image
        assert halved.shape[0] == whole.shape[0] // 2
        found.append((measure_image(whole), measure_image(halved)))
    return found


@pytest.mark.parametrize(
    ("name", "most"), [("sharpness", 0.002), ("brightness", 0.001), ("contrast", 0.004)]
)
def test_numbers(pairs, name, most):
    assert max(abs(whole[name] - halved[name]) for whole, halved in pairs) <= most


def test_hashes(pairs):
    bits = np.array([(whole["phash"] ^ halved["phash"]).bit_count() for whole, halved in pairs])
    assert np.mean(bits) <= 0.5
    assert max(bits) <= 2


def test_colors(pairs):
    assert max(abs(one["histogram"] - other["histogram"]).sum() for one, other in pairs) <= 0.01


def test_luma_thumbnails(pairs):
    assert len(pairs) > 5
    for whole, halved in pairs:
        cards = [np.frombuffer(m["luma_thumbnail"], np.uint8).astype(int) for m in (whole, halved)]
        assert abs(cards[0] - cards[1]).max() <= 1
