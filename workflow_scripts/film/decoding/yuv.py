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
OF_RGB = "yuvj420p"  # what RGB and gray become
BT601 = (0.299, 0.114)  # weights of red and blue in luma
BT709 = (0.2126, 0.0722)
BT2020 = (0.2627, 0.0593)
FCC = (0.30, 0.11)
SMPTE240M = (0.212, 0.087)
YCGCO = "ycgco"
# By FFmpeg's AVColorSpace, which are the numbers of ITU-T H.273. 10, constant luminance, is taken
# for 9; it differs in saturated colors only.
WEIGHTS = {1: BT709, 4: FCC, 5: BT601, 6: BT601, 7: SMPTE240M, 8: YCGCO, 9: BT2020, 10: BT2020}
Weights = tuple[float, float] | str
HD_WIDTH_PX, SD_HEIGHT_PX = 1280, 576  # as mpv guesses: mp_csp_guess_colorspace, video/csputils.c
FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG


def as_planar(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame itself when its planes can be read as they are, else a copy in yuv4xxp.

    Depth beyond 8 bits stays, and so does the height of chroma: fields lie in its lines.
    """
    planar = name_planar(frame.format.name)
    if planar == frame.format.name:
        return frame
    if planar == OF_RGB:
        return frame.reformat(
            format=OF_RGB, dst_colorspace=Colorspace.ITU601, dst_color_range=ColorRange.JPEG
        )
    return frame.reformat(format=planar)


@cache
def name_planar(name: str) -> str:
    """The planar format that frames of a stored one are worked on in; its own where it is one."""
    if match_planar(name):
        return name
    stored = av.VideoFormat(name)
    if stored.is_rgb or name.startswith(("gray", "ya", "pal", "mono")):
        return OF_RGB
    across, down = (stored.chroma_width(64), stored.chroma_height(64))
    chroma = "420" if down < 64 else "444" if across == 64 else "422"
    depth = "12le" if stored.components[0].bits > 10 else "10le"
    return f"yuv{chroma}p{depth if stored.components[0].bits > 8 else ''}"


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
    full, weights = is_full_range(frame), find_weights(frame)
    luma, blue, red = _halve_chroma(_reduce_depth(view_planes(frame), bit_depth(frame)))
    if full and weights == BT601:
        return [np.ascontiguousarray(plane) for plane in (luma, blue, red)]
    return _apply(luma, blue, red, *_matrix(weights, full))


def _reduce_depth(planes: list[np.ndarray], bits: int) -> list[np.ndarray]:
    if bits == 8:
        return planes
    return [cv2.convertScaleAbs(plane, None, 2.0 ** (8 - bits)) for plane in planes]


def _halve_chroma(planes: list[np.ndarray]) -> list[np.ndarray]:
    """Planes whose chroma is half as wide and high as luma, rounded up; those that are stay."""
    luma, *chroma = planes
    height, width = -(-luma.shape[0] // 2), -(-luma.shape[1] // 2)
    if chroma[0].shape == (height, width):
        return planes
    return [luma, *(cv2.resize(p, (width, height), None, 0, 0, cv2.INTER_AREA) for p in chroma)]


def find_weights(frame: av.VideoFrame) -> Weights:
    """Weights of red and blue in a frame's luma; of its mark, else by its size, as players do."""
    is_hd = frame.width >= HD_WIDTH_PX or frame.height > SD_HEIGHT_PX
    return WEIGHTS.get(frame.colorspace, BT709 if is_hd else BT601)


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
def _matrix(weights: Weights, full: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (3, 3) and offset (3,) from 8-bit YUV of a film to that of a JPEG."""
    to_rgb, offset = make_rgb_matrix(weights, full)
    matrix = _from_rgb(BT601) @ to_rgb
    return matrix, _from_rgb(BT601) @ offset + [0, 128, 128]


@cache
def make_rgb_matrix(weights: Weights, full: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (3, 3) and offset (3,) from 8-bit YUV to RGB, 0 to 255, still with its gamma."""
    scale = np.diag([1, 1, 1] if full else [255 / 219, 255 / 224, 255 / 224])
    matrix = np.linalg.inv(_from_rgb(weights)) @ scale
    return matrix, -matrix @ [0 if full else 16, 128, 128]


def _from_rgb(weights: Weights) -> np.ndarray:
    if weights == YCGCO:  # H.273: Cg stands in the place of Cb, Co in that of Cr
        return np.array([[0.25, 0.5, 0.25], [-0.25, 0.5, -0.25], [0.5, 0, -0.5]])
    red, blue = weights
    luma = np.array([red, 1 - red - blue, blue])
    return np.stack(
        [luma, (np.eye(3)[2] - luma) / (2 * (1 - blue)), (np.eye(3)[0] - luma) / (2 * (1 - red))]
    )
