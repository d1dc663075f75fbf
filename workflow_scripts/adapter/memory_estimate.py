"""How much memory of a GPU a training takes, known before it starts.

What a step holds is counted on its shadow (adapter/shadow.py), in the true shapes and types:
nothing is extrapolated. Of the tiny networks it agrees within a few percent with what a real step
holds on the CPU, and covers what autograd saves (tests/adapter/test_memory_estimate.py). Only the
overhead is assumed: CUDA's own context, workspaces of its libraries, gaps between blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import NamedTuple

import torch

from workflow_scripts.adapter.samples import list_needed
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.shadow import LiveBytes, count_coding, make_shadow
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log
from workflow_scripts.models.diffusion import DRAWN_AT_ONCE, Base, Conditions, list_nets

GIB = 2**30
CONTEXT = GIB  # assumed, as is the share of gaps
GAPS = 0.05
# Bytes of an optimizer's state for each trained value, in float32; of the 8-bit one a byte a moment
STATE_BYTES = {
    "adamw": 8,
    "muon": 4,
    "prodigy": 16,
    "schedule_free_adamw": 8,
    "adamw_8bit": 2,
}


@dataclass(frozen=True)
class Memory:
    """Bytes of a training on a GPU, by what needs them."""

    network: int  # frozen weights
    encoders: int  # weights that are there while images and captions are cached
    kept: int  # of the encoders, what stays for the training
    adapter: int  # trained values, in float32
    optimizer: int
    average: int
    step: int  # most that a step holds at once: activations and gradients
    coding: int = 0  # most that the VAE holds while an image becomes latents
    drawing: int = 0  # most that it holds while samples are drawn

    @property
    def overhead(self) -> int:
        """What nobody counts: assumed."""
        return CONTEXT + round(GAPS * (self.network + self.step))

    @property
    def training(self) -> int:
        """Most at once while it trains."""
        own = self.network + self.kept + self.adapter + self.optimizer + self.average
        return own + max(self.step, self.drawing) + self.overhead

    @property
    def total(self) -> int:
        """Most at once from the first image on; while images are cached nothing is trained yet."""
        return max(self.training, self.network + self.encoders + self.coding + self.overhead)

    def format(self) -> str:
        """One line for the log."""
        parts = {field.name: getattr(self, field.name) for field in fields(self)}
        parts["overhead"] = self.overhead
        listed = ", ".join(f"{name} {size / GIB:.2f}" for name, size in parts.items() if size)
        return f"memory of the GPU, estimated: {self.total / GIB:.1f} GiB ({listed})"


class Card(NamedTuple):
    """Memory of a GPU in bytes, as torch gives it."""

    free: int
    total: int


def estimate_memory(
    base: Base, settings: Settings, latents: Sequence[int], conditions: Conditions
) -> Memory:
    """What training on latents (B, C, h, w) takes; conditions are those of one image."""
    shadow = make_shadow(base, settings)
    with LiveBytes() as counted:
        shadow.take_step(latents, conditions)
    trained = sum(tensor.numel() for tensor in shadow.tensors.values())
    nets = {name: count_bytes(net) for name, net in list_nets(base.pipeline).items()}
    nets.pop(base.network_name)
    side_px = latents[-1] * base.pixels_per_latent
    coding, drawing = count_coding(base, side_px, DRAWN_AT_ONCE) if "vae" in nets else (0, 0)
    return Memory(
        network=count_bytes(shadow.base.network) - 4 * trained,
        encoders=sum(nets.values()),
        kept=sum(nets[name] for name in list_needed(base, settings)),
        adapter=4 * trained,
        optimizer=STATE_BYTES[settings.optimizer] * trained,
        average=2 * 4 * trained if settings.ema_decay else 0,  # and what it replaces to measure
        step=counted.peak,
        coding=coding,
        drawing=drawing if settings.samples else 0,
    )


def count_bytes(net: torch.nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in net.parameters())


def check_memory(memory: Memory, card: Card, settings: Settings, resolution_px: int) -> None:
    """Refuse a training that does not fit; `card` is as it was before the base was on it."""
    if memory.total <= card.free:
        return
    others = (card.total - card.free) / GIB
    raise CineloraError(
        f"this training needs about {memory.total / GIB:.1f} GiB of the GPU's memory, and"
        f" {card.free / GIB:.1f} of {card.total / GIB:.1f} GiB\n"
        f"  are free ({others:.1f} are in use). {memory.format()}.\n"
        f"  {advise(memory, settings, resolution_px)}"
    )


def advise(memory: Memory, settings: Settings, resolution_px: int) -> str:
    """Which option to lower first: what a step holds is what options change most."""
    if memory.training < memory.total or memory.step < memory.network:
        if memory.kept:
            return "Set train of adapter text_encoder to false, or take a smaller base model."
        if memory.training < memory.total:
            return "Its encoders and network alone do not fit: take a smaller base model."
    options = []
    if settings.gradient_checkpointing is not True:
        options.append("set adapter gradient_checkpointing to true")
    if settings.batch_size > 1:
        options.append(
            f"lower adapter batch_size, now {settings.batch_size}"
            " (gradient_accumulation_steps makes up for it)"
        )
    options.append(f"lower adapter resolution_px, now {resolution_px}")
    return f"In this order: {'; '.join(options)}."


def watch_memory(base: Base, settings: Settings, resolution_px: int) -> Memory | None:
    """Say how much memory a training takes, and refuse one that does not fit; None on a CPU."""
    if base.device != "cuda":
        return None
    side = resolution_px // base.side_step_px * base.side_step_px
    channels, cells = base.network.config.in_channels, side // base.pixels_per_latent
    sized = base.encode_size((side, side), (0, 0), (side, side))
    told = base.encode_prompts([""]) | {name: one[None] for name, one in sized.items()}
    memory = estimate_memory(
        base, settings, (settings.images_at_once, channels, cells, cells), told
    )
    log.info("%s", memory.format())
    free, total = torch.cuda.mem_get_info()
    held = torch.cuda.memory_reserved()  # the base, which is on it already
    check_memory(memory, Card(free + held, total), settings, resolution_px)
    return memory
