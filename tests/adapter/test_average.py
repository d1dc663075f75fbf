"""The moving average of an adapter's weights: what it is, what is measured and written of it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import (
    BASE,
    base_folder,
    make_dataset,
    make_options,
)
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.examples import fixed_losses
from workflow_scripts.adapter.trainer import VALIDATION_TIMESTEPS

FEW = {"steps": 4, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64, "validations": 4}
STAGES = [
    {"steps": 4, "learning_rate": 0.02},
    {"epochs": 1, "learning_rate": 0.01},
]
ROOT = Path(__file__).resolve().parents[2]
RUN = """
import json, os, signal, sys
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.trainer import Trainer

arguments, die_after = json.loads(sys.argv[1]), int(sys.argv[2])
run = Trainer.run

def die(self, until):
    for step in run(self, until):
        yield step
        if step == die_after:  # after who trains has had the time to save it
            os.kill(os.getpid(), signal.SIGKILL)

Trainer.run = die
train_adapter.main(**arguments)
"""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella")


@pytest.fixture(scope="module")
def splits(dataset):
    return trainings.encode_splits(dataset)


@pytest.fixture
def make_trainer(splits):
    return lambda **changes: trainings.make_trainer(splits, **{**FEW, **changes})


def list_states(trainer, until=4):
    """The weights after each step."""
    return [trainer.weights() for _ in trainer.run(until)]


def test_the_average_is_that_of_the_formula_and_the_training_is_as_without(make_trainer):
    trainer = make_trainer(learning_rate=0.02, keep="last", ema_decay=0.25)
    states = list_states(trainer)
    assert trainings.differ(states[-1], list_states(make_trainer(learning_rate=0.02))[-1]) == 0
    wanted = states[0]  # of which the first update is the whole
    for number, state in enumerate(states[1:], 1):
        decay = min(0.25, (1 + number) / (10 + number))
        wanted = {key: decay * wanted[key] + (1 - decay) * state[key] for key in state}
    step, average = trainer.chosen()
    assert step == 4
    assert trainings.differ(average, wanted) < 1e-6
    assert trainings.differ(average, states[-1]) > 1e-4


@pytest.mark.parametrize("keep", ["best", "last"])
def test_what_is_measured_is_what_is_written(make_trainer, splits, keep):
    trainer = make_trainer(learning_rate=0.02, keep=keep, ema_decay=0.9)
    list_states(trainer)
    step, average = trainer.chosen()
    base = make_trainer(learning_rate=0.02).base
    network = dict(base.network.named_parameters())
    with torch.no_grad():
        for key, tensor in average.items():
            network[key.replace(".weight", ".default.weight")].copy_(tensor)
    losses = fixed_losses(base, splits[1], timesteps=VALIDATION_TIMESTEPS, seed=7)
    assert trainer.rows[step]["validation_loss"] == pytest.approx(float(losses.mean()), rel=1e-6)


def list_arguments(dataset, folder, **changes):
    files = {"adapter": "a.safetensors", "card": "a.json", "peft": "a.peft.safetensors"}
    files |= {"settings": "settings.yaml", "metrics": "metrics.parquet"}
    options = {**FEW, "stages": STAGES, "ema_decay": 0.9, "checkpoints": 9, "keep": "last"}
    options |= changes
    arguments = {name: str(folder / file) for name, file in files.items()}
    arguments |= {"dataset": str(dataset), "base": str(base_folder()), "title": "demo nella"}
    arguments["control"] = ""
    return arguments | {
        "options": make_options("train_adapter", **options),
        "model": BASE,
        "seed": 7,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "optimizer": "schedule_free_adamw",
            "schedule": "constant",
            "ema_decay": 0,
            "init": "eva",
            "text_encoder": {"train": True, "learning_rate": 0.005},
        },
        {"optimizer": "prodigy", "init": "orthogonal", "rank_pattern": {"to_k": 4}},
    ],
    ids=["average", "schedule-free, EVA, text encoder", "prodigy, orthogonal, patterns"],
)
def test_a_killed_training_leaves_the_same_files_as_one_that_was_not(dataset, tmp_path, changes):
    names = ("whole", "killed")
    whole, killed = (list_arguments(dataset, tmp_path / name, **changes) for name in names)
    command = [sys.executable, "-c", RUN, json.dumps(killed), "5"]  # a step into the second stage
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    assert subprocess.run(command, cwd=ROOT, env=environment).returncode == -signal.SIGKILL
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["checkpoints"]
    train_adapter.main(**killed)
    train_adapter.main(**whole)
    for name in ("adapter", "peft", "metrics"):
        assert Path(killed[name]).read_bytes() == Path(whole[name]).read_bytes()
