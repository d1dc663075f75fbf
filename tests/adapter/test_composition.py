"""Several adapters at once, in numbers: sets, what is kept, who disturbs whom, what predicts it."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.adapter.composition import (
    find_gains,
    find_interference,
    list_sets,
    make_rows,
    rank_predictor,
)
from workflow_scripts.adapter.intervals import Sample, estimate_mean, estimate_ratio


def sample(*values, seeds=1):
    return Sample(np.array(values, float), np.arange(len(values)) // seeds)


def test_each_alone_every_pair_and_all():
    assert list_sets(["a", "b", "c"]) == [
        *(("a",), ("b",), ("c",)),
        *(("a", "b"), ("a", "c"), ("b", "c")),
        ("a", "b", "c"),
    ]
    assert list_sets(["a", "b"]) == [("a",), ("b",), ("a", "b")]


def test_gains_are_positive_where_it_is_better_and_only_where_it_was_measured():
    base = {"heldout_loss": sample(1.0, 2.0), "similarity": sample(0.1, 0.2)}
    own = {"heldout_loss": sample(0.5, 1.0), "similarity": sample(0.4, 0.2)}
    gains = find_gains(own | {"diversity": sample(1)}, base | {"diversity": sample(1)})
    assert {name: gain.values.round(6).tolist() for name, gain in gains.items()} == {
        "heldout_loss": [0.5, 1.0],
        "similarity": [0.3, 0.0],
    }
    assert find_gains({"heldout_loss": sample()}, {"heldout_loss": sample()}) == {}


def test_half_of_every_gain_is_a_retention_of_a_half():
    alone = sample(1.0, 1.2, 0.8, 1.1)
    found = estimate_ratio(Sample(alone.values / 2, alone.clusters), alone)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_a_gain_that_is_not_clear_of_0_has_no_retention():
    unclear, harm = sample(1.0, -0.9, 0.8, -0.7), sample(-1.0, -1.1, -0.9, -1.0)
    assert np.isnan(estimate_ratio(sample(1.0, 1, 1, 1), unclear)[:3]).all()
    assert np.isnan(estimate_ratio(harm, harm)[:3]).all()
    assert np.isnan(estimate_ratio(sample(1.0), sample(1.0))[:3]).all()  # of one prompt


@pytest.mark.parametrize("prompts", [4, 8])
def test_the_interval_of_a_ratio_holds_the_truth_in_95_of_100_worlds(prompts):
    """Gains alone of 1 on average, of which .6 is kept, plus noise."""
    rng, held, worlds = np.random.default_rng(4), 0, 0
    for _ in range(300):
        level = 1 + 0.2 * np.repeat(rng.normal(size=prompts), 2)
        alone = Sample(level + 0.1 * rng.normal(size=2 * prompts), np.arange(2 * prompts) // 2)
        kept = Sample(0.6 * level + 0.2 * rng.normal(size=2 * prompts), alone.clusters)
        found = estimate_ratio(kept, alone)
        worlds += not np.isnan(found.low)
        held += found.low <= 0.6 <= found.high
    assert worlds > 290
    assert 0.92 <= held / worlds <= 0.98


def test_the_ends_of_a_ratio_are_where_the_difference_just_holds_0():
    rng = np.random.default_rng(0)
    alone = Sample(rng.normal(1, 0.2, 8), np.arange(8) // 2)
    kept = Sample(rng.normal(0.5, 0.2, 8), alone.clusters)
    found = estimate_ratio(kept, alone)
    for end in (found.low, found.high):
        rest = estimate_mean(Sample(kept.values - end * alone.values, alone.clusters))
        assert min(abs(rest.low), abs(rest.high)) == pytest.approx(0, abs=1e-9)
    assert found.low < found.value < found.high


def rows_of(*rows):
    """(attribute, beside, share kept of a gain of about 1) at full weight."""
    alone = {"heldout_loss": sample(1.0, 1.05, 0.95, 1.0)}
    found = []
    for attribute, beside, share in rows:
        kept = {"heldout_loss": Sample(alone["heldout_loss"].values * share, np.arange(4))}
        found += make_rows(attribute, beside, 1.0, kept, alone)
    return pd.DataFrame(found)


def test_what_is_lost_beside_another_is_named_worst_first():
    rows = rows_of(
        ("style", [], 1.0),
        ("style", ["lighting"], 0.6),
        ("pose", ["lighting"], 0.3),
        ("pose", ["style"], 1.1),
        ("style", ["lighting", "pose"], 0.1),  # of all, not of a pair
    )
    assert find_interference(rows) == [
        "pose loses 0.70 beside lighting (heldout loss; 0.70 to 0.70)",
        "style loses 0.40 beside lighting (heldout loss; 0.40 to 0.40)",
    ]
    assert rows["change"].round(6).tolist() == [0, -0.4, -0.7, 0.1, -0.9]


def test_a_cosine_that_orders_the_losses_predicts_them():
    pairs = {("a", "b"): 0.9, ("a", "c"): 0.5, ("b", "c"): 0.1}
    losing = {("a", "b"): 0.2, ("a", "c"): 0.6, ("b", "c"): 0.9}
    rows = rows_of(
        *((one, [other], losing[one, other]) for one, other in pairs),
        *((other, [one], losing[one, other]) for one, other in pairs),
    )
    assert rank_predictor(rows, pairs) == (pytest.approx(1), 3)
    opposite = {pair: -cosine for pair, cosine in pairs.items()}
    assert rank_predictor(rows, opposite) == (pytest.approx(-1), 3)
    few = rank_predictor(rows, {("a", "b"): 0.9})
    assert np.isnan(few[0]) and few[1] == 1
