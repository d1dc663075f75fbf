"""Films as people have them, made by a script beside the project; skipped where it is not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film import extract_frames
from workflow_scripts.lib.images import read_rgb

ROOT = Path(__file__).resolve().parents[2]
NEXT_DOOR = ROOT.parent / "shared" / "cases"
CASES = Path(os.environ.get("CINELORA_TEST_CASES", NEXT_DOOR))
SAMPLING = {"frames_per_second": 6, "frames_per_shot": 3, "min_cut_change": 22}
SAMPLING |= {"held_tolerance": 6, "crop_bars": True}
HDR_BACK = (
    "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=bt709:t=bt709:m=gbr:r=pc:npl=203,format=gbrp"
)

pytestmark = [
    pytest.mark.skipif(
        not (CASES / "make_videos.sh").exists(),
        reason=f"no {CASES}/make_videos.sh; CINELORA_TEST_CASES names its folder",
    ),
    pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="the cases are made by ffmpeg"),
]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    made = subprocess.run(
        ["bash", str(CASES / "make_videos.sh"), str(ROOT), str(folder)],
        env=os.environ | {"PY": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    if not (folder / "offset.mkv").exists():
        pytest.skip(f"this ffmpeg does not make the cases: {made.stderr[-300:]}")
    return folder


class Extracted:
    """What the phase leaves of a film."""

    def __init__(self, film, folder):
        names = ("frames", "shots", "problems")
        paths = [str(folder / f"{name}.parquet") for name in names]
        images = folder / "images"
        extract_frames.main(str(film), *paths, str(images), sampling=SAMPLING, max_unreadable=0.1)
        self.frames, self.shots, self.problems = map(pd.read_parquet, paths)
        kept = self.frames[self.frames["file"] != ""]
        self.images = dict(zip(kept["frame_no"], map(images.joinpath, kept["file"]), strict=True))


def read_with_ffmpeg(film, filters, size):
    """Frames (N, height, width, 3) of a film as FFmpeg's own filters give them."""
    command = ["ffmpeg", "-v", "error", "-i", str(film), "-vf", filters, "-f", "rawvideo"]
    raw = subprocess.run([*command, "-pix_fmt", "rgb24", "-"], capture_output=True, check=True)
    return np.frombuffer(raw.stdout, np.uint8).reshape(-1, size[1], size[0], 3)


@pytest.mark.parametrize("name", ["small.mp4", "hdr10.mp4", "h264b.avi", "xvid.avi", "offset.mkv"])
def test_every_variant_has_the_times_of_the_plain_film(films, tmp_path, name):
    out = Extracted(films / name, tmp_path)
    assert out.shots["start_s"].tolist() == pytest.approx([0, 2.5, 5], abs=0.01)
    assert out.shots["end_s"].iloc[-1] == pytest.approx(6, abs=0.1)
    assert len(out.frames) == 36
    assert len(out.problems) == 0


@pytest.mark.parametrize("name", ["onekey.mp4", "manykeys.mp4", "live.webm"])
def test_bars_do_not_hang_on_keyframes(films, tmp_path, name):
    out = Extracted(films / name, tmp_path)
    assert set(zip(out.frames["width_px"], out.frames["height_px"], strict=True)) == {(640, 360)}
    assert out.shots["start_s"].tolist() == pytest.approx([0, 3, 5.5, 8], abs=0.01)


def test_scenes_that_open_up_keep_their_height(films, tmp_path):
    out = Extracted(films / "imax.mp4", tmp_path)
    assert set(out.frames["height_px"]) == {360}
    assert len(out.shots) == 34


@pytest.mark.parametrize("name", ["demo24.mp4", "demo60.mp4"])
def test_the_same_shots_at_every_rate(films, tmp_path, name):
    shots = Extracted(films / name, tmp_path).shots
    assert len(shots) == 34
    dissolves = shots["start_s"][shots["transition"] == "dissolve"]
    assert dissolves.tolist() == pytest.approx([27.25], abs=0.05)


def test_hdr10_is_as_zscale_has_it(films, tmp_path):
    out = Extracted(films / "hdr10.mp4", tmp_path)
    wanted = read_with_ffmpeg(films / "hdr10.mp4", HDR_BACK, (640, 360))
    errors = [np.abs(read_rgb(path).astype(int) - wanted[n]) for n, path in out.images.items()]
    assert len(errors) == 36
    assert np.mean(errors) < 1.5
    assert np.quantile(errors, 0.95) <= 4  # of which 4 are the JPEG's own


def test_an_unmarked_rip_of_1280_pixels_is_bt709(films, tmp_path):
    image = read_rgb(Extracted(films / "sat_1280x534.mp4", tmp_path).images[0])
    patches = [(255, 0, 0), (0, 200, 0), (0, 0, 255), (255, 140, 0), (230, 60, 140)]
    for number, color in enumerate([*patches, (250, 205, 180), (90, 40, 20), (0, 160, 160)]):
        assert image[200, 160 * number + 80].astype(int) == pytest.approx(color, abs=6)


def test_fields_are_mended(films, tmp_path):
    out = Extracted(films / "int_pal.mpg", tmp_path)
    assert (out.frames["fields"] == "deinterlaced").sum() >= 20
    assert out.frames["combing"].max() < 0.003
