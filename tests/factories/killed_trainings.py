"""Trainings that are killed at a chosen moment, each in a process of its own."""

import json
import multiprocessing
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import yaml

from tests.factories.datasets_in_code import BASE, make_dataset, make_options
from tests.factories.tiny_sd import build_tiny_sd
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.checksums import folder_checksum

STAGES = [
    {"steps": 5, "learning_rate": 0.02},
    {"steps": 6, "learning_rate": 0.01, "sampling": {"shot_type": {"wide": 3}}},
]
OPTIONS = {
    "batch_size": 2,
    "rank": 2,
    "alpha": 1.0,
    "resolution_px": 64,
    "gradient_accumulation_steps": 2,
    "caption_orders": 2,
    "ema_decay": 0.9,
    "checkpoints": 4,
    "validations": 3,
    "stages": STAGES,
}
FILES = ("a.safetensors", "a.peft.safetensors", "a.json", "metrics.parquet")
TIMES = ("started", "seconds", "restored")  # in settings.yaml: when, and in which of two runs
HOW = ("half written", "not renamed", "just renamed")
PACK = multiprocessing.get_context("forkserver")  # each starts with torch imported already
PACK.set_forkserver_preload(["tests.factories.killed_trainings"])


class Moment(NamedTuple):
    """When a training is killed; `number` counts from 1, or is a share of its time."""

    kind: str  # step, write or time
    number: float
    name: str = ""  # what is written, and how far

    def __str__(self) -> str:
        if self.kind == "time":
            return f"after {self.number:.0%} of its time"
        if self.kind == "step":
            return f"after step {self.number}"
        return f"{self.name} (number {self.number})"


@dataclass
class Run:
    """The folders of one training."""

    dataset: Path
    base: Path
    folder: Path
    changes: dict[str, Any] = field(default_factory=dict)  # of OPTIONS

    @property
    def out(self) -> Path:
        return self.folder / "adapters"

    def play(self, moment: Moment | None = None, calm_s: float = 0.0) -> int:
        """Train in a process of its own; its exit status: 0, or -9 where it was killed."""
        process = PACK.Process(target=train, args=(self, moment))
        process.start()
        if moment and moment.kind == "time":
            process.join(moment.number * calm_s)
            process.kill()  # by SIGKILL; nothing where it has just ended
        process.join()
        return process.exitcode

    def read(self) -> dict[str, object]:
        """All that it left, but for times."""
        settings = yaml.safe_load((self.out / "settings.yaml").read_text(encoding="utf-8"))
        plain = {name: value for name, value in settings.items() if name not in TIMES}
        return {name: (self.out / name).read_bytes() for name in FILES} | {"settings": plain}

    def list_leftovers(self) -> list[str]:
        """What a finished training has no use for."""
        kept = {*FILES, "settings.yaml"}
        beside = [path.name for path in self.out.iterdir() if path.name not in kept]
        return beside + [path.name for path in self.folder.rglob("*.partial")]


def prepare(folder: Path) -> Run:
    """A dataset with a table to sample by, and a base."""
    dataset = make_dataset(folder / "nella")
    rows = pd.read_parquet(dataset / "dataset.parquet")
    rows["image_id"], rows["shot_type"] = rows["file"], ["wide", "close-up", "wide"] * 3
    rows.to_parquet(dataset / "dataset.parquet")
    build_tiny_sd(folder / "base", seed=7)
    folder_checksum(folder / "base")  # or the first training would write it down
    return Run(dataset, folder / "base", folder / "calm")


