"""Figures about an adapter, from vectors: judges that find what is wrong."""

import math

import numpy as np
import pytest

from workflow_scripts.adapter.intervals import Sample, estimate_mean
from workflow_scripts.adapter.metrics import (
    Stills,
    average_precision,
    diversity,
    find_limit,
    find_twins,
    measure_drift,
    measure_images,
    measure_kept_prompts,
    measure_overrun,
    subtract,
)


def unit(*rows):
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def sample(values, clusters=None):
    values = np.asarray(values, float)
    return Sample(values, np.arange(len(values)) if clusters is None else np.asarray(clusters))


def make_stills(training, held_out, gallery=(), is_own=(), shots=None):
    """Stills of one shot each, unless `shots` says otherwise; no gallery unless there is one."""
    training, held_out = np.array(training, np.float32), np.array(held_out, np.float32)
    shots = shots or range(len(training) + len(held_out))
    return Stills(
        training,
        held_out,
        np.reshape(np.array(gallery, np.float32), (-1, training.shape[1])),
        np.array(is_own, bool),
        np.array(shots[: len(training)], int),
        np.array(shots[len(training) :], int),
    )


def test_pairs_are_subtracted_image_by_image():
    difference = subtract(sample([3, 5], [0, 1]), sample([1, 2], [0, 1]))
    assert difference.values.tolist() == [2, 3]
    assert difference.clusters.tolist() == [0, 1]


# What may count as a copy: the film's own stills say


@pytest.mark.parametrize(
    ("count", "rank"), [(19, 19), (20, 20), (39, 38), (99, 95), (18, None), (0, None)]
)
def test_the_limit_is_exceeded_by_one_in_twenty_and_takes_nineteen(count, rank):
    limit = find_limit(np.random.default_rng(0).permutation(np.arange(1.0, count + 1)))
    assert math.isnan(limit) if rank is None else limit == rank


@pytest.mark.parametrize("count", [19, 25, 60])
def test_one_more_still_is_a_copy_with_a_chance_of_at_most_five_percent(count):
    rng, worlds = np.random.default_rng(3), 4000
    over = sum(rng.normal() > find_limit(rng.normal(size=count)) for _ in range(worlds))
    assert 0.02 < over / worlds <= 0.06  # 4000 draws: a standard error of .0035


def test_a_percentile_of_few_values_would_accuse_too_many():
    """What stood here before: the 95th percentile of eight values is exceeded by one in eight."""
    rng, worlds = np.random.default_rng(3), 4000
    over = sum(rng.normal() > np.percentile(rng.normal(size=8), 95) for _ in range(worlds))
    assert over / worlds > 0.1


def test_stills_are_compared_with_training_images_of_other_shots():
    east, north, between = [1, 0], [0, 1], unit([1, 1])[0]
    stills = make_stills([east, east, north], [between], shots=[7, 7, 8, 9])
    assert stills.levels == pytest.approx([0, 0, 0, 0.5**0.5], abs=1e-6)
    alone = make_stills([east, east], [north], shots=[7, 7, 7])
    assert len(alone.levels) == 0 and math.isnan(alone.copy_limit)


def test_too_few_stills_measure_no_copies():
    rng = np.random.default_rng(0)
    few, enough, held_out = (unit(*rng.normal(size=(count, 16))) for count in (10, 12, 8))
    assert not {"copy_risk", "copied_prompts", "same_image"} & set(
        measure_images(few, np.arange(10) // 2, make_stills(few, held_out))
    )
    found = measure_images(enough, np.arange(12) // 2, make_stills(enough, held_out))
    assert found["copied_prompts"].values.tolist() == [1] * 6
    assert found["copy_risk"].values.tolist() == [1] * 12


def test_only_pairs_of_two_prompts_are_twins():
    vectors = unit([1, 0], [1, 0], [1, 0.01], [0, 1])
    found = find_twins(vectors, np.array([0, 0, 1, 1]), 0.99)
    assert found.tolist() == [True, False, True, False]


def test_unrelated_images_are_nearer_to_those_of_their_own_prompt_or_not():
    base = unit([1, 0], [1, 0], [0, 1], [0, 1], [1, 1])  # the last is of a related prompt
    related, prompts = np.array([False] * 4 + [True]), np.array([0, 0, 1, 1, 2])
    kept = measure_kept_prompts(base, base, related, prompts)
    assert kept.values.tolist() == [1] * 4 and kept.clusters.tolist() == [0, 0, 1, 1]
    one_image = base[[0, 0, 0, 0, 4]]
    assert measure_kept_prompts(one_image, base, related, prompts).values.mean() == 0
    assert len(measure_kept_prompts(base[:2], base[:2], related[:2], prompts[:2]).values) == 0


def test_unrelated_prompts_may_move_as_far_as_another_seed():
    base = unit([1, 0], [0, 1], [1, 0], [0, 1], [1, 0])  # the last is of a related prompt
    related, prompts = np.array([False] * 4 + [True]), np.array([0, 0, 1, 1, 2])
    moved = base[[0, 0, 3, 2, 4]]  # by half of it, and by all
    found = measure_overrun(moved, base, related, prompts)
    assert found.values == pytest.approx([-0.5, 0], abs=1e-6)
    assert found.clusters.tolist() == [0, 1]
    assert len(measure_overrun(moved, base, related, np.arange(5)).values) == 0  # one seed each


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
    stills = make_stills(show(0, 12), show(0, 8), gallery, np.arange(18) < 6)
    return stills, show


def compare(own, other, score, stills):
    """Margin of what `own` draws over what `other` draws."""
    prompts = np.repeat(np.arange(len(own) // SEEDS), SEEDS)
    samples = [measure_images(vectors, prompts, stills)[score] for vectors in (own, other)]
    return estimate_mean(subtract(*samples))


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
    copied, drawn = (
        measure_images(vectors, np.arange(len(vectors)) // SEEDS, stills)["copy_risk"].values
        for vectors in (copies, show(0, 40))
    )
    assert copied.all()
    assert drawn.mean() < 0.5


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
    two = unit([1, 0], [0, 1])
    alone, of_another_kind = make_stills(two, two, two, [True, True]), make_stills(two, two)
    drawn, prompts = unit([1, 0], [1, 1]), np.array([0, 0])
    assert "retrieval" not in measure_images(drawn, prompts, alone)
    assert "retrieval" not in measure_images(drawn, prompts, of_another_kind)


def test_without_held_out_images_nothing_is_compared_with_them():
    stills = make_stills(unit([1, 0]), np.zeros((0, 2)))
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
    told, nothing = (estimate_mean(margin) for margin in margins)
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
    assert estimate_mean(subtract(*found)).low > 0
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
