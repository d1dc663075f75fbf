"""How gradients become updates: a table of optimizers, and what share of the rate tensors have."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

Groups = list[dict[str, Any]]  # as torch takes them; `ratio` is their share of the learning rate


class Optimizers:
    """Several optimizers, each with tensors of its own, as one."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]):
        self.parts = list(parts)

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next step; some tensors have a multiple of it."""
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate * group["ratio"]

    def step(self) -> None:
        """Update all tensors, and let go of their gradients."""
        for part in self.parts:
            part.step()
            part.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, Any]]:
        return [part.state_dict() for part in self.parts]

    def load_state_dict(self, states: Sequence[dict[str, Any]]) -> None:
        for part, state in zip(self.parts, states, strict=True):
            part.load_state_dict(state)


def make_adamw(groups: Groups, rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """AdamW for all tensors."""
    return [torch.optim.AdamW(groups, rate, weight_decay=weight_decay)]


def make_muon(groups: Groups, rate: float, weight_decay: float) -> list[torch.optim.Optimizer]:
    """Muon for matrices, which are all that it takes; AdamW for the rest, such as convolutions.

    Its updates are scaled to the size of AdamW's (Liu 2025, "Muon is scalable for LLM training"),
    so that one learning rate serves both.
    """
    matrices, rest = (_filter(groups, is_matrix) for is_matrix in (True, False))
    options = {"weight_decay": weight_decay, "adjust_lr_fn": "match_rms_adamw"}
    muon = [torch.optim.Muon(matrices, rate, **options)] if matrices else []
    return muon + (make_adamw(rest, rate, weight_decay) if rest else [])


def _filter(groups: Groups, is_matrix: bool) -> Groups:
    """The groups with those of their tensors that are matrices, or with those that are not."""
    kept = [
        {**g, "params": [p for p in g["params"] if (p.dim() == 2) == is_matrix]} for g in groups
    ]
    return [group for group in kept if group["params"]]


OPTIMIZERS: dict[str, Callable[[Groups, float, float], list[torch.optim.Optimizer]]] = {
    "adamw": make_adamw,
    "muon": make_muon,
}
NAMES = {"adamw": "torch.optim.AdamW", "muon": "torch.optim.Muon"}  # in the header of a file


def make_optimizers(
    name: str,
    tensors: Mapping[str, torch.nn.Parameter],
    *,
    rate: float,
    weight_decay: float,
    loraplus_lr_ratio: float,
) -> Optimizers:
    """The named optimizer of an adapter's tensors, of which lora_B has a multiple of the rate."""
    groups = _group(tensors, loraplus_lr_ratio)
    return Optimizers(OPTIMIZERS[name](groups, rate, weight_decay))


def _group(tensors: Mapping[str, torch.nn.Parameter], ratio: float) -> Groups:
    """One group; two where lora_B has a rate of its own (LoRA+, Hayou 2024)."""
    if ratio == 1:
        return [{"params": list(tensors.values()), "ratio": 1.0}]
    ups = [tensor for name, tensor in tensors.items() if "lora_B" in name]
    downs = [tensor for name, tensor in tensors.items() if "lora_B" not in name]
    return [{"params": downs, "ratio": 1.0}, {"params": ups, "ratio": ratio}]
