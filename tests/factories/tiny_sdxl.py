"""A tiny network of Stable Diffusion XL's shape with random weights: three levels, two encoders."""

from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from tests.factories.tiny_sd import (
    SAMPLE,
    calibrate_vae,
    make_scheduler,
    make_text_encoder,
    make_vae,
)
from workflow_scripts.models.tokenizer import make_tokenizer

WIDTHS = (32, 64)  # of the text encoders; in SDXL 768 and 1280
TIME_WIDTH = 8  # of each of the six time ids


def build_tiny_sdxl(folder: str | Path, *, seed: int) -> None:
    """Write the network as a diffusers folder; the same seed gives the same bytes."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        vae, unet = make_vae(), _make_unet()
        first = make_text_encoder(CLIPTextModel, WIDTHS[0])
        second = make_text_encoder(CLIPTextModelWithProjection, WIDTHS[1])
        calibrate_vae(vae)
    pipeline = StableDiffusionXLPipeline(
        vae=vae,
        unet=unet,
        text_encoder=first,
        text_encoder_2=second,
        tokenizer=make_tokenizer(),
        tokenizer_2=make_tokenizer(),
        scheduler=make_scheduler(),
        add_watermarker=False,
    )
    pipeline.save_pretrained(folder)


def _make_unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=SAMPLE,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(32, 32, 64),
        layers_per_block=2,
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(2, 2, 4),
        cross_attention_dim=sum(WIDTHS),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=TIME_WIDTH,
        projection_class_embeddings_input_dim=6 * TIME_WIDTH + WIDTHS[1],
    )
