"""The parameters of a trial: laid over the settings of a training, and what becomes of it."""

import math

import pytest
import yaml
from safetensors import safe_open

from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.trial_file import Trial, lay_trial, read_trial, shorten, write_trial
from workflow_scripts.lib.errors import CineloraError

FEW = {"steps": 4, "batch_size": 2, "rank": 2, "resolution_px": 64, "validations": 2}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella")


def write(folder, **changes):
    path = str(folder / "trial.yaml")
    write_trial(path, Trial("1_2", **{"settings": {}, **changes}))
    return path


def train(dataset, folder, trial=(), **changes):
    """Train as the rule does; the settings.yaml that is left."""
    files = {"adapter": "a.safetensors", "card": "a.json", "metrics": "metrics.parquet"}
    files = {key: str(folder / name) for key, name in files.items()}
    train_adapter.main(
        str(dataset),
        str(base_folder()),
        **files,
        settings=str(folder / "settings.yaml"),
        trial=trial,
        title="demo nella",
        control="",
        options=make_options("train_adapter", **{**FEW, **changes}),
        model=BASE,
        seed=7,
    )
    return yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))


def test_a_trial_is_read_as_it_was_written(tmp_path):
    trial = Trial("full1_2", {"learning_rate": 1e-05, "rslora": True}, "1_1", 101, 0.25, "")
    write_trial(str(tmp_path / "t.yaml"), trial)
    assert read_trial(str(tmp_path / "t.yaml")) == trial


def test_without_a_trial_nothing_changes():
    assert lay_trial([], {"rank": 8}, 7) == ({"rank": 8}, 7, "", "")


def test_a_trial_lies_over_the_settings(tmp_path):
    options = {"rank": 8, "alpha": 4, "steps": 100, "stages": []}
    laid = lay_trial([write(tmp_path, settings={"rank": 2}, seed=101, share=0.25)], options, 7)
    assert laid == ({"rank": 2, "alpha": 4, "steps": 25, "stages": []}, 101, "1_2", "")
    assert options["rank"] == 8


def test_a_short_training_shortens_every_stage():
    stages = [{"steps": 10, "learning_rate": 1}, {"epochs": 3, "learning_rate": 1}]
    short = shorten({"steps": 10, "stages": stages}, 0.25)
    assert [one.get("steps", one.get("epochs")) for one in short["stages"]] == [3, 0.75]
    assert short["steps"] == math.ceil(2.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("trial: 1_2", "'settings' is a required property"),
        ("{trial: a, settings: {rang: 2}, of: '', seed: null, share: 1, skipped: ''}", "sets rang"),
        ("{trial: a, settings: {rank: [2]}, of: '', seed: null, share: 1, skipped: ''}", "damaged"),
        ("{trial: a, settings: {}, of: '', seed: null, share: 2, skipped: ''}", "maximum of 1"),
    ],
    ids=["half", "no option", "a list", "too long"],
)
def test_a_damaged_file_is_an_error(tmp_path, text, words):
    (tmp_path / "t.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(CineloraError, match=words):
        lay_trial([str(tmp_path / "t.yaml")], {"rank": 8, "steps": 4, "stages": []}, 7)


def test_settings_show_the_trial_whole(dataset, tmp_path):
    trial = write(tmp_path, settings={"learning_rate": 0.02, "rank": 3}, seed=11, share=0.5)
    facts = train(dataset, tmp_path, trial)
    used = facts["settings"]
    assert (used["learning_rate"], used["rank"], used["steps"]) == (0.02, 3, 2)
    assert (facts["seed"], facts["trial"]) == (11, "1_2")


def test_a_place_with_nothing_to_train_says_so(dataset, tmp_path):
    facts = train(dataset, tmp_path, write(tmp_path, skipped="the front has 2 trials only"))
    assert facts["empty"] == "the front has 2 trials only"
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert list(file.keys()) == []


def test_a_trial_that_breaks_is_set_aside_and_any_other_training_stops(dataset, tmp_path):
    breaks = {"learning_rate": 1e30, "max_grad_norm": 0.0}
    facts = train(dataset, tmp_path, write(tmp_path, settings=breaks))
    assert facts["empty"].startswith("the loss of step")
    assert not (tmp_path / "checkpoints").exists()
    with pytest.raises(CineloraError, match="the loss of step"):
        train(dataset, tmp_path, **breaks)
