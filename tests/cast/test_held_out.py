"""The characters that ship with the repository, and that nothing was trained on."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cast import demo_people, shards
from cast.attributes import sample_person

from resources.light_models.recipe import run


@pytest.fixture(scope="module")
def rows():
    files = sorted(Path(run.HELD_OUT).glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_two_hundred_characters_with_some_images_each(rows):
    counts = Counter(row["people"][0]["seed"] for row in rows)
    assert len(counts) == 200
    assert set(counts.values()) == {6}
    assert len({row["image_id"] for row in rows}) == len(rows)
    assert shards.decode(rows[0]["image"]).shape == (128, 128, 3)
    size = sum(file.stat().st_size for file in Path(run.HELD_OUT).glob("*.parquet"))
    assert size < 10_000_000  # git keeps it forever


def test_nobody_was_trained_on_nor_is_of_the_demo_film(rows):
    everyone = {person["seed"] for row in rows for person in row["people"]}
    assert min(everyone) >= (run.TRAIN_SEED + 1) * 1_000_000  # where the next seed's begin
    assert [seed for seed in everyone if demo_people.is_like_demo(sample_person(seed))] == []
