"""Captions that are read anew in each step, because their text encoders are in training."""

import torch

from workflow_scripts.adapter.examples import Examples, order_captions
from workflow_scripts.models.diffusion import Base, Conditions


class FreshCaptions:
    """The captions of a split in the orders in which it was cached."""

    def __init__(self, base: Base, examples: Examples, keep_tokens: int, seed: int):
        self.base = base
        self.texts = order_captions(examples.images, examples.orders, keep_tokens, seed)

    def read(self, members: list[int], dropped: torch.Tensor, order: torch.Tensor) -> Conditions:
        """Conditions (B, ...) of some images, with gradients; "" of those that are dropped (B,)."""
        rows = zip(members, dropped.tolist(), order.tolist(), strict=True)
        return self.base.encode_prompts(
            ["" if drop else self.texts[i][one] for i, drop, one in rows]
        )
