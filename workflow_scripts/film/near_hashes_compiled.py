"""The inner loop of the search for similar hashes, compiled; importing this imports numba."""

import numpy as np
from numba import njit


@njit(inline="always")
def count_bits(code: np.uint64) -> np.uint64:
    """Set bits of a uint64; LLVM knows this pattern and makes one instruction of it."""
    code -= (code >> np.uint64(1)) & np.uint64(0x5555555555555555)
    pairs = np.uint64(0x3333333333333333)
    code = (code & pairs) + ((code >> np.uint64(2)) & pairs)
    code = (code + (code >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return (code * np.uint64(0x0101010101010101)) >> np.uint64(56)


@njit(cache=True, nogil=True)
def collect_pairs(codes, keys, starts, flip, radius, masks, slacks, left, right):
    """Find the pairs of codes within `radius` bits whose keys differ by exactly `flip`.

    `codes` (N,) uint64 are sorted by `keys` (N,), a chunk of them; `starts` has the first position
    of each key. A pair that agrees to within its slack on a chunk in `masks` is left out. Writes
    positions into `left` and `right` while there is room; returns how many pairs there are.
    """
    found = 0
    for one in range(len(keys)):
        other = keys[one] ^ flip
        if other < keys[one]:
            continue  # the pair is found from its other side
        begin = one + 1 if flip == 0 else starts[other]
        for two in range(begin, starts[other + 1]):
            apart = codes[one] ^ codes[two]
            if count_bits(apart) > radius:
                continue
            is_new = True
            for earlier in range(len(masks)):
                is_new &= count_bits(apart & masks[earlier]) > slacks[earlier]
            if is_new:
                if found < len(left):
                    left[found], right[found] = one, two
                found += 1
    return found
