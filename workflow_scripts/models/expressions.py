"""What a model of the role expression is: it names emotions, and says how large it looks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Expression:
    """`expression(tight square RGB views)` -> (N, 7) probabilities in the order of EMOTIONS."""

    classify: Callable[[Sequence[np.ndarray]], np.ndarray]
    view_px: int  # side of the views; of smaller ones it would see less than there is

    def __call__(self, views: Sequence[np.ndarray]) -> np.ndarray:
        return self.classify(views)
