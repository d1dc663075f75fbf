"""What the families of base models do otherwise than Stable Diffusion 1.5, on tiny networks."""

import numpy as np
import pytest
import torch

from tests.factories.datasets_in_code import make_options
from tests.factories.tiny_bases import LOADERS, make_row, open_tiny, tiny_folder
from workflow_scripts.adapter.lora_layers import add_adapters, list_tensors, list_trained
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models import diffusion
from workflow_scripts.models.diffusion import (
    denoising_errors,
    encode_captions,
    encode_images,
    free_encoders,
    list_nets,
)
from workflow_scripts.models.registry import load_model, read_registry

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)
SQUARE = (64, 64)


def tell(base, captions):
    """Conditions of whole images of 64 px."""
    sizes = base.encode_size(SQUARE, (0, 0), SQUARE)
    spread = {name: torch.stack([values] * len(captions)) for name, values in sizes.items()}
    return encode_captions(base, captions) | spread


def test_every_row_opens_with_the_loader_of_its_family():
    rows = [row for row in read_registry()["models"].values() if row["role"] == "base"]
    assert len(rows) >= len(LOADERS)
    assert {row["family"]: row["loader"] for row in rows} == LOADERS
    assert {family: open_tiny(family).family for family in LOADERS} == {f: f for f in LOADERS}


def test_a_folder_of_another_family_is_named():
    row = make_row("sdxl") | {"loader": "stable_diffusion"}
    with pytest.raises(
        CineloraError, match="pipeline StableDiffusionXLPipeline, this loader opens"
    ):
        load_model(row, [tiny_folder("sdxl") / "model_index.json"])


