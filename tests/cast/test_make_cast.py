import argparse
import hashlib

import pyarrow.parquet as pq
import pytest
from cast import make_cast, shards
from cast.make_cast import file_settings, find_missing, read_count, read_part

SETTINGS = {"maker": 1, "seed": 1, "size_px": 64, "images_per_person": 2, "format": "png"}


def write_empty(out, number: int, people: int, settings=SETTINGS) -> None:
    shards.write_images(
        [], out / f"cast_{number:05d}.parquet", file_settings(number, people, settings)
    )


def test_parts_share_the_files(tmp_path):
    halves = [find_missing(tmp_path, 410, (k, 2), SETTINGS) for k in (0, 1)]
    assert [sorted(half) for half in halves] == [[0, 2, 4], [1, 3, 5]]
    assert sorted(find_missing(tmp_path, 400, (0, 1), SETTINGS)) == [0, 1, 2, 3, 4]


def test_what_is_there_is_not_made_again(tmp_path):
    write_empty(tmp_path, 1, 410)
    assert sorted(find_missing(tmp_path, 410, (0, 1), SETTINGS)) == [0, 2, 3, 4, 5]


def test_more_people_leave_full_files_alone(tmp_path):
    write_empty(tmp_path, 0, 100)
    assert sorted(find_missing(tmp_path, 200, (0, 1), SETTINGS)) == [1, 2]


@pytest.mark.parametrize("other", [{"seed": 2}, {"size_px": 128}, {"images_per_person": 3}])
def test_files_of_another_kind_are_not_mixed(tmp_path, other):
    write_empty(tmp_path, 0, 100, {**SETTINGS, **other})
    with pytest.raises(SystemExit, match="take another --out, or delete it"):
        find_missing(tmp_path, 100, (0, 1), SETTINGS)


def test_a_last_file_with_fewer_people_is_not_taken_for_a_full_one(tmp_path):
    write_empty(tmp_path, 1, 100)  # 20 people
    with pytest.raises(SystemExit, match="'people': 20"):
        find_missing(tmp_path, 160, (0, 1), SETTINGS)


def test_a_file_of_somebody_else_is_told(tmp_path):
    pq.write_table(shards.IMAGES.empty_table(), tmp_path / "cast_00000.parquet")
    with pytest.raises(ValueError, match="carries no settings"):
        find_missing(tmp_path, 8, (0, 1), SETTINGS)


def test_arguments():
    assert read_part("1/4") == (1, 4)
    assert read_count("12") == 12
    for text in ("2/2", "1", "-1/2", "a/b", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is no part"):
            read_part(text)
    for text in ("0", "-3", "x"):
        with pytest.raises(argparse.ArgumentTypeError, match="of 1 or more"):
            read_count(text)


@pytest.fixture(scope="module")
def body():
    pytest.importorskip(
        "anny", reason="the body model (anny) is in the environment of the film maker"
    )
    from cast.people import load_body

    return load_body()


def test_a_cast_is_drawn_twice_alike_and_never_the_demo(body, tmp_path):
    sums = []
    for folder in ("a", "b"):
        path = tmp_path / folder / "cast.parquet"
        assert make_cast.make_file(body, 0, 3, path, file_settings(0, 3, SETTINGS)) == 6
        sums.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert sums[0] == sums[1]
    rows = pq.read_table(tmp_path / "a" / "cast.parquet").to_pylist()
    assert len({row["people"][0]["seed"] for row in rows}) == 3
    assert all(shards.decode(row["image"]).shape == (64, 64, 3) for row in rows) and len(rows) == 6
