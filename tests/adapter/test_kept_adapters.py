"""Adapters that are kept of a training's way: which, what is in them, and after a kill."""

from pathlib import Path

import pytest

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import (
    BASE,
    base_folder,
    make_dataset,
    make_options,
    open_base,
)
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.adapter_file import load_adapter, read_adapter, to_kohya
from workflow_scripts.adapter.kept_adapters import find_step, list_kept_steps, read_kept
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.lib.errors import CineloraError

FEW = {"steps": 5, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64}
FEW |= {"validations": 1, "checkpoints": 4, "keep": "last", "kept_checkpoints": 2}


class Killed(Exception):
    """Stands for the end of a process."""


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella")


def list_arguments(dataset, folder, **changes):
    files = {"adapter": "a.safetensors", "card": "a.json", "settings": "settings.yaml"}
    files |= {"metrics": "metrics.parquet", "kept": "kept"}
    return {name: str(folder / file) for name, file in files.items()} | {
        "dataset": str(dataset),
        "base": str(base_folder()),
        "title": "demo nella",
        "control": "",
        "options": make_options("train_adapter", **FEW | changes),
        "model": BASE,
        "seed": 7,
    }


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train_adapter.main(**list_arguments(dataset, folder))
    return folder


@pytest.mark.parametrize(
    ("count", "steps", "kept"),
    [
        (0, 240, []),
        (1, 240, [240]),
        (4, 240, [60, 120, 180, 240]),
        (3, 10, [4, 7, 10]),
        (9, 2, [1, 2]),
    ],
)
def test_so_many_are_kept_evenly_and_the_last_is_the_end(count, steps, kept):
    assert list_kept_steps(count, steps) == kept


def test_what_is_kept_are_the_weights_of_its_step(dataset, trained):
    files = read_kept(trained / "kept")
    assert [Path(file).name for file in files] == [
        "a.step000003.safetensors",
        "a.step000005.safetensors",
    ]
    assert [find_step(file) for file in files] == [3, 5]
    trainer = trainings.make_trainer(trainings.encode_splits(dataset), **FEW)
    wanted = to_kohya(trainings.finish(trainer, 3), 1.0)
    first, last = map(read_adapter, files)
    assert trainings.differ(first.tensors, wanted) == 0
    assert trainings.differ(last.tensors, read_adapter(trained / "a.safetensors").tensors) == 0
    assert (first.metadata["ss_steps"], last.metadata["ss_steps"]) == ("3", "5")
    load_adapter(open_base(), files[0])


def test_to_keep_them_changes_no_training(dataset, trained, tmp_path):
    train_adapter.main(**list_arguments(dataset, tmp_path, kept_checkpoints=0))
    assert read_kept(tmp_path / "kept") == []
    tensors = [read_adapter(folder / "a.safetensors").tensors for folder in (trained, tmp_path)]
    assert trainings.differ(*tensors) == 0


def test_a_killed_training_keeps_the_same(dataset, trained, tmp_path, monkeypatch):
    arguments, save = list_arguments(dataset, tmp_path), Trainer.save

    def save_and_die(trainer, *place):
        save(trainer, *place)
        if trainer.step == 4:
            raise Killed

    monkeypatch.setattr(Trainer, "save", save_and_die)
    with pytest.raises(Killed):
        train_adapter.main(**arguments)
    assert read_kept(tmp_path / "kept") == []
    monkeypatch.undo()
    train_adapter.main(**arguments)
    pairs = list(zip(read_kept(tmp_path / "kept"), read_kept(trained / "kept"), strict=True))
    assert len(pairs) == 2
    assert [Path(a).read_bytes() == Path(b).read_bytes() for a, b in pairs] == [True, True]
    assert not (tmp_path / "checkpoints").exists()


def test_a_missing_one_is_made_again_and_those_of_another_training_go(dataset, tmp_path):
    arguments = list_arguments(dataset, tmp_path)
    train_adapter.main(**arguments)
    before = Path(arguments["settings"]).read_bytes()
    train_adapter.main(**arguments)
    assert Path(arguments["settings"]).read_bytes() == before  # kept as it is
    Path(read_kept(tmp_path / "kept")[0]).unlink()
    train_adapter.main(**arguments)
    assert [find_step(file) for file in read_kept(tmp_path / "kept")] == [3, 5]
    train_adapter.main(**list_arguments(dataset, tmp_path, kept_checkpoints=1))
    assert [find_step(file) for file in read_kept(tmp_path / "kept")] == [5]


def test_a_file_without_a_step_is_none_of_them():
    with pytest.raises(CineloraError, match="names no step"):
        find_step("kept/a.safetensors")
