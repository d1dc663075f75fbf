"""Which layers an adapter has: patterns, starts, text encoders; files keep each one's strength."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.factories.adapters_in_code import list_deltas
from tests.factories.datasets_in_code import make_dataset, make_options
from tests.factories.tiny_bases import open_tiny
from workflow_scripts.adapter.adapter_file import (
    load_adapter,
    make_metadata,
    read_adapter,
    to_kohya,
    to_peft,
    write_adapter,
)
from workflow_scripts.adapter.examples import cache_examples, encode_again, fixed_losses
from workflow_scripts.adapter.prompts import Prompts
from workflow_scripts.adapter.settings import Settings, check_settings
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.adapter.trials import try_adapter
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import free_encoders, list_nets

FEW = {"steps": 3, "batch_size": 2, "rank": 4, "alpha": 6.0, "resolution_px": 64, "validations": 3}
FEW |= {"learning_rate": 0.02, "warmup": 0.0, "keep": "last", "gradient_checkpointing": False}
TEXT = {"text_encoder": {"train": True, "learning_rate": 0.01}}
PATTERNS = {
    "sd15": {
        "rank_pattern": {"attn2.to_k": 2, r"up_blocks.*to_q": 8},
        "alpha_pattern": {"to_v": 1.0},
    },
    "sdxl": {"rank_pattern": {"to_k": 2}, "alpha_pattern": {r"mid_block.*": 1.0}},
    "flux2": {"rank_pattern": {"add_k_proj": 2}, "alpha_pattern": {"attn.to_v": 1.0}},
}
FORMS = ("kohya", "peft")


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    return read_split(make_dataset(tmp_path_factory.mktemp("data") / "nella", train=4), "train")


def make_trainer(family, split, **changes):
    base = open_tiny(family, encoders=True)
    examples = cache_examples(base, split, resolution_px=64, background_loss_weight=0.1)
    settings = Settings(**make_options("train_adapter", **{**FEW, **changes}))
    return Trainer(base, examples, examples, settings, 7, 64)


def finish(trainer, until=3):
    for _ in trainer.run(until):
        pass
    return trainer.weights()


def differ(first, second):
    assert first.keys() == second.keys() and first
    return max(float((first[key] - second[key]).abs().max()) for key in first)


def write_form(form, trainer, path):
    base, state, alphas = trainer.base, trainer.weights(), trainer.alphas()
    if form == "kohya":
        return write_adapter(path, to_kohya(state, alphas, base.name_layer), {})
    return write_adapter(path, to_peft(state, alphas, base.network_name), {})


@pytest.mark.parametrize("rslora", [False, True], ids=["LoRA", "rsLoRA"])
@pytest.mark.parametrize("family", PATTERNS)
def test_both_files_have_the_strength_of_each_layer(family, rslora, split, tmp_path):
    trainer = make_trainer(family, split, **PATTERNS[family], rslora=rslora, learning_rate=0.05)
    finish(trainer)
    wanted = list_deltas(trainer.base)
    assert len(set(trainer.alphas().values())) >= 2
    assert min(float(delta.abs().max()) for delta in wanted.values()) > 1e-4
    for form in FORMS:
        loaded = open_tiny(family, encoders=True)
        write_form(form, trainer, tmp_path / "x.safetensors")
        load_adapter(loaded, tmp_path / "x.safetensors")
        assert differ(list_deltas(loaded), wanted) < 1e-5


def test_patterns_give_some_layers_their_own_rank_and_alpha(split):
    trainer = make_trainer("sd15", split, **PATTERNS["sd15"], rslora=True)
    file = to_kohya(finish(trainer, 1), trainer.alphas(), trainer.base.name_layer)
    assert {float(alpha) for key, alpha in file.items() if key.endswith(".alpha")} == {12.0}
    ranks = {key: len(down) for key, down in file.items() if key.endswith("lora_down.weight")}
    assert sorted(set(ranks.values())) == [2, 4, 8] and len(ranks) == 32
    assert all("attn2_to_k" in key for key, rank in ranks.items() if rank == 2)
    assert all("up_blocks" in key and "to_q" in key for key, rank in ranks.items() if rank == 8)
    assert sorted(set(trainer.alphas().values())) == pytest.approx(
        [2.0, 6 * 2**0.5, 12.0, 6 * 8**0.5]
    )


@pytest.mark.parametrize("option", ["rank_pattern", "alpha_pattern"])
def test_a_pattern_that_fits_no_layer_is_an_error(option, split):
    with pytest.raises(CineloraError, match=f"{option}: to_kk fits no layer"):
        make_trainer("sd15", split, **{option: {"to_k": 2, "to_kk": 2}})


@pytest.mark.parametrize("init", ["orthogonal", "eva"])
def test_a_start_leaves_the_base_as_it_is_and_goes_on_where_it_was(init, split, tmp_path):
    options = {"init": init, "rank_pattern": {"to_q": 2}}
    whole = make_trainer("sd15", split, **options)
    start = whole.weights()
    assert max(float(delta.abs().max()) for delta in list_deltas(whole.base).values()) < 1e-6
    plain = make_trainer("sd15", split, rank_pattern={"to_q": 2})
    assert differ(start, plain.weights()) > 1e-2
    wanted = finish(whole)
    stopped, resumed = (make_trainer("sd15", split, **options) for _ in "ab")
    assert differ(start, stopped.weights()) == 0
    finish(stopped, 1)
    stopped.save(tmp_path / "resume.safetensors", "same")
    resumed.resume(tmp_path / "resume.safetensors", "same")
    assert differ(wanted, finish(resumed)) == 0


def test_eva_starts_along_the_main_directions_of_what_a_layer_is_fed(split):
    """By numpy's own SVD of the same inputs, as far as they were seen once."""
    fed = []
    plain = make_trainer("sd15", split)
    name = next(
        name for name, _ in plain.base.network.named_modules() if name.endswith("attn2.to_v")
    )
    layer = plain.base.network.get_submodule(name)
    layer.register_forward_hook(lambda _, inputs, __: fed.append(inputs[0].reshape(-1, 64)))
    for number in range(len(plain.plan[1])):
        generator = torch.Generator().manual_seed(number)
        plain.losses(plain.plan[1][number], generator)
    states = torch.cat(fed).detach().numpy()
    _, sizes, directions = np.linalg.svd(states - states.mean(0), full_matrices=False)
    key = f"{name}.lora_A.weight"
    own = make_trainer("sd15", split, init="eva").weights()[key].numpy()
    # shares of the variance of what the layer is fed that lie along the start
    spread = ((states - states.mean(0)) @ np.linalg.qr(own.T)[0]).var(0).sum()
    best = (sizes[:4] ** 2).sum() / len(states)
    assert directions.shape[1] == 64
    assert spread > 0.95 * best
    random = plain.weights()[key].numpy()
    assert ((states - states.mean(0)) @ np.linalg.qr(random.T)[0]).var(0).sum() < 0.5 * best


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_text_encoders_learn_at_their_own_rate_and_go_on(family, split, tmp_path):
    options = TEXT | {"caption_orders": 1, "caption_dropout": 0.3, "ema_decay": 0.5}
    whole = make_trainer(family, split, **options)
    wanted = finish(whole)
    texts = [name for name in whole.tensors if name.startswith("text_encoder")]
    # A and B of four projections a layer; SDXL reads one of two layers of its first encoder
    assert len(texts) == 2 * 4 * {"sd15": 2, "sdxl": 1 + 2}[family]
    assert set(texts) <= whole.moved
    rates = {
        group["lr"] / group["ratio"]
        for part in whole.optimizer.parts
        for group in part.param_groups
    }
    ratios = [group["ratio"] for part in whole.optimizer.parts for group in part.param_groups]
    assert (len(rates), ratios) == (1, [1.0, 0.5])
    stopped, resumed = (make_trainer(family, split, **options) for _ in "ab")
    finish(stopped, 2)
    stopped.save(tmp_path / "resume.safetensors", "same")
    resumed.resume(tmp_path / "resume.safetensors", "same")
    assert differ(wanted, finish(resumed)) == 0
    assert differ(whole.chosen()[1], resumed.chosen()[1]) == 0


