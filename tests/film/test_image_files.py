"""Images of a folder that is a film: what is kept as the file it is, what is converted, damage."""

import numpy as np
import pytest
from PIL import ImageCms

from tests.factories.encoded_images import (
    encode,
    encode_print,
    encode_several,
    encode_turned,
    make_wide_profile,
)
from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding.image_files import load_image
from workflow_scripts.lib.errors import CineloraError

SCENE = draw_scene(1)
LARGE = draw_scene(1, (1280, 720))


def load(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return load_image(path)


def test_a_jpeg_is_kept_as_it_is(tmp_path):
    data = encode(SCENE, "JPEG", quality=90)
    assert load(tmp_path, "x.jpg", data).jpeg == data


def test_a_large_jpeg_that_is_kept_comes_halved(tmp_path):
    data = encode(LARGE, "JPEG", quality=90)
    loaded = load(tmp_path, "x.jpg", data)
    assert loaded.image.shape == (360, 640, 3)
    assert (loaded.size, loaded.jpeg) == ((1280, 720), data)
    means = LARGE.reshape(360, 2, 640, 2, 3).mean((1, 3))
    assert np.abs(loaded.image - means).mean() < 4


def test_a_huge_jpeg_is_seen_whole(tmp_path):
    halves = np.repeat(np.array([0, 255], np.uint8), 2900)  # black above, white below
    image = np.ascontiguousarray(np.broadcast_to(halves[:, None, None], (5800, 64, 3)))
    loaded = load(tmp_path, "x.jpg", encode(image, "JPEG", quality=90))
    assert loaded.image.shape == (725, 8, 3)
    assert loaded.image.mean() == pytest.approx(127.5, abs=1)


def test_a_jpeg_that_is_going_to_be_cut_comes_whole(tmp_path):
    load(tmp_path, "x.jpg", encode(LARGE, "JPEG"))
    loaded = load_image(tmp_path / "x.jpg", [(1280, 720)])
    assert loaded.image.shape == LARGE.shape
    assert loaded.jpeg is None


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cmyk.jpg", lambda: encode(SCENE, "JPEG", mode="CMYK")),
        ("ycck.jpg", lambda: encode_print(SCENE)),
        ("gray.jpg", lambda: encode(SCENE, "JPEG", mode="L")),
        ("turned.jpg", lambda: encode_turned(SCENE, 6)),
        ("really_png.jpg", lambda: encode(SCENE, "PNG")),
    ],
    ids=["CMYK", "YCCK", "gray", "turned by its camera", "a PNG called .jpg"],
)
def test_what_is_converted(tmp_path, name, data):
    loaded = load(tmp_path, name, data())
    assert loaded.jpeg is None
    assert loaded.image.shape[2] == 3


def test_a_turned_jpeg_comes_upright(tmp_path):
    image = load(tmp_path, "x.jpg", encode_turned(SCENE, 6)).image
    assert np.abs(image.astype(int) - np.rot90(SCENE, -1)).mean() < 12


@pytest.mark.parametrize("scene", [SCENE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_half_a_file_is_an_error(tmp_path, kind, scene):
    data = encode(scene, kind)
    with pytest.raises(CineloraError, match="damaged JPEG|not a readable image"):
        load(tmp_path, f"x.{kind.lower()}", data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b"", "the file is empty"), (b"no image at all", "not an image in a known format")],
    ids=["empty", "text"],
)
def test_what_is_no_image(tmp_path, data, problem):
    with pytest.raises(CineloraError, match=problem):
        load(tmp_path, "x.jpg", data)


def test_a_jpeg_in_other_colors_is_converted_and_one_in_srgb_kept(tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = encode(SCENE, "JPEG", quality=98, icc_profile=srgb)
    wide = encode(SCENE, "JPEG", quality=98, icc_profile=make_wide_profile())
    assert load(tmp_path, "x.jpg", plain).jpeg == plain
    assert load(tmp_path, "x.jpg", wide).jpeg is None


@pytest.mark.parametrize("name", ["x.jfif", "x.jpe", "x.png", "x"])
def test_a_jpeg_is_kept_under_any_name(tmp_path, name):
    data = encode(SCENE, "JPEG", quality=90)
    assert load(tmp_path, name, data).jpeg == data


def test_what_an_animation_holds_more_is_noted(tmp_path):
    data = encode_several([SCENE, draw_scene(2)], "PNG")
    assert load(tmp_path, "x.png", data).note == "holds 2 images, of which the first is used"
    assert load(tmp_path, "x.png", encode(SCENE, "PNG")).note == ""


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(CineloraError, match="cannot be opened"):
        load_image(tmp_path / "x.jpg")
