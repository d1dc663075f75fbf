"""Adapters that tests share: random ones in kohya's names, and what an adapter adds to a base."""

import torch

from workflow_scripts.models.diffusion import list_nets


def make_random(opened, seed):
    """Tensors of an adapter of random weights, as a kohya file has them."""
    rng, tensors = torch.Generator().manual_seed(seed), {}
    for name, module in opened.pipeline.unet.named_modules():
        if name.endswith(("attn2.to_q", "attn2.to_v")):
            key = f"lora_unet_{name.replace('.', '_')}"
            tensors[f"{key}.alpha"] = torch.tensor(2.0)
            tensors[f"{key}.lora_down.weight"] = torch.randn(2, module.in_features, generator=rng)
            tensors[f"{key}.lora_up.weight"] = torch.randn(module.out_features, 2, generator=rng)
    return tensors


def list_deltas(base):
    """By layer, what an adapter at its strength now adds to the weights, (out, in)."""
    deltas = {}
    for part, net in list_nets(base.pipeline).items():
        for name, layer in net.named_modules():
            if getattr(layer, "lora_A", None):
                (adapter,) = layer.active_adapters
                deltas[f"{part}.{name}"] = layer.get_delta_weight(adapter).detach()
    return deltas
