"""A film, or a folder, becomes images and tables."""

import struct

import av
import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.encoded_images import encode_several
from tests.factories.films_in_code import (
    draw_scene,
    make_frame,
    moving_shot,
    open_video,
    pan,
    weave,
    write_film,
)
from tests.factories.sums import list_changes
from workflow_scripts.film import extract_frames
from workflow_scripts.film.decoding.shots import Boundary
from workflow_scripts.film.decoding.video import PixelShape
from workflow_scripts.film.decoding.video_pass import make_upright
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb

SAMPLING = {
    "frames_per_second": 6,
    "frames_per_shot": 3,
    "min_cut_change": 22,
    "held_tolerance": 6,
    "crop_bars": True,
}
TWO_SHOTS = moving_shot(1, 30) + moving_shot(2, 30)


class Extracted:
    """What main left in a folder."""

    def __init__(self, film, folder, max_unreadable=0.1, **sampling):
        names = ("frames", "shots", "problems")
        paths = {name: str(folder / f"{name}.parquet") for name in names}
        self.images = folder / "images"
        self.counts = extract_frames.main(
            str(film),
            **paths,
            images=str(self.images),
            sampling=SAMPLING | sampling,
            max_unreadable=max_unreadable,
        )
        self.frames, self.shots, self.problems = (pd.read_parquet(paths[name]) for name in names)

    def read(self, row):
        return read_rgb(self.images / self.frames["file"][row])


