"""What becomes the adapter: an average over the last steps, the optimizer's own, or the last one.

Measured and written is always this; the training itself goes on as if nobody had looked.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from diffusers.training_utils import EMAModel

from workflow_scripts.adapter.optimizers import Optimizers


class Average:
    """The exponential moving average of tensors; with decay 0 there is none.

    The decay is min(decay, (1 + n) / (10 + n)) at update n: the start is soon forgotten.
    """

    def __init__(
        self, tensors: Sequence[torch.nn.Parameter], decay: float, optimizer: Optimizers
    ) -> None:
        self.tensors, self.optimizer = list(tensors), optimizer
        self.moving = EMAModel(self.tensors, decay=decay, foreach=True) if decay else None

    def update(self) -> None:
        """Take in the tensors after an update."""
        if self.moving:
            self.moving.step(self.tensors)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the tensors are what would become the adapter."""
        if not self.moving and not self.optimizer.averages:
            yield
            return
        kept = [tensor.detach().clone() for tensor in self.tensors]
        try:
            with self.optimizer.averaged():
                if self.moving:
                    self.moving.copy_to(self.tensors)
                yield
        finally:  # bit by bit, so that measuring changes nothing
            for tensor, own in zip(self.tensors, kept, strict=True):
                tensor.data.copy_(own)

    def state_dict(self) -> dict[str, Any] | None:
        return self.moving.state_dict() if self.moving else None

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        if self.moving and state:
            self.moving.load_state_dict(state)
            self.moving.to(self.tensors[0].device)
