"""Which images a dataset holds: reasons, quotas, reserve, splits, repeats, on a tiny film."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import tables
from tests.factories.dataset_phases import DATASETS, make_limits, select
from workflow_scripts.dataset import balance, facts, select_images, selection, splits
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.plan.inputs import choose_limits


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return tables.make_film(tmp_path_factory.mktemp("film"))


def test_reasons_of_a_character(film, tmp_path):
    _, rows = select(film, tmp_path / "s.parquet", "character-nella")
    reasons = rows.set_index("image_id")["reason"]
    assert reasons["s0002_f000024_i01"] == "not_this_character"
    assert reasons["s0003_f000048_i01"] == "unknown_character"
    assert reasons["s0005_f000096_i00"] == "duplicate"
    assert reasons["s0007_f000144_i00"] == "blurred"


@pytest.mark.parametrize(
    ("name", "limits", "reason"),
    [
        ("pose", {"min_side_px": {"character": 0, "pose": 180, "expression": 0}}, "too_small"),
        ("pose", {"min_side_px": {}, "max_occlusion": 0.1}, "occluded"),
        ("pose", {"min_score": {"pose": 0.9}}, "low_score"),
        ("pose", {}, "unknown_action"),
        ("pose", {}, "same_pose"),
        ("style", {"max_images": 8}, "over_quota"),
        ("style", {}, "held"),
        ("expression", {}, "unsure_expression"),
        ("background", {}, "character_left"),
        ("background", {}, "duplicate_view"),
    ],
)
def test_every_reason_is_given(film, name, limits, reason):
    kind, character = split_name(name)
    tables_of = ("frames", "texts", "decisions", "groups", *kind.chosen_by)
    paths = {table: film[table] for table in tables_of}
    rows = select_images.read_candidates(kind, paths, "crop")
    limits = make_limits(name, **limits)
    looks = [film["embeddings"]]
    reasons, *_ = select_images.choose_images(kind, rows, limits, character, looks)
    assert reason in set(reasons)


def test_an_empty_dataset_keeps_its_rows_and_reasons(film, tmp_path, caplog):
    nobody = {"character": 0, "pose": 5000, "expression": 0}
    counts, rows = select(film, tmp_path / "pose.parquet", "pose", min_side_px=nobody)
    assert (counts.read, counts.kept, len(rows)) == (50, 0, 50)
    assert counts.set_aside["too_small"] == 45 and counts.set_aside["duplicate"] == 4
    assert (rows["split"] == "").all() and (rows["repeats"] == 0).all()
    assert "pose: nothing is left" in caplog.text


@pytest.mark.parametrize(
    ("shares", "groups", "units"),
    [
        ([1, 2, 3], ["a", "b", "c"], {1: 1, 2: 2, 3: 3}),
        ([1, 2, 3], ["a", "a", "c"], {1: 1, 2: 1, 3: 3}),
        ([1, 2, 2, 3], ["a", "a", "b", "b"], {1: 1, 2: 1, 3: 1}),
        ([1, 2], ["", ""], {1: 1, 2: 2}),
    ],
    ids=["nothing shared", "a duplicate", "a chain of duplicates", "no group is no bond"],
)
def test_connect_shots(shares, groups, units):
    frames = pd.DataFrame({"shot_id": shares, "group": groups})
    assert splits.connect_shots(frames, ["group"]).to_dict() == units


def test_connect_shots_over_several_columns_and_none():
    frames = pd.DataFrame(
        {"shot_id": [7, 3, 5, 9], "group": ["a", "b", "a", "c"], "view_group": [None, "v", "v", ""]}
    )
    assert splits.connect_shots(frames, []).to_dict() == {3: 3, 5: 5, 7: 7, 9: 9}
    joined = splits.connect_shots(frames, ["group", "view_group"])
    assert joined.to_dict() == {3: 3, 5: 3, 7: 3, 9: 9}  # 7 and 5 share a, 5 and 3 share v
    assert joined.dtype == "int64"
    assert splits.connect_shots(frames[:0], ["group"]).empty


def make_units(table):
    rows = [(u, c) for u, cats in table.items() for c, n in cats.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["split_group", "category"])


def test_the_held_out_set_resembles_the_rest():
    rows = make_units({u: {"walk" if u % 2 else "sit": 10} for u in range(20)})
    held = splits.choose_held_out(rows, 0.2, seed=1)
    assert sorted(u % 2 for u in held) == [0, 0, 1, 1]
    assert held == splits.choose_held_out(rows, 0.2, seed=1)


def test_the_held_out_set_has_its_size_too():
    rows = make_units({u: {f"place {u % 8}": 4} for u in range(16)})
    assert len(splits.choose_held_out(rows, 0.125, seed=1)) == 2


def test_no_category_loses_its_last_training_image():
    rows = make_units({1: {"walk": 20}, 2: {"walk": 20}, 3: {"sit": 4}})
    assert 3 not in splits.choose_held_out(rows, 0.15, seed=1)


@pytest.mark.parametrize(
    "table",
    [{1: {"walk": 30}}, {1: {"walk": 30}, 2: {"walk": 25}}],
    ids=["a single shot", "two halves"],
)
def test_rather_nothing_held_out_than_a_leak(table):
    assert splits.choose_held_out(make_units(table), 0.12, seed=1) == set()


def test_find_leaks_sees_what_both_sides_share():
    rows = pd.DataFrame({"split": ["train", "validation", ""], "group": ["a", "a", "b"]})
    assert splits.find_leaks(rows, ["group"]) == {"group": ["a"]}


@pytest.mark.parametrize(
    ("counts", "wanted", "repeats"),
    [
        ({"walk": 40, "sit": 10}, {}, {"walk": 1, "sit": 4}),
        ({"walk": 40, "sit": 1}, {}, {"walk": 1, "sit": 4}),
        ({"full": 10, "wide": 10}, {"full": 0.6, "wide": 0.3}, {"full": 2, "wide": 1}),
        (
            {"full": 8, "wide": 8, "medium": 1},
            {"full": 0.4, "wide": 0.2, "medium": 0.4},
            {"full": 1, "wide": 1, "medium": 4},
        ),
    ],
    ids=["the rare one more often", "not for ever", "the wanted mix", "as near as can be"],
)
def test_repeats(counts, wanted, repeats):
    categories = pd.Series([name for name, n in counts.items() for _ in range(n)])
    shares = balance.target_shares(categories, wanted)
    assert balance.count_repeats(categories, shares, 4) == repeats


def test_unsure_images_are_not_multiplied():
    certainty = pd.Series([0.5, 0.62, 0.74, 0.75, 0.84, 0.875, 1.0, np.nan])
    assert balance.cap_repeats(certainty).clip(upper=9).tolist() == [1, 1, 1, 2, 3, 4, 9, 1]


def test_repeats_of_a_rare_emotion_follow_how_sure_its_images_are():
    rows = pd.DataFrame({"category": ["happy"] * 8 + ["sad"] * 3, "split": "train"})
    rows = rows.assign(emotion_score=[0.99] * 8 + [0.62, 0.8, 0.95], identity_score=0.1)
    rows.loc[0, "split"], rows.loc[1, "split"] = "validation", ""
    shares = pd.Series({"happy": 0.5, "sad": 0.5})
    repeats = select_images.repeat_images(KINDS["expression"], rows, shares, 4)
    assert repeats.tolist() == [1, 0, *[1] * 6, 1, 2, 2]
    by_rarity = select_images.repeat_images(KINDS["character"], rows, shares, 4)
    assert by_rarity.tolist() == [1, 0, *[1] * 6, 2, 2, 2]


def test_same_poses_of_a_track():
    poses = [np.zeros(34), np.full(34, 0.01), np.full(34, 0.5), None, np.full(34, 0.01)]
    rows = pd.DataFrame({"image_id": list("abcde"), "track_id": list("tttts"), "normalized": poses})
    assert selection.find_same_poses(rows, 0.1).tolist() == [False, True, False, False, False]


def test_facts_of_a_kind_have_one_row_per_image(film):
    kind = KINDS["expression"]
    tables_of = {"frames", *kind.chosen_by} - {"embeddings"}
    rows = facts.read_facts(kind, {name: film[name] for name in tables_of})
    assert rows["image_id"].is_unique and len(rows) == 46
    assert rows.loc[rows["shot_id"] == 8, "emotion"].isin(["", "neutral"]).all()


@pytest.mark.parametrize("name", DATASETS)
def test_every_candidate_has_a_row_and_no_image_is_opened(film, tmp_path, name):
    blind = film | {"images": "nowhere", "plates": "nowhere"}
    counts, rows = select(blind, tmp_path / "s.parquet", name)
    assert counts.read == len(rows) and counts.kept == (rows["split"] != "").sum() > 0
    assert ((rows["reason"] == "") == (rows["split"] != "")).all()
    assert ((rows["repeats"] > 0) == (rows["split"] != "")).all()
    wanted = rows.loc[rows["split"] != ""].groupby("category")["wanted_share"].first()
    assert wanted.between(0.01, 1).all()


def test_the_reserve_is_the_best_of_those_over_quota(film, tmp_path):
    few = {"max_images": 6, "shares": {}}
    tables_of = [select(film, tmp_path / "s.parquet", "style", **few, reserve=r) for r in (0, 0.5)]
    assert not tables_of[0][1]["reserve"].any() and tables_of[0][0].found == {"reserve": 0}
    counts, rows = tables_of[1]
    chosen, reserve = rows["reason"] == "", rows["reserve"]
    assert (rows.loc[reserve, "reason"] == "over_quota").all()
    assert counts.found == {"reserve": int(reserve.sum())} and reserve.any()
    # with so many more allowed, exactly those would be in it
    _, more = select(film, tmp_path / "m.parquet", "style", max_images=9, shares={}, reserve=0)
    assert set(more.loc[more["reason"] == "", "image_id"]) == set(
        rows.loc[chosen | reserve, "image_id"]
    )


def test_a_pose_without_a_seen_joint_is_no_pose(film, tmp_path):
    points = pd.read_parquet(film["keypoints"])
    blind = points["instance_id"] == "s0001_f000000_i00"
    points["keypoints"] = [
        [np.nan] * 51 if none else one for none, one in zip(blind, points["keypoints"], strict=True)
    ]
    points.to_parquet(tmp_path / "keypoints.parquet")
    film = film | {"keypoints": str(tmp_path / "keypoints.parquet")}
    _, rows = select(film, tmp_path / "s.parquet", "pose")
    assert rows.set_index("image_id").loc["s0001_f000000_i00", "reason"] == "no_joints"


def test_limits_of_another_kind_are_not_among_those_of_a_dataset():
    block = {"min_side_px": {"pose": 9}, "min_score": {"expression": 0.4}, "max_images": 5}
    block["shares"] = {"action": {"walk": 1}}
    assert choose_limits(block, "pose") == {
        "min_side_px": 9, "min_score": 0, "shares": {"walk": 1}, "max_images": 5
    }  # fmt: skip
    assert choose_limits(block, "expression")["shares"] == {}
