"""A run that is killed again and again, and resumed by one command, makes what a calm run makes.

Five kills; `make test-kills` makes it fifty, over as many rounds from nothing as that takes.
"""

import base64
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from copy_in_code import ROOT, SMALL, prepare_run
from results_compared import compare_results, list_leftovers

KILLS = int(os.environ.get("KILLS", "5"))
SEED = 7
LONGEST_S = 20  # that a run is left in peace
POLL_S = 0.1
PLACES = os.cpu_count()
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *SMALL]
SNAKEMAKE += ["--config", "shards=1", "--cores", f"{PLACES}", "--resources", f"gpu={PLACES}"]
ADAPTER = "results/short/adapters/style/adapter.safetensors"  # from frames to an adapter

pytestmark = pytest.mark.workflow


@dataclass
class Round:
    """One run from nothing to the end, however often it was killed on the way."""

    folder: Path
    lots: random.Random
    kills: list[tuple[float, list[str]]] = field(default_factory=list)  # after s, unfinished
    resumed: list[str] = field(default_factory=list)  # what the training said when it went on
    in_training: bool = False  # killed once between two checkpoints

    def run(self, most: int) -> None:
        """Run to the end, with at most so many kills."""
        while len(self.kills) < most:
            process = start(self.folder)
            # the last kill strikes in the training, if none did so before
            is_last = len(self.kills) == most - 1 and not self.in_training
            peace_s = float("inf") if is_last else self.lots.uniform(0, LONGEST_S)
            after_s = self._wait(process, peace_s)
            if process.poll() is not None:
                assert process.returncode == 0, read_log(self.folder)
                break
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.kills.append((after_s, list_unfinished(self.folder)))
            assert list_orphans(self.folder) == []
        process = start(self.folder)
        assert process.wait() == 0, read_log(self.folder)
        log = self.folder / "logs/short/train_adapter.style.log"
        self.resumed += [line for line in log.read_text().splitlines() if "resumed" in line]

    def _wait(self, process: subprocess.Popen, peace_s: float) -> float:
        """So long after the first job began, or until a first checkpoint, or the end; in s."""
        begun = time.monotonic()
        checkpoints = self.folder / "results/short/adapters/style/checkpoints"
        while process.poll() is None and time.monotonic() - begun < peace_s:
            if "Execute " not in read_log(self.folder):
                begun = time.monotonic()
            if not self.in_training and (checkpoints / "resume.pt").exists():
                self.in_training = True
                break
            time.sleep(POLL_S)
        return time.monotonic() - begun


def start(folder: Path) -> subprocess.Popen:
    """Begin or resume a run, as the README says, in a process group of its own."""
    subprocess.run([*SNAKEMAKE, "--unlock"], cwd=folder, check=True, capture_output=True)
    with (folder / "run.log").open("w") as log:
        return subprocess.Popen(
            [*SNAKEMAKE, "--", ADAPTER],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def read_log(folder: Path) -> str:
    """What the last run printed."""
    return (folder / "run.log").read_text()


def list_unfinished(folder: Path) -> list[str]:
    """Outputs that Snakemake had begun and not finished; it notes them in base64."""
    marks = (folder / ".snakemake/incomplete").glob("*")
    names = (base64.b64decode(m.name, altchars=b"_-").decode() for m in marks if m.is_file())
    return sorted({name.removeprefix("results/short/").partition("/")[0] for name in names})


def list_orphans(folder: Path) -> list[str]:
    """Processes that still work in a folder after their run was killed."""
    time.sleep(POLL_S)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where, words = (process / "cwd").resolve(), (process / "cmdline").read_text()
        except OSError:
            continue  # it has just ended
        if where == folder and words:
            found.append(words.replace("\0", " "))
    return found


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """A run that nobody disturbs."""
    folder = prepare_run(tmp_path_factory.mktemp("calm") / "run")
    assert start(folder).wait() == 0, read_log(folder)
    return folder


@pytest.fixture(scope="module")
def rounds(calm, tmp_path_factory):
    """Rounds with all the kills."""
    lots, done = random.Random(SEED), []
    while (left := KILLS - sum(len(each.kills) for each in done)) > 0:
        folder = prepare_run(tmp_path_factory.mktemp("killed") / "run")
        done.append(Round(folder, lots))
        done[-1].run(left)
        show(done[-1], len(done))
    return done


def show(each: Round, number: int) -> None:
    """Print the table of kills."""
    for after_s, unfinished in each.kills:
        where = ", ".join(unfinished) or "no job"
        print(f"\nround {number}: killed after {after_s:.1f} s in {where}")
    print(f"\nround {number}: ended; {', '.join(each.resumed) or 'training was not interrupted'}")


def test_as_many_kills_as_were_asked_for(rounds):
    assert sum(len(each.kills) for each in rounds) == KILLS


def test_tables_captions_and_weights_are_those_of_a_calm_run(rounds, calm):
    for each in rounds:
        tables, adapters = compare_results(calm / "results/short", each.folder / "results/short")
        print(f"\n{tables} tables, {adapters} adapter(s): bit-equal")


def test_nothing_half_finished_is_left(rounds):
    assert [list_leftovers(each.folder / "results") for each in rounds] == [[]] * len(rounds)


def test_the_training_went_on_where_it_was(rounds):
    killed = [each for each in rounds if each.in_training]
    assert killed
    assert all(each.resumed for each in killed)
