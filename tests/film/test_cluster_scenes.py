"""cluster_scenes: reasons, places, names given by people, views; then the phase on tables."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film import cluster_scenes
from workflow_scripts.film.places import views
from workflow_scripts.lib.errors import CineloraError

LIMITS = {"max_covered": 0.6, "max_painted": 0.15, "max_leftover": 0.7, "max_moving": 0.01}
LIMITS |= {"max_blur": 2.5, "max_missed": 0.85}
OPTIONS = {"min_similarity": 0.15, "near_bonus": 0.5, "near_shots": 3, "view_similarity": 0.95}


@pytest.mark.parametrize(
    ("measures", "reason"),
    [
        ({}, ""),
        (
            {"covered": 0.6, "filled": 0.25, "leftover": 0.7, "moving": 0.01}
            | {"blur": 2.5, "missed": 0.85},
            "",
        ),
        ({"covered": 0.7, "filled": 1.0, "leftover": 0.9, "moving": 1.0}, "too_much_covered"),
        ({"covered": 0.4, "filled": 0.9}, "too_much_painted"),
        ({"covered": 0.4, "filled": 0.1, "leftover": 0.8}, "character_left"),
        ({"leftover": np.nan}, "character_left"),
        ({"missed": 0.9}, "character_left"),
        ({"missed": np.nan}, "character_left"),
        ({"blur": 2.6, "missed": 0.9}, "blurred"),
        ({"moving": 0.02}, "something_moving"),
    ],
    ids=[
        "nobody",
        "at the limits",
        "first reason wins",
        "painted",
        "left",
        "never measured",
        "still seen, or gone on before and after",
        "never looked at",
        "too blurred to see anybody",
        "moving",
    ],
)
def test_find_reasons(measures, reason):
    nothing = dict.fromkeys(["covered", "filled", "leftover", "missed", "moving", "blur"], 0.0)
    rows = pd.DataFrame([nothing | measures])
    assert cluster_scenes.find_reasons(rows, LIMITS).tolist() == [reason]


def place_vector(place: int, light: float, seed: int) -> np.ndarray:
    """Background vector: what the film has in common, the place, the time of day, noise."""
    common, where, when = np.eye(16)[0], np.eye(16)[1 + place], np.eye(16)[10]
    noise = 0.1 * np.random.default_rng(seed).standard_normal(16)
    return cluster_scenes.normalize((common + where + light * when + noise)[None])[0]


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        ([0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 2, 2]),
        ([0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 1]),
        ([3, 3, 3, 1, 1, 3], [0, 0, 0, 1, 1, 0]),
        ([1], [0]),
    ],
    ids=["one after the other", "crosscut", "back again", "one shot"],
)
def test_group_shots_finds_places_in_any_light(film, expected):
    vectors = np.stack([place_vector(p, 0.4 * (n % 2), n) for n, p in enumerate(film)])
    vectors = cluster_scenes.remove_common(vectors)
    places = cluster_scenes.group_shots(np.arange(len(film)), vectors @ vectors.T, 0.15, 0.5, 3)
    assert places.tolist() == expected


def test_many_shots_are_joined_before_places_are_found(monkeypatch):
    monkeypatch.setattr(cluster_scenes, "MAX_SHOTS", 12)
    film = [0] * 20 + [1] * 20 + [0] * 20 + [2] * 20
    table = pd.DataFrame({"shot_id": range(80), "painted": 0.0, "fade": False})
    vectors = np.stack([place_vector(p, 0.4 * (n % 2), n) for n, p in enumerate(film)])
    options = {name: OPTIONS[name] for name in ("min_similarity", "near_bonus", "near_shots")}
    places = cluster_scenes.find_places(table, vectors, set(), {}, options)
    assert places["location"].tolist() == [f"place_{place + 1:02d}" for place in film]
    assert (places["location_score"] > 0.3).all()


def test_painted_and_faded_frames_hardly_count():
    good, bad = np.eye(4)[0], np.eye(4)[1]
    rows = pd.DataFrame({"shot_id": [7] * 3})
    rows["painted"], rows["fade"] = [0.0, 1.0, 0.0], [False, False, True]
    ids, vectors = cluster_scenes.describe_shots(rows, np.stack([good, bad, bad]))
    assert ids.tolist() == [7]
    assert vectors[0, 0] > 0.99


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({}, ["place_01", "place_01", "place_01", "place_02"]),
        ({1: "plaza"}, ["plaza", "plaza", "plaza", "place_02"]),
        ({0: "plaza", 2: "alley"}, ["plaza", "plaza", "alley", "place_02"]),
        ({0: "plaza", 3: "plaza"}, ["plaza"] * 4),
    ],
    ids=["nobody named", "one name", "two names part a place", "one name joins two"],
)
def test_name_places(named, expected):
    similarity = np.array([[1, 0.9, 0.2, 0], [0.9, 1, 0.3, 0], [0.2, 0.3, 1, 0], [0, 0, 0, 1]])
    vectors = np.linalg.cholesky(similarity)  # their products are the similarity
    names, sure = cluster_scenes.name_places(np.array([0, 0, 0, 1]), vectors, named)
    assert names.tolist() == expected
    assert sure.tolist() == [not name.startswith("place_") for name in expected]


def test_views_do_not_chain_and_the_best_comes_first():
    angles = np.radians([0, 10, 20, 30])
    vectors = np.stack([np.cos(angles), np.sin(angles)], 1)
    assert views.group_views(vectors, np.array([1, 0, 2, 3]), np.cos(0.2)).tolist() == [1, 1, 1, 3]


def test_views_in_blocks_are_those_of_one_after_the_other(monkeypatch):
    rng = np.random.default_rng(3)
    vectors = np.repeat(rng.standard_normal((40, 8)), 5, axis=0) + 0.2 * rng.random((200, 8))
    vectors, order = cluster_scenes.normalize(vectors), rng.permutation(200)
    leaders, expected = [], []
    for row in order:
        similarity = vectors[leaders] @ vectors[row] if leaders else np.zeros(1)
        alone = similarity.max() < 0.95
        expected.append(row if alone else leaders[int(similarity.argmax())])
        leaders += [row] if alone else []
    assert 20 < len(leaders) < 150
    monkeypatch.setattr(views, "BLOCK", 16)
    monkeypatch.setattr(views, "LEADERS", 7)
    assert views.group_views(vectors, order, 0.95).tolist() == expected


def test_views_of_two_places_are_two():
    table = pd.DataFrame({"location": ["plaza", "beach"], "sharpness": 1.0, "painted": 0.0})
    table["reason"] = ""
    assert cluster_scenes.find_keepers(table, np.ones((2, 1)), 0.9).tolist() == [0, 1]


def test_score_fit_sets_the_own_place_against_the_next():
    similarity = np.array([[1, 0.9, 0.2], [0.9, 1, 0.4], [0.2, 0.4, 1]])
    vectors = np.linalg.cholesky(similarity)
    scores = cluster_scenes.score_fit(np.array(["a", "a", "b"], object), vectors)
    assert scores == pytest.approx([0.7, 0.5, 0.7])  # b is one shot: it fits itself
    assert cluster_scenes.score_fit(np.array(["a"] * 3, object), vectors).tolist() == [1, 1, 1]


def test_one_shot_is_one_place():
    shots = pd.Series({"s0000_f000000": 0, "s0000_f000001": 0, "s0001_f000002": 1})
    rows = [("s0000_f000000", "plaza", 2), ("s0001_f000002", "beach", 3), ("gone", "home", 4)]
    columns = ["frame_id", "location", "line"]
    review = pd.DataFrame([*rows, ("s0000_f000001", "plaza", 5)], columns=columns)
    assert cluster_scenes.name_shots(review, shots) == {0: "plaza", 1: "beach"}
    review.loc[3, "location"] = "forest"
    with pytest.raises(CineloraError, match="lines 2 and 5"):
        cluster_scenes.name_shots(review, shots)


@pytest.fixture
def film(tmp_path):
    """A card, then three shots of place 0, two of place 1; two images each."""
    rows, vectors = [], []
    for shot, place in enumerate([9, 0, 0, 1, 1, 0]):
        for n in range(2):
            frame_id = f"s{shot:04d}_f{2 * shot + n:06d}"
            rows.append((frame_id, shot, f"{frame_id}.jpg", False, 0.5 + 0.1 * n))
            vectors.append((frame_id, "background", place_vector(place % 8, 0.2 * n, shot)))
    frames = pd.DataFrame(rows, columns=cluster_scenes.FRAME_COLUMNS)
    frames.to_parquet(tmp_path / "frames.parquet")
    pd.DataFrame({"frame_id": frames["frame_id"][:2], "kind": "title"}).to_parquet(
        tmp_path / "text.parquet"
    )
    measures = frames[["frame_id"]].assign(
        covered=0.2, filled=0.1, leftover=0.0, missed=0.0, moving=0.0
    )
    measures.loc[4, "filled"] = 1.0
    measures.to_parquet(tmp_path / "01of01.parquet")
    pd.DataFrame(vectors, columns=["image_id", "kind", "vector"]).to_parquet(tmp_path / "e.parquet")
    return tmp_path


def run(folder, review=()):
    out = folder / "locations.parquet"
    tables = [folder / "frames.parquet", folder / "text.parquet", [folder / "01of01.parquet"]]
    counts = cluster_scenes.main(
        *tables, [folder / "e.parquet"], list(review), out, limits=LIMITS, **OPTIONS
    )
    return counts, pd.read_parquet(out)


def test_every_image_gets_place_view_and_reason(film):
    counts, rows = run(film)
    places = [""] * 2 + ["place_01"] * 4 + ["place_02"] * 4 + ["place_01"] * 2
    assert rows["location"].tolist() == places
    assert rows["reason"].tolist() == [""] * 4 + ["too_much_painted"] + [""] * 7
    assert set(rows.loc[rows["is_view_keeper"], "view_group"]) == set(rows["view_group"])
    assert not rows.loc[4, "is_view_keeper"]  # the painted one of two that are alike
    assert counts.found["places"] == 2
    assert counts.found["too_much_painted"] == 1


def test_people_name_places(film):
    (film / "names.csv").write_text("frame_id,location\ns0003_f000006,beach\n", encoding="utf-8")
    _, rows = run(film, [str(film / "names.csv")])
    assert rows["location"].tolist()[6:10] == ["beach"] * 4
    assert rows["location_score"].tolist()[6:10] == [1.0] * 4


def test_a_name_of_an_image_that_is_gone_is_counted(film, caplog):
    (film / "names.csv").write_text("frame_id,location\ns9999_f000001,plaza\n", encoding="utf-8")
    counts, rows = run(film, [str(film / "names.csv")])
    assert counts.found["review_unknown"] == 1
    assert "line 2 (s9999_f000001)" in caplog.text
    assert "plaza" not in set(rows["location"])


@pytest.mark.parametrize("name", ["../etc", "Plaza", ""], ids=["a path", "capitals", "none"])
def test_a_bad_name_stops_the_phase(film, name):
    (film / "names.csv").write_text(f"frame_id,location\ns0003_f000006,{name}\n", encoding="utf-8")
    with pytest.raises(CineloraError, match="line 2: .*location"):
        run(film, [str(film / "names.csv")])


def test_tables_of_different_runs_are_refused(film):
    pd.read_parquet(film / "e.parquet")[:-1].to_parquet(film / "e.parquet")
    with pytest.raises(CineloraError, match="1 have no vector"):
        run(film)
