import dataclasses
import json
import math
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from diffusers.training_utils import compute_snr
from safetensors import safe_open

from tests.factories.datasets_in_code import (
    BASE,
    base_folder,
    make_dataset,
    make_options,
    open_base,
)
from tests.factories.tiny_bases import open_tiny
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter import trainer as lora_trainer
from workflow_scripts.adapter.adapter_file import (
    load_adapter,
    read_adapter,
    to_kohya,
    write_adapter,
)
from workflow_scripts.adapter.examples import cache_examples, fixed_losses
from workflow_scripts.adapter.stages import make_schedule
from workflow_scripts.adapter.trainer import Settings, Trainer, snr_weights
from workflow_scripts.adapter.training_checks import check_layers, warn_of_long_captions
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.lib.version import VERSION
from workflow_scripts.models.diffusion import signal_to_noise
from workflow_scripts.models.registry import load_model

FEW = {"steps": 4, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64, "validations": 2}


def make_settings(**changes):
    return Settings(**make_options("train_adapter", **{**FEW, **changes}))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("data") / "nella")


@pytest.fixture(scope="module")
def splits(dataset):
    """Both splits, encoded: tensors only, so they serve any trainer."""
    base = open_base()
    images = [read_split(dataset, split) for split in ("train", "validation")]
    return [
        cache_examples(base, part, resolution_px=64, background_loss_weight=0.1) for part in images
    ]


@pytest.fixture
def make_trainer(splits):
    def make(*, seed=7, train=None, **changes):
        settings = make_settings(**changes)
        return Trainer(open_base(), train or splits[0], splits[1], settings, seed, 64)

    return make


def finish(trainer, until=4):
    for _ in trainer.run(until):
        pass
    return trainer.weights()


