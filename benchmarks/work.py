"""What a net has to do for one item, counted on tensors without numbers (the device "meta").

Operations are those of matrix products, convolutions and attention, a multiplication and an
addition counting two. Bytes are what these read and write, in bfloat16 unless said otherwise, all
else fused into them and attention keeping its scores to itself, as flash attention does. What a
card's caches hold from one operation to the next does not reach its memory, so less may move.
"""

import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

VALUE_BYTES = 2  # of bfloat16


@dataclass(frozen=True)
class Work:
    """One item: operations, bytes of activations that move, most bytes of them held at once."""

    operations: float
    traffic: float
    peak: float = 0.0

    def times(self, count: float) -> "Work":
        """The same, `count` times one after the other."""
        return Work(count * self.operations, count * self.traffic, self.peak)

    def __add__(self, other: "Work") -> "Work":
        """One after the other."""
        both = self.operations + other.operations, self.traffic + other.traffic
        return Work(*both, max(self.peak, other.peak))


class Traffic(TorchDispatchMode):
    """Counts activations that matrix operations read and write, and what is held meanwhile.

    Weights are left out: a batch reads them once, whatever its size.
    """

    OPERATIONS = ("mm", "addmm", "bmm", "baddbmm", "convolution")

    def __init__(self, weights: set[int]):
        super().__init__()
        self.weights = weights
        self.values = self.held = self.peak = 0
        self.known: dict[int, int] = {}  # uses of each storage that is held

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        made = list_tensors(found)
        for tensor in made:
            self.hold(tensor)
        if func.overloadpacket.__name__ in self.OPERATIONS:
            read = [t for t in list_tensors(args) if key_of(t) not in self.weights]
            self.values += sum(tensor.numel() for tensor in [*read, *made])
        return found

    def hold(self, tensor: torch.Tensor) -> None:
        """Count a tensor's storage until nothing uses it."""
        key = key_of(tensor)
        if key in self.weights:
            return
        values = tensor.untyped_storage().nbytes() // tensor.element_size()
        if key not in self.known:
            self.held += values
            self.peak = max(self.peak, self.held)
        self.known[key] = self.known.get(key, 0) + 1
        weakref.finalize(tensor, self.release, key, values)

    def release(self, key: int, values: int) -> None:
        self.known[key] -= 1
        if not self.known[key]:
            del self.known[key]
            self.held -= values


@contextmanager
def flash_attention(traffic: Traffic) -> Iterator[list[int]]:
    """Attention as one operation that writes its result alone; gives the operations of each.

    The function is replaced where torch itself looks it up, so that nn.MultiheadAttention, which
    calls it from within, counts as those do that call it by name.
    """
    operations: list[int] = []
    former = functional.scaled_dot_product_attention

    def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_, **__):
        found = query.new_empty((*query.shape[:-1], value.shape[-1]))
        widths = query.shape[-1] + value.shape[-1]
        operations.append(2 * query.shape[:-1].numel() * key.shape[-2] * widths)
        traffic.values += sum(t.numel() for t in (query, key, value, found))
        return found

    functional.scaled_dot_product_attention = attend
    try:
        yield operations
    finally:
        functional.scaled_dot_product_attention = former


def key_of(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def list_tensors(values: Any) -> list[torch.Tensor]:
    """Tensors in a value, a list or a tuple of them."""
    if isinstance(values, torch.Tensor):
        return [values]
    nested = values if isinstance(values, (list, tuple)) else []
    return [tensor for value in nested for tensor in list_tensors(value)]


def count_work(
    net: torch.nn.Module, run: Callable[[], Any], value_bytes: int = VALUE_BYTES
) -> Work:
    """The work of one call of `run`, which uses `net` on the device "meta"; activations have
    `value_bytes` a value."""
    weights = {key_of(tensor) for tensor in (*net.parameters(), *net.buffers())}
    traffic = Traffic(weights)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, traffic, flash_attention(traffic) as attended:
        run()
    operations = counter.get_total_flops() + sum(attended)
    return Work(operations, value_bytes * traffic.values, value_bytes * float(traffic.peak))


def count_operations(run: Callable[[], Any]) -> int:
    """Operations of one call, its backward pass among them where it makes one."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def count_parameters(net: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in net.parameters())
