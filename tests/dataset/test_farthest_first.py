"""Which images are chosen when there are too many, or too many alike; how many they amount to."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import tables
from tests.factories.dataset_phases import select
from workflow_scripts.dataset import diversity
from workflow_scripts.dataset.farthest_first import MIN_IMAGES, choose_varied, set_quotas
from workflow_scripts.dataset.looks import SAME_ANGLE, Comparison, Looks, read_looks
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.kinds import KINDS


def make_looks(grays, poses=None):
    """Flat thumbnails of these grays, vectors that turn with them, no poses."""
    grays = np.asarray(grays)
    angles = grays / 255 * np.pi / 2
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    thumbnails = np.repeat(grays.astype(np.uint8)[:, None], 1024, 1)
    poses = np.zeros((len(grays), 0)) if poses is None else np.asarray(poses)
    return Looks(thumbnails, vectors, poses.astype(np.float32))


def make_rows(categories, quality):
    names = [f"f{number:03d}" for number in range(len(categories))]
    return pd.DataFrame({"image_id": names, "category": list(categories), "quality": quality})


def choose(rows, looks, images, *, reserve=0.0, min_change=4.0):
    shares = pd.Series(1.0, sorted(rows["category"].unique()))
    quotas = set_quotas(shares / shares.sum(), images, reserve)
    return choose_varied(rows, looks, quotas, min_change)


def test_those_that_lie_far_apart_are_chosen_from_the_best():
    grays = [0, 10, 20, 100, 110, 120, 240, 250]
    rows = make_rows("a" * 8, [0.5, 0.9, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5])
    reasons, _ = choose(rows, make_looks(grays), 3, min_change=4)
    chosen = [grays[row] for row in np.flatnonzero(reasons == "")]
    assert chosen == [10, 120, 250]  # the best, the farthest from it, the farthest from both
    assert set(reasons[reasons != ""]) == {"over_quota"}


def test_of_near_repeats_the_best_one_stays():
    grays = [0, 1, 2, 100, 101, 102, 200, 201, 202, 240, 241, 30]
    quality = [0.1, 0.9, 0.2, 0.1, 0.2, 0.9, 0.9, 0.1, 0.2, 0.2, 0.9, 0.5]
    reasons, reserve = choose(make_rows("a" * 12, quality), make_looks(grays), 100)
    assert np.flatnonzero(reasons == "").tolist() == [1, 5, 6, 10, 11]
    assert (reasons[reasons != ""] == "near_repeat").all() and not reserve.any()


def test_a_category_of_hardly_any_images_takes_near_repeats_up_to_the_minimum():
    grays = [*range(0, 240, 20), 250, 251, 252, 252, 253, 253]
    rows = make_rows("a" * 12 + "b" * 6, 0.5)
    reasons, _ = choose(rows, make_looks(grays), 100)
    counts = rows.loc[reasons == "", "category"].value_counts()
    assert counts.to_dict() == {"a": 12, "b": MIN_IMAGES}
    assert (reasons == "near_repeat").sum() == 2


def test_near_repeats_of_another_category_are_none_the_less():
    grays = [*range(0, 240, 30), *range(1, 240, 30)]
    rows = make_rows("ab" * 4 + "ba" * 4, np.linspace(1, 0.5, 16))
    reasons, _ = choose(rows, make_looks(grays), 100)
    taken = np.sort([grays[row] // 30 for row in np.flatnonzero(reasons == "")])
    assert taken.tolist() == list(range(8))


def test_without_a_limit_copies_fill_the_quota():
    reasons, _ = choose(make_rows("a" * 9, 0.5), make_looks([7] * 9), 8, min_change=0)
    assert (reasons == "").sum() == 8 and (reasons == "over_quota").sum() == 1


def test_an_unmeasured_quality_is_the_worst():
    rows = make_rows("a" * 6, [np.nan, 0.2, 0.1, 0.1, 0.1, 0.1])
    reasons, _ = choose(rows, make_looks([0, 1, 60, 120, 180, 240]), 100)
    assert reasons.tolist() == ["near_repeat", "", "", "", "", ""]


@pytest.mark.parametrize("seed", range(5))
def test_the_reserve_is_what_a_larger_dataset_would_have(seed):
    rng = np.random.default_rng(seed)
    rows = make_rows(rng.choice(list("abc"), 90), rng.random(90))
    looks = make_looks(rng.integers(0, 256, 90))
    reasons, reserve = choose(rows, looks, 12, reserve=0.5)
    more, none = choose(rows, looks, 18)
    assert (reasons == "").sum() == 12 and reserve.sum() == 6 and not none.any()
    assert ((reasons == "") | reserve).equals(more == "")
    assert (reasons[reserve] == "over_quota").all()


def test_farthest_first_amounts_to_more_than_the_best_of_each():
    rng = np.random.default_rng(1)
    places = np.concatenate([rng.normal(128, 3, 80), rng.uniform(0, 255, 20)]).clip(0, 255)
    rows, looks = make_rows("a" * 100, rng.random(100)), make_looks(places.astype(int))
    reasons, _ = choose(rows, looks, 12, min_change=0)
    best = rows["quality"].nlargest(12).index

    def amount(numbers):
        return diversity.count_effective(
            np.exp(-diversity.compare_images(looks.thumbnails[numbers].astype(float)) / 10)
        )

    assert amount(np.flatnonzero(reasons == "")) > 1.5 * amount(best)


def test_one_candidate_is_chosen():
    reasons, _ = choose(make_rows("a", 0.5), make_looks([9]), 100)
    assert reasons.tolist() == [""]


def test_a_pose_moves_images_apart_and_an_unknown_one_is_as_far_as_most():
    poses = np.zeros((4, 34))
    poses[1], poses[2], poses[3] = 0.5, 1.0, np.nan
    looks = make_looks([9, 9, 9, 9], poses)
    compare = Comparison(looks, 4).from_image
    np.testing.assert_allclose(compare(0)[0][:3], [0, 1, 2])
    assert compare(3)[0].tolist() == [1.0] * 4


@pytest.mark.parametrize(("shows", "kept"), [("frame", MIN_IMAGES + 2), ("body", 7)])
def test_frames_of_a_slow_pan_are_near_repeats_whatever_their_pixels_say(shows, kept):
    """Five frames of a pan, all pixels different, vectors near; two of elsewhere."""
    rng = np.random.default_rng(0)
    angles = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 1.6, 3.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    thumbnails = rng.integers(0, 256, (7, 1024), np.uint8)
    looks = Looks(thumbnails, vectors, np.zeros((7, 0), np.float32), SAME_ANGLE[shows])
    rows = make_rows("aaaaabb", [0.1, 0.1, 0.9, 0.1, 0.1, 0.5, 0.5])
    reasons, _ = choose(rows, looks, 100)
    assert (reasons == "").sum() == kept and (reasons[5:] == "").all()


def test_looks_come_in_the_order_of_the_rows(tmp_path):
    film = tables.make_film(tmp_path)
    rows = pd.DataFrame({"image_id": ["s0003_f000054", "s0001_f000006"]})
    looks = read_looks(KINDS["style"], rows, [film["embeddings"]])
    expected = [tables.draw_thumbnail(name) for name in rows["image_id"]]
    np.testing.assert_array_equal(looks.thumbnails, expected)
    assert looks.thumbnails.dtype == np.uint8 and looks.poses.shape == (2, 0)


def test_an_image_without_an_embedding_is_named(tmp_path):
    film = tables.make_film(tmp_path)
    rows = pd.DataFrame({"image_id": ["s0001_f000006", "s0001_f000007"]})
    with pytest.raises(CineloraError, match=r"1 of 2 images .* s0001_f000007 \(frame\)"):
        read_looks(KINDS["style"], rows, [film["embeddings"]])


@pytest.mark.parametrize("name", ["character-nella", "background", "expression", "lighting"])
def test_near_repeats_are_set_aside_whatever_the_kind(tmp_path, name):
    film = tables.make_film(tmp_path)
    columns = {"embeddings": "thumbnail", "faces": "thumbnail"}
    before = select(film, tmp_path / "a.parquet", name)[1]
    for table, column in columns.items():
        rows = pd.read_parquet(film[table])
        rows[column] = [np.zeros(1024, np.uint8)] * len(rows)
        rows.to_parquet(film[table])
    after = select(film, tmp_path / "b.parquet", name)[1]
    counts = [rows.loc[rows["reason"] == "", "category"].value_counts() for rows in (before, after)]
    assert counts[1].to_dict() == counts[0].clip(upper=MIN_IMAGES).to_dict()
    assert (after["reason"] == "near_repeat").sum() == counts[0].sum() - counts[1].sum()
    assert after.set_index("image_id")["split"].ne("").sum() == counts[1].sum()


def test_the_effective_number_counts_what_differs():
    apart = np.eye(5)
    assert diversity.count_effective(apart) == pytest.approx(5)
    assert diversity.count_effective(np.ones((5, 5))) == pytest.approx(1)
    pairs = np.kron(np.eye(3), np.ones((2, 2)))
    assert diversity.count_effective(pairs) == pytest.approx(3)


def test_diversity_of_files(tmp_path):
    levels = [0, 1, 120, 121, 240]
    files = [tmp_path / f"{level}.png" for level in levels]
    for file, level in zip(files, levels, strict=True):
        write_image(file, np.full((40, 50, 3), level, np.uint8))
    found = diversity.measure_diversity(files)
    assert found["images"] == 5 and found["near_repeats"] == 2
    assert 3 < found["effective_images"] < 3.8
    assert diversity.measure_diversity([])["effective_images"] == 0
