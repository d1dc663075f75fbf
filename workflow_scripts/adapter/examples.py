"""A split as the base model sees it, encoded once: latents, captions, masks; and its losses."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch

from workflow_scripts.adapter.training_data import (
    Fitted,
    TrainingImage,
    fit_image,
    make_buckets,
    order_tags,
)
from workflow_scripts.lib.phase import log, progress
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.diffusion import (
    Base,
    Conditions,
    denoising_errors,
    encode_captions,
    encode_images,
    move,
)


@dataclass(frozen=True)
class Examples:
    """A cached split; all tensors on the CPU, latents and weights in float32."""

    images: list[TrainingImage]
    latents: list[torch.Tensor]  # (channels, h, w) each
    weights: list[torch.Tensor]  # (1, h, w) each: how much an error there counts
    # (N x orders, ...) each: what captions and sizes tell the network, image by image
    conditions: Conditions
    no_caption: Conditions  # (...) each, of "": those that a dropped caption takes along
    orders: int = 1  # in which each caption is there; the first is as it is written

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of the latents."""
        return [tuple(latents.shape[1:]) for latents in self.latents]

    def select_conditions(
        self, members: list[int], dropped: torch.Tensor, order: torch.Tensor | int = 0
    ) -> Conditions:
        """Conditions (B, ...) of some images; without words for those that are dropped (B,).

        `order` (B,) is that of each caption's parts.
        """
        rows = torch.tensor(members) * self.orders + order
        chosen = {name: values[rows] for name, values in self.conditions.items()}
        for name, nothing in self.no_caption.items():
            spread = dropped.view(-1, *[1] * nothing.dim())
            chosen[name] = torch.where(spread, nothing, chosen[name])
        return chosen


def cache_examples(
    base: Base,
    images: Sequence[TrainingImage],
    *,
    resolution_px: int,
    background_loss_weight: float,
    captions: Sequence[Sequence[str]] = (),
) -> Examples:
    """Encode images and captions once, so that the encoders can be freed before training.

    `captions` are those of each image, equally many, in place of its own. So shuffled tags need no
    encoder while training: a few orders are encoded, and each step chooses one.
    """
    captions = captions or [[image.caption] for image in images]
    orders = len(captions[0]) if captions else 1
    buckets = make_buckets(resolution_px, base.side_step_px)
    latents, weights, sizes, lost, enlarged = [], [], [], 0.0, 0
    reader = read_ahead(images, lambda image: fit_image(image, buckets))
    for fitted in progress(reader, "caching latents", total=len(images)):
        latents.append(encode_images(base, fitted.pixels[None])[0])
        weights.append(_loss_weights(fitted, latents[-1].shape[1:], background_loss_weight))
        sizes.append(base.encode_size(fitted.original, fitted.corner, fitted.pixels.shape[:2]))
        lost, enlarged = lost + fitted.lost, enlarged + fitted.enlarged
    if images:
        log.info(
            "%d images, %d masks; cut to their bucket: %.1f %% of the area; enlarged: %d",
            *(len(images), sum(i.mask is not None for i in images)),
            *(100 * lost / len(images), enlarged),
        )
    words = encode_captions(base, ["", *(one for texts in captions for one in texts)])
    told = _stack([size for size in sizes for _ in range(orders)])
    conditions = {name: values[1:] for name, values in words.items()} | told
    no_caption = {name: values[0] for name, values in words.items()}
    return Examples(list(images), latents, weights, conditions, no_caption, orders)


def encode_again(base: Base, examples: Examples) -> Examples:
    """The same with captions, in their one order, as the base's text encoders read them now."""
    words = encode_captions(base, ["", *(image.caption for image in examples.images)])
    conditions = examples.conditions | {name: values[1:] for name, values in words.items()}
    no_caption = {name: values[0] for name, values in words.items()}
    return replace(examples, conditions=conditions, no_caption=no_caption)


def order_captions(
    images: Sequence[TrainingImage], orders: int, kept: int, seed: int
) -> list[list[str]]:
    """Each image's caption in so many orders of its parts, the same for the same seed."""
    rngs = [np.random.default_rng(seed_for(seed, "tags", image.image_id)) for image in images]
    pairs = zip(images, rngs, strict=True)
    return [order_tags(image.caption, orders, kept, rng) for image, rng in pairs]


def _stack(rows: Sequence[Conditions]) -> Conditions:
    names = rows[0] if rows else ()
    return {name: torch.stack([row[name] for row in rows]) for name in names}


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
    losses, no_drop = np.zeros((len(examples), timesteps)), torch.zeros(timesteps, dtype=bool)
    for i, latents in enumerate(examples.latents):
        generator = torch.Generator().manual_seed(
            seed_for(seed, "fixed", examples.images[i].image_id)
        )
        noise = torch.randn(timesteps, *latents.shape, generator=generator).to(base.device)
        repeated = latents.to(base.device).expand(timesteps, -1, -1, -1)
        conditions = move(examples.select_conditions([i] * timesteps, no_drop), base.device)
        errors = denoising_errors(base, repeated, conditions, noise, times)
        weights = examples.weights[i].to(base.device).expand(timesteps, -1, -1, -1)
        losses[i] = weighted_means(errors, weights).cpu().numpy()
    return losses
