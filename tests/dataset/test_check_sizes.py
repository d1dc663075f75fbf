"""Whether a film is large enough for its options: said before any heavy work."""

import pandas as pd
import pytest

from workflow_scripts.dataset import check_sizes
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS

BODIES = {"character": 96, "pose": 96, "expression": 40}


def check(folder, size, *, kinds=tuple(KINDS), frame_px=256, body_px=BODIES, files=("a.jpg", "")):
    """Counts of the phase and the sides in its table, for a film of images of one size."""
    width, height = size
    rows = {"file": list(files), "width_px": width, "height_px": height}
    pd.DataFrame(rows).to_parquet(folder / "frames.parquet")
    counts = check_sizes.main(
        str(folder / "frames.parquet"),
        str(folder / "sizes.parquet"),
        limits={"kinds": list(kinds), "frame_px": frame_px, "body_px": body_px},
    )
    return counts, pd.read_parquet(folder / "sizes.parquet").set_index("side")["largest_px"]


def test_a_film_that_is_large_enough(tmp_path, caplog):
    counts, sides = check(tmp_path, (455, 256))
    assert (counts.read, counts.found) == (6, {"small": 0})
    assert sides.to_dict() == {"longer": 455, "shorter": 256}
    assert caplog.text == ""


def test_a_film_smaller_than_its_frames_may_be_names_size_option_and_value(tmp_path):
    with pytest.raises(CineloraError) as error:
        check(tmp_path, (320, 180))
    said = str(error.value)
    assert "shorter side of the film's images is 180 px at most" in said
    assert "filter_frames.min_side_px is 256 px. Set it to 180 or less" in said
    assert f"{', '.join(KINDS)}: the shorter side" in said  # one line for all kinds
    assert said.count("filter_frames.min_side_px") == 1
    assert not (tmp_path / "sizes.parquet").exists()  # so that it is asked again


def test_a_kind_that_no_body_can_reach_stops_only_itself(tmp_path, caplog):
    counts, sides = check(tmp_path, (455, 256), body_px=BODIES | {"pose": 500})
    assert (counts.found, sides["longer"]) == ({"small": 1}, 455)
    assert "pose: the longer side of the film's images is 455 px at most" in caplog.text
    assert "select_images.min_side_px.pose is 500 px. Set it to 455 or less" in caplog.text


def test_a_film_of_that_kind_alone_stops(tmp_path):
    with pytest.raises(CineloraError, match=r"select_images.min_side_px.pose is 500 px. Set it to"):
        check(tmp_path, (455, 256), kinds=["pose"], body_px={"pose": 500})


def test_what_no_trainer_takes_is_no_matter_of_options(tmp_path):
    with pytest.raises(CineloraError, match="the smallest side of a training image is 64 px. Use"):
        check(tmp_path, (48, 40), frame_px=0, body_px={})


def test_a_film_without_any_image_is_left_to_those_who_know_why(tmp_path):
    counts, sides = check(tmp_path, (0, 0), files=["", ""])
    assert (counts.read, counts.found) == (6, {"small": 0})
    assert sides.to_dict() == {"longer": 0, "shorter": 0}
