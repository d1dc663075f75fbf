"""A run that is killed again and again, and resumed by one command, makes what a calm run makes.

Five kills; `make test-kills` makes it fifty, over as many rounds from nothing as that takes.

The film is the demo film with one image a shot and one kind, from frames to a trained adapter
(tests/small.yaml). Most of the whole demo's time goes into the trainings and scores of its eight
adapters, where nearly all random moments would fall; here they fall into every phase.
"""

import base64
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.factories.copy_in_code import ROOT, SMALL, prepare_run
from tests.factories.results_compared import compare_results, list_leftovers

KILLS = int(os.environ.get("KILLS", "5"))
SEED = 7
LONGEST_SHARE = 1 / 3  # of a calm run's time, that a run is left in peace: its longest job fits in
POLL_S = 0.1
PLACES = os.cpu_count()
SNAKEMAKE = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), *SMALL]
SNAKEMAKE += ["--config", "shards=1", "--cores", f"{PLACES}", "--resources", f"gpu={PLACES}"]
TRAINING_LOG = "logs/short/train_adapter.style.log"
ADAPTER = "results/short/adapters/style/short-style.safetensors"  # from frames to an adapter

pytestmark = pytest.mark.workflow


@dataclass
class Kill:
    """What a kill interrupted, and from where the next run went on."""

    after_s: float  # since the first job of the run began
    unfinished: list[str]  # phases
    jobs_left: int = 0
    training: str = ""  # what it said, where it went on from a checkpoint


@dataclass
class Round:
    """One run from nothing to the end, however often it was killed on the way."""

    folder: Path
    rng: random.Random
    longest_s: float  # that it is left in peace
    number: int  # of the round, from 1
    before: int  # kills in the rounds before
    kills: list[Kill] = field(default_factory=list)
    in_training: bool = False  # killed once between two checkpoints

    def run(self, most: int) -> None:
        """Run to the end, with at most so many kills."""
        while len(self.kills) < most:
            process = self._start()
            # the last kill strikes in the training, if none did so before
            is_last = len(self.kills) == most - 1 and not self.in_training
            peace_s = float("inf") if is_last else self.rng.uniform(0, self.longest_s)
            after_s = self._wait(process, peace_s)
            if process.poll() is not None:
                assert process.returncode == 0, read_log(self.folder)
                self._note_resumption()
                return
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self._note_resumption()
            self.kills.append(Kill(after_s, list_unfinished(self.folder)))
            assert list_orphans(self.folder) == []
        process = self._start()
        assert process.wait() == 0, read_log(self.folder)
        self._note_resumption()

    def _start(self) -> subprocess.Popen:
        """Begin or resume; only a killed run leaves a lock."""
        (self.folder / TRAINING_LOG).unlink(missing_ok=True)
        return start(self.folder, is_locked=bool(self.kills))

    def _note_resumption(self) -> None:
        """Where the run that has just ended had gone on after a kill: its row is whole."""
        if self.kills:
            self.kills[-1].jobs_left = count_jobs(read_log(self.folder))
            self.kills[-1].training = find_resumption(self.folder)
            show(self.before + len(self.kills), self.number, self.kills[-1])

    def _wait(self, process: subprocess.Popen, peace_s: float) -> float:
        """So long after the first job began, or until a first checkpoint, or the end; in s."""
        begun = time.monotonic()
        checkpoints = self.folder / "results/short/adapters/style/checkpoints"
        while process.poll() is None and time.monotonic() - begun < peace_s:
            if "Execute " not in read_log(self.folder):
                begun = time.monotonic()
            if not self.in_training and (checkpoints / "resume.safetensors").exists():
                self.in_training = True
                break
            time.sleep(POLL_S)
        return time.monotonic() - begun


def start(folder: Path, is_locked: bool = False) -> subprocess.Popen:
    """Begin or resume a run, as the README says, in a process group of its own."""
    if is_locked:
        subprocess.run([*SNAKEMAKE, "--unlock"], cwd=folder, check=True, capture_output=True)
    with (folder / "run.log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(
            [*SNAKEMAKE, "--", ADAPTER],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def read_log(folder: Path) -> str:
    """What the last run printed."""
    return (folder / "run.log").read_text(encoding="utf-8")


def count_jobs(printed: str) -> int:
    """Jobs that a run had before it; none where it was killed before it had a plan."""
    total = re.search(r"^total +(\d+)$", printed, re.MULTILINE)
    return int(total[1]) if total else 0


def find_resumption(folder: Path) -> str:
    """What the training of the last run said about its checkpoint, if it got so far."""
    log = folder / TRAINING_LOG
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return next((line.partition("resumed")[2].strip() for line in lines if "resumed" in line), "")


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
            where, words = (
                (process / "cwd").resolve(),
                (process / "cmdline").read_text(encoding="utf-8"),
            )
        except OSError:
            continue  # it has just ended
        if where == folder and words:
            found.append(words.replace("\0", " "))
    return found


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """Folder of a run that nobody disturbs, and how many seconds it took."""
    folder = prepare_run(tmp_path_factory.mktemp("calm") / "run")
    begun = time.monotonic()
    assert start(folder).wait() == 0, read_log(folder)
    return folder, time.monotonic() - begun


@pytest.fixture(scope="module")
def rounds(calm, tmp_path_factory):
    """Rounds with all the kills."""
    rng, done, killed = random.Random(SEED), [], 0
    print("\n\n| kill | round | after s | unfinished | jobs left | training went on |")
    print("|---|---|---|---|---|---|", flush=True)
    while killed < KILLS:
        folder = prepare_run(tmp_path_factory.mktemp("killed") / "run")
        done.append(Round(folder, rng, LONGEST_SHARE * calm[1], len(done) + 1, killed))
        done[-1].run(KILLS - killed)
        killed += len(done[-1].kills)
    return done


def show(number: int, which_round: int, kill: Kill) -> None:
    """Print one row of the table of kills."""
    where = ", ".join(kill.unfinished) or "no job"
    row = [number, which_round, f"{kill.after_s:.1f}", where, kill.jobs_left, kill.training]
    print("|", *(f"{cell} |" for cell in row), flush=True)


def test_as_many_kills_as_were_asked_for(rounds):
    assert sum(len(each.kills) for each in rounds) == KILLS


def test_tables_captions_and_weights_are_those_of_a_calm_run(rounds, calm):
    assert rounds
    for each in rounds:
        tables, adapters = compare_results(calm[0] / "results/short", each.folder / "results/short")
        assert (tables > 20, adapters) == (True, 2)  # one adapter, in the names of kohya and peft
        print(f"\n{tables} tables, {adapters} files of adapters: bit-equal")


def test_nothing_half_finished_is_left(rounds):
    assert [list_leftovers(each.folder / "results") for each in rounds] == [[]] * len(rounds)


def test_the_training_went_on_where_it_was(rounds):
    killed = [each for each in rounds if each.in_training]
    assert killed
    assert all(any(kill.training for kill in each.kills) for each in killed)
