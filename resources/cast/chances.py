"""Choices by shares."""

import numpy as np


def draw(shares: dict[str, float], rng: np.random.Generator) -> str:
    """A key, as often as its share says."""
    weights = np.array(list(shares.values())) / sum(shares.values())
    return str(rng.choice(list(shares), p=weights))
