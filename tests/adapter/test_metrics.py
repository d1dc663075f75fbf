"""Figures about an adapter: intervals that cover, and judges that find what is wrong."""

import numpy as np
import pytest

from workflow_scripts.adapter.metrics import (
    Sample,
    Stills,
    average_precision,
    bootstrap_difference,
    bootstrap_mean,
    diversity,
    find_copies,
    measure_drift,
    measure_images,
    resample_means,
    subtract,
)

WORLDS = 200
SPREADS = {  # prompts, seeds of each, spread between prompts and between seeds of one
    "three prompts": (3, 2, 1.0, 1.0),
    "six prompts": (6, 2, 1.0, 1.0),
    "prompts that differ more than seeds": (6, 2, 1.0, 0.5),
    "many prompts and seeds": (12, 4, 1.0, 1.0),
}


def unit(*rows):
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sample(values, clusters=None):
    values = np.asarray(values, float)
    return Sample(values, np.arange(len(values)) if clusters is None else np.asarray(clusters))


def resampling(seed=0, resamples=500):
    return {"resamples": resamples, "rng": np.random.default_rng(seed)}


def draw_world(rng, prompts, seeds, between, within):
    """Scores of a world whose true mean is 0."""
    values = between * rng.normal(size=(prompts, 1)) + within * rng.normal(size=(prompts, seeds))
    return sample(values.ravel(), np.repeat(np.arange(prompts), seeds))


def cover(spread, *, single):
    """Share of worlds whose interval holds the truth; `single`: as if images were independent."""
    rng, held = np.random.default_rng(11), 0
    for _ in range(WORLDS):
        world = draw_world(rng, *spread)
        world = sample(world.values) if single else world
        found = bootstrap_mean(world, resamples=400, rng=rng)
        held += found.low <= 0 <= found.high
    return held / WORLDS


@pytest.mark.parametrize("name", SPREADS)
def test_intervals_hold_the_truth_in_95_of_100_worlds(name):
    assert 0.92 <= cover(SPREADS[name], single=False) <= 0.98


@pytest.mark.parametrize("name", SPREADS)
def test_intervals_of_single_images_would_be_too_narrow(name):
    assert cover(SPREADS[name], single=True) < 0.92


def test_a_difference_of_two_samples_covers_too():
    rng, held = np.random.default_rng(5), 0
    for _ in range(WORLDS):
        worlds = draw_world(rng, 8, 3, 1.0, 1.0), draw_world(rng, 6, 2, 1.0, 1.0)
        found = bootstrap_difference(*worlds, resamples=400, rng=rng)
        held += found.low <= 0 <= found.high
    assert 0.92 <= held / WORLDS <= 0.98


def test_the_interval_holds_the_mean():
    values = np.random.default_rng(1).normal(5, 1, 200)
    mean, low, high, n, clusters = bootstrap_mean(sample(values), **resampling())
    assert low < mean < high
    assert 0.2 < high - low < 0.35  # 2 x 1.96 / sqrt(200) = 0.28
    assert (n, clusters) == (200, 200)


@pytest.mark.parametrize(
    ("values", "clusters"), [([], []), ([1.0], [0]), ([1.0, 2.0], [4, 4])],
    ids=["nothing", "one value", "one prompt"],
)  # fmt: skip
def test_an_interval_needs_two_clusters(values, clusters):
    found = bootstrap_mean(sample(values, clusters), **resampling())
    assert np.isnan(found.low) and np.isnan(found.high)
    assert np.isnan(found.value) == (not values)
    assert (found.n, found.clusters) == (len(values), len(set(clusters)))


def test_resampled_means_are_of_whole_clusters():
    """Of two prompts whose seeds agree, a mean is that of one of them, or of both."""
    means = resample_means(
        sample([1, 1, 1, 3, 3, 3], [5, 5, 5, 9, 9, 9]), 400, np.random.default_rng(0)
    )
    assert set(means) == {1.0, 2.0, 3.0}
    assert len(means) == 400


