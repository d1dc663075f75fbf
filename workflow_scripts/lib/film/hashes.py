"""Perceptual hashes (the bits of imagehash.phash) and an exact search for pairs of similar ones."""

from itertools import combinations
from math import comb

import cv2
import numpy as np

SIDE = 32  # a picture is hashed at 32x32
LOW = 8  # its 8x8 lowest frequencies give the 64 bits
BRUTE_BELOW = 3000  # codes; comparing all pairs is faster up to here
SLAB = 4_000_000  # candidate pairs looked at in one go; bounds memory to some 150 MB


def _cosines() -> np.ndarray:
    places = 2 * np.arange(SIDE) + 1
    waves = np.arange(LOW)[:, None]
    return np.cos(np.pi * places * waves / (2 * SIDE)).astype(np.float32)


COSINES = _cosines()


def hash_luma(luma: np.ndarray) -> int:
    """64-bit perceptual hash of a small luma plane (h, w) uint8; bit order of imagehash.phash."""
    small = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = COSINES @ small @ COSINES.T
    bits = np.packbits(low.ravel() > np.median(low))
    return int.from_bytes(bits.tobytes(), "big")


def distances(codes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Bits that differ, elementwise, of two arrays of uint64."""
    return np.bitwise_count(codes ^ others)


def find_pairs(codes: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pair (i, j) of different uint64 codes (N,) within `radius` bits, each once; exact.

    Codes must be distinct (np.unique): one flat picture in thousands of copies would alone give
    millions of pairs.
    """
    if len(codes) < BRUTE_BELOW:
        return _pairs_by_brute_force(codes, radius)
    found = [_pairs_by_chunk(codes, plan, radius) for plan in _prefixes(_cut(len(codes), radius))]
    left, right = (np.concatenate(side) for side in zip(*found, strict=True))
    return left, right


def _pairs_by_brute_force(codes: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(codes), 512):
        near = distances(codes[start : start + 512, None], codes[None, start:]) <= radius
        i, j = np.nonzero(near)
        left.append(i[j > i] + start)
        right.append(j[j > i] + start)
    return np.concatenate(left), np.concatenate(right)


# A chunk is (first bit, bits, radius). When the radii of all chunks satisfy sum(radius + 1) > r,
# two codes within r bits agree to within its radius on at least one chunk (pigeonhole): looking
# there finds every pair, and near-equal chunks are found by sorting.
Chunk = tuple[int, int, int]


def _cut(count: int, radius: int) -> list[Chunk]:
    """Cut 64 bits into the chunks that need the fewest looks for `count` codes."""
    plans = [_even_chunks(parts, radius) for parts in range(1, max(radius + 1, 3) + 1)]
    plans = [plan for plan in plans if plan[0][1] <= 24 and max(c[2] for c in plan) <= 3]
    return min(plans, key=lambda plan: sum(_looks(chunk, count) for chunk in plan))


def _even_chunks(parts: int, radius: int) -> list[Chunk]:
    spare, start, chunks = max(radius + 1 - parts, 0), 0, []
    for part in range(parts):
        bits = 64 // parts + (part < 64 % parts)
        chunks.append((start, bits, spare // parts + (part < spare % parts)))
        start += bits
    return chunks


def _looks(chunk: Chunk, count: int) -> float:
    _, bits, radius = chunk
    return sum(comb(bits, flips) for flips in range(radius + 1)) * (1.5 + count / 2**bits)


def _prefixes(chunks: list[Chunk]) -> list[list[Chunk]]:
    return [chunks[: last + 1] for last in range(len(chunks))]


def _pairs_by_chunk(
    codes: np.ndarray, chunks: list[Chunk], radius: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that agree on the last of the chunks, and on none before it (those are found there)."""
    first, bits, flips = chunks[-1]
    keys = _chunk_of(codes, first, bits)
    order = np.argsort(keys, kind="stable")
    keys, codes = keys[order], codes[order]
    starts = np.searchsorted(keys, np.arange(2**bits + 1))
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for mask in _masks(bits, flips):
        for i, j in _candidates(keys, starts, mask):
            bits_apart = codes[i] ^ codes[j]
            near = np.bitwise_count(bits_apart) <= radius
            for start, size, slack in chunks[:-1]:
                near &= np.bitwise_count(_chunk_of(bits_apart, start, size)) > slack
            left.append(order[i[near]])
            right.append(order[j[near]])
    i, j = np.concatenate(left), np.concatenate(right)
    return np.minimum(i, j), np.maximum(i, j)


def _candidates(keys: np.ndarray, starts: np.ndarray, mask: int):
    """Positions (i, j) whose sorted keys differ by exactly `mask`, in slabs; each pair once."""
    other = keys ^ mask
    begin, end = starts[other], starts[other + 1]
    if mask == 0:
        begin = np.arange(1, len(keys) + 1)
    counts = np.where(other >= keys, end - begin, 0)
    rows = np.flatnonzero(counts)
    slabs = np.cumsum(counts[rows]) // SLAB
    for slab in np.unique(slabs):
        part = rows[slabs == slab]
        sizes = counts[part]
        within = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        yield np.repeat(part, sizes), np.repeat(begin[part], sizes) + within


def _chunk_of(codes: np.ndarray, first: int, bits: int) -> np.ndarray:
    return ((codes >> np.uint64(first)) & np.uint64(2**bits - 1)).astype(np.int64)


def _masks(bits: int, flips: int) -> list[int]:
    chosen = (c for count in range(flips + 1) for c in combinations(range(bits), count))
    return [sum(1 << bit for bit in bits_set) for bits_set in chosen]
