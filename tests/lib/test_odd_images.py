"""Images of odd kinds: deep, float, in other colors, animated, damaged in one part or another."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.factories.encoded_images import (
    encode,
    encode_alpha,
    encode_placed_gif,
    encode_several,
    encode_tiff,
    make_wide_profile,
)
from tests.factories.films_in_code import draw_scene
from workflow_scripts.lib import foreign_images
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import decode_image, read_image_file, read_size
from workflow_scripts.lib.image_folders import FORMATS, IMAGE_SUFFIXES

SCENE = draw_scene(1)
HEIGHT, WIDTH = SCENE.shape[:2]
GRAY = SCENE[..., 1]
DEEP, DEEP_GRAY = SCENE.astype(np.uint16) * 257, GRAY.astype(np.uint16) * 257
WEB = SCENE // 51 * 51  # colors that the common palette has
OPAQUE_BELOW = np.repeat(np.uint8([0, 255]), HEIGHT // 2)[:, None] * np.ones((1, WIDTH), np.uint8)
SHOWN_BELOW = np.where(OPAQUE_BELOW[..., None] > 0, SCENE, 128)  # over gray
WHOLE = np.full((HEIGHT, WIDTH), 255, np.uint8)
# Suffixes of Pillow's that are no still images people mean: icons; what starts another program;
# data of science; videos; textures of games; formats that only their stubs know
LEFT_OUT = {
    *(".cur", ".icns", ".ico", ".eps", ".ps", ".emf", ".wmf", ".mpeg", ".mpg"),
    *(".bufr", ".fit", ".fits", ".grib", ".h5", ".hdf", ".iim", ".blp", ".ftc", ".ftu"),
    *(".dcx", ".gbr", ".im", ".msp", ".pcd", ".pxr"),
}


def gray(levels):
    return np.repeat(np.asarray(levels)[..., None], 3, axis=2)


def stack(image, alpha):
    return np.dstack([image, alpha.astype(image.dtype)])


def find_error(image, expected) -> float:
    assert image.shape == expected.shape
    assert image.dtype == np.uint8
    return float(np.abs(image.astype(int) - expected).max())


def test_every_suffix_that_the_reader_knows_is_an_image_or_left_out_on_purpose():
    Image.init()
    known = {name for name, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    assert known - set(IMAGE_SUFFIXES) == LEFT_OUT
    assert set(IMAGE_SUFFIXES) - known == {".jif", ".mpo"}  # other names of JPEG
    assert set(FORMATS) <= set(Image.OPEN)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "DIB", "TIFF", "PPM", "TGA", "QOI", "PCX", "SGI"])
def test_formats_without_loss(kind):
    assert find_error(decode_image(encode(SCENE, kind)).pixels, SCENE) == 0


@pytest.mark.parametrize(
    ("kind", "options"),
    [("AVIF", {"quality": 98}), ("JPEG2000", {}), ("WEBP", {"quality": 98}), ("GIF", {})],
    ids=["AVIF", "JPEG 2000", "WebP", "GIF"],
)
def test_formats_with_loss(kind, options):
    pixels = decode_image(encode(WEB, kind, **options)).pixels
    assert np.abs(pixels.astype(int) - WEB).mean() < 7  # of small shapes, half the colors


@pytest.mark.parametrize(
    ("data", "expected", "tolerance"),
    [
        (lambda: encode(DEEP_GRAY, "PNG"), gray(GRAY), 0),
        (lambda: encode(DEEP_GRAY // 4, "PNG"), gray(GRAY // 4), 0),
        (lambda: encode_tiff(DEEP), SCENE, 0),
        (lambda: encode_tiff(DEEP, big_endian=True), SCENE, 0),
        (lambda: encode_tiff(DEEP_GRAY, photometric=1), gray(GRAY), 0),
        (lambda: encode_tiff(DEEP_GRAY, photometric=1, big_endian=True), gray(GRAY), 0),
        (lambda: encode_tiff(65535 - DEEP_GRAY, photometric=0), gray(GRAY), 1),
        (lambda: encode_tiff(GRAY.astype(np.int16) * 128, photometric=1), gray(GRAY), 0),
        (lambda: encode_tiff(DEEP_GRAY * np.uint32(65537), photometric=1), gray(GRAY), 1),
        (lambda: encode_tiff(DEEP_GRAY.astype(np.uint32), photometric=1), gray(GRAY), 1),
        (lambda: encode_tiff(DEEP * np.uint32(65537)), SCENE, 1),
        (lambda: encode_tiff((SCENE / 255).astype(np.float32)), SCENE, 0),
        (lambda: encode_tiff((SCENE / 255).astype(np.float32), big_endian=True), SCENE, 0),
        (lambda: encode_tiff((GRAY / 255).astype(np.float32), photometric=1), gray(GRAY), 0),
        (lambda: encode_tiff(SCENE / 255), SCENE, 0),
        (lambda: encode_tiff(GRAY.astype(np.float32), photometric=1), gray(GRAY), 0),
        (lambda: encode_tiff(SCENE, in_planes=True), SCENE, 0),
        (lambda: encode_tiff(stack(DEEP, OPAQUE_BELOW * 257.0)), SHOWN_BELOW, 0),
        (lambda: encode_pgm(DEEP_GRAY), gray(GRAY), 0),
        (lambda: encode_pfm(SCENE / 255), SCENE, 0),
    ],
    ids=[
        "16 bit PNG",
        "dark 16 bit PNG",
        "16 bit TIFF",
        "big-endian",
        "16 bit gray TIFF",
        "big-endian gray",
        "white is zero",
        "signed 16 bit",
        "32 bit gray",
        "16 bits in 32",
        "32 bit RGB",
        "float RGB",
        "big-endian float",
        "float gray",
        "double",
        "float to 255",
        "8 bit in planes",
        "16 bit with alpha",
        "16 bit PGM",
        "float PFM",
    ],
)
def test_deep_images(data, expected, tolerance):
    assert find_error(decode_image(data()).pixels, expected) <= tolerance


def encode_pgm(levels: np.ndarray) -> bytes:
    return b"P5 %d %d 65535\n" % levels.shape[::-1] + levels.astype(">u2").tobytes()


def encode_pfm(levels: np.ndarray) -> bytes:
    return b"PF\n%d %d\n-1.0\n" % levels.shape[1::-1] + levels[::-1].astype("<f4").tobytes()


def test_highlights_of_a_float_image_are_clipped():
    levels = (SCENE / 255).astype(np.float32)
    levels[0, :3] = [900, np.inf, np.nan]
    pixels = decode_image(encode_tiff(levels)).pixels
    assert pixels[0, 0].tolist() == [255, 255, 0]
    assert np.array_equal(pixels[1:], SCENE[1:])


def test_twelve_bits_are_not_dark():
    twelve = (DEEP_GRAY >> 4).astype(np.uint32)
    pairs = twelve.reshape(-1, 2)
    packed = (pairs[:, 0] << 12 | pairs[:, 1]).astype(">u4").view(np.uint8).reshape(-1, 4)[:, 1:]
    strip = encode_tiff(packed.reshape(HEIGHT, -1), photometric=1, bits=12)
    data = strip.replace(
        struct.pack("<HHII", 256, 4, 1, WIDTH * 3 // 2), struct.pack("<HHII", 256, 4, 1, WIDTH)
    )
    assert find_error(decode_image(data).pixels, gray(GRAY)) == 0


@pytest.mark.parametrize(
    "data",
    [
        lambda: encode_tiff(DEEP, in_planes=True),
        lambda: encode_tiff((SCENE / 255).astype(np.float32), in_planes=True),
        lambda: encode_tiff(stack(DEEP_GRAY, WHOLE), photometric=1),
        lambda: encode_tiff(SCENE, compression=34712),
        lambda: encode_tiff((SCENE / 255).astype(np.float16)),
    ],
    ids=["16 bit in planes", "float in planes", "deep gray with alpha", "JPEG 2000", "half float"],
)
def test_a_tiff_that_would_come_out_wrong_is_refused(data):
    with pytest.raises(CineloraError, match=r"a TIFF of \d x \d+ bits .* convert it to PNG"):
        decode_image(data())


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("kind", ["TIFF", "float TIFF", "PNG", "WEBP", "AVIF"])
def test_every_format_comes_upright(tmp_path, kind, orientation):
    turns = {1: 0, 3: 2, 6: 1, 8: 3}  # quarters to the left that undo it
    stored = np.ascontiguousarray(np.rot90(WEB, turns[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    if kind == "float TIFF":
        data = encode_tiff((stored / 255).astype(np.float32), orientation=orientation)
    else:
        data = encode(stored, kind, exif=exif)
    (tmp_path / "x").write_bytes(data)
    assert np.abs(read_image_file(tmp_path / "x").astype(int) - WEB).mean() < 12
    assert read_size(tmp_path / "x") in ((WIDTH, HEIGHT), None)


MUTED = SCENE // 2 + 64  # colors that both profiles have


def encode_wide(kind: str, image=MUTED, alpha=None, **options) -> bytes:
    """An image that is shown as this one, when its profile is used."""
    profile = make_wide_profile()
    wide = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    stored = np.asarray(ImageCms.profileToProfile(Image.fromarray(image), srgb, wide))
    assert np.abs(stored.astype(int) - image).max() > 20
    stored = stored if alpha is None else stack(stored, alpha)
    return encode(stored, kind, icc_profile=profile, **options)


@pytest.mark.parametrize(
    ("data", "expected", "tolerance"),
    [
        (lambda: encode_wide("PNG"), MUTED, 2),
        (lambda: encode_wide("TIFF"), MUTED, 2),
        (lambda: encode_wide("WEBP", lossless=True), MUTED, 2),
        (lambda: encode_wide("JPEG", quality=99, subsampling=0), MUTED, 12),
    ],
    ids=["PNG", "TIFF", "WebP", "JPEG"],
)
def test_colors_are_those_that_a_viewer_shows(data, expected, tolerance):
    assert find_error(decode_image(data()).pixels, expected) <= tolerance


def test_a_profile_is_used_beside_transparency():
    pixels = decode_image(encode_wide("PNG", alpha=OPAQUE_BELOW)).pixels
    assert find_error(pixels, np.where(OPAQUE_BELOW[..., None] > 0, MUTED, 128)) <= 2


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_profile_that_cannot_be_used_is_named(kind):
    decoded = decode_image(encode(SCENE, kind, icc_profile=b"garbage" * 20))
    assert decoded.note == "its color profile is damaged, and is not used"
    assert np.abs(decoded.pixels.astype(int) - SCENE).mean() < 12


SEVERAL = "holds 2 images, of which the first is used"
CLEAR = [stack(SCENE, OPAQUE_BELOW), stack(draw_scene(2), OPAQUE_BELOW)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (lambda: encode_several([SCENE, draw_scene(2)], "PNG"), SCENE),
        (lambda: encode_several([SCENE, draw_scene(2)], "TIFF"), SCENE),
        (lambda: encode_several([WEB, draw_scene(2)], "GIF"), WEB),
        (lambda: encode_several(CLEAR, "PNG"), SHOWN_BELOW),
        (lambda: encode_several(CLEAR, "WEBP", lossless=True), SHOWN_BELOW),
        (lambda: encode_several(CLEAR, "GIF", disposal=2), SHOWN_BELOW),
    ],
    ids=["PNG", "pages", "GIF", "clear PNG", "clear WebP", "clear GIF"],
)
def test_of_several_images_the_first_is_used(data, expected):
    decoded = decode_image(data())
    assert decoded.note == SEVERAL
    assert np.abs(decoded.pixels.astype(int) - expected).mean() < 4


def test_the_image_for_viewers_without_animations_is_not_the_first():
    images = [SCENE, draw_scene(2), draw_scene(3)]
    data = encode_several(images, "PNG", default_image=True)
    assert np.array_equal(decode_image(data).pixels, images[1])


def test_a_gif_that_fills_a_part_of_its_canvas():
    pixels = decode_image(encode_placed_gif(WEB, (WIDTH + 30, HEIGHT + 20), (10, 20))).pixels
    expected = np.full((HEIGHT + 20, WIDTH + 30, 3), 128, np.uint8)
    expected[20:, 10 : 10 + WIDTH] = WEB
    assert np.abs(pixels.astype(int) - expected).mean() < 4
    assert np.array_equal(pixels[:20], expected[:20])


def test_one_level_of_a_deep_image_may_be_clear():
    data = io.BytesIO()
    Image.fromarray(DEEP_GRAY).save(data, "PNG", transparency=int(DEEP_GRAY[5, 5]))
    expected = np.where(gray(GRAY) == GRAY[5, 5], 128, gray(GRAY))
    assert find_error(decode_image(data.getvalue()).pixels, expected) == 0


def insert_segment(jpeg: bytes, content: bytes, marker: int = 0xE1) -> bytes:
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + jpeg[2:]


def test_damaged_exif_does_not_cost_the_image():
    jpeg = encode(SCENE, "JPEG", quality=98)
    broken = insert_segment(jpeg, b"Exif\x00\x00" + b"\xde\xad" * 10)
    assert np.array_equal(decode_image(broken).pixels, decode_image(jpeg).pixels)


def test_exif_is_found_behind_other_large_segments():
    exif = Image.Exif()
    exif[0x0112] = 6
    jpeg = encode(np.ascontiguousarray(np.rot90(SCENE)), "JPEG", exif=exif, quality=98)
    for _ in range(2):
        jpeg = insert_segment(jpeg, bytes(65000), marker=0xE2)
    assert decode_image(jpeg).pixels.shape == SCENE.shape


HEIC = struct.pack(">I", 24) + b"ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("x.heic", HEIC, "holds HEIF, which is not read here: convert it to PNG or JPEG"),
        ("x.jpg", HEIC, "holds HEIF, which is not read here: convert it to PNG or JPEG"),
        ("x.jxl", b"\xff\x0a" + bytes(20), "holds JPEG XL, which is not read here"),
        ("x.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n", "holds PostScript, which is not read here"),
        ("x.jpg", b"<!DOCTYPE html><html>", "holds no image but a web page"),
        ("x.png", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        ("x.nef", encode_tiff(SCENE), "raw data of a camera, not read here"),
    ],
    ids=["HEIC", "HEIC called .jpg", "JPEG XL", "PostScript", "web page", "Git LFS", "raw"],
)
def test_what_is_not_read_says_what_to_do(tmp_path, name, data, problem):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CineloraError, match=problem):
        read_image_file(tmp_path / name)


def test_an_image_of_too_many_pixels_is_refused_before_it_is_decoded():
    jpeg = bytearray(encode(SCENE, "JPEG"))
    start = jpeg.index(b"\xff\xc0")
    jpeg[start + 5 : start + 9] = struct.pack(">HH", 65000, 65000)
    png = bytearray(encode(SCENE, "PNG"))
    png[16:24] = struct.pack(">II", 65000, 65000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    for data in (jpeg, png):
        with pytest.raises(CineloraError, match="Make it smaller"):
            decode_image(bytes(data))


BOMBS = {
    "PPM": b"P6 50000 50000 255\n" + bytes(90),
    "QOI": b"qoif" + struct.pack(">IIBB", 50_000, 50_000, 3, 0) + bytes(90),
    "TGA": struct.pack("<BBBHHBHHHHBB", 0, 0, 10, 0, 0, 0, 0, 0, 50_000, 50_000, 24, 0) + bytes(90),
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 50_000, 50_000, 8, 3) + bytes(90),
    "between the limits": b"P6 13000 13000 255\n" + bytes(90),
    "a strip": b"P6 1 5000 255\n" + bytes(15_000),
    "a strip of float": encode_pfm(np.zeros((1000, 2, 3))),
}


@pytest.mark.parametrize("data", BOMBS.values(), ids=BOMBS)
def test_a_header_alone_refuses_an_image(data):
    with pytest.raises(CineloraError, match="more pixels than|are more than|are a strip"):
        decode_image(data)


def test_an_image_for_which_there_is_no_memory_is_named(monkeypatch):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(foreign_images, "apply_profile", fail)
    with pytest.raises(CineloraError, match="takes more memory than there is. Make it smaller"):
        decode_image(encode(SCENE, "PNG"))


@pytest.mark.parametrize("kind", ["AVIF", "GIF", "JPEG2000", "TIFF", "QOI", "TGA", "PPM", "PNG"])
def test_half_a_file_is_an_error_in_every_format(kind):
    data = encode(SCENE, kind)
    with pytest.raises(CineloraError):
        decode_image(data[: len(data) // 2])


def test_alpha_of_zero_and_of_all():
    assert np.unique(decode_image(encode_alpha(SCENE, WHOLE * 0)).pixels).tolist() == [128]
    assert find_error(decode_image(encode_alpha(SCENE, WHOLE)).pixels, SCENE) == 0


def encode_with_codes(kind: str, primaries: int, transfer: int) -> bytes:
    """An AVIF or PNG that tells its colors by codes of H.273."""
    data = bytearray(encode(SCENE, kind))
    if kind == "AVIF":
        place = data.index(b"colrnclx") + 8
        data[place : place + 4] = struct.pack(">HH", primaries, transfer)
        return bytes(data)
    content = b"cICP" + bytes([primaries, transfer, 0, 1])
    chunk = struct.pack(">I", 4) + content + struct.pack(">I", zlib.crc32(content))
    return bytes(data[:33]) + chunk + bytes(data[33:])


@pytest.mark.parametrize("kind", ["AVIF", "PNG"])
def test_colors_told_by_codes(kind):
    assert decode_image(encode_with_codes(kind, 1, 13)).note == ""
    assert "primaries 12 of H.273" in decode_image(encode_with_codes(kind, 12, 13)).note
    for transfer in (16, 18):
        with pytest.raises(CineloraError, match="an HDR image"):
            decode_image(encode_with_codes(kind, 9, transfer))
