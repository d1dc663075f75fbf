"""Hashes to search among, a tenth of them near another; vectors to group, of planted groups."""

import numpy as np

GROUP = 50  # vectors, about


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


def make_vectors(count: int, seed: int = 7) -> np.ndarray:
    """Vectors (count, 768) float32 of length 1, about 50 around each of count / 50 centers.

    Two of a group have a cosine of about 0.5, two of different groups of about 0.
    """
    rng = np.random.default_rng(seed)
    centers = rng.standard_normal((count // GROUP, 768), np.float32)
    vectors = rng.standard_normal((count, 768), np.float32)
    vectors += centers[rng.integers(0, len(centers), count)]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
