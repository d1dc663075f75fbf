"""The search for near hashes against comparing all pairs: random codes, and those of a film."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_scripts.film import near_hashes
from workflow_scripts.film.decoding.hashes import distances, hash_luma
from workflow_scripts.film.decoding.measures import shrink
from workflow_scripts.film.decoding.video import Film
from workflow_scripts.film.decoding.yuv import view_planes

DEMO = Path(__file__).parents[2] / "resources/demo_film/film.mp4"


def all_pairs(codes, radius):
    near = distances(codes[:, None], codes[None]) <= radius
    return {(i, j) for i, j in zip(*np.nonzero(near), strict=True) if i < j}


def found_pairs(codes, radius):
    left, right = near_hashes.find_pairs(codes, radius)
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


@cache
def film_codes():
    """Distinct hashes of all frames of the demo film: crowded, as those of films are."""
    with Film(DEMO, 2) as film:
        codes = [hash_luma(shrink(view_planes(frame)[0])) for _, frame in film]
    return np.unique(np.array(codes, np.uint64))


@pytest.fixture
def compiled(monkeypatch):
    """Even few codes are searched as many are, and the room for pairs must grow."""
    monkeypatch.setattr(near_hashes, "BRUTE_BELOW", 0)
    monkeypatch.setattr(near_hashes, "ROOM", 3)


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
        patch.setattr(near_hashes, "BRUTE_BELOW", 0)
        patch.setattr(near_hashes, "ROOM", 3)  # grows
        assert found_pairs(codes, radius) == all_pairs(codes, radius)


@pytest.mark.parametrize("radius", [4, 8])
def test_large_sets_are_searched_exactly(radius):
    codes = crowd(1, near_hashes.BRUTE_BELOW + 1000)
    assert found_pairs(codes, radius) == all_pairs(codes, radius)


@pytest.mark.parametrize("radius", [0, 4, 8, 12])
def test_hashes_of_a_film_are_searched_exactly(compiled, radius):
    codes = film_codes()
    assert len(codes) > 150
    assert found_pairs(codes, radius) == all_pairs(codes, radius)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 150), radius=st.integers(0, 12))
def test_any_part_of_a_film_is_searched_exactly(seed, count, radius):
    codes = np.random.default_rng(seed).choice(film_codes(), count, replace=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_hashes, "BRUTE_BELOW", 0)
        assert found_pairs(codes, radius) == all_pairs(codes, radius)
