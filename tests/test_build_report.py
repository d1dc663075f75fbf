"""The report: sums that must add up, texts that must be escaped, and whole pages on files."""

import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import results_in_code
import yaml

from workflow_scripts import build_report
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.kinds import PHASES_OF_KIND, list_phases, list_proofs, list_tables
from workflow_scripts.lib.models.registry import ROLES, choose_model
from workflow_scripts.lib.progress_file import sum_parts, sum_progress
from workflow_scripts.lib.report import pictures, timeline, workings
from workflow_scripts.lib.report.blocks import Bar
from workflow_scripts.lib.report.charts import draw_curves, draw_funnel, list_steps
from workflow_scripts.lib.report.datasets import highlight
from workflow_scripts.lib.report.film import say_time
from workflow_scripts.lib.report.funnel import Funnel
from workflow_scripts.lib.report.svg import tag

ROOT = Path(__file__).resolve().parents[1]
LOOK = [str(ROOT / f"resources/report/page{suffix}") for suffix in (".html.j2", ".css", ".js")]
ALL_KINDS = ["character", "background", "pose", "expression", "style", "lighting"]
OPTIONS = {"gallery_size": 4, "thumb_px": 96, "quality": 60, "max_mb": 12}


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
    assert say_time(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (59.4, "59 s"), (185, "3 min 05 s"), (3720, "1 h 02 min")],
    ids=str,
)
def test_say_duration(seconds, words):
    assert workings.say_duration(seconds) == words


@pytest.mark.parametrize(
    ("share", "state"),
    [(0.25, "good"), (0.3, "good"), (0.2, "off"), (0.31, "off")],
    ids=["lower end", "upper end", "below", "above"],
)
def test_a_bar_knows_its_range(share, state):
    assert Bar("full", share, "", 0.25, 0.3).state == state


# Pictures and charts


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(3, [0, 4, 9]), (1, [0]), (20, list(range(10)))],
    ids=["first to last", "only the first", "more than there are"],
)
def test_pick_evenly(count, chosen):
    assert pictures.pick_evenly(list(range(10)), count) == chosen


@pytest.mark.parametrize("width", [40, 100, 333, 2000], ids=str)
def test_small_pictures_have_the_wanted_width_and_are_never_enlarged(tmp_path, width):
    image = np.zeros((540, 960, 3), np.uint8)
    image[..., 0] = 200  # red stays red
    write_image(tmp_path / "a.jpg", image)
    small = pictures.read_small(tmp_path / "a.jpg", width)
    assert small.shape[1] == min(width, 960)
    assert small[0, 0, 0] > 150 > small[0, 0, 2]


def test_unsure_keypoints_are_not_drawn():
    image, points = np.zeros((100, 100, 3), np.uint8), np.full((17, 3), 50.0)
    points[:, 2] = 0.1
    assert not pictures.draw_skeleton(image, points, min_confidence=0.3).any()


def test_a_mask_of_another_size_is_tinted_in_its_colour():
    image, mask = np.zeros((20, 40, 3), np.uint8), np.zeros((40, 80), bool)
    mask[10:30, 20:60] = True
    tinted = pictures.draw_mask(image, mask, "#ff0000")
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


# Phases of kinds, progress


def test_a_film_of_places_needs_no_faces_and_no_poses():
    phases = list_phases(["background", "style", "lighting"])
    assert "inpaint_backgrounds" in phases
    assert not {"estimate_poses", "crop_faces", "classify_expressions"} & set(phases)


def test_every_phase_of_a_kind_is_listed_once_in_running_order():
    phases = list_phases(ALL_KINDS)
    assert len(phases) == len(set(phases))
    assert set(phases) == {phase for kind in PHASES_OF_KIND.values() for phase in kind}


def part(phase, status="done", *, name="", started="2026-01-01T10:00:00", **counts):
    ended = {"finished": "2026-01-01T10:00:05", "seconds": 5.0} if status != "running" else {}
    return {"phase": phase, "part": name, "status": status, "started": started, **ended, **counts}


def test_progress_sums_shards_by_phase():
    rows = [
        part("x", name="01of02", unit="frames", read=5, kept=4, set_aside={"dark": 1}, errors=0),
        part("x", name="02of02", unit="frames", read=3, kept=1, set_aside={"dark": 2}, errors=1),
    ]
    phase = sum_parts(rows)["x"]
    assert (phase["read"], phase["kept"], phase["errors"], phase["parts"]) == (8, 5, 1, 2)
    assert phase["set_aside"] == {"dark": 3}
    assert (phase["status"], phase["done"], phase["seconds"]) == ("done", 2, 10.0)