@pytest.mark.parametrize(
    ("family", "pixels", "step"), [("sd15", 8, 16), ("sdxl", 8, 32), ("flux2", 16, 16)]
)
def test_sides_are_whole_steps_of_what_the_network_halves(family, pixels, step):
    base = open_tiny(family)
    assert (base.pixels_per_latent, base.side_step_px) == (pixels, step)
    assert encode_images(base, IMAGES).shape[2:] == (64 // pixels, 64 // pixels)


@pytest.mark.parametrize("family", sorted(LOADERS))
def test_captions_are_told_apart_and_encoders_let_go(family):
    base = open_tiny(family)
    conditions = tell(base, ["a red car", "a blue house"])
    latents = encode_images(base, IMAGES)
    assert list_nets(base.pipeline).keys() > {base.network_name}
    free_encoders(base)
    assert list_nets(base.pipeline).keys() == {base.network_name}
    noise, same = torch.randn(latents[:1].shape), latents[:1].expand(2, -1, -1, -1)
    with torch.no_grad():
        errors = denoising_errors(
            base, same, conditions, noise.expand_as(same), torch.tensor([500, 500])
        )
    assert errors.shape == latents.shape
    assert not torch.allclose(errors[0], errors[1])


def test_sdxl_is_told_how_an_image_was_scaled_and_cut():
    base = open_tiny("sdxl")
    ids = base.encode_size((1080, 1920), (0, 10), (768, 1344))["time_ids"]
    assert ids.tolist() == [1080, 1920, 0, 10, 768, 1344]
    latents, noise = encode_images(base, IMAGES[:1]), torch.ones(1, 4, 8, 8)
    conditions = tell(base, ["a"])
    with torch.no_grad():
        whole, cut = (
            denoising_errors(base, latents, conditions | more, noise, torch.tensor([500]))
            for more in ({}, {"time_ids": ids[None]})
        )
    assert not torch.allclose(whole, cut)


def test_sdxl_hears_nothing_where_there_are_no_words():
    base = open_tiny("sdxl")
    conditions = encode_captions(base, ["", "a red car"])
    assert conditions["states"].shape == (2, 77, 96) and conditions["pooled"].shape == (2, 64)
    for values in conditions.values():
        assert not values[0].any() and values[1].any()
    base.pipeline.register_to_config(force_zeros_for_empty_prompt=False)
    assert encode_captions(base, [""])["states"].any()


def test_what_sdxl_is_told_is_what_its_pipeline_tells_it():
    base, seen = open_tiny("sdxl"), []
    base.network.register_forward_pre_hook(
        lambda _, args, told: seen.append(told), with_kwargs=True
    )
    how = {"steps": 1, "guidance": 3.0, "side_px": 64}
    diffusion.draw_images(base, ["a red car"], [1], **how)
    wanted, told = tell(base, ["", "a red car"]), seen[0]
    torch.testing.assert_close(told["encoder_hidden_states"], wanted["states"])
    added = told["added_cond_kwargs"]
    torch.testing.assert_close(added["text_embeds"], wanted["pooled"])
    torch.testing.assert_close(added["time_ids"].float(), wanted["time_ids"])


def test_a_flow_goes_straight_from_image_to_noise():
    base = open_tiny("flux2")
    latents, noise = torch.randn(2, 2, 16, 4, 4)
    last = base.noise.config.num_train_timesteps - 1
    steps = torch.tensor([0, last])
    noisy, target = base.add_noise(latents, noise, steps), base.find_target(latents, noise, steps)
    torch.testing.assert_close(noisy[0], latents[0] + 0.001 * target[0])
    torch.testing.assert_close(noisy[1], noise[1])


def test_flux2_predicts_as_its_pipeline_asks_it():
    """The pipeline's first step starts from pure noise, the last timestep of training."""
    base, seen = open_tiny("flux2"), []
    base.network.register_forward_hook(
        lambda _, args, told, found: seen.append((told, found)), with_kwargs=True
    )
    how = {"steps": 1, "guidance": 1.0, "side_px": 64}
    diffusion.draw_images(base, ["a red car"], [1], **how)
    (told, (wanted,)) = seen[0]
    noise = told["hidden_states"].permute(0, 2, 1).reshape(1, 16, 4, 4)
    with torch.no_grad():
        found = base.predict(noise, torch.tensor([999]), tell(base, ["a red car"]))
    torch.testing.assert_close(found, wanted.permute(0, 2, 1).reshape(1, 16, 4, 4))


def test_latents_of_flux2_are_standardized_patches_that_it_decodes():
    base = open_tiny("flux2")
    latents = encode_images(base, IMAGES)
    assert latents.shape == (2, 16, 4, 4)
    bn = base.pipeline.vae.bn
    shown = torch.from_numpy(IMAGES).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.no_grad():
        middle = base.pipeline.vae.encode(shown).latent_dist.mode()
    patch = middle[0, :, :2, :2].reshape(-1)  # channel by channel, row by row
    spread = (bn.running_var + base.pipeline.vae.config.batch_norm_eps).sqrt()
    torch.testing.assert_close(latents[0, :, 0, 0] * spread + bn.running_mean, patch)


def test_flux2_in_bfloat16_still_learns_in_float32(monkeypatch):
    """As on a GPU: frozen weights in bfloat16 under autocast, here of the CPU."""
    base = open_tiny("flux2")
    latents, conditions = encode_images(base, IMAGES), tell(base, ["a", "b"])
    base.network.to(torch.bfloat16)
    monkeypatch.setattr(diffusion, "fast", lambda _: torch.autocast("cpu", torch.bfloat16))
    settings = Settings(**make_options("train_adapter"))
    parts = list_trained(base, settings)
    add_adapters(parts, settings, seed=1)
    tensors = list_tensors(parts)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    words = {name: t.bfloat16() if t.is_floating_point() else t for name, t in conditions.items()}
    steps = torch.tensor([100, 900])
    denoising_errors(base, latents, words, torch.randn(latents.shape), steps).mean().backward()
    moved = [tensor.grad.abs().max() for name, tensor in tensors.items() if "lora_B" in name]
    assert len(moved) > 0 and min(moved) > 0


def test_a_layer_without_a_name_in_kohyas_files_is_an_error():
    for family, layer in (("sdxl", "conv_in"), ("flux2", "proj_out")):
        with pytest.raises(CineloraError, match=f"the layer {layer} has no name"):
            open_tiny(family).name_layer(layer)
