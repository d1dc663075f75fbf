"""A training step on tensors without numbers: what it holds and computes, known before it runs.

The network is built again from its config with an adapter's layers, and takes a whole step, forward
and backward, in torch's FakeTensorMode: every shape and type is true, nothing is stored.
"""

import weakref
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from workflow_scripts.adapter.lora_layers import add_adapters, list_tensors, list_trained
from workflow_scripts.adapter.precision import prepare_base
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.models.diffusion import Base, Conditions, fast


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of tensors made within that still live, and the most of them at once."""

    def __init__(self) -> None:
        super().__init__()
        self.live = self.peak = 0
        self.known: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        found = func(*args, **(kwargs or {}))
        given = {_key(tensor) for tensor in _list_tensors([*args, *(kwargs or {}).values()])}
        for tensor in _list_tensors(found):
            if _key(tensor) not in given:  # no view, no result in place
                self._hold(tensor.untyped_storage())
        return found

    def _hold(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.known:
            return
        self.known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self.known.discard(key)
        self.live -= size


def _key(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _list_tensors(values: Any) -> list[torch.Tensor]:
    if isinstance(values, torch.Tensor):
        return [values]
    nested = values if isinstance(values, list | tuple) else []
    return [tensor for value in nested for tensor in _list_tensors(value)]


def count_coding(base: Base, side_px: int, images: int) -> tuple[int, int]:
    """Most bytes held while one image becomes latents, and while latents become so many images.

    In the VAE's own numbers, in which it encodes; drawing may use narrower ones.
    """
    vae = base.pipeline.vae
    with torch.device("meta"):
        shown = type(vae).from_config(vae.config).to(vae.dtype).eval()
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    counted = []
    with mode, torch.no_grad():
        _give_shapes(shown)
        side = side_px // base.pipeline.vae_scale_factor
        latents = torch.empty(images, vae.config.latent_channels, side, side, dtype=vae.dtype)
        pixels = torch.empty(1, 3, side_px, side_px, dtype=vae.dtype)
        for run, given in ((shown.encode, pixels), (shown.decode, latents)):
            with LiveBytes() as held:
                run(given)
            counted.append(held.peak)
    return counted[0], counted[1]


def widen_norms(network: torch.nn.Module) -> None:
    """Compute norms in float32, as autocast does on a GPU, and does not on a CPU."""
    for module in network.modules():
        if isinstance(module, torch.nn.GroupNorm | torch.nn.LayerNorm):
            module.float().register_forward_pre_hook(lambda _, given: tuple(map(_widen, given)))


def _widen(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) else value


@dataclass(frozen=True)
class Shadow:
    """A base with an adapter's layers, whose tensors have no numbers."""

    base: Base  # on the CPU, whatever device it stands for
    mode: FakeTensorMode
    tensors: dict[str, torch.nn.Parameter]  # that are trained

    def take_step(self, latents: Sequence[int], conditions: Conditions) -> None:
        """Loss and gradients of a batch of latents (B, C, h, w); conditions are those of one image.

        Runs within modes of the caller that count.
        """
        with self.mode:
            batch = latents[0]
            noisy, wanted = torch.empty(latents), torch.empty(latents)
            times = torch.zeros(batch, dtype=torch.long)
            told = {
                name: torch.empty((batch, *one.shape[1:]), dtype=one.dtype)
                for name, one in conditions.items()
            }
            with fast(self.base):  # noise is added by numbers that are not there
                predicted = self.base.predict(noisy, times, told)
            ((predicted.float() - wanted) ** 2).mean().backward()
        for tensor in self.tensors.values():
            tensor.grad = None


def make_shadow(base: Base, settings: Settings) -> Shadow:
    """What would be trained with these settings; takes seconds, and no memory of note."""
    on_gpu = base.device == "cuda"
    narrow = "bfloat16" if on_gpu else "float32"  # what auto comes to
    precision = {"auto": narrow, "float16": "bfloat16"}.get(settings.precision, settings.precision)
    pipeline = copy(base.pipeline)
    with torch.device("meta"):
        network = type(base.network).from_config(base.network.config)
        network.to(base.network.dtype).requires_grad_(False)
        pipeline.register_modules(**{base.network_name: network})
        plain = replace(settings, text_encoder={**settings.text_encoder, "train": False})
        shown = prepare_base(replace(base, pipeline=pipeline), plain)
        parts = list_trained(shown, plain)
        with torch.random.fork_rng(devices=[]):
            add_adapters(parts, plain, 0)
        if on_gpu:
            widen_norms(network)
    mode = FakeTensorMode(allow_non_fake_inputs=True)  # the noise schedule has numbers
    with mode:
        _give_shapes(network)
    shown = replace(shown, device="cpu", precision=precision)
    return Shadow(shown, mode, list_tensors(parts))


def _give_shapes(network: torch.nn.Module) -> None:
    """Tensors of the device "meta" become such of a CPU, for which autocast is there."""
    for module in network.modules():
        for name, tensor in module._parameters.items():
            if tensor is not None:
                known = torch.empty(tensor.shape, dtype=tensor.dtype)
                known = torch.nn.Parameter(known, requires_grad=tensor.requires_grad)
                module._parameters[name] = known
        for name, tensor in module._buffers.items():
            if tensor is not None:
                module._buffers[name] = torch.empty(tensor.shape, dtype=tensor.dtype)
