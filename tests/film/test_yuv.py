"""Colors of the written JPEG, whatever matrix, range and depth a film has."""

import av
import cv2
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


# red, green and blue's weights in luma, as the standards have them; U and V follow from these
STANDARDS = {
    1: (0.2126, 0.7152, 0.0722),  # BT.709
    4: (0.30, 0.59, 0.11),  # FCC
    5: (0.299, 0.587, 0.114),  # BT.470BG
    6: (0.299, 0.587, 0.114),  # SMPTE 170M
    7: (0.212, 0.701, 0.087),  # SMPTE 240M
    9: (0.2627, 0.6780, 0.0593),  # BT.2020
}


def encode(image, space, color_range):
    """A yuv444p frame of an image (RGB), by the formulas of the standards."""
    red, green, blue = (image[..., channel].astype(float) for channel in range(3))
    if space == 8:  # YCgCo
        luma = 0.25 * red + 0.5 * green + 0.25 * blue
        u, v = 0.5 * green - 0.25 * (red + blue), 0.5 * (red - blue)
    else:
        weights = STANDARDS[space]
        luma = weights[0] * red + weights[1] * green + weights[2] * blue
        u, v = (blue - luma) / (2 - 2 * weights[2]), (red - luma) / (2 - 2 * weights[0])
    if color_range == 1:
        luma, u, v = 16 + luma * 219 / 255, u * 224 / 255, v * 224 / 255
    planes = np.clip(np.round([luma, u + 128, v + 128]), 0, 255).astype(np.uint8)
    frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
    frame.colorspace, frame.color_range = space, color_range
    return frame


@pytest.mark.parametrize("color_range", [1, 2], ids=["limited", "full"])
@pytest.mark.parametrize("space", [*STANDARDS, 8])
def test_every_matrix_and_range(space, color_range):
    errors = decode(jpeg_planes(encode(SMOOTH, space, color_range))).astype(int) - SMOOTH
    assert np.abs(errors).mean() < 1.5
    assert np.abs(errors.mean((0, 1))).max() < 1


@pytest.mark.parametrize(
    ("size", "space"),
    [
        ((160, 96), 6),
        ((1024, 576), 6),
        ((1279, 96), 6),
        ((1280, 534), 1),
        ((960, 720), 1),
        ((640, 578), 1),
    ],
    ids=["small", "PAL", "just too narrow", "a rip without its bars", "720 lines", "over PAL"],
)
def test_an_unmarked_film_is_taken_as_players_take_it(size, space):
    image = cv2.resize(SMOOTH, size, interpolation=cv2.INTER_LINEAR)
    frame = encode(image, space, 1)
    frame.colorspace, frame.color_range = 2, 0
    assert np.abs(decode(jpeg_planes(frame)).astype(int) - image).mean() < 1.5


@pytest.mark.parametrize(
    ("stored", "planar"),
    [
        ("nv12", "yuv420p"),
        ("yuyv422", "yuv422p"),
        ("p010le", "yuv420p10le"),
        ("yuv422p16le", "yuv422p12le"),
        ("yuva420p", "yuv420p"),
        ("yuv411p", "yuv422p"),
        ("yuv420p", "yuv420p"),
    ],
)
def test_planes_keep_depth_and_lines_of_chroma(stored, planar):
    assert as_planar(make_frame(stored)).format.name == planar


def test_planes_of_odd_sizes():
    frame = make_frame("yuv420p", image=draw_scene(1, (161, 97)))
    assert [plane.shape for plane in view_planes(frame)] == [(97, 161), (49, 81), (49, 81)]
    assert decode(jpeg_planes(frame)).shape == (97, 161, 3)


def test_depth_and_range():
    assert bit_depth(make_frame("yuv420p10le")) == 10
    assert bit_depth(make_frame("yuv420p")) == 8
    assert is_full_range(make_frame("yuv420p", color_range="full"))
    assert not is_full_range(make_frame("yuv420p"))
