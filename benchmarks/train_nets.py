"""Bases whose adapters' training is measured: each family at its full layout, with random weights.

Layouts are those of each model's own config.json; tests compare their parameters with the sizes of
the published files. On the device "meta" they take no memory.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import (
    DDPMScheduler,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    ModelMixin,
    SchedulerMixin,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)

from benchmarks.full_nets import make_unet
from workflow_scripts.models.diffusion import Base, Conditions
from workflow_scripts.models.loaders.flux2_klein import Flux2Klein
from workflow_scripts.models.loaders.stable_diffusion import StableDiffusion
from workflow_scripts.models.loaders.stable_diffusion_xl import StableDiffusionXL


@dataclass(frozen=True)
class Layout:
    """How a published model is built, and what its network is told of one image."""

    name: str
    family: type[Base]
    pipeline: type
    make: Callable[[], ModelMixin]
    side_px: int
    channels: int  # of latents
    told: dict[str, tuple[int, ...]]  # shape of each condition, without the images
    encoder_parameters: int  # of text and image encoders, which are there until all is cached

    def build(self, device: str) -> Base:
        """The base without encoders, as its loader would open it on a GPU; "meta": no numbers."""
        with torch.device(device):
            network = self.make().to(self.family.gpu_dtype).requires_grad_(False).eval()
        parts = dict.fromkeys(("vae", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"))
        if self.family is not StableDiffusionXL:
            parts = {name: None for name in parts if not name.endswith("_2")}
        if self.family is StableDiffusion:
            parts |= {"safety_checker": None, "feature_extractor": None}
        more = {"requires_safety_checker": False} if self.family is StableDiffusion else {}
        noise = make_schedule(self.family)
        pipeline = self.pipeline(
            **parts, scheduler=noise, **{self.family.network_name: network}, **more
        )
        where = "cuda" if device == "meta" else device  # what it stands for
        return self.family(pipeline, where, True, "random/lora", "random", "", noise)

    def make_conditions(self, images: int) -> Conditions:
        """Random ones (N, ...): of words that are all alike attention learns nothing."""
        generator, made = torch.Generator().manual_seed(7), {}
        for name, shape in self.told.items():
            values = torch.randn((images, *shape), generator=generator)
            is_place = name == "text_ids"
            made[name] = (100 * values).long() if is_place else values.to(self.family.gpu_dtype)
        return made

    def find_latents(self, side_px: int | None = None) -> tuple[int, int, int]:
        """Channels, height and width of one image's latents."""
        side = (side_px or self.side_px) // (16 if self.family is Flux2Klein else 8)
        return self.channels, side, side


def make_schedule(family: type[Base]) -> SchedulerMixin:
    """The noise schedule of training."""
    if family is Flux2Klein:
        return FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True)
    betas = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
    return DDPMScheduler(**betas, clip_sample=False, steps_offset=1)


def make_xl_unet() -> UNet2DConditionModel:
    """stable-diffusion-xl-base-1.0, unet/config.json."""
    return UNet2DConditionModel(
        sample_size=128,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(320, 640, 1280),
        transformer_layers_per_block=(1, 2, 10),
        attention_head_dim=(5, 10, 20),
        cross_attention_dim=2048,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )


def make_klein_transformer() -> Flux2Transformer2DModel:
    """FLUX.2-klein-base-4B, transformer/config.json."""
    return Flux2Transformer2DModel(
        in_channels=128,
        num_layers=5,
        num_single_layers=20,
        attention_head_dim=128,
        num_attention_heads=24,
        joint_attention_dim=7680,
        guidance_embeds=False,
    )


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout(
            "stable-diffusion-v1-5",
            StableDiffusion,
            StableDiffusionPipeline,
            make_unet,
            512,
            4,
            {"states": (77, 768)},
            123_060_480 + 83_653_863,  # CLIP ViT-L/14's text tower, and the VAE
        ),
        Layout(
            "stable-diffusion-xl-base-1.0",
            StableDiffusionXL,
            StableDiffusionXLPipeline,
            make_xl_unet,
            1024,
            4,
            {"states": (77, 2048), "pooled": (1280,), "time_ids": (6,)},
            123_060_480 + 694_659_840 + 83_653_863,  # and OpenCLIP bigG's text tower
        ),
        Layout(
            "flux.2-klein-base-4b",
            Flux2Klein,
            Flux2KleinPipeline,
            make_klein_transformer,
            1024,
            128,
            {"states": (512, 7680), "text_ids": (512, 4)},
            4_022_468_096 + 84_046_115,  # Qwen3-4B, and the VAE
        ),
    )
}
