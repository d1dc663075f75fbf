"""A search that is killed, and one whose trials end in another order, find what a calm one finds.

The rules of the search are the real ones, run by Snakemake; toy trainings stand in for real ones.
`make test-search` runs twelve trials in place of four.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from tests.factories.copy_in_code import ROOT, copy_project
from tests.factories.toy_trial import ENDS
from workflow_scripts.adapter.rank_trials import FRONT
from workflow_scripts.lib.checksums import hash_file

TRIALS = int(os.environ.get("TRIALS", "4"))
ROUND = 2 if TRIALS == 4 else 4
SEARCHED = "results/demo/search_adapter/character-nella"
TARGET = f"{SEARCHED}/front.parquet"
TOY = f'''
ruleorder: train_toy > train_adapter
ruleorder: train_toy > evaluate_adapter


def next_trial(wildcards):
    """The settings that a trial waits for, so that the last one of a round ends first."""
    *_, number = wildcards.variant.rpartition("_")
    if not os.environ.get("TOY_BACKWARDS") or not number or int(number) == {ROUND}:
        return ""
    following = wildcards.variant.removesuffix(number) + str(int(number) + 1)
    name = f"{{wildcards.dataset}}{{following}}"
    return f"results/{{wildcards.film}}/adapters/{{name}}/settings.yaml"


rule train_toy:
    input:
        trial=trial_parameters,
    output:
        settings="results/{{film}}/adapters/{{dataset}}{{variant}}/settings.yaml",
        scores="results/{{film}}/evaluate_adapter/{{dataset}}{{variant}}/scores.parquet",
    params:
        options=training_settings,
        seed=config["seed"],
        waits_for=next_trial,
    script:
        "{ROOT}/tests/factories/toy_trial.py"
'''
SEARCH = f"""
adapter:
  search:
    trials: {TRIALS}
    round: {ROUND}
    confirm_seeds: [101]
    space: {{ema_decay: {{low: 0, high: 0.9}}}}
"""

pytestmark = pytest.mark.workflow


def prepare(folder: Path) -> Path:
    """A copy of the project whose adapters are toys."""
    folder.mkdir()
    copy_project(folder)
    snakefile = folder / "Snakefile"
    snakefile.write_text(snakefile.read_text(encoding="utf-8") + TOY, encoding="utf-8")
    (folder / "search.yaml").write_text(SEARCH, encoding="utf-8")
    return folder


def start(folder: Path, *arguments: str, **known: str) -> subprocess.Popen:
    pages = ["--configfile", "config/config.yaml", "config/overlays/demo.yaml", "search.yaml"]
    command = [sys.executable, "-m", "snakemake", "--cores", str(ROUND), *arguments, TARGET, *pages]
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **known},
            stdout=said,
            stderr=said,
            start_new_session=True,
        )


def finish(process: subprocess.Popen, folder: Path) -> dict[str, str]:
    """Wait for the end; sums of all files that the search itself leaves."""
    said = folder / "said.txt"
    assert process.wait() == 0, said.read_text(encoding="utf-8")[-4000:]
    files = sorted(path for path in (folder / SEARCHED).rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hash_file(path) for path in files}


def kill_after(process: subprocess.Popen, folder: Path, trials: int) -> None:
    """Kill a run with all its jobs as soon as so many trials have ended."""
    while len(list(folder.glob("results/demo/evaluate_adapter/*trial*/*.parquet"))) < trials:
        assert process.poll() is None, (folder / "said.txt").read_text(encoding="utf-8")[-4000:]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    folder = prepare(tmp_path_factory.mktemp("calm") / "project")
    return folder, finish(start(folder), folder)


def test_a_search_leaves_every_trial_with_a_reason(calm):
    folder, files = calm
    rows = pd.read_parquet(folder / TARGET)
    assert list(rows.columns) == FRONT.names
    assert rows["purpose"].value_counts().to_dict() == {
        "search": TRIALS,
        "confirm": ROUND,
        "chosen": 1,
    }
    assert rows["on_front"].sum() >= 1
    assert ((rows["reason"] == "") == rows["on_front"]).all()
    assert len(files) == TRIALS + ROUND + 3


def test_a_killed_search_finds_the_same(calm, tmp_path):
    folder = prepare(tmp_path / "project")
    process = start(folder)
    kill_after(process, folder, TRIALS // 2 + 1)
    unlocked = start(folder, "--unlock")
    assert unlocked.wait() == 0
    assert finish(start(folder), folder) == calm[1]


def test_a_search_whose_trials_end_in_another_order_finds_the_same(calm, tmp_path):
    folder = prepare(tmp_path / "project")
    files = finish(start(folder, TOY_BACKWARDS="1"), folder)
    ends = [name for name in read_ends(folder) if name.startswith("1_")]
    assert ends == [f"1_{number}" for number in range(ROUND, 0, -1)]
    assert files == calm[1]


def read_ends(folder: Path) -> list[str]:
    """Names of trials, in the order in which they ended."""
    return (folder / ENDS).read_text(encoding="utf-8").split()
