"""A split as the base model sees it, encoded once: latents, captions, masks; and its losses."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch

from workflow_scripts.adapter.training_data import (
    Fitted,
    TrainingImage,
    fit_image,
    make_buckets,
)
from workflow_scripts.lib.phase import log, progress
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.diffusion import (
    Base,
    denoising_errors,
    encode_captions,
    encode_images,
)


@dataclass(frozen=True)
class Examples:
    """A cached split; all tensors float32 on the CPU."""

    images: list[TrainingImage]
    latents: list[torch.Tensor]  # (channels, h, w) each
    weights: list[torch.Tensor]  # (1, h, w) each: how much an error there counts
    captions: torch.Tensor  # (N, 77, width)
    no_caption: torch.Tensor  # (77, width), of ""

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of the latents."""
        return [tuple(latents.shape[1:]) for latents in self.latents]


def cache_examples(
    base: Base,
    images: Sequence[TrainingImage],
    *,
    resolution_px: int,
    background_loss_weight: float,
) -> Examples:
    """Encode images and captions once, so that the encoders can be freed before training."""
    buckets = make_buckets(resolution_px, base.side_step_px)
    latents, weights, lost, enlarged = [], [], 0.0, 0
    reader = read_ahead(images, lambda image: fit_image(image, buckets))
    for fitted in progress(reader, "caching latents", total=len(images)):
        latents.append(encode_images(base, fitted.pixels[None])[0])
        weights.append(_loss_weights(fitted, latents[-1].shape[1:], background_loss_weight))
        lost, enlarged = lost + fitted.lost, enlarged + fitted.enlarged
    if images:
        log.info(
            "%d images, %d masks; cut to their bucket: %.1f %% of the area; enlarged: %d",
            *(len(images), sum(i.mask is not None for i in images)),
            *(100 * lost / len(images), enlarged),
        )
    vectors = encode_captions(base, ["", *(image.caption for image in images)])
    return Examples(list(images), latents, weights, vectors[1:], vectors[0])


def _loss_weights(
    fitted: Fitted, size: tuple[int, int], background_loss_weight: float
) -> torch.Tensor:
    """1 inside the mask, `background_loss_weight` outside, by area of latents: (1, h, w)."""
    if fitted.mask is None:
        return torch.ones(1, *size)
    mask = cv2.resize(fitted.mask, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(background_loss_weight + (1 - background_loss_weight) * mask)[
        None
    ].float()


def weighted_means(errors: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Mean error per image, (B,), each place counted by its weight (B, 1, h, w).

    Divided by the sum of weights, so that a small character counts as much as a large one.
    """
    weights = weights.expand_as(errors)
    return (errors * weights).sum((1, 2, 3)) / weights.sum((1, 2, 3)).clamp_min(1e-6)


def seed_for(*parts: object) -> int:
    """A seed for one draw, from the run's seed and what is drawn; the same in every process."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:7])


@torch.inference_mode()
def fixed_losses(base: Base, examples: Examples, *, timesteps: int, seed: int) -> np.ndarray:
    """Denoising loss per image and timestep, (N, timesteps), always with the same noise.

    Timesteps lie in the middles of equal parts of the schedule. Two calls differ only by the
    weights of the network, so their differences are paired.
    """
    parts = (np.arange(timesteps) + 0.5) / timesteps * base.noise.config.num_train_timesteps
    times = torch.from_numpy(parts.astype(np.int64)).to(base.device)
    losses = np.zeros((len(examples), timesteps))
    for i, latents in enumerate(examples.latents):
        generator = torch.Generator().manual_seed(
            seed_for(seed, "fixed", examples.images[i].image_id)
        )
        noise = torch.randn(timesteps, *latents.shape, generator=generator).to(base.device)
        repeated = latents.to(base.device).expand(timesteps, -1, -1, -1)
        captions = examples.captions[i].to(base.device).expand(timesteps, -1, -1)
        errors = denoising_errors(base, repeated, captions, noise, times)
        weights = examples.weights[i].to(base.device).expand(timesteps, -1, -1, -1)
        losses[i] = weighted_means(errors, weights).cpu().numpy()
    return losses