@pytest.mark.parametrize(
    ("states", "status"),
    [(["done", "running"], "running"), (["failed", "running"], "failed"), (["done"], "done")],
    ids=["one runs", "one failed", "all done"],
)
def test_status_of_a_phase(states, status):
    rows = [part("x", state, name=f"{i}of{len(states)}") for i, state in enumerate(states, 1)]
    phase = sum_parts(rows)["x"]
    assert phase["status"] == status
    assert (phase["finished"] is None) == ("running" in states)


def test_parts_of_a_former_number_of_shards_do_not_count():
    rows = [
        part("x", name="01of01", read=9, kept=9),
        part("x", name="01of02", started="2026-01-02T10:00:00", read=4, kept=4),
        part("x", name="02of02", started="2026-01-02T10:00:00", read=5, kept=5),
    ]
    assert sum_parts(rows)["x"]["read"] == 9


def test_progress_of_a_film_without_jobs_is_empty(tmp_path):
    assert sum_progress(tmp_path)["phases"] == {}
    assert json.loads((tmp_path / "progress.json").read_text())["film"] == tmp_path.name


# Whole pages


def draw(folder, monkeypatch, kinds, *, people=True, change=None, options=OPTIONS, proofs=()):
    """Make the results of a film, draw its page, return the page and what main counted."""
    monkeypatch.chdir(folder)
    film = Path("results/demo")
    datasets = results_in_code.make_results(film, kinds, people)
    if change:
        change(film)
    Path("reviews.csv").write_text("track_id,character\nt,nella\n")
    Path("benchmarks").mkdir()
    Path("benchmarks/segment_instances.01of01.tsv").write_text(
        "s\th:m:s\tmax_rss\tcpu_time\n3.5\t0:00:03\t-\tNA\n"
    )
    counts = build_report.main(
        list_tables("demo", kinds, datasets, [results_in_code.SHARD]),
        [*list_proofs("demo", datasets), *proofs],
        ["reviews.csv"],
        str(ROOT / "resources/models.yaml"),
        LOOK,
        *(f"results/demo/{name}" for name in ("report/index.html", "f.svg", "t.svg")),
        "results/demo/progress.json",
        film={"path": "film.mp4", "kinds": kinds, "characters": {"nella": {}, "odo": {}}},
        datasets=datasets,
        tier="light",
        models={role: choose_model(role, {"tier": "light", "device": "cpu"}) for role in ROLES},
        benchmarks="benchmarks",
        options=options,
    )
    return Path("results/demo/report/index.html").read_text(), counts


