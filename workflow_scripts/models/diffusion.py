"""A base model as one object: encode images and captions, the denoising loss, draw images.

What one family of base models does otherwise than another stands in its loader, as a class below
Base: loaders/stable_diffusion.py, stable_diffusion_xl.py, flux2_klein.py.
"""

import gc
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from diffusers import DDPMScheduler, DiffusionPipeline, SchedulerMixin
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.damage import explain_damage

diffusers_logging.disable_progress_bar()  # their bars of loading would fill our logs
transformers_logging.disable_progress_bar()
diffusers_logging.set_verbosity_error()  # or every load warns that no text encoder is in the file

DRAWN_AT_ONCE = 4
PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
TEXT_TARGETS = ["q_proj", "k_proj", "v_proj", "out_proj"]  # layers of CLIP that adapters change
FLOW = "flow"  # in place of epsilon and v_prediction: the velocity from image to noise
# What a network is told beside noisy latents and their timesteps, by name: (N, ...) each
Conditions = dict[str, torch.Tensor]
Size = tuple[int, int]  # height and width


@dataclass(frozen=True)
class Base(ABC):
    """A diffusers pipeline, and what training, evaluation and adapter files must know of it.

    Timesteps are whole numbers from 0, an image with hardly any noise, to the last of the schedule,
    noise with hardly any image: in every family.
    """

    family: ClassVar[str]  # as models.yaml names it
    kind: ClassVar[type[DiffusionPipeline]]
    left_out: ClassVar[dict[str, Any]] = {}  # options that open the pipeline without some part
    schedule: ClassVar[type[SchedulerMixin]] = DDPMScheduler  # of training, not of drawing
    gpu_dtype: ClassVar[torch.dtype] = torch.float32  # of the frozen weights on a GPU
    network_name: ClassVar[str]  # the part of the pipeline that adapters change
    targets: ClassVar[list[str] | str]  # layers of it that they change, as peft takes them
    card_version: ClassVar[str] = "Unknown"  # "sd version" of the card that Forge reads
    text_parts: ClassVar[tuple[str, ...]] = ()  # text encoders that adapters may change too
    modelspec: ClassVar[dict[str, Any]] = {}  # what a file's header says otherwise; None: nothing

    pipeline: DiffusionPipeline
    device: str
    is_random: bool  # random weights: images mean nothing
    architecture: str  # modelspec.architecture of its adapters
    version: str  # ss_base_model_version of its adapters
    sha256: str  # of the whole folder
    noise: SchedulerMixin  # the noise schedule that it was trained with
    precision: str = "auto"  # what the network computes in: a key of PRECISIONS, or auto

    @property
    def network(self) -> torch.nn.Module:
        """The net that predicts, which adapters change."""
        return getattr(self.pipeline, self.network_name)

    @property
    def pixels_per_latent(self) -> int:
        return self.pipeline.vae_scale_factor

    @property
    @abstractmethod
    def side_step_px(self) -> int:
        """Sides of training images are multiples of this."""

    @property
    @abstractmethod
    def resolution_px(self) -> int:
        """Side of the square images that it was made for."""

    @property
    def prediction_type(self) -> str:
        """What the network predicts: epsilon, v_prediction or FLOW."""
        return self.noise.config.prediction_type

    @abstractmethod
    def encode_prompts(self, prompts: Sequence[str]) -> Conditions:
        """What the network is told of prompts, as the pipeline itself tells it."""

    def count_tokens(self, prompt: str) -> int:
        """Tokens of a prompt, without those that every prompt has."""
        return len(self.pipeline.tokenizer(prompt, add_special_tokens=False).input_ids)

    @property
    def token_limit(self) -> int:
        """As many of them are read; the rest of a prompt is not."""
        return self.pipeline.tokenizer.model_max_length - 2  # start and end

    def find_text_targets(self, part: str) -> list[str] | str:
        """Layers of a text encoder that adapters change, as peft takes them."""
        return TEXT_TARGETS

    def encode_size(self, original: Size, corner: Size, size: Size) -> Conditions:
        """What it is told of one image's size before it was scaled, upper left corner, and size.

        Without the first dimension; most families are told nothing.
        """
        return {}

    @abstractmethod
    def encode_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        """Latents (N, C, h, w) of RGB from -1 to 1 (N, 3, H, W)."""

    @abstractmethod
    def add_noise(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """Latents as noisy as the timesteps (N,) say."""

    @abstractmethod
    def find_target(
        self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor
    ) -> torch.Tensor:
        """What the network should predict of them."""

    @abstractmethod
    def predict(
        self, noisy: torch.Tensor, timesteps: torch.Tensor, conditions: Conditions
    ) -> torch.Tensor:
        """What the network does predict."""

    @abstractmethod
    def name_layer(self, layer: str) -> tuple[str, int]:
        """A layer's name in kohya's files, and its place there: 0, but where q, k and v are one.

        `layer` is a name in the network, or one that begins with a text encoder's.
        """


def open_base(
    family: type[Base],
    folder: str | Path,
    *,
    device: str,
    is_random: bool,
    architecture: str,
    version: str,
) -> Base:
    """Open a diffusers folder from disk; nothing is fetched, nothing is pickled."""
    folder = Path(folder)
    check_kind(family, folder)
    with explain_damage(folder):
        pipeline = family.kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=family.gpu_dtype if device == "cuda" else torch.float32,
            **family.left_out,
        ).to(device)
    pipeline.set_progress_bar_config(disable=True)
    for part in list_nets(pipeline).values():
        part.requires_grad_(False).eval()
    noise = family.schedule.from_config(pipeline.scheduler.config)
    checksum = folder_checksum(folder)
    return family(pipeline, device, is_random, architecture, version, checksum, noise)


