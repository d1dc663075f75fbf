"""Folders of images: order, formats, damage."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding.image_files import list_images, load_image, read_size
from workflow_scripts.lib.errors import CineloraError

SCENE = draw_scene(1)
LARGE = draw_scene(1, (1280, 720))


def encode(image, kind, **options):
    data = io.BytesIO()
    Image.fromarray(image).save(data, kind, **options)
    return data.getvalue()


def load(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    return load_image(path)


def test_natural_order_without_hidden_files(tmp_path):
    names = ["10.jpg", "2.jpg", "b/1.png", "b/01.webp", "B2/x.JPG", ".x/1.jpg", ".y.jpg", "n.txt"]
    for name in [*names, "x²3.jpg"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in list_images(tmp_path)]
    assert found[:2] == ["2.jpg", "10.jpg"]
    assert sorted(found) == sorted(
        ["2.jpg", "10.jpg", "b/1.png", "b/01.webp", "B2/x.JPG", "x²3.jpg"]
    )


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_formats(tmp_path, kind):
    loaded = load(tmp_path, f"x.{kind.lower()}", encode(SCENE, kind, quality=98))
    assert loaded.image.shape == SCENE.shape
    assert np.abs(loaded.image.astype(int) - SCENE).mean() < 6


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
    ("name", "data", "size"),
    [
        ("x.jpg", lambda: encode(LARGE, "JPEG"), (1280, 720)),
        ("x.png", lambda: encode(LARGE, "PNG"), (1280, 720)),
        ("x.jpg", lambda: _save(Image.fromarray(LARGE), "JPEG", exif=_exif(6)), (720, 1280)),
        ("x.jpg", lambda: b"no image at all", None),
    ],
    ids=["JPEG", "PNG", "turned by its camera", "text"],
)
def test_read_size(tmp_path, name, data, size):
    (tmp_path / name).write_bytes(data())
    assert read_size(tmp_path / name) == size


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cmyk.jpg", lambda: _save(Image.fromarray(SCENE).convert("CMYK"), "JPEG")),
        ("gray.jpg", lambda: _save(Image.fromarray(SCENE).convert("L"), "JPEG")),
        ("turned.jpg", lambda: _save(Image.fromarray(SCENE), "JPEG", exif=_exif(6))),
        ("really_png.jpg", lambda: encode(SCENE, "PNG")),
    ],
    ids=["CMYK", "gray", "turned by its camera", "a PNG called .jpg"],
)
def test_what_is_converted(tmp_path, name, data):
    loaded = load(tmp_path, name, data())
    assert loaded.jpeg is None
    assert loaded.image.shape[2] == 3


def _save(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def _exif(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def test_a_turned_jpeg_comes_upright(tmp_path):
    image = load(tmp_path, "x.jpg", _save(Image.fromarray(SCENE), "JPEG", exif=_exif(6))).image
    assert np.abs(image.astype(int) - np.rot90(SCENE, -1)).mean() < 12


def test_colors_under_alpha_never_show(tmp_path):
    red = np.zeros((20, 20, 4), np.uint8)
    red[..., 0] = 255  # alpha is 0 everywhere
    image = load(tmp_path, "x.png", encode(red, "PNG")).image
    assert np.array_equal(np.unique(image), [128])


def test_sixteen_bits(tmp_path):
    gray = np.full((20, 30), 40_000, np.uint16)
    assert load(tmp_path, "x.png", encode(gray, "PNG")).image[0, 0].tolist() == [156] * 3


@pytest.mark.parametrize("scene", [SCENE, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_half_a_file_is_an_error(tmp_path, kind, scene):
    data = encode(scene, kind)
    with pytest.raises(CineloraError, match="damaged JPEG|not a readable image"):
        load(tmp_path, f"x.{kind.lower()}", data[: len(data) // 2])


@pytest.mark.parametrize("data", [b"", b"no image at all"], ids=["empty", "text"])
def test_what_is_no_image(tmp_path, data):
    with pytest.raises(CineloraError, match="not an image in a known format"):
        load(tmp_path, "x.jpg", data)


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(CineloraError, match="cannot be opened"):
        load_image(tmp_path / "x.jpg")