def test_captions_read_in_each_step_are_those_that_were_cached(split):
    """While lora_B is 0 the encoder is that of the base: also with dropped captions and orders."""
    base = open_tiny("sdxl", encoders=True)
    options = {"resolution_px": 64, "background_loss_weight": 0.1}
    captions = [[image.caption, f"{image.caption}, again"] for image in split]
    split = [
        dataclasses.replace(image, caption=texts[0])
        for image, texts in zip(split, captions, strict=True)
    ]
    examples = cache_examples(base, split, **options)
    losses = []
    for text in (TEXT, {}):
        settings = Settings(**make_options("train_adapter", **FEW, **text, caption_dropout=0.5))
        trainer = Trainer(open_tiny("sdxl", encoders=True), examples, examples, settings, 7, 64)
        losses.append(trainer.losses([0, 1, 2], torch.Generator().manual_seed(3)).detach())
    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_diffusers_draws_and_measures_with_trained_text_encoders(family, form, split, tmp_path):
    trainer = make_trainer(family, split, **TEXT, learning_rate=0.05)
    finish(trainer)
    assert trainer.rows[-1]["validation_loss"] == pytest.approx(
        fixed_losses(
            trainer.base, encode_again(trainer.base, trainer.held_out), timesteps=4, seed=7
        ).mean()
    )
    path = tmp_path / "x.safetensors"
    write_form(form, trainer, path)
    if form == "kohya":
        prefixes = {"sd15": ["lora_te_"], "sdxl": ["lora_te1_", "lora_te2_"]}[family]
        modules = read_adapter(path).modules
        layers = {"sd15": [8], "sdxl": [4, 8]}[family]
        assert [sum(name.startswith(one) for name in modules) for one in prefixes] == layers
    base = open_tiny(family, encoders=True)
    wanted = list_deltas(trainer.base)
    options = {"strengths": [1.0], "timesteps": 4, "sampling_steps": 2, "guidance": 3.0}
    held_out = cache_examples(base, split, resolution_px=64, background_loss_weight=0.1)
    prompts = Prompts(["nella woman, walk"], [1], np.array([True]))
    trials = try_adapter(base, str(path), prompts, [held_out, held_out], options, 7)
    plain, none, full = (trials[strength] for strength in (None, 0.0, 1.0))
    assert (none.images == plain.images).all()
    assert (full.images != plain.images).any()
    assert full.losses["heldout_loss"].mean() == pytest.approx(
        trainer.rows[-1]["validation_loss"], rel=1e-5
    )
    load_adapter(base, path)
    assert differ(list_deltas(base), wanted) < 1e-5


