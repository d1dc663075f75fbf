"""Films in a wider range of light and color, brought to SDR."""

import av
import numpy as np
import pytest
import simplejpeg

from workflow_scripts.film.decoding.tone_mapping import (
    HLG,
    PQ,
    decode_hlg,
    decode_pq,
    encode_pq,
    find_mapper,
    roll_off,
)

SDR_WHITE = 203.0
WIDTH, HEIGHT = 160, 96
RED, GREEN = np.meshgrid(np.linspace(20, 235, WIDTH), np.linspace(30, 220, HEIGHT))
IMAGE = np.stack([RED, GREEN, np.full_like(RED, 90)], axis=-1)  # RGB of BT.709, 0 to 255
TO_2020 = np.array(  # ITU-R BT.2087, table 1
    [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
)
UNMARKED = 2


def encode_hlg(light):
    """Light of a display of 1000 nits, 1 at its peak, to HLG values (ITU-R BT.2100)."""
    luminance = np.maximum(light @ [0.2627, 0.6780, 0.0593], 1e-9)[..., None]
    scene = light * luminance ** (1 / 1.2 - 1)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


def make_frame(transfer, *, nits=SDR_WHITE, primaries=9, matrix=9, bits=10, full=False):
    """IMAGE as a frame (4:4:4) whose white is so bright, by the formulas of the standards."""
    light = (IMAGE / 255) ** 2.4
    light = light @ TO_2020.T if primaries in (9, UNMARKED) else light
    values = {
        PQ: lambda: encode_pq(nits * light),
        HLG: lambda: encode_hlg(nits / 1000 * light),
    }.get(transfer, lambda: light ** (1 / 2.4))()
    luma = values @ [0.2627, 0.6780, 0.0593]
    chroma = [(values[..., 2] - luma) / 1.8814, (values[..., 0] - luma) / 1.4746]
    scale, black = (1 << (bits - 8)), 0 if full else 16
    luma = (black + luma * (255 if full else 219)) * scale
    chroma = [(128 + plane * (255 if full else 224)) * scale for plane in chroma]
    planes = np.round(np.clip([luma, *chroma], 0, (1 << bits) - 1)).astype(np.uint16)
    name = "yuv444p" if bits == 8 else f"yuv444p{bits}le"
    frame = av.VideoFrame(WIDTH, HEIGHT, name)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(HEIGHT, plane.line_size)
        stored = values.astype(np.uint8) if bits == 8 else values
        rows[:, : stored.nbytes // HEIGHT] = np.ascontiguousarray(stored).view(np.uint8)
    frame.colorspace, frame.color_range = matrix, 2 if full else 1
    frame.color_trc, frame.color_primaries = transfer, primaries
    return frame


@pytest.mark.parametrize(
    ("transfer", "how"),
    [
        (PQ, {}),
        (PQ, {"bits": 12}),
        (PQ, {"full": True}),
        (PQ, {"primaries": UNMARKED}),
        (HLG, {}),
        (HLG, {"bits": 12}),
        (14, {}),
        (1, {"primaries": UNMARKED, "bits": 8}),
    ],
    ids=["PQ", "12 bits", "full range", "primaries unmarked", "HLG", "HLG 12", "2020", "2020 8"],
)
def test_what_was_sdr_comes_back(transfer, how):
    frame = make_frame(transfer, **how)
    errors = find_mapper(frame).to_rgb(frame) - IMAGE
    assert np.abs(errors).mean() < 1.2
    assert np.quantile(np.abs(errors), 0.95) < 3


def test_the_planes_make_a_jpeg_of_the_same_colors():
    frame = make_frame(PQ)
    planes = find_mapper(frame).map(frame)
    assert [plane.shape for plane in planes] == [(96, 160), (48, 80), (48, 80)]
    jpeg = simplejpeg.encode_jpeg_yuv_planes(*planes, quality=98)
    assert np.abs(simplejpeg.decode_jpeg(jpeg, "RGB") - IMAGE).mean() < 2.5


@pytest.mark.parametrize(
    ("transfer", "matrix", "primaries"),
    [(1, 1, 1), (2, 2, 2), (6, 6, 6), (13, 1, 1), (1, 9, 1)],
    ids=["709", "unmarked", "601", "sRGB", "the matrix alone is wide"],
)
def test_sdr_is_left_as_it_is(transfer, matrix, primaries):
    frame = make_frame(transfer, matrix=matrix, primaries=primaries)
    assert find_mapper(frame) is None


def test_display_p3_gets_its_colors():
    frame = make_frame(13, primaries=12)
    mapper = find_mapper(frame)
    assert mapper.name == "display-p3 to bt709"
    # the same numbers mean more red in P3: what BT.709 cannot show of it is clipped
    assert mapper.to_rgb(frame)[0, -1, 0] == 255
    gray = np.full((4, 4, 3), 0.5, np.float32)
    assert np.allclose(gray @ mapper.to_bt709.T, gray, atol=1e-3)


def test_highlights_are_rolled_off_and_keep_their_order():
    frame = make_frame(PQ, nits=1000)
    peak_nits = find_mapper(frame).measure_peak(frame)
    assert 600 < peak_nits < 1000
    mapper = find_mapper(frame, peak_nits)
    assert mapper.name == f"pq by bt2390 from {round(peak_nits)} nits"
    rolled, clipped = mapper.to_rgb(frame), find_mapper(frame).to_rgb(frame)
    shares = [(image[..., 0] == 255).mean() for image in (rolled, clipped)]
    assert shares[0] < 0.4 * shares[1]  # the curve is flat at its end
    assert np.all(np.diff(rolled[40, :, 0].astype(int)) >= -1)


def test_the_curve_of_bt2390():
    nits = np.array([0.1, 1, 10, 50, 203, 500, 1000, 4000])
    out = roll_off(nits, 1000, 203)
    assert out[:4] == pytest.approx(nits[:4], rel=1e-3)  # below the knee: as it is
    assert np.all(np.diff(out[:7]) > 0)
    assert out[6:] == pytest.approx(203, rel=1e-3)
    assert roll_off(nits, 203, 203) == pytest.approx(np.minimum(nits, 203), rel=1e-6)


@pytest.mark.parametrize(("value", "nits"), [(0, 0), (0.508, 100), (0.5807, 203), (1, 10_000)])
def test_pq_as_the_standard_lists_it(value, nits):
    assert decode_pq(np.array(value)) == pytest.approx(nits, rel=0.01, abs=1e-6)
    assert encode_pq(np.array(nits)) == pytest.approx(value, abs=0.001)


@pytest.mark.parametrize(("value", "light"), [(0, 0), (0.5, 1 / 12), (0.75, 0.2650), (1, 1)])
def test_hlg_as_the_standard_lists_it(value, light):
    assert decode_hlg(np.array(value)) == pytest.approx(light, abs=0.001)


def test_features_are_read_near_those_of_sdr():
    frame = make_frame(PQ)
    mapper = find_mapper(frame)
    assert mapper.tones[16] == 16
    assert mapper.tones[round(16 + 219 * 0.5807)] == pytest.approx(235, abs=2)
    assert mapper.chroma_gain == 2
    assert find_mapper(make_frame(14)).tones is None