def write_images(folder, images, suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        cv2.imwrite(str(folder / f"{number}{suffix}"), image[..., ::-1])
    return folder


def test_list_shots():
    boundaries = [Boundary(0, "start"), Boundary(2, "fade"), Boundary(4, "fade")]
    fades = np.array([0, 1, 1, 0, 0, 0], bool)
    shots = extract_frames.list_shots(boundaries, np.arange(6) / 2, fades)
    assert shots["transition"].tolist() == ["start", "fade", "cut"]  # nothing faded at frame 4
    assert shots["start_s"].tolist() == [0, 1, 2]
    assert shots["end_s"].tolist() == [1, 2, 3]
    assert shots["end_frame_no"].tolist() == [2, 4, 6]


def test_a_film(tmp_path):
    out = Extracted(write_film(tmp_path / "film.mp4", TWO_SHOTS), tmp_path)
    frames = out.frames
    assert out.shots["first_frame_no"].tolist() == [0, 30]
    assert out.shots["transition"].tolist() == ["start", "cut"]
    assert frames["frame_id"].tolist()[:2] == ["s0000_f000000", "s0000_f000004"]
    assert frames["frame_no"].tolist() == [*range(0, 30, 4), *range(30, 60, 4)]
    assert np.allclose(frames["time_s"], frames["frame_no"] / 24, atol=1e-3)
    assert sorted(frames["file"]) == sorted(path.name for path in out.images.iterdir())
    assert frames["histogram"].map(sum).tolist() == pytest.approx([1] * len(frames), abs=1e-4)
    for row in (0, 9):
        wanted = TWO_SHOTS[frames["frame_no"][row]]
        assert np.abs(out.read(row).astype(int) - wanted).mean() < 8
    assert len(out.problems) == 0
    assert (out.counts.read, out.counts.kept) == (16, 16)


def test_held_drawings_keep_their_row_and_get_no_image(tmp_path):
    held = [draw_scene(1)] * 30 + moving_shot(2, 12)
    frames = Extracted(write_film(tmp_path / "film.mp4", held), tmp_path).frames
    first = frames[frames["shot_id"] == 0]
    assert first["reason"].tolist() == [""] + ["held"] * 7
    assert first["held_of"].tolist() == [""] + ["s0000_f000000"] * 7
    assert first["file"].tolist() == ["f000000.jpg"] + [""] * 7
    assert len(set(first["phash"])) == 1
    assert first["width_px"].tolist() == [160] * 8
    assert (frames[frames["shot_id"] == 1]["reason"] == "").all()


def test_a_small_movement_is_not_held(tmp_path):
    images = [draw_scene(1, (640, 384), shift=4 * (k // 4)) for k in range(24)]
    frames = Extracted(write_film(tmp_path / "film.mp4", images), tmp_path).frames
    assert (frames["reason"] == "").all()


def test_every_frame_as_an_image(tmp_path):
    film = write_film(tmp_path / "film.mp4", [draw_scene(1)] * 10)
    out = Extracted(film, tmp_path, frames_per_second=24, held_tolerance=-1)
    assert out.counts.kept == 10


def test_letterbox_bars_are_cropped(tmp_path):
    images = moving_shot(1, 30, (320, 136)) + moving_shot(2, 30, (320, 136))
    framed = [cv2.copyMakeBorder(i, 22, 22, 0, 0, cv2.BORDER_CONSTANT) for i in images]
    film = write_film(tmp_path / "film.mp4", framed)
    out = Extracted(film, tmp_path / "cropped")
    assert set(out.frames["height_px"]) == {136}
    assert set(out.frames["crop_y"]) == {22}
    assert np.abs(out.read(0).astype(int) - images[0]).mean() < 10
    whole = Extracted(film, tmp_path / "whole", crop_bars=False)
    assert set(whole.frames["height_px"]) == {180}


@pytest.mark.parametrize(
    ("pix_fmt", "codec"),
    [("yuv444p", "libx264"), ("yuv420p", "libvpx-vp9"), ("yuv420p10le", "ffv1"), ("bgr0", "ffv1")],
)
def test_odd_sizes_and_pixel_formats(tmp_path, pix_fmt, codec):
    images = moving_shot(1, 8, (161, 97))
    options = {"crf": "10", "b:v": "0", "cpu-used": "8"} if "vpx" in codec else {}
    film = write_film(tmp_path / "x.mkv", images, pix_fmt=pix_fmt, codec=codec, options=options)
    out = Extracted(film, tmp_path)
    assert out.read(0).shape == (97, 161, 3)
    assert np.abs(out.read(0).astype(int) - images[0]).mean() < 10


def test_a_film_turned_by_its_metadata(tmp_path):
    film = write_film(tmp_path / "film.mp4", TWO_SHOTS)
    data = bytearray(film.read_bytes())
    matrix = data.index(b"tkhd") + 44  # where the track header keeps it
    turned = (0, 1 << 16, 0, -1 << 16, 0, 0, 96 << 16, 0, 1 << 30)
    data[matrix : matrix + 36] = struct.pack(">9i", *turned)
    film.write_bytes(data)
    image = Extracted(film, tmp_path).read(0)
    assert np.abs(image.astype(int) - cv2.rotate(TWO_SHOTS[0], cv2.ROTATE_90_CLOCKWISE)).mean() < 8


@pytest.mark.parametrize(
    ("stretch", "turns", "size"),
    [(1.0, 0, (6, 10)), (2.0, 0, (6, 20)), (0.5, 0, (12, 10)), (1.0, 1, (10, 6))],
    ids=["square", "wide pixels", "tall pixels", "turned"],
)
def test_make_upright(stretch, turns, size):
    plane = np.arange(60, dtype=np.uint8).reshape(6, 10)
    assert make_upright(plane, PixelShape(stretch, turns)).shape == size


def test_a_film_woven_from_fields_gives_whole_images(tmp_path):
    moments = pan(1, 120, 3, (320, 192))
    options = {"crf": "8"}
    film = write_film(tmp_path / "film.mp4", weave(moments), rate=25, options=options)
    frames = Extracted(film, tmp_path).frames
    assert set(frames["fields"][1:-1]) == {"deinterlaced"}
    assert frames["combing"].max() < 0.003
    whole = write_film(tmp_path / "whole.mp4", moments[::2], rate=25)
    assert set(Extracted(whole, tmp_path / "whole").frames["fields"]) == {""}


def test_a_film_that_is_marked_as_interlaced_and_is_not_stays_as_it_is(tmp_path):
    images = pan(1, 60, 3, (320, 192))
    options = {"crf": "8", "x264-params": "interlaced=1:tff=1"}
    marked = write_film(tmp_path / "marked.mp4", images, options=options)
    with av.open(str(marked)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    out = Extracted(marked, tmp_path / "marked")
    plain = Extracted(
        write_film(tmp_path / "plain.mp4", images, options={"crf": "8"}), tmp_path / "plain"
    )
    assert set(out.frames["fields"]) == {""}
    assert np.abs(out.read(3).astype(int) - plain.read(3)).mean() < 1.5


def test_fields_that_begin_half_way_are_mended_too(tmp_path):
    images = pan(1, 300, 0.5, (320, 192)) + weave(pan(2, 240, 2, (320, 192)))
    film = write_film(tmp_path / "film.mp4", images, rate=25, options={"crf": "10", "g": "250"})
    frames = Extracted(film, tmp_path).frames
    second = frames[frames["shot_id"] == 1]
    assert set(frames["fields"][frames["shot_id"] == 0]) == {""}
    assert (second["fields"][1:-1] == "deinterlaced").all()
    assert sorted(frames["file"]) == sorted(path.name for path in (tmp_path / "images").iterdir())


def test_one_short_scene_that_opens_up_keeps_its_height(tmp_path):
    tall = [np.maximum(image, 40) for image in moving_shot(2, 30, (320, 192))]
    framed = [np.maximum(image, 40) for image in moving_shot(1, 480, (320, 144))]
    framed = [cv2.copyMakeBorder(i, 24, 24, 0, 0, cv2.BORDER_CONSTANT) for i in framed]
    options = {"crf": "12", "g": "24", "sc_threshold": "0"}
    film = write_film(tmp_path / "film.mp4", framed[:340] + tall + framed[340:], options=options)
    out = Extracted(film, tmp_path)
    assert set(out.frames["height_px"]) == {192}
    assert out.shots["first_frame_no"].tolist() == [0, 340, 370]


def test_frames_of_a_dissolve_are_marked(tmp_path):
    one, other = draw_scene(1), draw_scene(2)
    blend = [(one + (other - one.astype(float)) * k / 25).astype(np.uint8) for k in range(1, 25)]
    film = write_film(tmp_path / "film.mp4", [one] * 40 + blend + [other] * 40)
    out = Extracted(film, tmp_path, held_tolerance=-1)
    marked = out.frames["time_s"][out.frames["dissolve"]]
    assert marked.min() == pytest.approx(41 / 24, abs=0.17)
    assert marked.max() == pytest.approx(63 / 24, abs=0.17)
    assert out.shots["transition"].tolist() == ["start", "dissolve"]


def test_a_film_in_hdr_is_brought_to_sdr_and_says_so(tmp_path):
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        stream = open_video(container, draw_scene(1), pix_fmt="yuv420p10le", codec="ffv1")
        context = stream.codec_context
        context.color_trc, context.color_primaries = 16, 9
        context.colorspace, context.color_range = 9, 1
        for number in range(12):
            frame = make_frame(np.full((96, 160, 3), 148, np.uint8), number / 24)
            frame = frame.reformat(format="yuv420p10le")
            frame.color_trc, frame.color_primaries = 16, 9
            frame.colorspace, frame.color_range = 9, 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    out = Extracted(path, tmp_path)
    assert set(out.frames["color"]) == {"pq by bt2390 from 203 nits"}
    # 148 of 255 is 203 nits in PQ, which is white
    assert out.read(0).mean() == pytest.approx(255, abs=3)
    plain = Extracted(write_film(tmp_path / "sdr.mp4", TWO_SHOTS), tmp_path / "sdr")
    assert set(plain.frames["color"]) == {""}


def test_a_black_film_and_a_single_frame(tmp_path):
    black = write_film(tmp_path / "black.mp4", [np.zeros((96, 160, 3), np.uint8)] * 24)
    assert Extracted(black, tmp_path / "black").counts.kept == 1
    one = write_film(tmp_path / "one.mp4", [draw_scene(1)])
    assert Extracted(one, tmp_path / "one").counts.kept == 1


def test_a_film_that_ends_too_early_keeps_what_it_has(tmp_path):
    images = [image for seed in range(4) for image in moving_shot(seed, 24)]
    data = write_film(tmp_path / "film.mkv", images).read_bytes()
    (tmp_path / "short.mkv").write_bytes(data[: len(data) * 6 // 10])
    out = Extracted(tmp_path / "short.mkv", tmp_path)
    assert out.counts.kept > 5
    assert "promises 4.0 s" in out.problems["problem"].iloc[-1]


def test_a_folder_of_images(tmp_path):
    folder = tmp_path / "film"
    write_images(folder / "a", moving_shot(1, 4), ".jpg")
    write_images(folder / "b", moving_shot(2, 3))
    write_images(folder / "c", [*moving_shot(3, 2), *moving_shot(4, 12)])
    (folder / "c" / "7.png").write_bytes(b"broken")
    out = Extracted(folder, tmp_path)
    assert out.shots["first_frame_no"].tolist() == [0, 4, 7, 9]
    assert out.frames["source"].tolist()[3:5] == ["a/3.jpg", "b/0.png"]
    assert out.frames["reason"].tolist() == [""] * 14 + ["unreadable"] + [""] * 6
    assert out.problems["file"].tolist() == ["c/7.png"]
    assert out.counts.errors == 1
    assert (out.images / "f000000.jpg").read_bytes() == (folder / "a/0.jpg").read_bytes()
    assert np.abs(out.read(4).astype(int) - moving_shot(2, 1)[0]).mean() < 8


def test_each_image_has_its_size_and_sha256_in_the_table_and_held_frames_have_none(tmp_path):
    still = [draw_scene(5)] * 20
    film = write_film(tmp_path / "film.mp4", moving_shot(1, 12) + still)
    folder = write_images(tmp_path / "folder/a", moving_shot(2, 2), ".jpg").parent  # kept as it is
    write_images(folder / "b", [*moving_shot(3, 2), *still[:3]])  # converted
    for name, source in (("video", film), ("images", folder)):
        (tmp_path / name).mkdir()
        out = Extracted(source, tmp_path / name)
        held = out.frames["file"] == ""
        assert held.any() and (out.frames.loc[held, "sha256"] == "").all()
        changes = list_changes(tmp_path / name / "frames.parquet", out.images)
        assert changes == [""] * (~held).sum()


def test_of_a_folder_nothing_vanishes(tmp_path):
    folder = write_images(tmp_path / "film", [draw_scene(k) for k in range(20)])
    names = ["caf\udce9.png", "new\nline.png", "x" * 240 + ".PNG", "-rf", "🎬 {a}*[b].png"]
    for number, name in enumerate(names):
        (folder / f"{number}.png").rename(folder / name)
    (folder / "18.png").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    animation = encode_several([draw_scene(19), draw_scene(40)], "PNG")
    (folder / "19.png").write_bytes(animation)
    for name in ("1.txt", "2.txt", ".hidden", "notes.pdf"):
        (folder / name).write_text("x", encoding="utf-8")
    out = Extracted(folder, tmp_path)
    assert set(out.frames["source"]) >= {"caf\\xe9.png", *names[1:]}
    assert len(out.frames) == 20
    assert out.counts.set_aside == {"unreadable": 1}
    timed = out.problems[out.problems["time_s"].notna()]
    assert dict(zip(timed["file"], timed["problem"], strict=True)) == {
        "18.png": "holds HEIF, which is not read here: convert it to PNG or JPEG",
        "19.png": "holds 2 images, of which the first is used",
    }
    others = out.problems[out.problems["time_s"].isna()]
    assert dict(zip(others["file"], others["problem"], strict=True)) == {
        ".hidden": "hidden",
        ".txt": "not read as an image; 2 of these, such as 1.txt",
        "notes.pdf": "not read as an image",
    }


def test_bars_of_a_folder_are_cropped(tmp_path):
    images = [draw_scene(seed, (320, 136)) for seed in range(8)]
    framed = [cv2.copyMakeBorder(i, 22, 22, 0, 0, cv2.BORDER_CONSTANT) for i in images]
    out = Extracted(write_images(tmp_path / "film", framed, ".jpg"), tmp_path)
    assert set(out.frames["height_px"]) == {136}
    assert out.read(0).shape == (136, 320, 3)


def test_too_many_unreadable_images(tmp_path):
    folder = write_images(tmp_path / "film", [draw_scene(k) for k in range(6)])
    for number in (1, 2):
        (folder / f"{number}.png").write_bytes(b"broken")
    with pytest.raises(CineloraError, match=r"2 of 6 sampled frames cannot be read"):
        Extracted(folder, tmp_path)
    assert Extracted(folder, tmp_path, max_unreadable=0.5).counts.set_aside == {"unreadable": 2}


def test_a_folder_without_images(tmp_path):
    (tmp_path / "film").mkdir()
    with pytest.raises(CineloraError, match="holds no images"):
        Extracted(tmp_path / "film", tmp_path)


def test_an_image_that_cannot_be_written_stops_the_phase(tmp_path):
    film = write_film(tmp_path / "film.mp4", TWO_SHOTS)
    (tmp_path / "images" / "f000004.jpg").mkdir(parents=True)
    with pytest.raises(CineloraError, match=r"f000004.jpg cannot be written \(Is a directory\)"):
        Extracted(film, tmp_path)


def test_the_same_film_gives_the_same_tables(tmp_path):
    film = write_film(tmp_path / "film.mp4", TWO_SHOTS)
    one, other = Extracted(film, tmp_path / "one"), Extracted(film, tmp_path / "other")
    pd.testing.assert_frame_equal(one.frames, other.frames)
    assert one.images.joinpath("f000000.jpg").read_bytes() == (
        other.images.joinpath("f000000.jpg").read_bytes()
    )
