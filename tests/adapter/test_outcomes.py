"""Finished trainings are restored wherever the same one is asked, and no message takes one away."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from workflow_scripts.adapter import train_adapter, training_run
from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.lib.code import PACKAGE, ROOT, Code

FEW = {"steps": 4, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64, "validations": 2}
FILES = ("a.safetensors", "a.json", "metrics.parquet")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella")


@pytest.fixture
def steps(monkeypatch):
    """Numbers of the steps that were taken."""
    taken, run = [], Trainer.run

    def look(self, until):
        for step in run(self, until):
            taken.append(step)
            yield step

    monkeypatch.setattr(Trainer, "run", look)
    return taken


def train(dataset, folder, cache=None, title="demo nella", control="", **changes):
    train_adapter.main(
        str(dataset),
        str(base_folder()),
        *(str(folder / name) for name in ("a.safetensors", "a.json", "settings.yaml")),
        str(folder / "metrics.parquet"),
        title=title,
        control=control,
        options=make_options("train_adapter", **{**FEW, "learning_rate": 0.02, **changes}),
        model=BASE,
        seed=7,
        cache=cache and {"folder": str(cache), "max_gb": 1},
    )
    return {name: (folder / name).read_bytes() for name in FILES}


def read_settings(folder):
    return yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))


def test_the_same_training_under_another_path_is_restored_bit_for_bit(dataset, tmp_path, steps):
    first = train(dataset, tmp_path / "one", tmp_path / "cache")
    assert steps == [1, 2, 3, 4]
    other = shutil.copytree(dataset, tmp_path / "another film" / "copy")
    again = train(other, tmp_path / "two", tmp_path / "cache")
    assert steps == [1, 2, 3, 4]
    assert again == first == train(dataset, tmp_path / "plain")
    assert (read_settings(tmp_path / "two")["restored"], len(steps)) == (True, 8)
    assert "restored" not in read_settings(tmp_path / "one")
    assert len(pd.read_parquet(tmp_path / "two/metrics.parquet")) == 5


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "other film nella"},
        {"license": "CC BY"},
        {"checkpoints": 1},
    ],
    ids=str,
)
def test_what_decides_on_no_step_repeats_none(dataset, tmp_path, steps, changes):
    train(dataset, tmp_path / "one", tmp_path / "cache")
    again = train(dataset, tmp_path / "two", tmp_path / "cache", **changes)
    assert len(steps) == 4
    assert again == train(dataset, tmp_path / "plain", **changes)  # as if it had been trained
    assert len(steps) == 8


@pytest.mark.parametrize(
    "changes",
    [{"learning_rate": 0.03}, {"control": "shuffled_captions"}, {"keep": "last"}, {"rank": 3}],
    ids=str,
)
def test_any_other_training_takes_its_own_steps(dataset, tmp_path, steps, changes):
    train(dataset, tmp_path / "one", tmp_path / "cache")
    train(dataset, tmp_path / "two", tmp_path / "cache", **changes)
    assert len(steps) == 8


def test_an_option_changed_there_and_back_is_restored(dataset, tmp_path, steps):
    first = train(dataset, tmp_path / "one", tmp_path / "cache")
    train(dataset, tmp_path / "one", tmp_path / "cache", rank=3)
    assert train(dataset, tmp_path / "one", tmp_path / "cache") == first
    assert len(steps) == 8


def test_a_damaged_outcome_is_trained_again(dataset, tmp_path, steps, caplog):
    first = train(dataset, tmp_path / "one", tmp_path / "cache")
    (kept,) = (tmp_path / "cache/trainings").rglob("*.safetensors")
    kept.write_bytes(kept.read_bytes()[:-1])
    assert train(dataset, tmp_path / "two", tmp_path / "cache") == first
    assert len(steps) == 8
    assert f"{kept} is made again: it is damaged" in caplog.text


def test_nobody_asks_the_store_of_another_kind(tmp_path):
    with ContentStore(tmp_path, 1).in_use() as store:
        store.keep("latents", "k1", {}, {})
        assert store.find("trainings", "k1") is None


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the package, to be changed."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("*.pyc"))
    return folder


@pytest.mark.parametrize(
    ("module", "old", "new", "is_same"),
    [
        ("trainer", "resumed after step %d", "going on after %d", True),
        ("training_checks", "These layers would stay as they are", "These layers stay", True),
        ("trainer", "training starts anew: %s", "it starts anew: %s", True),
        ("encodings", "were enlarged: ", "became larger: ", True),
        ("training_facts", "LoRA for {title}, trained on", "Made for {title} on", True),
        ("training_data", "have no caption", "lack a caption", True),
        ("grid", "def ", "_UNUSED = 1\n\n\ndef ", True),
        ("trainer", "VALIDATION_TIMESTEPS = 4", "VALIDATION_TIMESTEPS = 5", False),
        ("losses", "noise + settings.noise_offset * shift", "noise", False),
        ("training_data", "cv2.INTER_CUBIC", "cv2.INTER_LINEAR", False),
        ("optimizers", "torch.optim.AdamW(groups", "torch.optim.Adam(groups", False),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value),
)
def test_a_changed_message_throws_no_checkpoint_away(project, module, old, new, is_same):
    path = project / PACKAGE / f"adapter/{module}.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    before = Code(project).hash(*training_run.DECIDING)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    after = Code(project).hash(*training_run.DECIDING)
    path.write_text(text, encoding="utf-8")
    assert (before == after) == is_same
