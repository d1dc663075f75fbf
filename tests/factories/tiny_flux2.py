"""A tiny network of FLUX.2 klein's shape with random weights, and a tokenizer of bytes."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLFlux2,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
)
from transformers import Qwen2TokenizerFast, Qwen3Config, Qwen3ForCausalLM
from transformers.convert_slow_tokenizer import bytes_to_unicode

CHANNELS = 4  # of the VAE; a patch has four times as many. FLUX.2 has 32
TEXT_WIDTH = 16
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def build_tiny_flux2(folder: str | Path, *, seed: int) -> None:
    """Write the network as a diffusers folder; the same seed gives the same bytes."""
    tokenizer = _make_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae, transformer = _make_vae(), _make_transformer()
        text_encoder = _make_text_encoder(len(tokenizer))
        standardize(vae)
    pipeline = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )
    pipeline.save_pretrained(folder)


def _make_transformer() -> Flux2Transformer2DModel:
    return Flux2Transformer2DModel(
        in_channels=4 * CHANNELS,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * TEXT_WIDTH,
        timestep_guidance_channels=32,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )


def _make_vae() -> AutoencoderKLFlux2:
    return AutoencoderKLFlux2(
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=4,
        sample_size=128,
    ).eval()


def _make_text_encoder(vocabulary: int) -> Qwen3ForCausalLM:
    config = Qwen3Config(
        vocab_size=vocabulary,
        hidden_size=TEXT_WIDTH,
        intermediate_size=2 * TEXT_WIDTH,
        num_hidden_layers=28,  # the pipeline reads the states of layers 9, 18 and 27
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        initializer_range=0.2,  # untrained, the usual 0.02 would leave every prompt alike
    )
    return Qwen3ForCausalLM(config).eval()


def _make_tokenizer() -> Qwen2TokenizerFast:
    letters = sorted(bytes_to_unicode().values())
    vocabulary = {token: number for number, token in enumerate([*letters, *SPECIAL])}
    return Qwen2TokenizerFast(
        vocab=vocabulary, merges=[], additional_special_tokens=list(SPECIAL[1:]), chat_template=CHAT
    )


@torch.no_grad()
def standardize(vae: AutoencoderKLFlux2) -> None:
    """Tell the VAE mean and variance of its patches, as training leaves them in its batch norm."""
    coarse = torch.rand(8, 3, 8, 8) * 2 - 1
    images = torch.nn.functional.interpolate(coarse, size=128, mode="bilinear")
    latents = vae.encode(images).latent_dist.mode()
    patches = torch.nn.functional.pixel_unshuffle(latents, 2)
    vae.bn.running_mean.copy_(patches.mean((0, 2, 3)))
    vae.bn.running_var.copy_(patches.var((0, 2, 3)))