def differ(first, second):
    return max(float((first[key] - second[key]).abs().max()) for key in first)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_the_rate_rises_then_falls_and_is_never_zero(schedule):
    settings = make_settings(steps=20, warmup=0.2, learning_rate=1.0, schedule=schedule)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 1.0)
    rates = [make_schedule(settings, optimizer)(step) for step in range(20)]
    assert rates[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    shares = [(step - 4) / 16 for step in range(4, 20)]
    falling = {
        "constant": [1.0 for _ in shares],
        "linear": [1 - share for share in shares],
        "cosine": [(1 + math.cos(math.pi * share)) / 2 for share in shares],
    }
    assert rates[4:] == pytest.approx(falling[schedule], rel=1e-12)
    assert min(rates) > 0
    assert rates[-1] == (1.0 if schedule == "constant" else min(rates))


def test_min_snr_lowers_the_weight_of_almost_clean_images():
    base, steps = open_base(), torch.tensor([5, 500, 990])
    weights = snr_weights(base, steps, gamma=5.0)
    assert weights[0] < 0.05
    assert weights[1:].tolist() == [1.0, 1.0]
    assert snr_weights(base, steps, gamma=0).tolist() == [1.0, 1.0, 1.0]


def test_signal_to_noise_is_that_of_diffusers():
    base = open_base()
    timesteps = torch.arange(base.noise.config.num_train_timesteps)
    expected = compute_snr(base.noise, timesteps)
    assert torch.allclose(signal_to_noise(base, timesteps), expected, rtol=1e-6)


def test_the_same_seed_gives_the_same_weights(make_trainer):
    first = finish(make_trainer())
    assert differ(first, finish(make_trainer())) == 0
    assert differ(first, finish(make_trainer(seed=8))) > 0


def test_a_resumed_training_takes_the_same_steps(make_trainer, tmp_path):
    whole = make_trainer(steps=6, gradient_accumulation_steps=2)
    wanted = finish(whole, 6)
    interrupted = make_trainer(steps=6, gradient_accumulation_steps=2)
    finish(interrupted, 3)
    interrupted.save(tmp_path / "resume.pt", "same")
    resumed = make_trainer(steps=6, gradient_accumulation_steps=2, seed=7)
    resumed.resume(tmp_path / "resume.pt", "same")
    assert resumed.step == 3
    assert differ(wanted, finish(resumed, 6)) == 0
    assert pd.DataFrame(resumed.rows).equals(pd.DataFrame(whole.rows))
    assert resumed.chosen()[0] == whole.chosen()[0]


def test_a_checkpoint_of_another_training_is_left_alone(make_trainer, tmp_path):
    other = make_trainer()
    finish(other, 1)
    other.save(tmp_path / "resume.pt", "other")
    trainer = make_trainer()
    trainer.resume(tmp_path / "resume.pt", "mine")
    assert trainer.step == 0


def first_gradient(trainer):
    trainer.losses([0, 1], torch.Generator().manual_seed(1)).mean().backward()
    return torch.cat([t.grad.flatten() for t in trainer.tensors.values() if t.grad is not None])


def test_masks_change_the_gradient(make_trainer, splits):
    plain = [torch.ones_like(weights) for weights in splits[0].weights]
    unmasked = dataclasses.replace(splits[0], weights=plain)
    with_masks, without = (
        first_gradient(make_trainer()),
        first_gradient(make_trainer(train=unmasked)),
    )
    assert not torch.equal(with_masks, without)


def test_an_error_counts_by_its_weight():
    errors, weights = torch.rand(2, 4, 4, 4), torch.zeros(2, 1, 4, 4)
    weights[0, :, :2], weights[1] = 1, 0.5
    means = lora_trainer.weighted_means(errors, weights)
    assert means[0] == pytest.approx(float(errors[0, :, :2].mean()))
    assert means[1] == pytest.approx(float(errors[1].mean()))


def test_masks_become_weights_of_latents(splits):
    assert len(splits[0].weights) == len(splits[0]) > 0
    for weights, latents in zip(splits[0].weights, splits[0].latents, strict=True):
        assert weights.shape == (1, *latents.shape[1:])
        assert weights.min() == pytest.approx(0.1, abs=0.01)
        assert weights.max() == pytest.approx(1.0, abs=0.01)


def test_dropped_captions_change_the_loss(make_trainer):
    trainer = make_trainer(caption_dropout=0.0)
    dropped = make_trainer(caption_dropout=1.0)
    losses = [t.losses([0, 1], torch.Generator().manual_seed(1)) for t in (trainer, dropped)]
    assert not torch.equal(*losses)


def test_accumulation_is_the_mean_of_its_batches(make_trainer):
    trainer = make_trainer(gradient_accumulation_steps=2)
    finish(trainer, 1)
    rng = [torch.Generator().manual_seed(lora_trainer.seed_for(7, "batch", n)) for n in (0, 1)]
    fresh = make_trainer(gradient_accumulation_steps=2)
    batches = fresh.plan[1][:2]
    means = [float(fresh.losses(batches[n], rng[n]).detach().mean()) for n in (0, 1)]
    assert trainer.rows[1]["loss"] == pytest.approx(sum(means) / 2, rel=1e-5)


def test_a_layer_without_gradient_is_an_error_that_names_it(make_trainer):
    trainer = make_trainer()
    name = next(name for name in trainer.tensors if "attn2.to_k.lora_A" in name)
    trainer.tensors[name].requires_grad_(False)
    with pytest.raises(CineloraError, match="1 of 64 adapter tensors had no gradient") as error:
        finish(trainer, 2)
    assert "attn2.to_k.lora_A" in str(error.value)


def test_layers_are_given_time_where_all_captions_of_a_batch_were_dropped():
    names, moved = ["a", "b"], {"a"}
    for taken, wordless in ((2, True), (1, False), (19, True)):
        check_layers(names, moved, taken, wordless=wordless, steps=99)
    for taken, wordless, steps in ((2, False, 99), (20, True, 99), (5, True, 5)):
        with pytest.raises(CineloraError, match=f"had no gradient in {taken} steps:\n  b[.]"):
            check_layers(names, moved, taken, wordless=wordless, steps=steps)


def test_a_loss_that_is_no_number_is_an_error(make_trainer, splits):
    broken = [torch.full_like(latents, math.nan) for latents in splits[0].latents]
    trainer = make_trainer(train=dataclasses.replace(splits[0], latents=broken))
    with pytest.raises(CineloraError, match="the loss of step 1 is nan, of nella_train") as error:
        finish(trainer, 1)
    assert "learning_rate of adapter.tiers, now 0.004" in str(error.value)


def test_a_broken_image_is_named_with_the_stage_that_showed_it(make_trainer, splits):
    latents = list(splits[0].latents)
    latents[3] = torch.full_like(latents[3], math.inf)
    stages = [{"steps": 1, "learning_rate": 0.1}, {"epochs": 3, "learning_rate": 0.02}]
    trainer = make_trainer(train=dataclasses.replace(splits[0], latents=latents), stages=stages)
    trainer.plan = (0, [[0, 1], [2, 3], [4, 5], [0, 1], [2, 4], [5, 5]])
    with pytest.raises(CineloraError, match="step 2 is nan, of nella_train_0003[.]") as error:
        finish(trainer, 9)
    assert "learning_rate of stage 2 of adapter stages, now 0.02" in str(error.value)


def test_captions_that_are_too_long_are_named(dataset, caplog):
    base, images = open_base(), read_split(dataset, "train")
    room = 75 - base.count_tokens("nella woman,")
    for number, count in ((1, room + 1), (2, room)):
        caption = "nella woman, " + "red " * count
        images[number] = dataclasses.replace(images[number], caption=caption)
    assert warn_of_long_captions(base, images) == 1
    assert "1 of 6 captions have more than the 75 tokens" in caplog.text
    assert "nella_train_0001 (76)" in caplog.text


@pytest.mark.parametrize(("family", "limit"), [("sdxl", 75), ("flux2", 512)])
def test_each_family_reads_as_many_tokens_as_it_says(family, limit):
    base = open_tiny(family)
    assert limit / 2 < base.token_limit <= limit  # of FLUX.2 less what a chat takes
    each = base.count_tokens("red red ") - base.count_tokens("red ")
    most = base.token_limit // each
    read = [base.encode_prompts(["red " * (most + more)])["states"] for more in (-1, 0, 9, 10)]
    assert not torch.equal(read[0], read[1])
    assert torch.equal(read[2], read[3])  # both have their end cut off
    assert (
        base.count_tokens("red " * most)
        <= base.token_limit
        < base.count_tokens("red " * (most + 1))
    )


def test_the_best_measured_state_is_kept(make_trainer, monkeypatch):
    falls_then_rises = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr(
        lora_trainer,
        "fixed_losses",
        lambda *_, **__: torch.tensor([next(falls_then_rises)]),
    )
    trainer = make_trainer()
    last = finish(trainer)
    step, weights = trainer.chosen()
    assert step == 2
    assert differ(last, weights) > 0


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """The folder that main leaves; alpha is half the rank, so that a wrong scale would show."""
    folder = tmp_path_factory.mktemp("adapters")
    counts = run_main(dataset, folder)
    assert (counts.read, counts.kept) == (6, 6)
    return folder


def run_main(dataset, folder, control="", **changes):
    files = {
        "adapter": "adapter.safetensors",
        "card": "adapter.json",
        "settings": "settings.yaml",
        "metrics": "metrics.parquet",
    }
    return train_adapter.main(
        str(dataset),
        str(base_folder()),
        **{key: str(folder / name) for key, name in files.items()},
        title="demo nella",
        control=control,
        options=make_options("train_adapter", **{**FEW, "learning_rate": 0.02, **changes}),
        model=BASE,
        seed=7,
    )


def test_main_leaves_exactly_its_files(trained):
    names = sorted(path.name for path in trained.iterdir())
    assert names == ["adapter.json", "adapter.safetensors", "metrics.parquet", "settings.yaml"]


def test_the_curve_begins_with_the_base(trained):
    rows = pd.read_parquet(trained / "metrics.parquet")
    assert list(rows.columns) == train_adapter.METRICS.names
    assert rows["step"].tolist() == [0, 1, 2, 3, 4]
    assert rows["validation_loss"].notna().tolist() == [True, False, True, False, True]
    assert math.isnan(rows["loss"][0])


def test_settings_tell_what_is_needed_to_repeat_it(trained, dataset):
    settings = yaml.safe_load((trained / "settings.yaml").read_text(encoding="utf-8"))
    assert settings["base"] == ("tiny-random-sd (random weights: proves the path, not the image)")
    assert settings["base_is_random"]
    assert settings["trigger"] == "nella woman"
    assert (settings["images"], settings["distinct_images"]) == (12, 6)  # repeats counted, and not
    assert (settings["masks"], settings["held_out"]) == (6, 3)
    assert settings["settings"]["rank"] == 2
    assert settings["cinelora_version"] == VERSION
    assert settings["packages"]["torch"] == torch.__version__.split("+")[0]
    assert len(settings["dataset_sha256"]) == len(settings["base_sha256"]) == 64


def test_no_host_takes_the_random_adapter_for_a_real_one(trained):
    texts = read_adapter(trained / "adapter.safetensors").metadata
    assert "random" in texts["modelspec.title"]
    assert "proves the path, not the image" in texts["modelspec.description"]
    assert texts["modelspec.architecture"] == "tiny-random-sd/lora"
    assert texts["cinelora_version"] == VERSION
    assert (
        json.loads((trained / "adapter.json").read_text(encoding="utf-8"))["sd version"]
        == "Unknown"
    )


def test_the_same_training_gives_the_same_file(trained, dataset, tmp_path):
    run_main(dataset, tmp_path, learning_rate=0.02)
    again = (tmp_path / "adapter.safetensors").read_bytes()
    assert again == (trained / "adapter.safetensors").read_bytes()


def test_a_control_is_trained_alike_and_says_what_it_is(trained, dataset, tmp_path):
    run_main(dataset, tmp_path, control="shuffled_captions")
    own, control = (read_adapter(folder / "adapter.safetensors") for folder in (trained, tmp_path))
    assert control.tensors.keys() == own.tensors.keys()
    assert any((control.tensors[key] != own.tensors[key]).any() for key in own.tensors)
    assert "Not for use" in control.metadata["modelspec.description"]
    assert "(control)" in control.metadata["modelspec.title"]
    assert control.metadata["ss_output_name"] == "demo-nella.shuffled_captions"
    settings = [
        yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))
        for folder in (trained, tmp_path)
    ]
    assert settings[0]["settings"] == settings[1]["settings"]
    assert (settings[0].get("control"), settings[1]["control"]) == (None, "shuffled_captions")
    assert settings[0]["trigger"] == settings[1]["trigger"] == "nella woman"
    before = times(tmp_path)
    run_main(dataset, tmp_path, control="shuffled_captions")
    assert times(tmp_path) == before
    run_main(dataset, tmp_path)
    assert times(tmp_path)["adapter.safetensors"] > before["adapter.safetensors"]


