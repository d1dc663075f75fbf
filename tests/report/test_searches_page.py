"""What the report says of a search, where there was one."""

import base64

import pytest

from tests.factories.trial_files import OPTIONS, gather, make_scores, write_result
from workflow_scripts.adapter import rank_trials
from workflow_scripts.adapter.trial_file import Trial
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.images import Look
from workflow_scripts.report.page.results import Results
from workflow_scripts.report.page.searches import show_search

TRIALS = (
    (Trial("chosen", {"learning_rate": 0.01}), make_scores(0.1, 0.1, chosen=True)),
    (Trial("1_1", {"learning_rate": 0.0123456}), make_scores(0.3, 0.2)),
    (Trial("1_2", {"learning_rate": 0.03}), make_scores(0.05, 0.4)),
    (Trial("confirm1_1", {}, of="1_1"), make_scores(0.2, 0.3)),
)


@pytest.fixture
def film(tmp_path):
    folder = tmp_path / "results/luca"
    return Film("luca", {}, ["pose"], Results(folder, []), Look(0, 0, 0))


def test_without_a_search_nothing_is_said(film):
    assert show_search(film, "pose") == []


def test_a_search_is_a_drawing_and_its_front(film, tmp_path):
    left = {key: film.results.path(key, "pose") for key in ("front", "best", "chart")}
    rank_trials.main(
        **gather([write_result(tmp_path, *trial) for trial in TRIALS]),
        **{key: str(path) for key, path in left.items()},
        purposes=["search", "search", "confirm"],
        options=OPTIONS,
    )
    chart, table = show_search(film, "pose")
    assert chart.title == "A search: 2 trials with other settings"
    drawn = base64.b64encode(left["chart"].read_bytes()).decode()
    assert chart.svg.endswith(f'src="data:image/svg+xml;base64,{drawn}">')
    assert table.rows == [
        ["chosen", "learning_rate 0.01", "0.1", "0.1", "", ""],
        ["1_1", "learning_rate 0.0123", "0.3", "0.2", "0.2", "0.3"],
    ]
    assert table.note.startswith("2 of 4 trainings.")
