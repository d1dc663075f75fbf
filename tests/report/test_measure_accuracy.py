import json

import pandas as pd
import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.report import measure_accuracy
from workflow_scripts.report.accuracy import run
from workflow_scripts.report.accuracy.truth import Metric, Truth


@pytest.fixture
def truth(tmp_path):
    """Truth of a film of ten frames at 10 frames per second."""
    folder = tmp_path / "my film" / "truth"
    folder.mkdir(parents=True)
    times = [frame / 10 for frame in range(10)]
    pd.DataFrame({"frame_no": range(10), "time_s": times}).to_csv(
        folder / "frames.csv", index=False
    )
    (folder / "screenplay.json").write_text(
        json.dumps({"characters": {"Nella": {}, "Pip": {}}}), encoding="utf-8"
    )
    return Truth(folder)


@pytest.mark.parametrize(
    ("metric", "reached"),
    [
        (Metric(0.95, 3, 0.95), True),
        (Metric(0.94, 3, 0.95), False),
        (Metric(0, 3, 0, at_least=False), True),
        (Metric(1, 3, 0, at_least=False), False),
        (Metric(0.2, 3), None),
    ],
    ids=["exactly", "below", "no leak", "a leak", "no goal"],
)
def test_reaches(metric, reached):
    assert measure_accuracy.reaches(metric) is reached


def test_times_find_the_nearest_frame(truth):
    assert truth.frame_numbers(pd.Series([-1, 0.04, 0.06, 0.9, 5])).tolist() == [0, 0, 1, 9, 9]


def test_a_folder_without_truth_is_named(tmp_path):
    with pytest.raises(CineloraError, match=r"holds no frames\.csv"):
        Truth(tmp_path)


def test_a_table_that_a_film_does_not_bring(truth):
    assert truth.table("text") is None


def test_the_overlay_of_another_film(truth):
    overlay = run.make_overlay(truth.folder.parent)
    assert overlay["only"] == ["my-film"]
    film = overlay["films"]["my-film"]
    assert set(film["characters"]) == {"nella", "pip"}
    assert "character" not in film["kinds"]  # without a roster nobody has a name
    (truth.folder.parent / "roster").mkdir()
    assert "character" in run.make_overlay(truth.folder.parent)["films"]["my-film"]["kinds"]


def test_the_demo_film_runs_with_its_own_page_and_others_after_the_users(
    truth, tmp_path, monkeypatch
):
    assert run.choose_config(run.DEMO) == ("demo", ["config/overlays/demo.yaml"])
    monkeypatch.chdir(tmp_path)
    film, pages = run.choose_config(truth.folder.parent)
    assert film == "my-film"
    assert pages == ["config/config.yaml", "results/my-film.yaml"]
    assert (tmp_path / pages[1]).is_file()


def test_the_table_marks_missed_goals():
    rows = {
        "mask_iou": {"value": 0.8, "goal": 0.9, "n": 12, "reached": False},
        "weather": {"value": 0.8, "goal": None, "n": 12, "reached": None},
    }
    lines = run.format_table(rows).splitlines()
    assert lines[1].endswith("below the goal")
    assert lines[2].split() == ["weather", "0.800", "12"]