def train(run: Run, moment: Moment | None) -> None:
    """The job of the rule; it kills itself at the moment, and else notes all that there were."""
    import torch

    torch.set_num_threads(1)
    journal: list[Moment] = []
    watch_steps(journal, moment)
    watch_writes(journal, moment)
    names = {"adapter": FILES[0], "peft": FILES[1], "card": FILES[2], "metrics": FILES[3]}
    names["settings"] = "settings.yaml"
    began = time.monotonic()
    train_adapter.main(
        str(run.dataset),
        str(run.base),
        **{key: str(run.out / name) for key, name in names.items()},
        title="demo nella",
        control="",
        options=make_options("train_adapter", **OPTIONS | run.changes),
        model=BASE,
        seed=7,
        cache={"folder": str(run.folder / "cache"), "max_gb": 1},
    )
    seconds = time.monotonic() - began
    (run.folder / "journal.json").write_text(json.dumps([seconds, journal]), encoding="utf-8")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def watch_steps(journal: list[Moment], moment: Moment | None) -> None:
    original = Trainer.run

    def look(self: Trainer, until: int) -> Iterator[int]:
        for step in original(self, until):
            journal.append(Moment("step", step))
            if moment == journal[-1]:
                die()
            yield step

    Trainer.run = look


def watch_writes(journal: list[Moment], moment: Moment | None) -> None:
    """Every file of the project appears by way of replace_when_done."""
    original, done = replace_when_done.__exit__, Counter()

    def look(self: replace_when_done, *error: object) -> None:
        name = name_file(self.path)
        done[name] += 1
        moments = [Moment("write", done[name], f"{name} {how}") for how in HOW]
        journal.extend(moments)
        if moment == moments[0]:
            os.truncate(self.partial, self.partial.stat().st_size // 2)
        if moment in moments[:2]:
            die()
        original(self, *error)
        if moment == moments[2]:
            die()

    replace_when_done.__exit__ = look


def name_file(path: Path) -> str:
    """What a file is, without its key."""
    store = path.parents[1].name
    return f"one of {store}" if store in ("latents", "texts", "trainings") else path.name


def read_journal(run: Run) -> tuple[float, list[Moment]]:
    """How long a calm training took, and every moment of it."""
    seconds, rows = json.loads((run.folder / "journal.json").read_text(encoding="utf-8"))
    return seconds, [Moment(*row) for row in rows]


def choose(moments: Sequence[Moment], kills: int, seed: int = 7) -> list[Moment]:
    """So many moments: steps, writes of each kind in turn, and any time, equally often."""
    rng = random.Random(seed)
    steps = [moment for moment in moments if moment.kind == "step"]
    writes: dict[str, list[Moment]] = {}
    for moment in moments:
        if moment.kind == "write":
            writes.setdefault(moment.name, []).append(moment)
    kinds = sorted(writes)
    rng.shuffle(kinds)
    chosen = []
    for number in range(kills):
        kind = number // 3
        a_write = rng.choice(writes[kinds[kind % len(kinds)]])
        chosen.append(
            [rng.choice(steps), a_write, Moment("time", rng.uniform(0.02, 0.98))][number % 3]
        )
    return chosen


def kill_all(calm: Run, kills: int) -> list[tuple[Moment, int, bool, list[str]]]:
    """Of each moment: how the killed run ended, whether the next was bit-equal, what it left."""
    seconds, moments = read_journal(calm)
    wanted, rows = calm.read(), []
    for number, moment in enumerate(choose(moments, kills)):
        run = Run(calm.dataset, calm.base, calm.folder.with_name(f"killed{number}"))
        status = run.play(moment, seconds)
        again = run.play()
        rows.append((moment, status, again == 0 and run.read() == wanted, run.list_leftovers()))
        shutil.rmtree(run.folder)
    return rows


def show(rows: Sequence[tuple[Moment, int, bool, list[str]]]) -> None:
    """Print the table of kills."""
    print("| kill | moment | status | bit-equal | left over |\n|---|---|---|---|---|")
    for number, (moment, status, is_equal, left) in enumerate(rows, 1):
        said = "yes" if is_equal else "NO"
        print(f"| {number} | {moment} | {status} | {said} | {', '.join(left)} |")
    equal = sum(row[2] for row in rows)
    killed = sum(row[1] == -signal.SIGKILL for row in rows)
    print(f"\n{killed} of {len(rows)} were killed before their end; bit-equal: {equal}", flush=True)
