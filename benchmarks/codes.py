"""Hashes to search among: random ones, a tenth of them near another."""

import numpy as np


def make_codes(count: int, seed: int = 7) -> np.ndarray:
    """Distinct uint64 codes (about `count`), a tenth of them 1 to 8 bits from another."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2**64, count, np.uint64)
    planted = rng.choice(count, count // 10, replace=False)
    near = codes[rng.integers(0, count, len(planted))]
    for _ in range(8):
        near ^= np.uint64(1) << rng.integers(0, 64, len(planted)).astype(np.uint64)
    codes[planted] = near
    return np.unique(codes)
