"""Every family of base models: trained, written, and loaded again by diffusers."""

import json

import numpy as np
import pytest
import torch
from peft import LoraConfig, get_peft_model_state_dict

from tests.factories.adapters_in_code import list_deltas
from tests.factories.datasets_in_code import make_dataset, make_options
from tests.factories.tiny_bases import BUILDERS, make_row, open_tiny, tiny_folder
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.adapter_file import (
    list_layers,
    load_adapter,
    read_adapter,
    to_kohya,
    to_peft,
    write_adapter,
)
from workflow_scripts.adapter.examples import cache_examples, fixed_losses
from workflow_scripts.adapter.prompts import Prompts
from workflow_scripts.adapter.trainer import Settings, Trainer
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.adapter.trials import try_adapter
from workflow_scripts.lib.errors import CineloraError

FAMILIES = sorted(BUILDERS)
FORMS = ("kohya", "peft")
RANK, ALPHA = 4, 1.0  # a strength of a quarter: an alpha that is lost shows
TEXT_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj"]
LEARNING = {
    "steps": 12,
    "learning_rate": 0.06,
    "rank": RANK,
    "alpha": 8.0,
    "batch_size": 2,
    "validations": 1,
    "warmup": 0.0,
    "schedule": "constant",
    "keep": "last",
    "min_snr_gamma": 0.0,
    "noise_offset": 0.0,
    "caption_dropout": 0.0,
}


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    return read_split(make_dataset(tmp_path_factory.mktemp("data") / "nella", train=2), "train")


def cache(base, split):
    return cache_examples(base, split, resolution_px=64, background_loss_weight=0.1)


def fill_adapter(base, targets=None, *, part=None, seed=3):
    """LoRA of random halves, as large as trained ones are; returns peft's state of them."""
    net = getattr(base.pipeline, part or base.network_name)
    net.add_adapter(LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=targets or base.targets))
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in net.named_parameters():
        if ".lora_" in name:
            tensor.data = 0.3 * torch.randn(tensor.shape, generator=generator)
    state = get_peft_model_state_dict(net)
    return {f"{part}.{key}" if part else key: value for key, value in state.items()}


def write_form(form, base, state, path):
    if form == "kohya":
        return write_adapter(path, to_kohya(state, ALPHA, base.name_layer), {})
    return write_adapter(path, to_peft(state, ALPHA, base.network_name), {})


def measure(base, examples):
    with torch.no_grad():
        return fixed_losses(base, examples, timesteps=3, seed=1)


@pytest.mark.parametrize("family", FAMILIES)
def test_some_steps_of_training_lower_the_loss(family, split):
    base = open_tiny(family)
    examples = cache(base, split)
    before = measure(base, examples).mean()
    options = make_options("train_adapter", **LEARNING)
    trainer = Trainer(base, examples, examples, Settings(**options), 7, 64)
    for _ in trainer.run(LEARNING["steps"]):
        pass
    assert len(trainer.moved) == len(trainer.tensors) > 0  # every layer learns
    assert measure(base, examples).mean() < 0.98 * before


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_diffusers_predicts_with_the_file_what_the_trained_network_does(
    family, form, split, tmp_path
):
    trained, loaded = open_tiny(family), open_tiny(family)
    examples = cache(trained, split)
    plain = measure(trained, examples)
    write_form(form, trained, fill_adapter(trained), tmp_path / "x.safetensors")
    load_adapter(loaded, tmp_path / "x.safetensors")
    wanted = measure(trained, examples)
    assert abs(measure(loaded, examples) - wanted).max() < 1e-5
    assert abs(wanted - plain).max() > 1e-3
    loaded.pipeline.set_adapters("film", 0.0)
    assert (measure(loaded, examples) == plain).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_an_evaluation_draws_and_measures_beside_the_base(family, split, tmp_path, monkeypatch):
    base = open_tiny(family)
    monkeypatch.setattr(type(base), "resolution_px", 64)  # FLUX.2 draws at 1024 whatever its size
    examples = cache(base, split)
    state = fill_adapter(open_tiny(family))
    write_form("kohya", base, state, tmp_path / "x.safetensors")
    asked = Prompts(["a red car"], [1], np.array([True]))
    options = {"strengths": [1.0], "timesteps": 2, "sampling_steps": 2, "guidance": 3.0}
    path, splits = str(tmp_path / "x.safetensors"), [examples, examples]
    trials = try_adapter(base, path, asked, splits, options, 7)
    plain, none, full = (trials[strength] for strength in (None, 0.0, 1.0))
    assert plain.images.shape == (1, 64, 64, 3)
    assert (none.images == plain.images).all()
    assert (full.images != plain.images).any()
    assert (full.losses["heldout_loss"] != plain.losses["heldout_loss"]).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_files_change_each_weight_by_the_same(family, form, tmp_path):
    trained, loaded = open_tiny(family), open_tiny(family)
    state = fill_adapter(trained)
    wanted = list_deltas(trained)
    scale = ALPHA / RANK
    layer = list_layers(state)[0]
    by_hand = scale * state[f"{layer}.lora_B.weight"] @ state[f"{layer}.lora_A.weight"]
    torch.testing.assert_close(wanted[f"{trained.network_name}.{layer}"], by_hand)
    write_form(form, trained, state, tmp_path / "x.safetensors")
    load_adapter(loaded, tmp_path / "x.safetensors")
    found = list_deltas(loaded)
    assert found.keys() == wanted.keys() and len(found) == len(list_layers(state))
    assert max(float((found[name] - wanted[name]).abs().max()) for name in found) < 1e-5