def times(folder):
    return {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}


def test_a_training_from_the_same_images_is_kept(trained, dataset, tmp_path):
    folder, again = tmp_path / "adapters", tmp_path / "dataset"
    shutil.copytree(trained, folder)
    shutil.copytree(dataset, again)
    (again / "counts.json").write_text("what else was thought of them", encoding="utf-8")
    before = times(folder)
    counts = run_main(again, folder)
    assert times(folder) == before
    assert (counts.kept, counts.found) == (6, {"held_out": 3, "steps": 4})


@pytest.mark.parametrize("what", ["an image", "a caption", "an option", "a file", "no settings"])
def test_any_other_training_is_not_kept(trained, dataset, tmp_path, what):
    folder, again, changes = tmp_path / "adapters", tmp_path / "dataset", {}
    shutil.copytree(trained, folder)
    shutil.copytree(dataset, again)
    if what == "an image":
        image = sorted(again.rglob("train/*/*.png"))[0]
        write_image(image, np.full_like(read_rgb(image), 90))
    elif what == "a caption":
        sorted(again.rglob("train/*/*.txt"))[0].write_text(
            "nella woman, at the sea", encoding="utf-8"
        )
    elif what == "an option":
        changes["learning_rate"] = 0.03
    elif what == "a file":
        (folder / "metrics.parquet").write_bytes(b"damaged")
    else:
        (folder / "settings.yaml").unlink()
    before = times(folder)
    run_main(again, folder, **changes)
    assert times(folder)["adapter.safetensors"] > before["adapter.safetensors"]
    assert len(pd.read_parquet(folder / "metrics.parquet")) == 5


