"""One reader for what people bring; film folders and rosters both go through it."""

import numpy as np
import pytest

from tests.factories.encoded_images import (
    encode,
    encode_alpha,
    encode_deep,
    encode_print,
    encode_turned,
)
from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding.image_files import load_image
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import read_image_file, read_size

SCENE = draw_scene(1)
WEB = SCENE // 51 * 51  # colors that the common palette has
HEIGHT, WIDTH = SCENE.shape[:2]
TURNS = {  # orientation of Exif -> the scene as a viewer sees it
    1: SCENE,
    2: SCENE[:, ::-1],
    3: np.rot90(SCENE, 2),
    4: SCENE[::-1],
    5: SCENE.transpose(1, 0, 2),
    6: np.rot90(SCENE, -1),
    7: np.rot90(SCENE, 2).transpose(1, 0, 2),
    8: np.rot90(SCENE),
}


def write(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_formats(tmp_path, kind):
    image = read_image_file(write(tmp_path, f"x.{kind.lower()}", encode(SCENE, kind, quality=98)))
    assert (image.shape, image.dtype) == (SCENE.shape, np.uint8)
    assert np.abs(image.astype(int) - SCENE).mean() < 6


@pytest.mark.parametrize("orientation", TURNS)
def test_what_a_camera_turned_comes_upright(tmp_path, orientation):
    image = read_image_file(write(tmp_path, "x.jpg", encode_turned(SCENE, orientation)))
    assert image.shape == TURNS[orientation].shape
    assert np.abs(image.astype(int) - TURNS[orientation]).mean() < 6


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("x.png", lambda: encode_alpha(SCENE, np.zeros((HEIGHT, WIDTH), np.uint8)), 128),
        ("x.png", lambda: encode_alpha(SCENE, np.full((HEIGHT, WIDTH), 255, np.uint8)), SCENE),
        ("x.png", lambda: encode_deep(SCENE), SCENE[..., :1]),
        ("x.png", lambda: encode(WEB, "PNG", mode="P"), WEB),
        ("x.jpg", lambda: encode(SCENE, "JPEG", mode="CMYK", quality=98), SCENE),
        ("x.jpg", lambda: encode_print(SCENE), SCENE),
        ("x.jpg", lambda: encode(SCENE[..., 0], "JPEG", quality=98), SCENE[..., :1]),
        ("x.jpg", lambda: encode(SCENE, "PNG"), SCENE),
    ],
    ids=["alpha 0", "alpha 255", "16 bits", "palette", "CMYK", "YCCK", "gray", "PNG called .jpg"],
)
def test_one_form_comes_out(tmp_path, name, data, expected):
    path = write(tmp_path, name, data())
    image = read_image_file(path)
    assert (image.shape, image.dtype) == (SCENE.shape, np.uint8)
    assert np.abs(image.astype(int) - expected).mean() < 12
    assert np.array_equal(load_image(path).image, image)  # as in a film


def test_half_of_alpha_is_half_gray(tmp_path):
    white = np.full((8, 8, 3), 255, np.uint8)
    path = write(tmp_path, "x.png", encode_alpha(white, np.full((8, 8), 51, np.uint8)))
    assert np.unique(read_image_file(path)).tolist() == [153]  # 0.2 * 255 + 0.8 * 128


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "the file is empty"),
        (b"no image at all", "not an image in a known format"),
        (b"\xff\xd8 but no JPEG", "damaged JPEG"),
        (encode(SCENE, "JPEG")[:900], "damaged JPEG"),
        (encode(SCENE, "PNG")[:900], "not a readable image"),
    ],
    ids=["empty", "text", "start of a JPEG", "half a JPEG", "half a PNG"],
)
def test_an_unreadable_file_is_named(tmp_path, data, problem):
    with pytest.raises(CineloraError, match=rf"bad\.jpg: {problem}"):
        read_image_file(write(tmp_path, "bad.jpg", data))


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(CineloraError, match=r"gone\.png: cannot be opened \(No such file"):
        read_image_file(tmp_path / "gone.png")


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (lambda: encode(SCENE, "JPEG"), (WIDTH, HEIGHT)),
        (lambda: encode(SCENE, "PNG"), (WIDTH, HEIGHT)),
        (lambda: encode_turned(SCENE, 6), (HEIGHT, WIDTH)),
        (lambda: encode_turned(SCENE, 3), (WIDTH, HEIGHT)),
        (lambda: b"no image at all", None),
    ],
    ids=["JPEG", "PNG", "turned by a quarter", "turned by a half", "text"],
)
def test_read_size(tmp_path, data, size):
    assert read_size(write(tmp_path, "x.jpg", data())) == size
