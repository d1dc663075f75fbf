"""`python -m benchmarks.train_memory`: what a training of each published layout takes of a GPU.

With the shipped settings, counted as train_adapter counts it before it starts; no GPU is needed.
The `vram_gb` of these models in resources/models.yaml are these figures.
"""

import math
from dataclasses import replace

import torch
from diffusers import AutoencoderKL, AutoencoderKLFlux2

from benchmarks.full_nets import make_vae
from benchmarks.tables import table
from benchmarks.train_cases import make_settings
from benchmarks.train_nets import LAYOUTS, Layout
from workflow_scripts.adapter.memory_estimate import GIB, Memory, estimate_memory
from workflow_scripts.adapter.shadow import count_coding
from workflow_scripts.models.diffusion import DRAWN_AT_ONCE
from workflow_scripts.models.loaders.flux2_klein import Flux2Klein

HEAD = ["base", "network", "encoders", "a step", "encoding", "drawing", "GiB in all", "vram_gb"]


def build_vae(layout: Layout) -> AutoencoderKL | AutoencoderKLFlux2:
    """The VAE of a layout: that of Stable Diffusion serves both of its families."""
    with torch.device("meta"):
        vae = AutoencoderKLFlux2() if layout.family is Flux2Klein else make_vae()
    return vae.to(layout.family.gpu_dtype)


def estimate_layout(layout: Layout, **changes) -> Memory:
    """With the shipped settings of the full tier, but for `changes`, and what drawing holds."""
    settings = make_settings("full", **changes)
    base = layout.build("meta")
    base.pipeline.register_modules(vae=build_vae(layout))
    latents = (settings.batch_size, *layout.find_latents())
    counted = estimate_memory(base, settings, latents, layout.make_conditions(1))
    _, drawing = count_coding(base, layout.side_px, DRAWN_AT_ONCE)
    encoders = layout.encoder_parameters * base.network.dtype.itemsize
    return replace(counted, encoders=encoders, drawing=drawing)


def find_need(memory: Memory) -> float:
    """Bytes of a training or an evaluation, which holds all of the base while its VAE draws."""
    evaluating = memory.network + memory.encoders + memory.drawing + memory.overhead
    return max(replace(memory, drawing=0).total, evaluating)


def list_cells(layout: Layout, memory: Memory) -> list[str]:
    parts = ("network", "encoders", "step", "coding", "drawing")
    need = find_need(memory)
    sizes = [f"{getattr(memory, part) / GIB:.2f}" for part in parts]
    return [layout.name, *sizes, f"{need / GIB:.1f}", str(math.ceil(need / 1e9))]


def main() -> None:
    rows = [list_cells(layout, estimate_layout(layout)) for layout in LAYOUTS.values()]
    print(table(HEAD, rows))


if __name__ == "__main__":
    main()