def test_diffusers_loads_what_was_trained(make_trainer, tmp_path, splits):
    """The same losses from the network that was trained and from a base that loaded the file."""
    trainer = make_trainer(learning_rate=0.02)
    weights = finish(trainer)
    options = {"timesteps": 2, "seed": 1}
    wanted = fixed_losses(trainer.base, splits[1], **options)
    write_adapter(tmp_path / "adapter.safetensors", to_kohya(weights, 1.0), {})
    base = open_base()
    plain = fixed_losses(base, splits[1], **options)
    load_adapter(base, tmp_path / "adapter.safetensors")
    assert abs(fixed_losses(base, splits[1], **options) - wanted).max() < 1e-6
    base.pipeline.set_adapters("film", 0.0)
    assert (fixed_losses(base, splits[1], **options) == plain).all()
    assert abs(wanted - plain).max() > 1e-4


def test_an_interrupted_main_goes_on_from_its_checkpoint(dataset, trained, tmp_path, monkeypatch):
    run = Trainer.run

    def die(self, until):
        for step in run(self, until):
            if step == 3:  # before this step is handed to who would save it
                raise KeyboardInterrupt
            yield step

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "run", die)
        run_main(dataset, tmp_path)
    assert (tmp_path / "checkpoints" / train_adapter.CHECKPOINT).is_file()
    assert not (tmp_path / "adapter.safetensors").exists()
    run_main(dataset, tmp_path)
    adapter = (tmp_path / "adapter.safetensors").read_bytes()
    assert adapter == (trained / "adapter.safetensors").read_bytes()
    assert not (tmp_path / "checkpoints").exists()


