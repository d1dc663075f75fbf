"""How alike the changes are that two adapters make: the cosine of their weights, layer by layer.

An adapter adds alpha / rank * B A to a layer. The inner product of two such changes is that of
small matrices, <B1 A1, B2 A2> = sum((B1' B2) * (A1 A2')): none of the layer's own size is made.
"""

from dataclasses import dataclass

import numpy as np
import torch

from workflow_scripts.adapter.adapter_file import ALPHA, AdapterFile


@dataclass(frozen=True)
class Delta:
    """What an adapter adds to one layer: up (out, rank) times down (rank, in), scaled."""

    up: torch.Tensor
    down: torch.Tensor

    def dot(self, other: "Delta") -> float:
        """Inner product with another change of the same layer."""
        return float(((self.up.T @ other.up) * (self.down @ other.down.T)).sum())


def read_deltas(file: AdapterFile) -> dict[str, Delta]:
    """The change of each layer of a file with kohya's names."""
    found = {}
    for name in file.modules:
        down = file.tensors[f"{name}.lora_down.weight"].double().flatten(1)
        up = file.tensors[f"{name}.lora_up.weight"].double().flatten(1)
        found[name] = Delta(up * float(file.tensors[name + ALPHA]) / len(down), down)
    return found


def compare_layers(first: dict[str, Delta], second: dict[str, Delta]) -> list[dict]:
    """A row for each layer that both change: cosine of the changes, and their lengths."""
    rows = []
    for layer in sorted(first.keys() & second.keys()):
        one, two = first[layer], second[layer]
        lengths = np.sqrt(one.dot(one)), np.sqrt(two.dot(two))
        cosine = one.dot(two) / np.prod(lengths) if all(lengths) else np.nan
        rows.append({"layer": layer, "cosine": cosine, "first": lengths[0], "second": lengths[1]})
    return rows


def compare_whole(first: dict[str, Delta], second: dict[str, Delta]) -> float:
    """Cosine of all changes together, as if they were one long vector; nan where one is 0."""
    common = first.keys() & second.keys()
    dot = sum(first[layer].dot(second[layer]) for layer in common)
    lengths = [sum(one.dot(one) for one in deltas.values()) for deltas in (first, second)]
    return float(dot / np.sqrt(np.prod(lengths))) if all(lengths) else np.nan