def test_clusters_of_other_sizes_count_by_their_size_and_in_any_order():
    rng = np.random.default_rng(0)
    means = resample_means(sample([4, 0, 0, 0], [1, 2, 2, 2]), 2000, rng)
    assert set(means) == {4.0, 1.0, 0.0}
    mixed = resample_means(sample([1, 3, 1, 3], [0, 1, 0, 1]), 400, rng)
    assert set(mixed) == {1.0, 2.0, 3.0}


def test_the_same_draws_give_the_same_ends():
    world = draw_world(np.random.default_rng(3), 5, 2, 1.0, 1.0)
    first, second = (bootstrap_mean(world, **resampling(9)) for _ in range(2))
    assert first == second


def test_memory_is_bounded_and_the_number_of_resamples_is_kept():
    many = sample(np.ones(3000), np.repeat(np.arange(3), 1000))
    assert resample_means(many, 1001, np.random.default_rng(0)).tolist() == [1.0] * 1001


def test_a_difference_of_equal_sets_is_not_significant():
    values = sample(np.random.default_rng(2).normal(0, 1, 50))
    found = bootstrap_difference(values, values, **resampling())
    assert found.value == 0
    assert found.low < 0 < found.high


def test_a_difference_of_one_shot_has_no_interval():
    found = bootstrap_difference(sample([2.0, 4.0]), sample([1.0, 1.0], [3, 3]), **resampling())
    assert found.value == 2
    assert np.isnan(found.low)


def test_pairs_are_subtracted_image_by_image():
    difference = subtract(sample([3, 5], [0, 1]), sample([1, 2], [0, 1]))
    assert difference.values.tolist() == [2, 3]
    assert difference.clusters.tolist() == [0, 1]


# The judges are judged: what a bad adapter draws, as vectors. Groups are prompts of two seeds each.

DIMENSIONS, SEEDS = 32, 2
DEFECTS = range(20)  # worlds, in each of which a defect must be found


def make_film(rng):
    """Three characters as directions; stills of the first, a gallery of all, and a film's look."""
    look, *characters = rng.normal(size=(4, DIMENSIONS))
    spread = 0.5

    def show(who, count):
        noise = spread * rng.normal(size=(count, DIMENSIONS))
        return unit(*(look + characters[who] + noise))

    gallery = np.concatenate([show(who, 6) for who in range(3)])
    stills = Stills(show(0, 12), show(0, 8), gallery, np.arange(18) < 6)
    return stills, show