def test_a_dataset_without_held_out_images_trains_to_the_last_step(tmp_path):
    dataset = make_dataset(tmp_path / "few", train=1, held_out=0, masks=False, size=(96, 160))
    run_main(dataset, tmp_path, steps=2)
    settings = yaml.safe_load((tmp_path / "settings.yaml").read_text(encoding="utf-8"))
    assert (settings["steps"], settings["validation_loss_of_base"]) == (2, None)
    assert settings["buckets"][0]["resolution"][0] < settings["buckets"][0]["resolution"][1]


def test_of_an_empty_dataset_every_file_says_that_nothing_was_trained(tmp_path, caplog):
    (tmp_path / "empty").mkdir()
    why = ["3 x too small: a smaller select_images.min_side_px.pose"]
    counts = json.dumps({"candidates": 3, "empty": why})
    (tmp_path / "empty/counts.json").write_text(counts, encoding="utf-8")
    run_main(tmp_path / "empty", tmp_path)
    with safe_open(tmp_path / "adapter.safetensors", "pt") as file:
        assert list(file.keys()) == []
        assert why[0] in file.metadata()["modelspec.description"]
    settings = yaml.safe_load((tmp_path / "settings.yaml").read_text(encoding="utf-8"))
    assert why[0] in settings["empty"] and settings["steps"] == 0
    assert pd.read_parquet(tmp_path / "metrics.parquet").empty
    assert (
        why[0] in json.loads((tmp_path / "adapter.json").read_text(encoding="utf-8"))["description"]
    )
    assert why[0] in caplog.text


def test_a_base_that_is_not_there_is_an_error(dataset, tmp_path):
    with pytest.raises(CineloraError, match="model_index.json"):
        load_model(BASE, [tmp_path / "model_index.json"])
