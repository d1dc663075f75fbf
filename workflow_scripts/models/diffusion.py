"""A base model as one object: encode images and captions, the denoising loss, draw images."""

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, StableDiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.damage import explain_damage

diffusers_logging.disable_progress_bar()  # their bars of loading would fill our logs
transformers_logging.disable_progress_bar()
diffusers_logging.set_verbosity_error()  # or every load warns that no text encoder is in the file

DRAWN_AT_ONCE = 4


@dataclass(frozen=True)
class Base:
    """A diffusers pipeline and what an adapter file must say about it."""

    pipeline: StableDiffusionPipeline
    device: str
    is_random: bool  # random weights: images mean nothing
    architecture: str  # modelspec.architecture of its adapters
    version: str  # ss_base_model_version of its adapters
    sha256: str  # of the whole folder
    noise: DDPMScheduler  # the noise schedule that it was trained with
    pixels_per_latent: int

    @property
    def side_step_px(self) -> int:
        """Sides of training images are multiples of this: the UNet halves the latents too."""
        return self.pixels_per_latent * 2 ** (len(self.pipeline.unet.config.block_out_channels) - 1)

    @property
    def resolution_px(self) -> int:
        return self.pipeline.unet.config.sample_size * self.pixels_per_latent


def open_base(
    folder: str | Path, *, device: str, is_random: bool, architecture: str, version: str
) -> Base:
    """Open a diffusers folder from disk; nothing is fetched, nothing is pickled."""
    folder = Path(folder)
    if not (folder / "model_index.json").is_file():
        raise CineloraError(
            f"{folder} holds no model_index.json: not a base model in diffusers' layout.\n"
            "  Delete the folder and run snakemake again to rebuild or fetch it."
        )
    with explain_damage(folder):
        pipeline = StableDiffusionPipeline.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, safety_checker=None
        ).to(device)
    pipeline.set_progress_bar_config(disable=True)
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        part.requires_grad_(False).eval()
    noise = DDPMScheduler.from_config(pipeline.scheduler.config)
    return Base(
        pipeline,
        device,
        is_random,
        architecture,
        version,
        folder_checksum(folder),
        noise,
        pixels_per_latent=2 ** (len(pipeline.vae.config.block_out_channels) - 1),
    )


def fast(base: Base) -> torch.autocast:
    """bfloat16 where a GPU computes; on the CPU nothing changes."""
    return torch.autocast(base.device, torch.bfloat16, enabled=base.device == "cuda")


@torch.no_grad()
def encode_captions(base: Base, captions: Sequence[str], *, batch_size: int = 16) -> torch.Tensor:
    """Embed captions as the pipeline itself does: (N, 77, width), float32 on the CPU."""
    rows = []
    for start in range(0, len(captions), batch_size):
        batch = list(captions[start : start + batch_size])
        rows.append(base.pipeline.encode_prompt(batch, base.device, 1, False)[0].float().cpu())
    return torch.cat(rows)


@torch.no_grad()
def encode_images(base: Base, images: np.ndarray) -> torch.Tensor:
    """Latents (N, 4, H/8, W/8), float32 on the CPU, of RGB uint8 images (N, H, W, 3)."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(base.device).float() / 127.5 - 1
    vae = base.pipeline.vae
    latents = vae.encode(pixels.to(vae.dtype)).latent_dist.mode() * vae.config.scaling_factor
    return latents.float().cpu()


def free_encoders(base: Base) -> None:
    """Let go of image and text encoder once everything is cached: most of the memory."""
    base.pipeline.register_modules(vae=None, text_encoder=None)
    gc.collect()
    if base.device == "cuda":
        torch.cuda.empty_cache()


def denoising_errors(
    base: Base,
    latents: torch.Tensor,
    captions: torch.Tensor,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
) -> torch.Tensor:
    """Squared error of the predicted noise (or velocity), (B, channels, h, w)."""
    noisy = base.noise.add_noise(latents, noise, timesteps)
    with fast(base):
        predicted = base.pipeline.unet(noisy, timesteps, captions).sample
    velocity = base.noise.config.prediction_type == "v_prediction"
    wanted = base.noise.get_velocity(latents, noise, timesteps) if velocity else noise
    return (predicted.float() - wanted.float()) ** 2


def signal_to_noise(base: Base, timesteps: torch.Tensor) -> torch.Tensor:
    """Signal-to-noise ratio of the noise schedule at the timesteps, (B,)."""
    kept = base.noise.alphas_cumprod.to(timesteps.device)[timesteps]
    return kept / (1 - kept)


def draw_images(
    base: Base,
    prompts: Sequence[str],
    seeds: Sequence[int],
    *,
    steps: int,
    guidance: float,
    side_px: int,
) -> np.ndarray:
    """Draw one image per prompt and seed, RGB uint8 (N, side, side, 3).

    Noise is drawn on the CPU, image by image: a seed means the same noise on every machine.
    """
    parts = []
    for start in range(0, len(prompts), DRAWN_AT_ONCE):
        some = slice(start, start + DRAWN_AT_ONCE)
        with fast(base):
            images = base.pipeline(
                list(prompts[some]),
                num_inference_steps=steps,
                guidance_scale=guidance,
                height=side_px,
                width=side_px,
                generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds[some]],
                output_type="np",
            ).images
        parts.append((images * 255).round().astype(np.uint8))
    return np.concatenate(parts)
