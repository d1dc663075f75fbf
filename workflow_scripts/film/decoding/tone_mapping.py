"""Films in a wider range of light or color than a JPEG's (HDR10, HLG, BT.2020, P3), brought to it.

Light is read by ITU-R BT.2100 (PQ and HLG), put at 203 cd/m2 for white (ITU-R BT.2408), moved to
the primaries of BT.709, rolled off by the curve of ITU-R BT.2390 from the film's own peak (all of a
color by what its brightest part needs, so that hues stay), and written for a display of ITU-R
BT.1886. A film that is no brighter than white is not rolled off.
"""

from dataclasses import dataclass
from functools import cache, cached_property

import av
import cv2
import numpy as np

from workflow_scripts.film.decoding.yuv import (
    Weights,
    bit_depth,
    find_weights,
    is_full_range,
    make_rgb_matrix,
    view_planes,
)

PQ, HLG = 16, 18  # AVColorTransferCharacteristic, AVColorPrimaries: the numbers of ITU-T H.273
UNMARKED = 2
# x and y of red, green, blue and white
BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))
WIDE = {
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), (0.3127, 0.3290)),  # BT.2020
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),  # DCI-P3
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.3127, 0.3290)),  # Display P3
}
NAMES = {9: "bt2020", 11: "dci-p3", 12: "display-p3"}
BT2020_MATRICES = (9, 10)
WHITE_NITS = 203.0  # BT.2408: diffuse white of PQ, and 75 % of HLG
PQ_NITS = 10_000.0
HLG_NITS = 1000.0  # the display for which HLG has a gamma of 1.2
HLG_GAMMA = 1.2
SDR_GAMMA = 2.4  # BT.1886
LEAST_PEAK = 1.05  # of white: less is noise, not highlights
STEPS = 4096  # of the tables
BAND_ROWS = 32  # that are worked on at once: what they need stays near the processor
CHROMA_GAIN = 2.0  # PQ's color differences are half as large as those of the same colors in SDR