@pytest.mark.parametrize("family", FAMILIES)
def test_every_key_of_kohyas_file_is_converted(family, tmp_path):
    base = open_tiny(family)
    state = fill_adapter(open_tiny(family))
    write_form("kohya", base, state, tmp_path / "x.safetensors")
    file = read_adapter(tmp_path / "x.safetensors")
    assert len(file.tensors) == 3 * len(file.modules)  # down, up and alpha of each
    loader = type(base.pipeline)
    more = {"unet_config": base.network.config} if base.network_name == "unet" else {}
    found = loader.lora_state_dict(tmp_path, weight_name="x.safetensors", **more)
    converted = found[0] if isinstance(found, tuple) else found
    assert len(converted) == len(state)
    assert all(key.startswith(f"{base.network_name}.") for key in converted)


def test_kohyas_files_of_sdxl_have_the_names_of_stabilitys_own_code():
    base = open_tiny("sdxl")
    file = to_kohya(fill_adapter(base), ALPHA, base.name_layer)
    places = {key.partition("_transformer_blocks")[0] for key in file}
    down = [f"lora_unet_input_blocks_{n}_1" for n in (4, 5, 7, 8)]
    up = [f"lora_unet_output_blocks_{n}_1" for n in range(6)]
    assert places == {*down, "lora_unet_middle_block_1", *up}
    assert f"{down[0]}_transformer_blocks_0_attn2_to_k.lora_down.weight" in file


def test_kohyas_files_of_flux2_have_q_k_and_v_in_one():
    base = open_tiny("flux2")
    state = fill_adapter(base)
    file = to_kohya(state, ALPHA, base.name_layer)
    name = "lora_unet_double_blocks_1_txt_attn_qkv"
    assert file[f"{name}.alpha"] == 3 * ALPHA
    assert file[f"{name}.lora_down.weight"].shape[0] == 3 * RANK
    delta = file[f"{name}.lora_up.weight"] @ file[f"{name}.lora_down.weight"]
    parts = [f"transformer_blocks.1.attn.add_{x}_proj" for x in "qkv"]
    wanted = [state[f"{one}.lora_B.weight"] @ state[f"{one}.lora_A.weight"] for one in parts]
    torch.testing.assert_close(delta, torch.cat(wanted))
    assert "lora_unet_single_blocks_0_linear1.alpha" in file
    assert "lora_unet_single_blocks_1_linear2.alpha" in file


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("family", "part", "prefix"),
    [
        ("sd15", "text_encoder", "lora_te_text_model_"),
        ("sdxl", "text_encoder", "lora_te1_text_model_"),
        ("sdxl", "text_encoder_2", "lora_te2_text_model_"),
    ],
)
def test_an_adapter_of_a_text_encoder_is_loaded_into_it(family, part, prefix, form, tmp_path):
    trained, loaded = open_tiny(family, encoders=True), open_tiny(family, encoders=True)
    state = fill_adapter(trained, TEXT_TARGETS, part=part) | fill_adapter(trained)
    wanted = list_deltas(trained)
    write_form(form, trained, state, tmp_path / "x.safetensors")
    if form == "kohya":
        modules = read_adapter(tmp_path / "x.safetensors").modules
        assert sum(name.startswith(prefix) for name in modules) == 2 * len(TEXT_TARGETS)
    load_adapter(loaded, tmp_path / "x.safetensors")
    found = list_deltas(loaded)
    assert found.keys() == wanted.keys()
    assert max(float((found[name] - wanted[name]).abs().max()) for name in found) < 1e-5


@pytest.mark.parametrize("family", ["sdxl", "flux2"])
def test_a_phase_leaves_both_files_and_what_hosts_look_for(family, tmp_path):
    dataset = make_dataset(tmp_path / "data", train=2, held_out=1, size=(64, 64))
    names = {"adapter": "x.safetensors", "peft": "x.peft.safetensors", "card": "x.json"}
    names |= {"settings": "settings.yaml", "metrics": "metrics.parquet"}
    few = {"steps": 2, "batch_size": 2, "rank": RANK, "alpha": ALPHA, "resolution_px": 64}
    row = make_row(family)
    row["options"] = row["options"] | {"is_random": False}
    train_adapter.main(
        str(dataset),
        str(tiny_folder(family)),
        **{part: str(tmp_path / name) for part, name in names.items()},
        title="demo nella",
        control="",
        options=make_options("train_adapter", **few, learning_rate=0.02, validations=1),
        model=row,
        seed=7,
    )
    kohya, peft = (read_adapter(tmp_path / names[part]) for part in ("adapter", "peft"))
    assert (kohya.is_kohya, peft.is_kohya) == (True, False)
    assert kohya.metadata["ss_network_alpha"] == str(ALPHA)
    assert peft.metadata["ss_network_alpha"] == str(RANK)
    base = open_tiny(family)
    assert kohya.metadata["modelspec.implementation"] == base.modelspec["modelspec.implementation"]
    assert ("modelspec.prediction_type" in kohya.metadata) == (family == "sdxl")
    assert (kohya.metadata["ss_min_snr_gamma"] == "None") == (family == "flux2")
    card = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))
    assert card["sd version"] == {"sdxl": "SDXL", "flux2": "Unknown"}[family]
    load_adapter(base, tmp_path / names["peft"])
    deltas = list_deltas(base)
    load_adapter(other := open_tiny(family), tmp_path / names["adapter"])
    found = list_deltas(other)
    assert max(float((found[name] - deltas[name]).abs().max()) for name in deltas) < 1e-5
    assert max(float(delta.abs().max()) for delta in deltas.values()) > 1e-3


def test_a_file_of_another_family_is_refused(tmp_path):
    base = open_tiny("sdxl")
    write_form("kohya", base, fill_adapter(base), tmp_path / "x.safetensors")
    with pytest.raises(CineloraError, match="could not load all of them"):
        load_adapter(open_tiny("flux2"), tmp_path / "x.safetensors")
