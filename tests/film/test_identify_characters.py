"""identify_characters: clusters of tracks, names by references and corrections, a row for each."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.factories.figures import draw_figure
from workflow_scripts.film import embed_references, identify_characters
from workflow_scripts.film.people.clusters import link_average, mean_distances
from workflow_scripts.film.people.colors import describe_colors
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.report.accuracy import identity

LINE = np.array([0.0, 1.0, 2.2, 10.0])
DISTANCES = np.abs(LINE[:, None] - LINE[None])
CAST = ["bruno", "nella", "pip"]
PARAMS = {
    "vector_weight": 0.1,
    "cluster_threshold_interpolation": 0.75,
    "max_distance": 0.3,
    "min_score": 0.55,
}
TRACKS = {  # track: who, in which light, in which frames of the shot
    "s0001_t00": ("nella", "day", (0, 1, 2)),
    "s0001_t01": ("bruno", "day", (1, 2)),
    "s0002_t00": ("nella", "sunset", (0, 1)),
    "s0003_t00": ("pip", "night", (0, 1)),
    "s0003_t01": ("bruno", "night", (0, 1, 2)),
}


@pytest.mark.parametrize(
    ("limit", "apart", "groups", "expected"),
    [
        (0.5, [], [0, 1, 2, 3], [0, 1, 2, 3]),
        (1.0, [], [0, 1, 2, 3], [0, 0, 1, 2]),
        (1.71, [], [0, 1, 2, 3], [0, 0, 0, 1]),
        (99, [], [0, 1, 2, 3], [0, 0, 0, 0]),
        (1.21, [(0, 1)], [0, 1, 2, 3], [0, 1, 1, 2]),
        (99, [(0, 1)], [0, 1, 2, 3], [0, 1, 1, 1]),
        (0.5, [], [7, 1, 2, 7], [0, 1, 2, 0]),
    ],
    ids=["nobody", "nearest", "mean of pairs", "all", "apart", "apart for ever", "from the start"],
)
def test_link_average(limit, apart, groups, expected):
    matrix = np.zeros((4, 4), bool)
    for one, other in apart:
        matrix[one, other] = matrix[other, one] = True
    labels = link_average(DISTANCES, matrix, np.array(groups), limit)
    assert pd.factorize(labels)[0].tolist() == expected


def test_mean_distances_leave_the_item_itself_out():
    means = mean_distances(DISTANCES, np.array([0, 0, 1, 1]))
    np.testing.assert_allclose(means[0], [1, (2.2 + 10) / 2])
    assert np.isinf(mean_distances(DISTANCES, np.array([0, 1, 1, 1]))[0, 0])


@pytest.mark.parametrize(
    ("same", "different", "limit"),
    [
        ([0.1] * 9, [0.5] * 9, 0.4),
        ([0.1] * 9, [0.5] * 3, 0.45),
        ([0.1] * 9, [0.9] * 9, 0.45),
        ([0.3] * 9, [0.3] * 9, 0.3),
    ],
    ids=["between", "too few pairs", "never above max_distance", "not told apart"],
)
def test_choose_limit(same, different, limit):
    images = np.full(len(different), 5)
    chosen = identify_characters.choose_limit(
        np.array(same), np.array(different), images, 0.45, 0.75
    )
    assert chosen == pytest.approx(limit)


def test_a_short_double_detection_says_little_of_how_people_differ():
    same, different = np.full(9, 0.1), np.array([0.5] * 9 + [0.0])
    images = np.array([12] * 9 + [3])
    limit = identify_characters.choose_limit(same, different, images, 0.45, 0.75)
    assert limit == pytest.approx(0.4)


def test_find_equal_error():
    cut, rate = identify_characters.find_equal_error(
        np.array([1, 2, 3, 9]), np.array([4, 5, 6, 2.5])
    )
    assert (cut, rate) == (3.0, 0.25)


def stand(place: int) -> tuple[float, ...]:
    """A box of somebody who stands apart from those at other places."""
    return 100.0 * place, 10.0, 100.0 * place + 60, 110.0


def look(name: str, light: str) -> tuple[np.ndarray, np.ndarray]:
    vector = np.eye(3, dtype=np.float32)[CAST.index(name)]
    return vector, describe_colors(*draw_figure(name, light))


@pytest.fixture
def film(tmp_path) -> dict:
    """Three shots in three lights; instances and embeddings as two shards."""
    people, looks = [], []
    for track, (who, light, numbers) in TRACKS.items():
        for n in numbers:
            frame = f"{track[:5]}_f{n:06d}"
            instance = f"{frame}_i{track[-2:]}"
            people.append((instance, frame, track, 3000, *stand(int(track[-2:]))))
            looks.append((instance, "instance", *look(who, light)))
            looks.append((frame, "frame", *look("pip", light)))
    people = pd.DataFrame(people, columns=identify_characters.INSTANCE_COLUMNS)
    looks = pd.DataFrame(looks, columns=["image_id", "kind", "vector", "colors"])
    paths: dict = {"instances": [], "embeddings": []}
    for shard, shots in (("01of02", ("s0001",)), ("02of02", ("s0002", "s0003"))):
        for name, table in (("instances", people), ("embeddings", looks)):
            path = tmp_path / f"{name}_{shard}.parquet"
            table[table.iloc[:, 0].str.startswith(shots)].to_parquet(path)
            paths[name].append(str(path))
    return paths | {"identities": str(tmp_path / "identities.parquet")}


def write_references(folder: Path, names: list[str]) -> str:
    rows = [(f"{name}/1.jpg", name, *look(name, "day"), "") for name in names]
    rows.append(("nella/2.jpg", "nella", None, None, "no_person"))
    table = pd.DataFrame(rows, columns=embed_references.REFERENCES.names)
    write_manifest(table, folder / "references.parquet", embed_references.REFERENCES)
    return str(folder / "references.parquet")


def identify(film: dict, folder: Path, names: list[str], review: str = "") -> pd.DataFrame:
    """Run the phase; one row per track (its first instance)."""
    files = []
    if review:
        files = [str(folder / "identities.csv")]
        Path(files[0]).write_text(review, encoding="utf-8")
    references = write_references(folder, names)
    identify_characters.main(**film, references=references, review=files, characters=CAST, **PARAMS)
    rows = pd.read_parquet(film["identities"])
    assert len(rows) == 12  # everybody keeps a row
    return rows


def names_of(rows: pd.DataFrame) -> dict[str, str]:
    return rows.groupby("track_id")["character"].first().to_dict()


def test_references_name_tracks_in_any_light(film, tmp_path):
    rows = identify(film, tmp_path, CAST)
    assert names_of(rows) == {track: who for track, (who, _, _) in TRACKS.items()}
    assert set(rows["source"]) == {"reference"}
    assert rows["score"].between(0.5, 1).all()


def test_who_is_in_no_image_stays_unknown(film, tmp_path):
    rows = identify(film, tmp_path, ["nella", "bruno"])
    unknown = rows[rows["character"] == ""]
    assert set(unknown["track_id"]) == {"s0003_t00"}
    assert set(unknown["reason"]) == {"unknown_character"}
    assert set(unknown["source"]) == {"none"}


def test_without_references_clusters_are_numbered_by_size(film, tmp_path):
    rows = identify(film, tmp_path, [])
    assert (rows["character"] == "").all()
    clusters = rows.groupby("track_id")["cluster"].first()
    assert clusters["s0001_t00"] == clusters["s0002_t00"]
    assert clusters["s0001_t01"] == clusters["s0003_t01"]
    assert rows["cluster"].value_counts().to_dict() == {"c01": 5, "c02": 5, "c03": 2}


def test_a_corrected_track_names_those_that_look_alike(film, tmp_path):
    rows = identify(film, tmp_path, [], "id,character\ns0001_t00,nella\n")
    assert names_of(rows)["s0002_t00"] == "nella"
    source = rows.groupby("track_id")["source"].first()
    assert (source["s0001_t00"], source["s0002_t00"]) == ("review", "cluster")


def test_corrections_win_the_nearest_first(film, tmp_path):
    review = "id,character\ns0001_t00,pip\ns0001_f000001_i00,\nc03,bruno\n"
    rows = identify(film, tmp_path, [], review).set_index("instance_id")
    assert rows.loc["s0001_f000000_i00", "character"] == "pip"
    assert rows.loc["s0001_f000001_i00", ["character", "reason"]].tolist() == ["", "nobody"]
    assert rows.loc["s0003_f000000_i00", "character"] == "bruno"


def test_somebody_found_twice_in_an_image_is_named_once(film, tmp_path):
    """In one image of shot 2 a second box of Nella lies beside the first: hers all the same."""
    people, looks = (Path(film[name][1]) for name in ("instances", "embeddings"))
    rows, seen = pd.read_parquet(people), pd.read_parquet(looks)
    double = rows[rows["instance_id"] == "s0002_f000001_i00"].assign(
        instance_id="s0002_f000001_i01", track_id="s0002_t01", x0=300.0, x1=350.0
    )
    pd.concat([rows, double]).to_parquet(people)
    again = seen[seen["image_id"] == "s0002_f000001_i00"].assign(image_id="s0002_f000001_i01")
    pd.concat([seen, again]).to_parquet(looks)
    references = write_references(tmp_path, CAST)
    identify_characters.main(**film, references=references, review=[], characters=CAST, **PARAMS)
    found = pd.read_parquet(film["identities"]).set_index("instance_id")
    assert len(found) == 13
    assert found.loc["s0002_f000001_i01", ["character", "reason"]].tolist() == ["", "unsure"]
    named = found.groupby("track_id")["character"].first()
    assert {track: named[track] for track in TRACKS} == {t: who for t, (who, *_) in TRACKS.items()}


def test_a_bad_review_stops_the_phase(film, tmp_path):
    with pytest.raises(CineloraError, match=r"line 2: no character 'nela'\. Did you mean 'nella'"):
        identify(film, tmp_path, [], "id,character\ns0001_t00,nela\n")


def test_corrections_of_what_is_gone_are_counted(film, tmp_path, caplog):
    review = tmp_path / "identities.csv"
    review.write_text(
        "id,character\ns0001_t00,nella\ns0009_t00,pip\nc99,pip\nc01,nella\n", encoding="utf-8"
    )
    counts = identify_characters.main(
        **film,
        references=write_references(tmp_path, []),
        review=[str(review)],
        characters=CAST,
        **PARAMS,
    )
    assert counts.found["review_unknown"] == 2
    assert "line 3 (s0009_t00), line 4 (c99)" in caplog.text


def test_a_film_without_people(film, tmp_path):
    for path in film["instances"] + film["embeddings"]:
        pd.read_parquet(path)[:0].to_parquet(path)
    references = write_references(tmp_path, CAST)
    counts = identify_characters.main(
        **film, references=references, review=[], characters=CAST, **PARAMS
    )
    assert counts.read == 0
    assert pd.read_parquet(film["identities"]).empty


def test_accuracy_counts_names_and_strangers():
    expected = pd.DataFrame(
        {"who": ["nella", "nella", "pip"], "name": ["nella", "", "pip"], "judged": True}
    )
    found = pd.DataFrame(
        {
            "cluster": ["c01", "c01", "c02", "c03"],
            "character": ["nella", "bruno", "pip", "pip"],
            "who": ["nella", "nella", "pip", ""],
        }
    )
    values = {k: m.value for k, m in identity.measure_names(expected, found).items()}
    assert values == pytest.approx(
        {
            "identity_purity": 2 / 3,
            "identity_strangers": 1 / 4,
            "identity_coverage": 2 / 3,
            "cluster_purity": 1.0,
            "cluster_coverage": 1.0,
        }
    )


def test_accuracy_matches_boxes_one_to_one():
    first = np.array([[0, 0, 10, 10], [100, 0, 110, 10]], float)
    second = np.array([[1, 0, 11, 10], [0, 0, 10, 9], [106, 0, 116, 10]], float)
    assert identity.match_boxes(first, second) == [(0, 1)]