def compare(own, other, score, stills):
    """Margin of what `own` draws over what `other` draws."""
    prompts = np.repeat(np.arange(len(own) // SEEDS), SEEDS)
    samples = [measure_images(vectors, prompts, stills)[score] for vectors in (own, other)]
    return bootstrap_mean(subtract(*samples), **resampling())


@pytest.mark.parametrize("seed", DEFECTS)
def test_a_collapsed_model_loses_diversity(seed):
    stills, show = make_film(np.random.default_rng(seed))
    collapsed = np.repeat(show(0, 6), SEEDS, axis=0)
    found = compare(show(0, 12), collapsed, "diversity", stills)
    assert found.low > 0


@pytest.mark.parametrize("seed", DEFECTS)
def test_a_copier_is_flagged_and_an_artist_is_not(seed):
    rng = np.random.default_rng(seed)
    stills, show = make_film(rng)
    copies = unit(*(stills.training[:6] + 0.001 * rng.normal(size=(6, DIMENSIONS))))
    assert find_copies(copies, stills.training, stills.held_out).all()
    assert find_copies(show(0, 40), stills.training, stills.held_out).mean() < 0.5


@pytest.mark.parametrize("seed", DEFECTS)
def test_a_wrong_character_is_told_by_retrieval_where_the_films_look_is_right(seed):
    stills, show = make_film(np.random.default_rng(seed))
    right, wrong = show(0, 12), show(1, 12)
    assert compare(right, wrong, "retrieval", stills).low > 0
    assert (
        compare(wrong, wrong, "retrieval", stills).high <= 0
    )  # against its like: nothing is shown


def test_a_character_apart_has_full_retrieval_and_a_look_alike_has_not():
    gallery, is_own = np.eye(4, dtype=np.float32), np.array([True, True, False, False])
    found = average_precision(unit([3, 2, 0, 1], [0, 1, 3, 2], [1, 0, 2, 0]), gallery, is_own)
    assert found == pytest.approx([1.0, (1 / 3 + 2 / 4) / 2, (1 / 2 + 2 / 3) / 2], abs=1e-6)


def test_without_others_there_is_no_retrieval():
    alone = Stills(*(unit([1, 0], [0, 1]) for _ in range(3)), np.array([True, True]))
    of_another_kind = Stills(
        *(unit([1, 0], [0, 1]) for _ in range(2)), np.zeros((0, 2)), np.zeros(0, bool)
    )
    drawn, prompts = unit([1, 0], [1, 1]), np.array([0, 0])
    assert "retrieval" not in measure_images(drawn, prompts, alone)
    assert "retrieval" not in measure_images(drawn, prompts, of_another_kind)


def test_without_held_out_images_nothing_is_compared_with_them():
    stills = Stills(unit([1, 0]), np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, bool))
    found = measure_images(unit([1, 0], [1, 1]), np.array([0, 0]), stills)
    assert set(found) == {"nearest_training", "diversity"}


@pytest.mark.parametrize("seed", DEFECTS)
def test_shuffled_captions_are_told_by_the_loss(seed):
    """With the right captions the loss of every shot is lower, by more than it varies."""
    rng = np.random.default_rng(seed)
    shots = np.repeat(np.arange(6), 3)
    level = rng.normal(0.4, 0.1, 6)[shots] + 0.02 * rng.normal(size=18)
    own, shuffled, again = (level + shift + 0.005 * rng.normal(size=18) for shift in (0, 0.03, 0))
    margins = [subtract(sample(each, shots), sample(own, shots)) for each in (shuffled, again)]
    told, nothing = (bootstrap_mean(margin, **resampling(seed)) for margin in margins)
    assert told.low > 0
    assert nothing.low <= 0 or nothing.value < 0.01


@pytest.mark.parametrize("seed", DEFECTS)
def test_an_overdriven_strength_drifts(seed):
    rng = np.random.default_rng(seed)
    base = unit(*rng.normal(size=(12, DIMENSIONS)))
    related, prompts = np.repeat([True, False], 6), np.repeat(np.arange(6), SEEDS)
    pull = rng.normal(size=DIMENSIONS)  # the adapter takes unrelated prompts with it
    normal, overdriven = (unit(*(base + share * pull / DIMENSIONS**0.5)) for share in (0.2, 2.0))
    found = [measure_drift(vectors, base, related, prompts) for vectors in (overdriven, normal)]
    assert bootstrap_mean(subtract(*found), **resampling()).low > 0
    assert found[0].clusters.tolist() == [3, 3, 4, 4, 5, 5]


def test_a_drawn_copy_of_the_base_has_no_drift():
    base = unit([1, 0], [0, 1], [1, 1])
    found = measure_drift(base, base, np.array([True, True, False]), np.arange(3))
    assert np.abs(found.values).max() < 1e-6


def test_pairs_of_one_prompt_make_its_diversity():
    found = diversity(unit([1, 0], [0, 1], [1, 1], [1, -1]), np.array([0, 0, 1, 1]))
    assert found.values == pytest.approx([1, 1], abs=1e-6)
    assert found.clusters.tolist() == [0, 1]
    assert len(diversity(np.zeros((0, 2)), np.zeros(0, int)).values) == 0
