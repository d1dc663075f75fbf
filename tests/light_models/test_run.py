import sys
import time

import pytest

from resources.light_models.recipe import run
from resources.light_models.recipe.run import count_people, keep_asked, run_together
from workflow_scripts.lib.errors import CineloraError

WRITE = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


def test_another_budget_in_an_old_folder_is_refused(tmp_path):
    work = tmp_path / "work"
    for _ in range(2):
        keep_asked(work, {"minutes": 120, "people": 2084})
    with pytest.raises(CineloraError, match="was begun with .*120.*, and .*6.* is asked"):
        keep_asked(work, {"minutes": 6, "people": 104})
    with pytest.raises(CineloraError, match="name another folder"):
        keep_asked(work, {"minutes": 120, "people": 24})


@pytest.mark.parametrize(("minutes", "people"), [(120, 2084), (999, 2084), (6, 104), (0.1, 24)])
def test_a_longer_training_has_more_characters(minutes, people):
    assert count_people(minutes) == people
    assert people * run.IMAGES_A_PERSON >= 25_000 or minutes < 120


def test_the_shares_are_of_one_whole():
    assert sum(run.SHARES.values()) == pytest.approx(1)


def test_the_cast_is_drawn_by_processes_that_share_it(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(run, "run_together", lambda commands, env: seen.append((commands, env)))
    run.make_cast("python", tmp_path, seed=1, people=24)
    ((commands, env),) = seen
    assert [command[-2:] for command in commands] == [["--part", "0/2"], ["--part", "1/2"]]
    assert env["OMP_NUM_THREADS"] == "1"
    assert commands[0][: commands[0].index("--seed") + 4] == [
        *("python", "-m", "cast.make_cast"), *("--seed", "1", "--people", "24")
    ]  # fmt: skip


def test_commands_run_at_the_same_time_and_a_failure_ends_the_rest(tmp_path):
    paths = [tmp_path / name for name in "ab"]
    run_together([[sys.executable, "-c", WRITE, str(path), "done"] for path in paths], {})
    assert [path.read_text(encoding="utf-8") for path in paths] == ["done"] * 2
    started = time.monotonic()
    fail = [sys.executable, "-c", "raise SystemExit(3)"]
    wait = [sys.executable, "-c", "import time; time.sleep(120)"]
    with pytest.raises(run.subprocess.CalledProcessError, match="status 3"):
        run_together([fail, wait], {})
    assert time.monotonic() - started < 60


def test_a_cast_that_cannot_be_drawn_is_told(tmp_path):
    with pytest.raises(CineloraError, match="name its python with\n  CAST_PYTHON"):
        run.make_cast("/no/such/python", tmp_path, seed=1, people=24)