def check_kind(family: type[Base], folder: Path) -> None:
    """Refuse a folder that holds no pipeline, or one of another family."""
    index = folder / "model_index.json"
    if not index.is_file():
        raise CineloraError(
            f"{folder} holds no model_index.json: not a base model in diffusers' layout.\n"
            "  Delete the folder and run snakemake again to rebuild or fetch it."
        )
    found, wanted = read_values(index).get("_class_name"), family.kind.__name__
    if found != wanted:
        raise CineloraError(
            f"{folder} holds a pipeline {found}, this loader opens {wanted} (family "
            f"{family.family}).\n  Correct the loader of this model's row in the table of models."
        )


def list_nets(pipeline: DiffusionPipeline) -> dict[str, torch.nn.Module]:
    """The parts of a pipeline that have weights, by name."""
    parts = pipeline.components.items()
    return {name: part for name, part in parts if isinstance(part, torch.nn.Module)}


def fast(base: Base) -> torch.autocast:
    """The base's precision; auto: bfloat16 where a GPU computes, on the CPU nothing changes."""
    auto = torch.bfloat16 if base.device == "cuda" else torch.float32
    dtype = PRECISIONS.get(base.precision, auto)
    enabled = dtype != torch.float32
    return torch.autocast(base.device, dtype if enabled else torch.bfloat16, enabled=enabled)


@torch.no_grad()
def encode_captions(base: Base, captions: Sequence[str], *, batch_size: int = 16) -> Conditions:
    """Embed captions as the pipeline itself does: (N, ...) on the CPU, in the encoder's type."""
    parts = []
    for start in range(0, len(captions), batch_size):
        encoded = base.encode_prompts(list(captions[start : start + batch_size]))
        parts.append(move(encoded, "cpu"))
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def move(conditions: Conditions, device: str) -> Conditions:
    return {name: values.to(device) for name, values in conditions.items()}


@torch.no_grad()
def encode_images(base: Base, images: np.ndarray) -> torch.Tensor:
    """Latents (N, C, h, w), float32 on the CPU, of RGB uint8 images (N, H, W, 3)."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(base.device).float() / 127.5 - 1
    return base.encode_pixels(pixels.to(base.pipeline.vae.dtype)).float().cpu()


def free_encoders(base: Base, *, keep: Sequence[str] = ()) -> None:
    """Let go of image and text encoders once everything is cached: most of the memory.

    `keep` names those that are still needed, as they are trained too.
    """
    kept = {base.network_name, *keep}
    others = [name for name in list_nets(base.pipeline) if name not in kept]
    base.pipeline.register_modules(**dict.fromkeys(others))
    gc.collect()
    if base.device == "cuda":
        torch.cuda.empty_cache()


def denoising_errors(
    base: Base,
    latents: torch.Tensor,
    conditions: Conditions,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
) -> torch.Tensor:
    """Squared error of the predicted noise (or velocity), (B, channels, h, w)."""
    predicted, wanted = predict_noise(base, latents, conditions, noise, timesteps)
    return (predicted - wanted) ** 2


def predict_noise(
    base: Base,
    latents: torch.Tensor,
    conditions: Conditions,
    noise: torch.Tensor,
    timesteps: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The predicted noise (or velocity), and the one that was wanted, (B, channels, h, w)."""
    noisy = base.add_noise(latents, noise, timesteps)
    with fast(base):
        predicted = base.predict(noisy, timesteps, conditions)
    return predicted.float(), base.find_target(latents, noise, timesteps).float()


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
                prompt=list(prompts[some]),
                num_inference_steps=steps,
                guidance_scale=guidance,
                height=side_px,
                width=side_px,
                generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds[some]],
                output_type="np",
            ).images
        parts.append((images * 255).round().astype(np.uint8))
    return np.concatenate(parts)
