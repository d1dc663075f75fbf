"""A split as the base model sees it: latents, captions, masks; and its losses."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from operator import itemgetter

import numpy as np
import torch

from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.encodings import (
    Column,
    Shelf,
    encode_all_captions,
    encode_all_images,
    weigh_places,
)
from workflow_scripts.adapter.training_data import TrainingImage, order_tags
from workflow_scripts.models.diffusion import (
    Base,
    Conditions,
    denoising_errors,
    encode_captions,
    move,
)


@dataclass(frozen=True)
class Examples:
    """An encoded split; tensors come to the CPU as they are asked for, latents in float32."""

    images: list[TrainingImage]
    latents: Sequence[torch.Tensor]  # (channels, h, w) each
    weights: Sequence[torch.Tensor]  # (1, h, w) each: how much an error there counts
    # (N x orders, ...) each: what captions and sizes tell the network, image by image
    conditions: Mapping[str, Sequence[torch.Tensor]]
    no_caption: Conditions  # (...) each, of "": those that a dropped caption takes along
    orders: int = 1  # in which each caption is there; the first is as it is written

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def sizes(self) -> list[tuple[int, int]]:
        """Height and width of the latents."""
        return [tuple(latents.shape[1:]) for latents in self.latents]

    def select_conditions(
        self, members: list[int], dropped: torch.Tensor, order: torch.Tensor | int = 0
    ) -> Conditions:
        """Conditions (B, ...) of some images; without words for those that are dropped (B,).

        `order` (B,) is that of each caption's parts.
        """
        rows = (torch.tensor(members) * self.orders + order).tolist()
        chosen = {
            name: torch.stack([values[row] for row in rows])
            for name, values in self.conditions.items()
        }
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
    store: ContentStore | None = None,
) -> Examples:
    """Encode images and captions once, so that the encoders can be freed before training.

    `captions` are those of each image, equally many, in place of its own. So shuffled tags need no
    encoder while training: a few orders are encoded, and each step chooses one. What `store` has
    already is not encoded again.
    """
    store = store or ContentStore()
    captions = captions or [[image.caption] for image in images]
    orders = len(captions[0]) if captions else 1
    encoded = encode_all_images(base, images, resolution_px, store)
    words = encode_all_captions(base, ["", *(one for texts in captions for one in texts)], store)
    shown, told = Shelf(encoded), Shelf(words[1:])
    sizes = [base.encode_size(*(tuple(size) for size in one.facts["sizes"])) for one in encoded]
    spread = _stack([size for size in sizes for _ in range(orders)])
    return Examples(
        list(images),
        Column(shown, itemgetter("latents")),
        Column(shown, partial(weigh_places, background_loss_weight=background_loss_weight)),
        {name: Column(told, itemgetter(name)) for name in words[0].facts["names"]} | spread,
        words[0].read(),
        orders,
    )


def encode_again(base: Base, examples: Examples) -> Examples:
    """The same with captions, in their one order, as the base's text encoders read them now."""
    words = encode_captions(base, ["", *(image.caption for image in examples.images)])
    conditions = dict(examples.conditions) | {name: values[1:] for name, values in words.items()}
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