def test_encoders_that_are_trained_are_not_freed_and_the_header_says_their_rate():
    base = open_tiny("sdxl", encoders=True)
    free_encoders(base, keep=base.text_parts)
    assert sorted(list_nets(base.pipeline)) == ["text_encoder", "text_encoder_2", "unet"]
    facts = {"base": "", "base_version": "", "base_sha256": "", "architecture": "", "name": ""}
    facts |= {"title": "", "description": "", "trigger": "", "license": "", "seed": 1, "steps": 1}
    facts |= {"prediction_type": "epsilon", "epochs": 1, "images": 1, "resolution_px": 64}
    facts |= {"buckets": [], "folders": {}, "tags": {}}
    settings = make_options("train_adapter", **TEXT, rank_pattern={"to_k": 2})
    texts = make_metadata(facts | {"settings": settings})
    assert texts["ss_text_encoder_lr"] == "0.01"
    assert texts["ss_network_args"] == '{"rank_pattern": {"to_k": 2}}'


def test_flux2_refuses_to_train_its_language_model(split):
    with pytest.raises(CineloraError, match="language\n  model, and no host reads"):
        make_trainer("flux2", split, **TEXT)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer": "schedule_free_adamw"}, "set schedule to constant, not cosine"),
        (
            {"optimizer": "schedule_free_adamw", "schedule": "constant", "ema_decay": 0.9},
            "is an average already",
        ),
        ({"optimizer": "prodigy", "loraplus_lr_ratio": 4}, "set loraplus_lr_ratio to 1"),
        ({"optimizer": "prodigy", **TEXT}, "set learning_rate of text_encoder"),
        ({"masked_prior_weight": 1.0, **TEXT}, "set it to 0, or train of text_encoder to false"),
        ({"schedule": "piecewise_constant"}, "has no warm-up"),
        ({"init": "pissa"}, "init pissa changes the weights of the base"),
        ({"init": "gaussian"}, "init gaussian is not known"),
        ({"init": "orthogonal", "rank_pattern": {"to_k": 3}}, "needs even ranks, not 3"),
        ({"rank_pattern": {"to_(k": 3}}, "is no regular expression"),
    ],
)
def test_options_that_do_not_go_together_are_refused_in_words(changes, words):
    with pytest.raises(CineloraError, match=words):
        check_settings(make_options("train_adapter", **changes))
