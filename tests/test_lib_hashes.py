"""The hash against imagehash; the search against comparing all pairs."""

import imagehash
import numpy as np
import pytest
from films_in_code import draw_scene
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from workflow_scripts.lib.film import hashes
from workflow_scripts.lib.film.measures import shrink


def all_pairs(codes, radius):
    near = hashes.distances(codes[:, None], codes[None]) <= radius
    return {(i, j) for i, j in zip(*np.nonzero(near), strict=True) if i < j}


def found_pairs(codes, radius):
    left, right = hashes.find_pairs(codes, radius)
    pairs = list(zip(left.tolist(), right.tolist(), strict=True))
    assert len(pairs) == len(set(pairs)), "a pair was found twice"
    return set(pairs)


def crowd(seed, count):
    """Distinct codes, many of them a few bits from another."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 2**64, count, np.uint64)
    for flips in range(6):
        some = rng.integers(0, count, count // 4)
        codes[rng.integers(0, count, count // 4)] = codes[some] ^ np.uint64(1 << (9 * flips))
    return np.unique(codes)


def test_distance_to_imagehash():
    distances = []
    for seed in range(60):
        image = draw_scene(seed, (320, 180))
        grey = np.asarray(Image.fromarray(image).convert("L"))
        theirs = int(str(imagehash.phash(Image.fromarray(image))), 16)
        distances.append((hashes.hash_luma(shrink(grey)) ^ theirs).bit_count())
    assert np.mean(np.array(distances) <= 2) >= 0.9
    assert max(distances) <= 6


def test_a_hash_survives_brightness_and_size():
    image = draw_scene(4, (320, 180))[..., 1]
    half = shrink(image, (160, 90))
    code = hashes.hash_luma(shrink(image))
    assert (code ^ hashes.hash_luma(half)).bit_count() <= 2
    assert (code ^ hashes.hash_luma((half * 0.7).astype(np.uint8))).bit_count() <= 4


@settings(deadline=None, max_examples=25)
@given(
    codes=st.lists(st.integers(0, 2**64 - 1), max_size=60, unique=True),
    radius=st.integers(0, 16),
)
def test_small_sets_are_searched_exactly(codes, radius):
    codes = np.array(codes, np.uint64)
    assert found_pairs(codes, radius) == all_pairs(codes, radius)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 300), radius=st.integers(0, 16))
def test_chunks_lose_no_pair(seed, count, radius):
    codes = crowd(seed, count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashes, "BRUTE_BELOW", 0)
        patch.setattr(hashes, "SLAB", 50)
        assert found_pairs(codes, radius) == all_pairs(codes, radius)


@pytest.mark.parametrize("radius", [4, 8])
def test_large_sets_are_searched_exactly(radius):
    codes = crowd(1, 6000)
    assert found_pairs(codes, radius) == all_pairs(codes, radius)
