"""LoRA layers of a base: put into its network and text encoders, read and set again by name.

A layer of a text encoder has the encoder's name before its own; one of the network has not.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from diffusers.training_utils import cast_training_params
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from peft.utils.other import get_pattern_key

from workflow_scripts.adapter.settings import Settings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import Base

ADAPTER = "default"  # as peft calls the one that is trained


@dataclass(frozen=True)
class Trained:
    """A part of a pipeline that is trained; `prefix` is "" or that of a text encoder."""

    prefix: str
    net: torch.nn.Module
    targets: list[str] | str


def list_trained(base: Base, settings: Settings) -> list[Trained]:
    """The network, and where they are trained the text encoders."""
    parts = [Trained("", base.network, base.targets)]
    if settings.text_encoder["train"]:
        if not base.text_parts:
            raise CineloraError(
                f"text_encoder: that of the family {base.family} is not trained: it is a language\n"
                "  model, and no host reads an adapter of it. Set train of text_encoder to false."
            )
        parts += [
            Trained(f"{name}.", getattr(base.pipeline, name), base.find_text_targets(name))
            for name in base.text_parts
        ]
    return parts


def add_adapters(parts: list[Trained], settings: Settings, seed: int) -> None:
    """Put LoRA layers into each part; B is 0 in all of them but with orthogonal starts."""
    torch.manual_seed(seed)  # before the layers are made, or their start would not be ours
    for part in parts:
        part.net.add_adapter(make_config(part, settings))
        cast_training_params(part.net)  # small updates are lost in bfloat16
    parts[0].net.train()
    _check_patterns(parts, settings)


def make_config(part: Trained, settings: Settings) -> LoraConfig:
    """What peft is asked for; EVA's start is set later (adapter/eva.py)."""
    return LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=part.targets,
        use_rslora=settings.rslora,
        rank_pattern=dict(settings.rank_pattern),
        alpha_pattern=dict(settings.alpha_pattern),
        init_lora_weights="orthogonal" if settings.init == "orthogonal" else True,
    )


def list_lora(part: Trained) -> dict[str, LoraLayer]:
    """LoRA layers of a part by their names in it."""
    modules = part.net.named_modules()
    return {name: module for name, module in modules if isinstance(module, LoraLayer)}


def _check_patterns(parts: list[Trained], settings: Settings) -> None:
    """A pattern that fits no layer was meant otherwise."""
    names = [name for part in parts for name in list_lora(part)]
    for option in ("rank_pattern", "alpha_pattern"):
        patterns = list(getattr(settings, option))
        used = {get_pattern_key(patterns, name) for name in names}
        if unused := [pattern for pattern in patterns if pattern not in used]:
            raise CineloraError(
                f"{option}: {', '.join(unused)} fits no layer of the adapter that no other fits.\n"
                f"  It has {len(names)} layers, such as {names[0]}.\n"
                "  A pattern is the end of a name after a dot, or a regular expression."
            )


def list_tensors(parts: list[Trained]) -> dict[str, torch.nn.Parameter]:
    """Trainable tensors by name."""
    return {
        part.prefix + name: tensor
        for part in parts
        for name, tensor in part.net.named_parameters()
        if tensor.requires_grad
    }


def list_alphas(parts: list[Trained], settings: Settings) -> dict[str, float]:
    """Alpha of each layer as files have it: hosts scale by alpha / rank, not by alpha / √rank."""
    found = {}
    for part in parts:
        for name, layer in list_lora(part).items():
            root = math.sqrt(layer.r[ADAPTER]) if settings.rslora else 1.0
            found[part.prefix + name] = layer.lora_alpha[ADAPTER] * root
    return found


def get_weights(parts: list[Trained]) -> dict[str, torch.Tensor]:
    """The adapter as it is now, under peft's names, on the CPU."""
    return {
        part.prefix + key: tensor.detach().clone().cpu()
        for part in parts
        for key, tensor in get_peft_model_state_dict(part.net).items()
    }


def set_weights(parts: list[Trained], weights: Mapping[str, torch.Tensor]) -> None:
    """Put an adapter's weights into its layers."""
    prefixes = [part.prefix for part in parts if part.prefix]
    for part in parts:
        others = [] if part.prefix else prefixes
        own = {
            key.removeprefix(part.prefix): tensor
            for key, tensor in weights.items()
            if key.startswith(part.prefix) and not key.startswith(tuple(others))
        }
        set_peft_model_state_dict(part.net, own)
