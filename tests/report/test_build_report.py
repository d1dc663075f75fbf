"""The report on files: whole pages, what they say, and what must stop them."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.factories import results_in_code
from tests.factories.report_pages import ALL_KINDS, OPTIONS, ROOT, draw
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.report import build_report
from workflow_scripts.report.page import images as images
from workflow_scripts.report.page.blocks import PageImage
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.images import Look
from workflow_scripts.report.page.results import Results
from workflow_scripts.report.page.workings import count_corrections


def test_a_film_without_people_says_so_and_invents_nothing(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ["background", "style", "lighting"], people=False)
    assert "No human-shaped character was found in 31 frames." in text
    assert "Animals and other figures are found in part or not at all" in text
    assert "Not asked for: the film&#39;s kinds are background, style, lighting." in text


def leave_other_files(film):
    rows = [(3.5, "a.png", "not readable"), (float("nan"), ".txt", "not read; 7 of these")]
    problems = pd.DataFrame(rows, columns=["time_s", "file", "problem"])
    problems.to_parquet(film / "extract_frames/problems.parquet")


def test_files_of_a_folder_that_are_no_images_are_told_from_damage(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ["style"], change=leave_other_files)
    damage, others = text.index("Damage in the film"), text.index("Files of the folder")
    assert damage < text.index("a.png") < others < text.index("7 of these")


def test_the_same_results_give_the_same_page(tmp_path, monkeypatch):
    pages = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pages.append(draw(tmp_path / name, monkeypatch, ["background"])[0])
    assert pages[0] == pages[1]


def leave_old_results(film):
    """What a version with other phases left: a table that nobody can read, a failed phase."""
    (film / "caption_everything").mkdir()
    (film / "caption_everything/01of01.parquet").write_text("no table", encoding="utf-8")
    state = json.loads((film / "progress/dedup_frames.json").read_text(encoding="utf-8"))
    state |= {"phase": "caption_everything", "status": "failed"}
    (film / "progress/caption_everything.json").write_text(json.dumps(state), encoding="utf-8")


def test_what_an_older_version_left_is_not_shown(tmp_path, monkeypatch):
    folders = [tmp_path / "new", tmp_path / "old"]
    pages = []
    for folder, change in zip(folders, (None, leave_old_results), strict=True):
        folder.mkdir()
        pages.append(draw(folder, monkeypatch, ["style"], change=change)[0])
    assert pages[0] == pages[1]
    assert "caption_everything" not in Path("results/demo/progress.json").read_text(
        encoding="utf-8"
    )


def drop_mask(film):
    path = film / f"segment_instances/{results_in_code.SHARD}.parquet"
    pd.read_parquet(path).drop(columns="mask").to_parquet(path)


def test_a_table_of_an_older_version_stops_the_page_with_the_command_that_renews_it(
    tmp_path, monkeypatch
):
    with pytest.raises(CineloraError, match=r"(?s)no column mask.*--forcerun segment_instances"):
        draw(tmp_path, monkeypatch, ALL_KINDS, change=drop_mask)


def test_a_page_that_would_be_too_large_shows_fewer_images(tmp_path, monkeypatch):
    large, _ = draw(tmp_path, monkeypatch, ["background"])
    small = OPTIONS | {"gallery_size": 8, "max_mb": len(large) / 1e6}
    film = Path("results/demo")
    look = images.Look(8, 96, 60)
    subject = build_report.Film("demo", {}, [], build_report.Results(film, []), look)
    sizes = []

    def pretend(sized):
        sizes.append(sized.look.gallery_size)
        return "x" * sizes[-1] * int(small["max_mb"] * 1e6 / 5)

    build_report.fit_page(subject, small, pretend)
    assert sizes == [8, 4]


def test_images_are_shrunk_before_any_is_left_out():
    options = OPTIONS | {"gallery_size": 8, "image_px": 1920, "max_mb": 1}
    subject = build_report.Film("demo", {}, [], build_report.Results("results/demo", []), None)
    tried = []

    def pretend(sized):
        width = min(sized.look.image_px, 1000)  # of the film's frames
        sized.look.page_images["frame"] = PageImage("", width, 500, 1000)
        tried.append((sized.look.gallery_size, width))
        return "x" * (2_000_000 if len(tried) < 5 else 1)

    build_report.fit_page(subject, options, pretend)
    assert tried == [(8, 1000), (8, 960), (8, 640), (8, 480), (4, 480)]


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
        ),
        encoding="utf-8",
    )
    text, _ = draw(tmp_path, monkeypatch, ["style"], proofs=["results/demo/../../accuracy.json"])
    assert "1 of 2 goals are reached" in text
    assert re.search(r"mask iou.*0\.8.*at least 0\.9.*below the goal", text, re.DOTALL)


def test_the_config_block_is_what_main_reads():
    block = yaml.safe_load((ROOT / "config/options/report.yaml").read_text(encoding="utf-8"))[
        "build_report"
    ]
    assert set(block) == set(OPTIONS)


def empty_the_style(film):
    """What the phases leave of a dataset into which no image got."""
    path = film / "datasets/style/dataset.parquet"
    rows = pd.read_parquet(path)
    rows.assign(split="", file="", reason=rows["reason"].replace("", "dark")).to_parquet(path)
    counts = {"candidates": len(rows), "in_dataset": 0, "empty": ["28 x dark: a smaller <limit>"]}
    results_in_code.write_json(film / "datasets/style/counts.json", counts)
    (film / "adapters/style/settings.yaml").write_text(
        "empty: nothing was trained", encoding="utf-8"
    )
    for name in ("adapters/style/metrics.parquet", "evaluate_adapter/style/scores.parquet"):
        results_in_code.save(pd.read_parquet(film / name).iloc[:0], film / name)


def test_an_empty_dataset_is_said_first_with_what_would_fill_it(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ["background", "style"], change=empty_the_style)
    said = text.index("The dataset style is empty.")
    assert text.index("<h1>") < said < text.index("<section")
    assert text.count("28 x dark: a smaller &lt;limit&gt;") == 2  # and in its own tab
    assert "Its dataset is empty, so nothing was trained" in text
    assert "The dataset background is empty." not in text


@pytest.mark.parametrize(
    ("images", "kind"),
    [
        ("crop_faces/01of01_images", "expression"),
        ("inpaint_backgrounds/01of01_images", "background"),
        ("extract_frames/images", "style"),
    ],
)
def test_images_that_are_gone_stop_the_page_with_the_command(tmp_path, monkeypatch, images, kind):
    def lose(film):
        shutil.rmtree(film / images)

    with pytest.raises(CineloraError, match=f"it is gone(?s:.*)--forcerun results/demo/{images}"):
        draw(tmp_path, monkeypatch, [kind], change=lose)


def test_images_that_training_enlarges_are_said(tmp_path, monkeypatch):
    def shrink(film):
        counts = {"in_dataset": 8, "crops": {"under_256_px": 6, "under_256_px_share": 0.75}}
        results_in_code.write_json(film / "datasets/style/counts.json", counts)

    text, _ = draw(tmp_path, monkeypatch, ["style"], change=shrink)
    assert "6 of 8 images (75%) have a side shorter than 256 px" in text


def test_a_film_without_people_of_all_kinds(tmp_path, monkeypatch):
    text, _ = draw(tmp_path, monkeypatch, ALL_KINDS, people=False)
    assert "No human-shaped character was found in 31 frames." in text
    assert "There is nobody whose pose could be read." in text


def test_a_caption_that_fits_nothing_is_counted_once_for_all_characters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    part = {"phase": "write_captions", "status": "done", "started": ""}
    for name, unknown in (("character-a", 2), ("character-b", 2), ("pose", 1), ("style", 5)):
        job = part | {"part": name, "found": {"review_unknown": unknown}}
        results_in_code.write_json(tmp_path / f"x/progress/{name}.json", job)
    Path("captions.csv").write_text("kind,image_id,caption\npose,a,b\n", encoding="utf-8")
    block = {"kinds": ["character", "pose"]}
    film = Film("x", block, [], Results(tmp_path / "x", []), Look(0, 0, 0))
    assert count_corrections(film, ["captions.csv"]) == [["captions.csv", 1, 3]]


def test_corrections_of_what_is_not_in_the_film_are_counted(tmp_path, monkeypatch):
    page, _ = draw(tmp_path, monkeypatch, ["style"])
    words = re.sub(r"\s*<[^>]+>\s*", "|", page[page.index("Corrections by people") :])
    assert "of what is not in this film" in words
    row = words[words.index("identities.csv") :]
    assert [word for word in row.split("|") if word][:3] == ["identities.csv", "1", "1"]
