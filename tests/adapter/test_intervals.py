"""Means with intervals that hold the truth, of values that come in few clusters."""

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from workflow_scripts.adapter.intervals import Sample, estimate_difference, estimate_mean

WORLDS = 200  # whose intervals are counted; the standard error of a coverage of .95 is .015
SPREADS = {  # prompts or shots, spread between them, spread within
    "two prompts": (2, 1.0, 1.0),
    "three prompts": (3, 1.0, 1.0),
    "four prompts": (4, 1.0, 1.0),
    "four prompts that differ more than seeds": (4, 1.0, 0.3),
    "four prompts that differ less than seeds": (4, 0.3, 1.0),
    "eight prompts": (8, 1.0, 0.5),
    "many prompts": (20, 1.0, 1.0),
}


def sample(values, clusters=None):
    values = np.asarray(values, float)
    return Sample(values, np.arange(len(values)) if clusters is None else np.asarray(clusters))


def two_seeds(rng, count):
    return np.full(count, 2)


def shots_of_any_size(rng, count):
    return rng.geometric(0.35, count)


def draw_world(rng, count, between, within, sizes=two_seeds):
    """Values of a world whose true mean is 0: prompts or shots first, then what is in them."""
    clusters = np.repeat(np.arange(count), sizes(rng, count))
    level = between * rng.normal(size=count)
    return sample(level[clusters] + within * rng.normal(size=len(clusters)), clusters)


def percentiles(world, rng):
    """What stood here before: of means of resampled clusters, then of what is in them."""
    members = [world.values[world.clusters == one] for one in np.unique(world.clusters)]
    drawn = rng.integers(0, len(members), (300, len(members)))
    means = [
        np.concatenate([rng.choice(members[n], len(members[n])) for n in row]).mean()
        for row in drawn
    ]
    return np.percentile(means, [2.5, 97.5])


def cover(spread, sizes=two_seeds, interval=lambda world, _: estimate_mean(world)[1:3]):
    """Share of worlds whose interval holds the truth."""
    rng, held = np.random.default_rng(11), 0
    for _ in range(WORLDS):
        low, high = interval(draw_world(rng, *spread, sizes), rng)
        held += low <= 0 <= high
    return held / WORLDS


@pytest.mark.parametrize("sizes", [two_seeds, shots_of_any_size])
@pytest.mark.parametrize("name", SPREADS)
def test_intervals_hold_the_truth_in_95_of_100_worlds(name, sizes):
    assert 0.92 <= cover(SPREADS[name], sizes) <= 0.98


@pytest.mark.parametrize("name", ["three prompts", "four prompts that differ more than seeds"])
def test_percentiles_of_a_bootstrap_would_be_too_narrow(name):
    assert cover(SPREADS[name], interval=percentiles) < 0.9


def test_intervals_of_single_images_would_be_too_narrow():
    def as_if_single(world, _):
        return estimate_mean(sample(world.values))[1:3]

    assert cover(SPREADS["eight prompts"], interval=as_if_single) < 0.92


@pytest.mark.parametrize("counts", [(8, 6), (4, 3)])
def test_a_difference_of_two_samples_covers_too(counts):
    rng, held = np.random.default_rng(5), 0
    for _ in range(WORLDS):
        found = estimate_difference(*(draw_world(rng, n, 1.0, 1.0) for n in counts))
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / WORLDS <= 0.98


def test_of_clusters_of_one_size_it_is_the_interval_of_their_means():
    values = np.random.default_rng(1).normal(5, 1, 8)
    found = estimate_mean(sample(values, np.repeat(np.arange(4), 2)))
    means = values.reshape(4, 2).mean(1)
    wanted = ttest_rel(means, np.zeros(4)).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert (found.n, found.clusters) == (8, 4)


def test_of_two_sets_of_single_values_it_is_welchs():
    rng = np.random.default_rng(2)
    first, second = rng.normal(1, 1, 9), rng.normal(0, 3, 5)
    found = estimate_difference(sample(first), sample(second))
    wanted = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))


@pytest.mark.parametrize(
    ("values", "clusters"), [([], []), ([1.0], [0]), ([1.0, 2.0], [4, 4])],
    ids=["nothing", "one value", "one prompt"],
)  # fmt: skip
def test_an_interval_needs_two_clusters(values, clusters):
    found = estimate_mean(sample(values, clusters))
    assert np.isnan(found.low) and np.isnan(found.high)
    assert np.isnan(found.value) == (not values)
    assert (found.n, found.clusters) == (len(values), len(set(clusters)))


def test_a_difference_of_one_shot_has_no_interval():
    found = estimate_difference(sample([2.0, 4.0]), sample([1.0, 1.0], [3, 3]))
    assert found.value == 2
    assert np.isnan(found.low)


def test_the_order_of_values_and_the_numbers_of_clusters_do_not_count():
    plain = sample([1, 2, 4, 8, 3], [0, 0, 1, 1, 2])
    mixed = sample([8, 3, 1, 4, 2], [5, 9, 2, 5, 2])
    assert estimate_mean(plain) == pytest.approx(estimate_mean(mixed))


def test_values_that_agree_have_an_interval_of_no_width():
    alike = sample([0.0] * 4, [0, 0, 1, 1])
    assert estimate_mean(alike)[:3] == (0, 0, 0)
    assert estimate_difference(alike, alike)[:3] == (0, 0, 0)
