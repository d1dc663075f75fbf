"""What is trained to be timed: bases, examples for them, and the least that a step computes."""

from copy import copy, deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.train_nets import Layout
from workflow_scripts.adapter.examples import Examples
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.shadow import LiveBytes, make_shadow
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_data import TrainingImage
from workflow_scripts.models.diffusion import Base, Conditions, encode_captions
from workflow_scripts.plan.adapter_settings import resolve_adapter_settings
from workflow_scripts.plan.config import read_shipped

IMAGES = 16  # of a case; each step shows others


@dataclass(frozen=True)
class Case:
    """A base, examples for it, and settings; `side_px` is that of the images."""

    name: str
    base: Base
    examples: Examples
    settings: Settings
    side_px: int

    @property
    def latents(self) -> tuple[int, ...]:
        """Shape (B, C, h, w) of a batch."""
        return (self.settings.batch_size, *self.examples.latents[0].shape)

    def make_trainer(self) -> Trainer:
        nothing = Examples([], [], [], {}, self.examples.no_caption)
        return Trainer(self.base, self.examples, nothing, self.settings, 7, self.side_px)


def make_settings(tier: str, **changes) -> Settings:
    """The shipped settings of a tier, without what needs images that are held out."""
    plain = {"schedule": "constant", "warmup": 0.0, "validations": 1, "ema_decay": 0}
    shipped = resolve_adapter_settings(read_shipped(), tier, "style", "plain")
    return Settings(**{**shipped, **plain, **changes})


def make_examples(latents: tuple[int, int, int], conditions: Conditions) -> Examples:
    """Random latents (C, h, w) with conditions (N, ...)."""
    count = len(next(iter(conditions.values())))
    generator = torch.Generator().manual_seed(7)
    images = [TrainingImage(f"{n:04d}", Path(f"{n}.png"), f"x {n}", "x") for n in range(count)]
    drawn = [torch.randn(latents, generator=generator) for _ in range(count)]
    weights = [torch.ones(1, *latents[1:]) for _ in range(count)]
    nothing = {name: torch.zeros_like(one[0]) for name, one in conditions.items()}
    return Examples(images, drawn, weights, conditions, nothing)


def make_full_case(layout: Layout, device: str, **changes) -> Case:
    """A published layout with random weights, at its own resolution, in bfloat16."""
    base = layout.build(device)
    examples = make_examples(layout.find_latents(), layout.make_conditions(IMAGES))
    wanted = {"rank": 32, "alpha": 32, "precision": "bfloat16"} | changes
    return Case(layout.name, base, examples, make_settings("full", **wanted), layout.side_px)


def open_again(base: Base) -> Base:
    """The base with a network of its own."""
    pipeline = copy(base.pipeline)
    pipeline.register_modules(**{base.network_name: deepcopy(base.network)})
    return replace(base, pipeline=pipeline)


def make_opened_case(name: str, base: Base, side_px: int | None = None, **changes) -> Case:
    """A base that was opened with its encoders: of the light tier, or a tiny one of tests."""
    side_px = side_px or base.resolution_px
    side, square = side_px // base.pixels_per_latent, (side_px, side_px)
    words = encode_captions(base, [f"a street at dusk, {n}" for n in range(IMAGES)])
    sized = base.encode_size(square, (0, 0), square)
    told = {name: torch.stack([one] * IMAGES) for name, one in sized.items()}
    examples = make_examples((base.network.config.in_channels, side, side), words | told)
    return Case(name, open_again(base), examples, make_settings("light", **changes), side_px)


def count_floor(case: Case) -> float:
    """The least operations of a step, by torch's own counter.

    Matrix products, convolutions and attention: forward; backward through all that lies behind the
    first layer of the adapter; gradients of the adapter's weights. Not counted are gradients of
    frozen weights, which nobody needs, attention computed again on the way back (its backward is
    four products, its forward two), activations computed twice, norms, and the optimizer.
    """
    shadow = make_shadow(case.base, replace(case.settings, gradient_checkpointing=False))
    told = {name: one[:1] for name, one in case.examples.conditions.items()}
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        shadow.take_step(case.latents, told)
    return float(counter.get_total_flops())


def count_held(case: Case) -> int:
    """Bytes of the weights, and the most that a step holds besides, counted beforehand."""
    shadow = make_shadow(case.base, case.settings)
    told = {name: one[:1] for name, one in case.examples.conditions.items()}
    with LiveBytes() as counted:
        shadow.take_step(case.latents, told)
    weights = shadow.base.network.parameters()
    return counted.peak + sum(tensor.numel() * tensor.element_size() for tensor in weights)
