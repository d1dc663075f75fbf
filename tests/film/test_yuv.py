"""Colors of the written JPEG, whatever matrix, range and depth a film has."""

import av
import numpy as np
import pytest
import simplejpeg
from av.video.reformatter import ColorRange, Colorspace

from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding.yuv import (
    as_planar,
    bit_depth,
    is_full_range,
    jpeg_planes,
    view_planes,
)

SMOOTH = np.dstack(np.meshgrid(np.linspace(30, 220, 160), np.linspace(40, 200, 96))).astype(
    np.uint8
)
SMOOTH = np.dstack([SMOOTH, np.full((96, 160), 90, np.uint8)])  # RGB without chroma edges
MATRICES = {"601": (Colorspace.ITU601, 5), "709": (Colorspace.ITU709, 1)}
RANGES = {"limited": (ColorRange.MPEG, 1), "full": (ColorRange.JPEG, 2)}


def make_frame(pix_fmt, matrix="601", color_range="limited", image=SMOOTH):
    """A frame that holds the image (RGB) in a pixel format, matrix and range."""
    space, space_code = MATRICES[matrix]
    values, range_code = RANGES[color_range]
    frame = av.VideoFrame.from_ndarray(image, format="rgb24").reformat(
        format=pix_fmt, dst_colorspace=space, dst_color_range=values
    )
    frame.colorspace, frame.color_range = space_code, range_code
    return frame


def decode(planes):
    return simplejpeg.decode_jpeg(simplejpeg.encode_jpeg_yuv_planes(*planes, quality=98), "RGB")


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("color_range", RANGES)
@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "nv12"])
def test_a_jpeg_has_the_colors_of_the_film(pix_fmt, matrix, color_range):
    frame = as_planar(make_frame(pix_fmt, matrix, color_range))
    errors = decode(jpeg_planes(frame)).astype(int) - SMOOTH
    assert np.abs(errors).mean() < 2.0
    assert np.abs(errors.mean((0, 1))).max() < 1.5


@pytest.mark.parametrize("pix_fmt", ["rgb24", "bgr0", "gbrp", "gray"])
def test_films_without_chroma_planes(pix_fmt):
    frame = as_planar(av.VideoFrame.from_ndarray(SMOOTH, format="rgb24").reformat(format=pix_fmt))
    image = decode(jpeg_planes(frame)).astype(int)
    wanted = SMOOTH if pix_fmt != "gray" else SMOOTH @ np.array([0.299, 0.587, 0.114])
    errors = image - wanted if pix_fmt != "gray" else image[..., 0] - wanted
    assert np.abs(errors).mean() < 2.0


@pytest.mark.parametrize(
    ("height", "matrix"), [(96, "601"), (720, "709")], ids=["small", "high definition"]
)
def test_an_unmarked_film_is_taken_as_players_take_it(height, matrix):
    image = np.ascontiguousarray(np.repeat(SMOOTH, -(-height // 96), axis=0)[:height])
    frame = make_frame("yuv420p", matrix, image=image)
    frame.colorspace, frame.color_range = 2, 0
    assert np.abs(decode(jpeg_planes(frame)).astype(int) - image).mean() < 2.0


def test_planes_of_odd_sizes():
    frame = make_frame("yuv420p", image=draw_scene(1, (161, 97)))
    assert [plane.shape for plane in view_planes(frame)] == [(97, 161), (49, 81), (49, 81)]
    assert decode(jpeg_planes(frame)).shape == (97, 161, 3)


def test_depth_and_range():
    assert bit_depth(make_frame("yuv420p10le")) == 10
    assert bit_depth(make_frame("yuv420p")) == 8
    assert is_full_range(make_frame("yuv420p", color_range="full"))
    assert not is_full_range(make_frame("yuv420p"))
