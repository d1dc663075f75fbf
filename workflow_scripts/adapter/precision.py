"""In which numbers a training computes, and what float16 needs besides: a scale of the loss."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from workflow_scripts.adapter.optimizers import Optimizers
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log
from workflow_scripts.models.diffusion import Base

# Overflows in a row: the scale begins at 65536, so that it is then below a thousandth
MOST_OVERFLOWS = 27
LARGE = 1_500_000_000  # parameters of a network: Stable Diffusion 1.5 has .9, SDXL 2.6 billion


class LossScaler:
    """Torch's GradScaler over several optimizers; it counts the updates that overflow left out.

    Disabled, which it is but for float16, it does nothing.
    """

    def __init__(self, device: str, *, enabled: bool):
        self.scaler = torch.amp.GradScaler(device, enabled=enabled)
        self.overflows = self.in_a_row = 0

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        """The loss to differentiate: large enough that float16 keeps small gradients."""
        return self.scaler.scale(loss)

    def unscale(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        """Bring gradients back to their size, and see whether one is no number."""
        if self.scaler.is_enabled():
            for part in parts:
                self.scaler.unscale_(part)

    def step(self, optimizer: Optimizers, norm: float) -> None:
        """Update, unless gradients of this norm overflowed; an error if that never ends."""
        if not self.scaler.is_enabled():
            return optimizer.step()
        if math.isfinite(norm):
            self.in_a_row = 0
            for part in optimizer.parts:
                self.scaler.step(part)
        else:
            self._count_overflow()
        self.scaler.update()
        return optimizer.drop_gradients()

    def _count_overflow(self) -> None:
        scale = self.scaler.get_scale()
        self.overflows, self.in_a_row = self.overflows + 1, self.in_a_row + 1
        if self.in_a_row > MOST_OVERFLOWS:
            raise CineloraError(
                f"{self.in_a_row} updates in a row overflowed float16, at a loss scale of now\n"
                f"  {scale:g}. Set precision to bfloat16 or float32, or lower the learning rate."
            )
        log.warning("gradients overflowed float16 at a loss scale of %g: no update", scale)

    def state_dict(self) -> dict[str, Any]:
        counts = {"overflows": self.overflows, "in_a_row": self.in_a_row}
        return {"scaler": self.scaler.state_dict(), **counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scaler.load_state_dict(state["scaler"])
        self.overflows, self.in_a_row = state["overflows"], state["in_a_row"]


def prepare_base(base: Base, settings: Settings) -> Base:
    """The base as it is trained: in which numbers, with how much kept in memory, compiled or not.

    Attention is torch's scaled_dot_product_attention in every family: diffusers' own choice.
    """
    precision = settings.precision
    if precision == "float16" and base.device == "cpu":
        raise CineloraError(
            "precision float16 trains on a GPU only, and this base is on the CPU.\n"
            "  Set adapter precision to auto, float32 or bfloat16."
        )
    if precision == "float32":
        base.network.float()  # a base published in bfloat16 is opened so
    if choose_checkpointing(settings.gradient_checkpointing, base.network):
        base.network.enable_gradient_checkpointing()
    return replace(base, precision=precision)


def choose_checkpointing(asked: bool | str, network: torch.nn.Module) -> bool:
    """Whether to compute activations twice to keep fewer: auto does so from SDXL's size on."""
    if asked != "auto":
        return bool(asked)
    return sum(tensor.numel() for tensor in network.parameters()) > LARGE


def compile_network(base: Base) -> None:
    """Let torch compile the network, which keeps its names; an error where no compiler works."""
    try:
        torch.compile(_try_compiler)(torch.ones(8, device=base.device))
    except (RuntimeError, ImportError, OSError) as error:  # of a tool that is missing or fails
        raise CineloraError(
            f"compile: torch cannot compile here ({str(error).strip().splitlines()[0][:160]}).\n"
            "  Install a C++ compiler (apt install g++), or set adapter compile to false."
        ) from error
    base.network.compile()


def _try_compiler(values: torch.Tensor) -> torch.Tensor:
    return values * 2 + values.sin()
