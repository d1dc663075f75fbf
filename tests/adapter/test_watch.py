"""What is seen of a training while it runs, and that it changes nothing."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from tests.factories.trainings_in_code import differ, encode_splits, finish, make_trainer
from workflow_scripts.adapter import samples, train_adapter
from workflow_scripts.adapter.event_files import EventFiles
from workflow_scripts.adapter.watch import Watch
from workflow_scripts.lib.images import read_rgb

FEW = {
    "steps": 4,
    "batch_size": 2,
    "rank": 2,
    "alpha": 1.0,
    "resolution_px": 64,
    "validations": 2,
    "learning_rate": 0.02,
    "checkpoints": 3,
}
SEEN = {"samples": 2, "tensorboard": True}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella")


@pytest.fixture(scope="module")
def splits(dataset):
    return encode_splits(dataset)


@pytest.fixture(autouse=True)
def few_drawing_steps(monkeypatch):
    monkeypatch.setitem(samples.DRAWING, "sampling_steps", 2)


def run_main(dataset, folder, **changes):
    names = {
        "adapter": "adapter.safetensors",
        "card": "adapter.json",
        "settings": "settings.yaml",
        "metrics": "metrics.parquet",
    }
    return train_adapter.main(
        str(dataset),
        str(base_folder()),
        **{key: str(folder / name) for key, name in names.items()},
        title="demo nella",
        control="",
        options=make_options("train_adapter", **{**FEW, **changes}),
        model=BASE,
        seed=7,
    )


@pytest.fixture(scope="module")
def watched(dataset, tmp_path_factory):
    """A whole training with all that can be seen of it."""
    folder = tmp_path_factory.mktemp("watched")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(samples.DRAWING, "sampling_steps", 2)
        run_main(dataset, folder, **SEEN)
    return folder


def read_files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def read_events(folder):
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    return events


def test_nothing_is_left_where_nothing_is_asked_for(dataset, tmp_path):
    run_main(dataset, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("adapter.json", "adapter.safetensors", "metrics.parquet", "settings.yaml")
    ]


def test_a_watched_training_takes_the_same_steps(watched, dataset, tmp_path):
    run_main(dataset, tmp_path)
    for name in ("adapter.safetensors", "metrics.parquet"):
        assert (tmp_path / name).read_bytes() == (watched / name).read_bytes()
    assert (watched / "samples").is_dir()


def test_samples_stand_beside_the_base_with_the_same_seeds(watched):
    names = sorted(path.name for path in (watched / "samples").iterdir())
    assert names == ["step_000002.png", "step_000004.png"]
    grids = [read_rgb(watched / "samples" / name).astype(int) for name in names]
    moved = np.abs(grids[0] - grids[1]).any((1, 2)).nonzero()[0]  # rows of pixels that differ
    height = grids[0].shape[0]
    assert len(moved) > 0
    assert moved.min() > height - 140, "the row of the base is not the same in both"


def test_the_row_of_the_base_is_what_the_base_alone_draws(splits, tmp_path):
    trainer = make_trainer(splits, **{**FEW, "samples": 1})
    before = samples.draw_all(trainer.base, samples.Samples(trainer, tmp_path, "t").prompts, DRAWN)
    finish(trainer, 4)
    grids = samples.Samples(trainer, tmp_path, "t")
    grids.draw()
    assert np.array_equal(grids.of_base, before)
    assert all(tensor.requires_grad for tensor in trainer.tensors.values())
    after = samples.draw_all(trainer.base, grids.prompts, DRAWN)
    assert (after != before).any()


DRAWN = {"sampling_steps": 2, "guidance": samples.DRAWING["guidance"]}


def test_samples_show_the_average_where_there_is_one(splits, tmp_path):
    trainer = make_trainer(splits, **{**FEW, "samples": 1, "ema_decay": 0.99})
    finish(trainer, 4)
    own, averaged = trainer.weights(), None
    grid = samples.Samples(trainer, tmp_path / "with", "t").draw()
    with trainer.average.applied():
        averaged = trainer.weights()
        copied = make_trainer(splits, **{**FEW, "samples": 1})
    assert differ(own, averaged) > 0
    finish(copied, 4)  # the same steps, without an average
    last = samples.Samples(copied, tmp_path / "without", "t").draw()
    assert (grid != last).any()
    for name, tensor in copied.tensors.items():
        tensor.data.copy_(averaged[name.replace(".default", "")])
    assert np.array_equal(samples.Samples(copied, tmp_path / "copied", "t").draw(), grid)


class Killed(Exception):
    """In place of SIGKILL: nothing after it runs."""


@pytest.fixture
def resumed(dataset, tmp_path, monkeypatch):
    """The same training, ended in its third step, after a checkpoint of the second."""
    follow = Watch.follow

    def follow_until_killed(watch):
        if watch.trainer.step == 3:
            watch.events.add_row(watch.trainer.rows[-1])  # on disk, and after the checkpoint
            watch.events.flush()
            raise Killed
        follow(watch)

    with monkeypatch.context() as patch:
        patch.setattr(Watch, "follow", follow_until_killed)
        with pytest.raises(Killed):
            run_main(dataset, tmp_path, **SEEN)
    assert (tmp_path / "checkpoints").is_dir()
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["step_000002.png"]
    run_main(dataset, tmp_path, **SEEN)
    return tmp_path


def test_a_killed_training_leaves_the_same_samples(watched, resumed):
    assert read_files(resumed / "samples") == read_files(watched / "samples")
    assert len(read_files(watched / "samples")) == 2
    adapter = "adapter.safetensors"
    assert (resumed / adapter).read_bytes() == (watched / adapter).read_bytes()


@pytest.mark.parametrize("which", ["whole", "resumed"])
def test_tensorboard_reads_the_rows_of_the_metrics(which, watched, request):
    folder = watched if which == "whole" else request.getfixturevalue("resumed")
    events, rows = read_events(folder), pd.read_parquet(folder / "metrics.parquet")
    names = ["grad_norm", "images_per_s", "learning_rate", "loss", "validation_loss"]
    assert sorted(events.Tags()["scalars"]) == names
    for name in set(names) - {"images_per_s"}:
        known = rows[["step", name]].dropna()
        found = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in found] == known["step"].tolist()
        assert [value for _, value in found] == pytest.approx(known[name].tolist(), rel=1e-6)
    assert [event.step for event in events.Scalars("images_per_s")] == [1, 2, 3, 4]
    assert all(event.value > 0 for event in events.Scalars("images_per_s"))
    drawn = events.Images("samples")
    assert [image.step for image in drawn] == [2, 4]
    height, width = read_rgb(folder / "samples/step_000004.png").shape[:2]
    assert [(image.width, image.height) for image in drawn] == 2 * [(width, height)]


def test_rows_before_event_files_were_asked_for_are_in_them(tmp_path):
    rows = [{"step": n, "epoch": n / 2, "loss": 1.0 / (n + 1), "grad_norm": None} for n in range(3)]
    EventFiles(tmp_path / "tensorboard", rows).close()
    found = read_events(tmp_path).Scalars("loss")
    assert [event.step for event in found] == [0, 1, 2]
    assert read_events(tmp_path).Tags()["scalars"] == ["loss"]


@pytest.mark.parametrize("asked", [SEEN, {}], ids=["seen", "not_seen"])
def test_a_new_training_drops_what_an_earlier_one_left(asked, splits, tmp_path):
    for name in ("samples/step_000099.png", "tensorboard/events.out.tfevents.1.x.1.0"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"old")
    trainer = make_trainer(splits, **{**FEW, **asked})
    with Watch(trainer, tmp_path, "t"):
        assert not list(tmp_path.glob("samples/*"))
        events = list(tmp_path.glob("tensorboard/*"))
        assert len(events) == len(asked) / 2
        assert b"old" not in [path.read_bytes() for path in events]


def test_settings_repeat_the_training(watched, dataset, tmp_path):
    facts = yaml.safe_load((watched / "settings.yaml").read_text(encoding="utf-8"))
    names = ("adapter.safetensors", "metrics.parquet", "adapter.json")
    options = facts["settings"]
    assert dataclasses.asdict(train_adapter.Settings(**options)) == options
    run_main(dataset, tmp_path, **options)
    for name in names:
        assert (tmp_path / name).read_bytes() == (watched / name).read_bytes()
    other = shutil.copytree(tmp_path, tmp_path.parent / f"{tmp_path.name}_other")
    run_main(dataset, other, **options | {"learning_rate": 0.01})  # the control: it can differ
    assert (other / names[0]).read_bytes() != (watched / names[0]).read_bytes()


def test_stages_in_epochs_are_repeated_too(dataset, tmp_path):
    stages = [{"epochs": 1, "learning_rate": 0.02}, {"steps": 2, "learning_rate": 0.01}]
    run_main(dataset, tmp_path / "first", stages=stages)
    facts = yaml.safe_load((tmp_path / "first/settings.yaml").read_text(encoding="utf-8"))
    assert facts["settings"]["stages"][0] == {"steps": 6, "learning_rate": 0.02}
    run_main(dataset, tmp_path / "second", **facts["settings"])
    first, second = (tmp_path / name / "adapter.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_drawing_leaves_random_numbers_as_they_were(splits, tmp_path):
    trainer = make_trainer(splits, **{**FEW, "samples": 1})
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    samples.Samples(trainer, tmp_path, "t").draw()
    assert torch.equal(torch.rand(3), expected)
    assert trainer.base.network.training
