"""Consistency: a collapsed model cannot win, nor can one that draws somebody else each time."""

import numpy as np
import pytest

from workflow_scripts.adapter.consistency import (
    Levels,
    Pairs,
    average_pairs,
    compare_pairs,
    draw_counts,
    find_levels,
    measure_sameness,
    measure_variety,
    pair_prompts,
)

PROMPTS, SEEDS, SIZE = 10, 2, 64
RESAMPLING = {"resamples": 400}
LEVELS = Levels(same=0.2, different=0.5)  # of film's reference images


def make_rng(seed=0):
    return np.random.default_rng(seed)


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def away(vectors):
    """Cosine distances."""
    return 1 - vectors @ vectors.T


def draw_people(rng, spread, count=PROMPTS * SEEDS):
    """Distances between people around one look: spread 0 is the same, inf is anybody."""
    look = np.zeros(SIZE)
    look[0] = 1
    distances = away(unit(look / max(spread, 1e-9) + rng.normal(size=(count, SIZE)) / 8))
    return distances * LEVELS.different  # of two who have nothing in common: the level of others


def draw_images(rng, prompt_share, count=PROMPTS * SEEDS):
    """Distances of whole images, whose look is by so much that of their prompt."""
    prompts = unit(rng.normal(size=(PROMPTS, SIZE)))
    own = np.repeat(prompts, SEEDS, axis=0)
    common = unit(rng.normal(size=(1, SIZE)))
    return away(unit(prompt_share * own + (1 - prompt_share) * common))


SCENARIOS = np.full(PROMPTS * SEEDS, "near")
NUMBERS = np.repeat(np.arange(PROMPTS), SEEDS)


def score(people, images, rng):
    """The consistency of one model, beside a base whose images follow their prompts."""
    counts = pair_prompts(SCENARIOS, NUMBERS)
    usual = draw_images(rng, 0.7)
    values = measure_sameness(people, LEVELS) * measure_variety(images, usual, counts, SCENARIOS)
    return average_pairs(Pairs(values, counts, NUMBERS), rng=rng, **RESAMPLING)


MODELS = {  # how its people vary, and how far its images follow their prompts
    "good": (0.7, 0.7),
    "collapsed to one image": (0.0, 0.0),
    "nearly collapsed": (0.0, 0.1),
    "somebody else in each image": (np.inf, 0.7),
    "one person who becomes another": (3.0, 0.7),
}


def judge(name, seed=0):
    spread, follows = MODELS[name]
    rng = make_rng(seed)
    return score(draw_people(rng, spread), draw_images(rng, follows), rng)


def test_a_good_model_wins_and_neither_a_collapsed_nor_a_random_one_scores():
    good, collapsed, anybody = (
        judge(name) for name in ("good", "collapsed to one image", "somebody else in each image")
    )
    assert good.value > 0.7
    assert abs(collapsed.value) < 1e-6
    assert anybody.low < 0.05
    assert anybody.value < 0.1
    assert good.low > max(collapsed.high, anybody.high) + 0.3
    assert (good.n, good.clusters) == (PROMPTS * SEEDS, PROMPTS)


def test_plain_similarity_would_have_crowned_the_collapsed_one():
    plain = {}
    for name in ("good", "collapsed to one image"):
        people = draw_people(make_rng(), MODELS[name][0])
        plain[name] = measure_sameness(people, LEVELS)[pair_prompts(SCENARIOS, NUMBERS)].mean()
    assert plain["collapsed to one image"] >= plain["good"]


def test_in_twenty_worlds_of_twenty_the_good_model_is_above_every_other():
    wins = 0
    for seed in range(20):
        values = {name: judge(name, seed).value for name in MODELS}
        wins += max(values, key=values.get) == "good"
    assert wins == 20


def test_nobody_found_is_nobody_the_same():
    people = draw_people(make_rng(), 0.7)
    people[:10] = people[:, :10] = np.nan
    half = score(people, draw_images(make_rng(), 0.7), make_rng())
    assert half.value < 0.4 * judge("good").value
    people[:] = np.nan
    assert score(people, draw_images(make_rng(), 0.7), make_rng()).value == 0


def test_pairs_are_of_one_scenario_and_two_prompts():
    found = pair_prompts(np.array(["a", "a", "a", "b"]), np.array([1, 1, 2, 1]))
    assert found.astype(int).tolist() == [[0, 0, 1, 0], [0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]]


def test_where_the_base_draws_one_image_for_everything_nothing_is_said():
    counts = pair_prompts(SCENARIOS, NUMBERS)
    images = draw_images(make_rng(), 0.7)
    assert np.isnan(measure_variety(images, np.zeros_like(images), counts, SCENARIOS)).all()


def test_the_scale_is_that_of_the_reference_images():
    distances = np.array([[0, 0.2, 0.6], [0.2, 0, 0.4], [0.6, 0.4, 0]])
    levels = find_levels(distances, np.array([True, True, False]))
    assert (levels.same, levels.different) == (pytest.approx(0.2), pytest.approx(0.5))
    assert levels.is_known
    assert not find_levels(distances, np.array([True, False, False])).is_known
    assert not Levels(0.5, 0.4).is_known
    scaled = measure_sameness(np.array([[0.2, 0.5], [0.35, 0.0]]), levels)
    np.testing.assert_allclose(scaled, [[1, 0], [0.5, 1]])


def test_a_margin_is_between_the_same_prompts_and_seeds():
    counts = pair_prompts(SCENARIOS, NUMBERS)
    rng = make_rng()
    values = rng.random(counts.shape)
    first, second = Pairs(values + 0.25, counts, NUMBERS), Pairs(values, counts, NUMBERS)
    margin = compare_pairs(first, second, rng=rng, **RESAMPLING)
    assert (margin.value, margin.low, margin.high) == pytest.approx((0.25, 0.25, 0.25))


def test_clusters_are_drawn_first_then_their_members():
    counts = draw_counts(np.array([0, 0, 0, 1, 1, 2]), 5000, make_rng())
    assert counts.shape == (5000, 6)
    by_cluster = np.stack([counts[:, :3].sum(1) / 3, counts[:, 3:5].sum(1) / 2, counts[:, 5]], 1)
    assert (by_cluster.sum(1) == 3).all()
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.06)


def test_one_prompt_has_no_pair_and_two_have_an_interval():
    counts = pair_prompts(np.full(2, "near"), np.array([1, 1]))
    alone = average_pairs(Pairs(np.ones((2, 2)), counts, np.zeros(2)), rng=make_rng(), **RESAMPLING)
    assert (np.isnan(alone.value), alone.n) == (True, 0)
    two = pair_prompts(np.full(2, "near"), np.array([1, 2]))
    both = average_pairs(Pairs(np.ones((2, 2)), two, np.arange(2)), rng=make_rng(), **RESAMPLING)
    assert (both.value, both.low, both.high) == pytest.approx((1, 1, 1))