class Page(HTMLParser):
    """What a browser would load, and the scripts that it would run."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.scripts, self.handlers = [], 0, []
        self.feed(text)

    def handle_starttag(self, name, attributes):
        self.scripts += name == "script"
        for key, value in attributes:
            if key in ("src", "href", "srcset") and not value.startswith(("data:", "#")):
                self.loads.append(value)
            if key.startswith("on"):
                self.handlers.append(key)


def test_a_page_of_all_kinds(tmp_path, monkeypatch):
    text, counts = draw(tmp_path, monkeypatch, ALL_KINDS)
    page = Page(text)
    assert page.loads == [], "the page asks for something outside itself"
    assert (page.scripts, page.handlers) == (1, [])
    assert results_in_code.NASTY not in text
    assert "&lt;script&gt;alert(&#39;caption&#39;)" in text
    assert "<mark>style word</mark>" in text
    assert "random weights" in text
    assert "odo was not found in any frame" in text
    assert counts.read == counts.kept + sum(counts.set_aside.values()) == 32
    assert f"{counts.kept} + 4 + 1 + 1 = 32 frames: it adds up." in text
    for file in ("f.svg", "t.svg"):
        assert Path("results/demo", file).read_text().startswith("<svg")


def test_a_film_without_people_says_so_and_invents_nothing(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ["background", "style", "lighting"], people=False)
    assert "No human-shaped character was found in 31 frames." in text
    assert "Not asked for: the film&#39;s kinds are background, style, lighting." in text


def test_the_same_results_give_the_same_page(tmp_path, monkeypatch):
    pages = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pages.append(draw(tmp_path / name, monkeypatch, ["background"])[0])
    assert pages[0] == pages[1]


def test_a_page_that_would_be_too_large_shows_fewer_pictures(tmp_path, monkeypatch):
    large, _ = draw(tmp_path, monkeypatch, ["background"])
    small = OPTIONS | {"gallery_size": 8, "max_mb": len(large) / 1e6}
    film = Path("results/demo")
    look = pictures.Look(8, 96, 60)
    subject = build_report.Film("demo", {}, [], build_report.Results(film, []), look)
    sizes = []

    def pretend(sized):
        sizes.append(sized.look.gallery_size)
        return "x" * sizes[-1] * int(small["max_mb"] * 1e6 / 5)

    build_report.fit_page(subject, small, pretend)
    assert sizes == [8, 4]


def lose_a_row(film):
    path = film / "datasets/style/dataset.parquet"
    rows = pd.read_parquet(path)
    rows[rows["reason"] != rows["reason"].iloc[0]].to_parquet(path)


def double_a_row(film):
    path = film / "datasets/style/dataset.parquet"
    rows = pd.read_parquet(path)
    pd.concat([rows, rows.iloc[:1]]).to_parquet(path)


def forget_a_decision(film):
    path = film / "filter_frames/decisions.parquet"
    pd.read_parquet(path).iloc[1:].to_parquet(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lose_a_row, "neither in the dataset"),
        (double_a_row, "stand twice in it"),
        (forget_a_decision, "decided nothing on 1 of 32"),
    ],
    ids=["kept frames are missing", "an image stands twice", "a frame without a decision"],
)
def test_what_does_not_add_up_is_an_error(tmp_path, monkeypatch, change, message):
    with pytest.raises(CineloraError, match=message):
        draw(tmp_path, monkeypatch, ["style"], change=change)


def test_a_leak_between_the_splits_is_shown(tmp_path, monkeypatch):
    def leak(film):
        path = film / "datasets/style/dataset.parquet"
        rows = pd.read_parquet(path)
        rows.loc[rows["split"] == "validation", "split"] = ["train", *["validation"] * 3]
        rows.to_parquet(path)

    text, _ = draw(tmp_path, monkeypatch, ["style"], change=leak)
    assert "Held-out images share 1 shot(s)" in text


def test_accuracy_is_shown_where_the_truth_is_known(tmp_path, monkeypatch):
    (tmp_path / "accuracy.json").write_text(
        json.dumps(
            {
                "mask_iou": {"value": 0.8, "goal": 0.9, "n": 5, "at_least": True, "reached": False},
                "leak": {"value": 0, "goal": 0, "n": 5, "at_least": False, "reached": True},
            }
        )
    )
    text, _ = draw(tmp_path, monkeypatch, ["style"], proofs=["results/demo/../../accuracy.json"])
    assert "1 of 2 goals are reached" in text
    assert re.search(r"mask iou.*0\.8.*at least 0\.9.*below the goal", text, re.DOTALL)


def test_the_funnel_is_drawn_with_its_sum_as_label():
    svg = draw_funnel(Funnel("frames", "frames", 3, {"dark": 1}, {"kept": 2}))
    assert 'aria-label="Funnel: 2 + 1 = 3 frames"' in svg


def test_benchmarks_of_a_former_number_of_shards_do_not_count(tmp_path):
    for age, name in enumerate(["a.01of01", "b", "a.01of02", "a.02of02", "c.style"]):
        path = tmp_path / f"{name}.tsv"
        path.write_text("s\tmax_rss\tcpu_time\n2\t10\t1\n")
        os.utime(path, (age, age))
    rows = workings.read_benchmarks(tmp_path).set_index("phase")
    assert rows["jobs"].to_dict() == {"a": 2, "b": 1, "c": 1}
    assert rows["s"]["a"] == 4


def test_accuracy_is_waited_for_where_the_truth_is_known():
    assert list_proofs("demo", [], True) == ["results/demo/accuracy.json"]
    assert list_proofs("demo", [], False) == []


def test_the_config_block_is_what_main_reads():
    block = yaml.safe_load((ROOT / "config/config.yaml").read_text())["build_report"]
    assert set(block) == set(OPTIONS)
