"""Planes of a decoded frame: views of them, and their form in a JPEG (full range, BT.601, 4:2:0).

A film stores luma and chroma in one of several matrices and ranges; a JPEG knows one. Going from
the one to the other in YUV skips the way over RGB, which costs as much as the JPEG itself.
"""

import re
from functools import cache

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

PLANAR = re.compile(r"yuv(j?)4(?:20|22|44)p(?:(10|12)le)?$")
match_planar = cache(PLANAR.match)  # asked several times a frame
BT601 = (0.299, 0.114)  # weights of red and blue in luma
BT709 = (0.2126, 0.0722)
BT2020 = (0.2627, 0.0593)
WEIGHTS = {1: BT709, 5: BT601, 6: BT601, 9: BT2020, 10: BT2020}  # by FFmpeg's AVColorSpace
UNSPECIFIED = 2
HD_HEIGHT_PX = 720  # an unmarked film from this height on is BT.709, below BT.601, as players do it
FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG


def as_planar(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame itself when its planes can be read as they are, else a copy in yuv(j)420p."""
    if match_planar(frame.format.name):
        return frame
    if frame.format.is_rgb or frame.format.name.startswith(("gray", "ya", "pal", "mono")):
        return frame.reformat(
            format="yuvj420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.JPEG,
        )
    return frame.reformat(format="yuv420p")


def view_planes(frame: av.VideoFrame) -> list[np.ndarray]:
    """Y, U and V of a planar frame as views (height, width), uint8 or uint16; nothing is copied."""
    deep = match_planar(frame.format.name)[2]
    kind = np.dtype("<u2" if deep else "u1")
    planes = []
    for plane in frame.planes[:3]:
        strides = (plane.line_size, kind.itemsize)
        planes.append(np.ndarray((plane.height, plane.width), kind, plane, 0, strides))
    return planes


def bit_depth(frame: av.VideoFrame) -> int:
    """Bits per sample of a planar frame: 8, 10 or 12."""
    return int(match_planar(frame.format.name)[2] or 8)


def is_full_range(frame: av.VideoFrame) -> bool:
    """Whether black is 0 and white 255 (else 16 and 235, in 8 bits)."""
    return bool(match_planar(frame.format.name)[1]) or frame.color_range == FULL_RANGE


def jpeg_planes(frame: av.VideoFrame) -> list[np.ndarray]:
    """Y, U, V (uint8, 4:2:0) of a frame as a JPEG stores them: full range, BT.601."""
    full, weights = is_full_range(frame), _weights(frame)
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        full_range = ColorRange.JPEG if full else ColorRange.MPEG
        frame = frame.reformat(
            format="yuvj420p" if full else "yuv420p",
            src_color_range=full_range,
            dst_color_range=full_range,
        )
    luma, blue, red = view_planes(frame)
    if full and weights == BT601:
        return [np.ascontiguousarray(plane) for plane in (luma, blue, red)]
    return _apply(luma, blue, red, *_matrix(weights, full))


def _weights(frame: av.VideoFrame) -> tuple[float, float]:
    if frame.colorspace == UNSPECIFIED:
        return BT709 if frame.height >= HD_HEIGHT_PX else BT601
    return WEIGHTS.get(frame.colorspace, BT601)


def _apply(
    luma: np.ndarray, blue: np.ndarray, red: np.ndarray, matrix: np.ndarray, offset: np.ndarray
) -> list[np.ndarray]:
    """Mix the planes by a matrix (3, 3) and add offset (3,); chroma never depends on luma."""
    out_blue = cv2.addWeighted(blue, matrix[1, 1], red, matrix[1, 2], offset[1])
    out_red = cv2.addWeighted(blue, matrix[2, 1], red, matrix[2, 2], offset[2])
    if abs(matrix[0, 1:]).max() < 1e-6:
        return [cv2.addWeighted(luma, matrix[0, 0], luma, 0, offset[0]), out_blue, out_red]
    # what chroma adds to luma, around 128 so that uint8 holds it, at the size of the luma plane
    added = cv2.addWeighted(blue, matrix[0, 1], red, matrix[0, 2], 128 - 128 * matrix[0, 1:].sum())
    added = cv2.resize(added, luma.shape[::-1], interpolation=cv2.INTER_LINEAR)
    shift = offset[0] - 128 + 128 * matrix[0, 1:].sum()
    return [cv2.addWeighted(luma, matrix[0, 0], added, 1, shift), out_blue, out_red]


@cache
def _matrix(weights: tuple[float, float], full: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (3, 3) and offset (3,) from 8-bit YUV of a film to that of a JPEG."""
    scale = np.diag([1, 1, 1] if full else [255 / 219, 255 / 224, 255 / 224])
    black = np.array([0 if full else 16, 128, 128])
    matrix = _from_rgb(BT601) @ np.linalg.inv(_from_rgb(weights)) @ scale
    return matrix, np.array([0, 128, 128]) - matrix @ black


def _from_rgb(weights: tuple[float, float]) -> np.ndarray:
    red, blue = weights
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack(
        [luma, (np.eye(3)[2] - luma) / (2 * (1 - blue)), (np.eye(3)[0] - luma) / (2 * (1 - red))]
    )
