"""A tiny network of Stable Diffusion's shape with random weights, made in a second.

It proves the path (data, loss, gradients, file formats, loading), never the image. Names of
layers and layout of the folder are Stable Diffusion 1.5's; the tokenizer is the real one.
"""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel

from workflow_scripts.models.tokenizer import make_tokenizer

TEXT_WIDTH = 64  # SD 1.5 has 768: a host that reads the width will not take one for the other
SAMPLE = 16  # latent side at the native resolution of 128 px
TINY_BASE = {
    "name": "tiny-random-sd",
    "role": "base",
    "family": "sd15",
    "tier": "light",
    "loader": "stable_diffusion",
    "files": [],
    "options": {
        "architecture": "tiny-random-sd/lora",
        "version": "tiny-random-sd",
        "is_random": True,
    },
}


def build_tiny_sd(folder: str | Path, *, seed: int) -> None:
    """Write the network as a diffusers folder; the same seed gives the same bytes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae, unet, text_encoder = (
            make_vae(),
            _make_unet(),
            make_text_encoder(CLIPTextModel, TEXT_WIDTH),
        )
        calibrate_vae(vae)
    pipeline = StableDiffusionPipeline(
        vae=vae,
        unet=unet,
        text_encoder=text_encoder,
        tokenizer=make_tokenizer(),
        scheduler=make_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)


def _make_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SAMPLE,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        block_out_channels=(32, 64),
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
    )


def make_vae() -> AutoencoderKL:
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,  # three halvings: 8 px to a latent, as in SD
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=SAMPLE * 8,
    )


def make_text_encoder(kind: type[CLIPTextModel], width: int) -> CLIPTextModel:
    """A text encoder of CLIP's kind; one that projects its pooled state keeps the width."""
    config = CLIPTextConfig(
        vocab_size=49408,
        hidden_size=width,
        intermediate_size=2 * width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=49406,
        eos_token_id=49407,
    )
    encoder = kind(config)
    # CLIP's own start (0.02) is for training; untrained it would leave every prompt alike
    torch.nn.init.normal_(encoder.get_input_embeddings().weight, std=1.0)
    return encoder.eval()


@torch.no_grad()
def calibrate_vae(vae: AutoencoderKL) -> None:
    """Scale both ends so that latents have variance 1 and decoded images use the gray range.

    Both scales are rounded: their last bits depend on the number of threads.
    """
    coarse = torch.rand(8, 3, 8, 8) * 2 - 1
    images = torch.nn.functional.interpolate(coarse, size=128, mode="bilinear")
    latents = vae.encode(images).latent_dist.mode()
    vae.register_to_config(scaling_factor=round(float(1 / latents.std()), 3))
    decoded = vae.decode(torch.randn(4, 4, SAMPLE, SAMPLE) / vae.config.scaling_factor).sample
    scale = 0.4 / float(decoded.std())
    vae.decoder.conv_out.weight *= round(scale, 3)
    vae.decoder.conv_out.bias -= round(float(decoded.mean()) * scale, 3)


def make_scheduler() -> EulerDiscreteScheduler:
    """As Stable Diffusion 1.5 and XL have it."""
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
    )