@dataclass(frozen=True)
class ToneMapper:
    """What brings the frames of one kind of film to full-range RGB of BT.709."""

    transfer: int
    primaries: int
    weights: Weights
    full_range: bool
    bits: int
    peak_nits: float = WHITE_NITS

    @property
    def name(self) -> str:
        """What is done, as the table of frames records it."""
        light = {PQ: "pq", HLG: "hlg"}.get(self.transfer)
        if light is None:
            return f"{NAMES[self.primaries]} to bt709"
        return f"{light} by bt2390 from {round(self.peak_nits)} nits"

    def map(self, frame: av.VideoFrame) -> list[np.ndarray]:
        """Y, U, V planes (uint8, 4:2:0) of a planar frame as a JPEG stores them."""
        luma, blue, red = cv2.split(cv2.cvtColor(self.to_rgb(frame), cv2.COLOR_RGB2YCrCb))
        size = (-(-luma.shape[1] // 2), -(-luma.shape[0] // 2))
        # OpenCV's order is Y, Cr, Cb
        return [luma, *(cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in (red, blue))]

    def to_rgb(self, frame: av.VideoFrame) -> np.ndarray:
        """The frame as RGB (H, W, 3) uint8 of BT.709."""
        luma, *chroma = view_planes(frame)
        size = luma.shape[::-1]
        chroma = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in chroma]
        rgb = np.empty((*luma.shape, 3), np.uint8)
        for top in range(0, luma.shape[0], BAND_ROWS):
            rows = slice(top, top + BAND_ROWS)
            yuv = cv2.merge([plane[rows] for plane in (luma, *chroma)]).astype(np.float32)
            rgb[rows] = encode_sdr(self._read_light(yuv))
        return rgb

    def measure_peak(self, frame: av.VideoFrame) -> float:
        """The brightest color's light in a planar frame, in nits; a speck of noise apart."""
        planes = [
            cv2.resize(plane, (160, 90), interpolation=cv2.INTER_NEAREST)
            for plane in view_planes(frame)
        ]
        light = self._decode(cv2.merge(planes).astype(np.float32))
        return float(np.quantile(light.max(2), 0.999) * WHITE_NITS)

    @cached_property
    def tones(self) -> np.ndarray | None:
        """Table (256,) uint8 from luma of 8 bits to that of the image; None: they are alike."""
        if self.transfer not in (PQ, HLG):
            return None
        grays = np.full((256, 1, 3), 128, np.float32)
        grays[:, 0, 0] = np.arange(256)
        light = self._read_light(grays * 2 ** (self.bits - 8))
        levels = encode_sdr(light)[:, 0, 0].astype(np.float32)
        return (levels if self.full_range else np.round(16 + levels * 219 / 255)).astype(np.uint8)

    @property
    def chroma_gain(self) -> float:
        return CHROMA_GAIN if self.transfer in (PQ, HLG) else 1.0

    def _read_light(self, yuv: np.ndarray) -> np.ndarray:
        """Light (h, w, 3) of BT.709's primaries, 1 for white, rolled off above it."""
        light = self._decode(yuv)
        if self.transfer not in (PQ, HLG) or self.peak_nits < LEAST_PEAK * WHITE_NITS:
            return light
        red, green, blue = cv2.split(light)
        most = cv2.max(cv2.max(red, green), cv2.max(blue, 0))
        return light * _look_up(self._roll_off, np.sqrt(most * (WHITE_NITS / PQ_NITS)))[..., None]

    def _decode(self, yuv: np.ndarray) -> np.ndarray:
        """Light (h, w, 3) of BT.709's primaries, 1 for white, of YUV as stored."""
        matrix, offset = make_rgb_matrix(self.weights, self.full_range)
        depth = 255 * 2 ** (self.bits - 8)
        matrix = np.column_stack([matrix / depth, offset / 255]).astype(np.float32)
        light = _look_up(_tabulate_light(self.transfer), cv2.transform(yuv, matrix))
        if self.transfer == HLG:
            # BT.2100: the display's gamma works on luminance, so that hues stay. FFmpeg's zscale
            # does so with agamma=0; else it works on each color, some levels off where these are
            # saturated.
            luminance = cv2.transform(light, np.array([[0.2627, 0.6780, 0.0593]], np.float32))
            gain = np.power(np.maximum(luminance, 1e-6), HLG_GAMMA - 1) * (HLG_NITS / WHITE_NITS)
            light = light * gain.reshape(*light.shape[:2], 1)
        return cv2.transform(light, self.to_bt709)

    @cached_property
    def to_bt709(self) -> np.ndarray:
        """Matrix (3, 3) from light of the film's primaries to that of BT.709."""
        return make_primaries_matrix(WIDE[self.primaries]).astype(np.float32)

    @cached_property
    def _roll_off(self) -> np.ndarray:
        """By the root of light over PQ_NITS: what the curve makes of light, over that light."""
        nits = PQ_NITS * np.linspace(0, 1, STEPS) ** 2
        nits[0] = nits[1]
        return (roll_off(nits, self.peak_nits, WHITE_NITS) / nits).astype(np.float32)


def find_mapper(frame: av.VideoFrame, peak_nits: float = WHITE_NITS) -> ToneMapper | None:
    """What a planar frame needs to be shown as SDR of BT.709; None where it is that already."""
    primaries = frame.color_primaries
    is_marked = primaries not in (0, UNMARKED)
    is_hdr = frame.color_trc in (PQ, HLG)
    if primaries not in WIDE and (
        is_hdr or (frame.colorspace in BT2020_MATRICES and not is_marked)
    ):
        primaries = 9  # such light comes in no smaller range of colors
    if primaries not in WIDE:
        return None
    kind = frame.color_trc, primaries, find_weights(frame), is_full_range(frame), bit_depth(frame)
    return _make_mapper(*kind, peak_nits)


_make_mapper = cache(ToneMapper)


@cache
def _tabulate_light(transfer: int) -> np.ndarray:
    """Table (STEPS,) from a stored value, 0 to 1, to light, 1 for white; HLG: of the scene."""
    values = np.linspace(0, 1, STEPS)
    if transfer == PQ:
        light = decode_pq(values) / WHITE_NITS
    elif transfer == HLG:
        light = decode_hlg(values)
    else:
        light = values**SDR_GAMMA
    return light.astype(np.float32)


def decode_pq(values: np.ndarray) -> np.ndarray:
    """Light in nits of PQ values, 0 to 1 (BT.2100, table 4)."""
    power = np.power(values, 1 / 78.84375)
    return PQ_NITS * np.power(
        np.maximum(power - 0.8359375, 0) / (18.8515625 - 18.6875 * power), 1 / 0.1593017578125
    )


def encode_pq(nits: np.ndarray) -> np.ndarray:
    """PQ values, 0 to 1, of light in nits (BT.2100, table 4)."""
    power = np.power(np.asarray(nits) / PQ_NITS, 0.1593017578125)
    return np.power((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power), 78.84375)


def decode_hlg(values: np.ndarray) -> np.ndarray:
    """Light of the scene, 0 to 1, of HLG values, 0 to 1 (BT.2100, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def roll_off(nits: np.ndarray, peak_nits: float, white_nits: float) -> np.ndarray:
    """Light in nits with all up to a peak brought below white, dark parts as they are.

    The curve of BT.2390, section 5.4.1 (EETF): in PQ, straight up to a knee, then a Hermite spline.
    """
    peak = encode_pq(peak_nits)
    value = np.minimum(encode_pq(nits) / peak, 1)
    most = float(encode_pq(white_nits) / peak)
    knee = 1.5 * most - 0.5
    if most >= 1:
        return np.minimum(nits, white_nits)
    part = np.clip((value - knee) / (1 - knee), 0, 1)
    spline = (
        (2 * part**3 - 3 * part**2 + 1) * knee
        + (part**3 - 2 * part**2 + part) * (1 - knee)
        + (-2 * part**3 + 3 * part**2) * most
    )
    return decode_pq(np.where(value < knee, value, spline) * peak)


def make_primaries_matrix(primaries: tuple) -> np.ndarray:
    """Matrix (3, 3) from light of some primaries to light of BT.709; white stays white."""
    return np.linalg.inv(_to_xyz(BT709)) @ _to_xyz(primaries)


def _to_xyz(primaries: tuple) -> np.ndarray:
    """Light of primaries to CIE XYZ, whose white is made that of BT.709."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries[:3]]).T
    x, y = primaries[3]
    own = columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])
    wanted = np.array([BT709[3][0], BT709[3][1], 1 - sum(BT709[3])]) / BT709[3][1]
    return np.diag(wanted / own.sum(1)) @ own


def encode_sdr(light: np.ndarray) -> np.ndarray:
    """8-bit values of light, 1 for white, for a display of BT.1886; what is beyond is clipped."""
    roots = np.maximum(light, 0)
    return _look_up(_tabulate_sdr(), np.sqrt(roots, out=roots))


@cache
def _tabulate_sdr() -> np.ndarray:
    values = np.linspace(0, 1, STEPS) ** (2 / SDR_GAMMA)
    return np.round(255 * values).astype(np.uint8)


def _look_up(table: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Entries of a table for values from 0 to 1; what is beyond gets its end."""
    scaled = values * np.float32(len(table) - 1)
    scaled += np.float32(0.5)
    return table.take(scaled.astype(np.intp), mode="clip")
