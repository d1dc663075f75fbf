"""Parts of the report: sums that must add up, words and markup, small images, charts."""

import os

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.report.page import images as images
from workflow_scripts.report.page import timeline, workings
from workflow_scripts.report.page.blocks import Bar
from workflow_scripts.report.page.charts import draw_curves, draw_funnel, list_steps
from workflow_scripts.report.page.datasets import highlight
from workflow_scripts.report.page.film import format_time
from workflow_scripts.report.page.funnel import Funnel
from workflow_scripts.report.page.svg import tag

# The funnel


def test_a_funnel_that_adds_up_says_its_sum():
    funnel = Funnel("frames", "frames", 10, {"dark": 3, "held": 1}, {"kept": 6})
    assert funnel.sum_line == "6 + 3 + 1 = 10 frames"


@pytest.mark.parametrize(
    ("read", "kept"), [(11, 6), (9, 6)], ids=["a row was lost", "a row was doubled"]
)
def test_a_funnel_that_does_not_add_up_is_an_error(read, kept):
    with pytest.raises(CineloraError, match="does not add up"):
        Funnel("frames", "frames", read, {"dark": 4}, {"kept": kept})


def test_the_waterfall_ends_where_the_kept_ones_begin():
    steps = list_steps(Funnel("frames", "frames", 10, {"dark": 3, "held": 1}, {"kept": 6}))
    assert [(name, start, count) for name, start, count, _ in steps] == [
        ("sampled", 0, 10),
        ("too dark", 7, 3),
        ("the same drawing, held", 6, 1),
        ("kept", 0, 6),
    ]


# Words and markup


@pytest.mark.parametrize(
    ("caption", "trigger", "markup"),
    [
        ("nella woman, walks", "nella woman", "<mark>nella woman</mark>, walks"),
        ("a place", "nella", "a place"),
        ("<b>x</b>, y", "<b>x</b>", "<mark>&lt;b&gt;x&lt;/b&gt;</mark>, y"),
        ("nella <script>", "nella", "<mark>nella</mark> &lt;script&gt;"),
    ],
    ids=["trigger first", "another beginning", "markup in the trigger", "markup in the caption"],
)
def test_highlight(caption, trigger, markup):
    assert str(highlight(caption, trigger)) == markup


def test_drawings_escape_what_they_are_given():
    svg = tag("text", "<i>", class_='a" onload="x', stroke_width=1.0)
    assert str(svg) == '<text class="a&#34; onload=&#34;x" stroke-width="1">&lt;i&gt;</text>'


@pytest.mark.parametrize(
    ("seconds", "words"), [(3.25, "3.2 s"), (60, "1:00"), (245.9, "4:05")], ids=str
)
def test_say_time(seconds, words):
    assert format_time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (59.4, "59 s"), (185, "3 min 05 s"), (3720, "1 h 02 min")],
    ids=str,
)
def test_say_duration(seconds, words):
    assert workings.format_duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.25, "good"), (0.3, "good"), (0.2, "off"), (0.31, "off")],
    ids=["lower end", "upper end", "below", "above"],
)
def test_a_bar_knows_its_range(share, state):
    assert Bar("full", share, "", 0.25, 0.3).state == state


# Images and charts


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(3, [0, 4, 9]), (1, [0]), (20, list(range(10)))],
    ids=["first to last", "only the first", "more than there are"],
)
def test_pick_evenly(count, chosen):
    assert images.pick_evenly(list(range(10)), count) == chosen


@pytest.mark.parametrize("width", [40, 100, 333, 2000], ids=str)
def test_small_images_have_the_wanted_width_and_are_never_enlarged(tmp_path, width):
    image = np.zeros((540, 960, 3), np.uint8)
    image[..., 0] = 200  # red stays red
    write_image(tmp_path / "a.jpg", image)
    small = images.read_small(tmp_path / "a.jpg", width)
    assert small.shape[1] == min(width, 960)
    assert small[0, 0, 0] > 150 > small[0, 0, 2]


@pytest.mark.parametrize("size", [0, 7, 700], ids=["empty", "garbage", "cut off"])
def test_an_image_that_broke_after_it_was_written_is_named(tmp_path, size):
    path = tmp_path / "a{1}.jpg"
    write_image(path, np.zeros((540, 960, 3), np.uint8))
    path.write_bytes({7: b"garbage"}.get(size, path.read_bytes()[:size]))
    with pytest.raises(CineloraError, match=r"a\{1\}.jpg is not a readable image"):
        images.read_small(path, 40)


def test_unsure_keypoints_are_not_drawn():
    image, points = np.zeros((100, 100, 3), np.uint8), np.full((17, 3), 50.0)
    points[:, 2] = 0.1
    assert not images.draw_skeleton(image, points, min_confidence=0.3).any()


def test_a_mask_of_another_size_is_tinted_in_its_color():
    image, mask = np.zeros((20, 40, 3), np.uint8), np.zeros((40, 80), bool)
    mask[10:30, 20:60] = True
    tinted = images.draw_mask(image, mask, "#ff0000")
    assert tinted[10, 20].tolist() == [115, 0, 0]
    assert not tinted[1, 1].any()


@pytest.mark.parametrize(
    "losses",
    [[np.nan, 0.5, 0.4], [np.nan] * 3, [0.5, 0.5, 0.5]],
    ids=["step 0 has none", "none at all", "flat"],
)
def test_curves_are_drawn_without_a_nan(losses):
    held_out = np.array([np.nan] * 3)
    assert "nan" not in draw_curves(np.arange(3.0), np.array(losses), held_out)


def test_spans_join_frames_of_one_shot_and_leave_gaps_at_unknown():
    frames = pd.DataFrame(
        {"shot_id": [1, 1, 1, 2, 2], "time_s": [0.0, 1, 2, 3, 4], "file": ["a", "", "a", "a", "a"]}
    )
    values = pd.Series(["day", "", "day", "day", "unknown"])
    spans = timeline.join_spans(frames, values, {"day": "#fff"})
    assert [(span.start_s, span.end_s) for span in spans] == [(0, 3), (3, 4)]


def test_the_funnel_is_drawn_with_its_sum_as_label():
    svg = draw_funnel(Funnel("frames", "frames", 3, {"dark": 1}, {"kept": 2}))
    assert 'aria-label="Funnel: 2 + 1 = 3 frames"' in svg


def test_benchmarks_of_a_former_number_of_shards_or_of_a_former_phase_do_not_count(tmp_path):
    shards = ["crop_faces.01of01", "dedup_frames", "crop_faces.01of02", "crop_faces.02of02"]
    for age, name in enumerate([*shards, "train_adapter.style", "caption_everything.style"]):
        path = tmp_path / f"{name}.tsv"
        path.write_text("s\tmax_rss\tcpu_time\n2\t10\t1\n", encoding="utf-8")
        os.utime(path, (age, age))
    for name, text in (("score_expressions", ""), ("extract_frames", "s\tmax_rss\n")):
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")  # broken off
    rows = workings.read_benchmarks(tmp_path).set_index("phase")
    jobs = {
        "crop_faces": 2,
        "dedup_frames": 1,
        "train_adapter": 1,
    }  # none of a phase that is no more
    assert rows["jobs"].to_dict() == jobs
    assert rows["s"]["crop_faces"] == 4
