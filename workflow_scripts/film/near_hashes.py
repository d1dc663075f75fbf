"""Exact search for pairs of similar 64-bit hashes: near-linear in their number."""

from itertools import combinations
from math import comb

import numpy as np

from workflow_scripts.film.decoding.hashes import distances

BRUTE_BELOW = 20_000  # codes; up to here comparing all pairs takes less than importing numba
BLOCK = 256  # codes compared with all others in one go
ROOM = 1 << 20  # pairs that the first buffer holds; it grows

# A chunk is (first bit, bits, radius). When the radii of all chunks satisfy sum(radius + 1) > r,
# two codes within r bits agree to within its radius on at least one chunk (pigeonhole): looking
# there finds every pair, and near-equal chunks are found by sorting.
Chunk = tuple[int, int, int]
Pairs = tuple[np.ndarray, np.ndarray]


def find_pairs(codes: np.ndarray, radius: int) -> Pairs:
    """Every pair (i, j), i < j, of different uint64 codes (N,) within `radius` bits, each once.

    Codes must be distinct (np.unique): one flat image in thousands of copies would alone give
    millions of pairs. Memory: some 60 bytes a code and 16 a pair, and the pairs of one look.
    """
    if len(codes) < BRUTE_BELOW:
        return _pairs_by_brute_force(codes, radius)
    chunks = _cut(len(codes), radius)
    found = [_pairs_by_chunk(codes, chunks[: last + 1], radius) for last in range(len(chunks))]
    left, right = (np.concatenate(side) for side in zip(*found, strict=True))
    return left, right


def _pairs_by_brute_force(codes: np.ndarray, radius: int) -> Pairs:
    left, right = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(codes), BLOCK):
        near = distances(codes[start : start + BLOCK, None], codes[None, start:]) <= radius
        i, j = np.nonzero(near)
        left.append(i[j > i] + start)
        right.append(j[j > i] + start)
    return np.concatenate(left), np.concatenate(right)


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


def _pairs_by_chunk(codes: np.ndarray, chunks: list[Chunk], radius: int) -> Pairs:
    """Pairs that agree on the last of the chunks, and on none before it (those are found there)."""
    # numba takes half a second to import, and most films have too few frames to need it
    from workflow_scripts.film.near_hashes_compiled import collect_pairs

    first, bits, flips = chunks[-1]
    keys = ((codes >> np.uint64(first)) & np.uint64(2**bits - 1)).astype(np.uint32)
    order = np.argsort(keys)
    keys, codes = keys[order], codes[order]
    starts = np.zeros(2**bits + 1, np.int32)
    np.cumsum(np.bincount(keys, minlength=2**bits), out=starts[1:])
    masks = np.array([((1 << size) - 1) << start for start, size, _ in chunks[:-1]], np.uint64)
    slacks = np.array([slack for *_, slack in chunks[:-1]], np.int64)
    room = np.empty(ROOM, np.int32), np.empty(ROOM, np.int32)
    found = []
    for flip in _flips(bits, flips):
        count = collect_pairs(codes, keys, starts, flip, radius, masks, slacks, *room)
        if count > len(room[0]):
            room = np.empty(count, np.int32), np.empty(count, np.int32)
            count = collect_pairs(codes, keys, starts, flip, radius, masks, slacks, *room)
        found.append((order[room[0][:count]], order[room[1][:count]]))
    i, j = (np.concatenate(side) for side in zip(*found, strict=True))
    return np.minimum(i, j), np.maximum(i, j)


def _flips(bits: int, most: int) -> list[np.uint32]:
    """All ways to flip up to `most` of so many bits, as masks."""
    chosen = (c for count in range(most + 1) for c in combinations(range(bits), count))
    return [np.uint32(sum(1 << bit for bit in bits_set)) for bits_set in chosen]
