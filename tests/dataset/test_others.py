"""Who else is in a crop: named, counted, or the same person found twice."""

import numpy as np
import pandas as pd
import pytest

from tests.factories import dataset_phases, tables
from workflow_scripts.dataset.others import list_others
from workflow_scripts.dataset.words import read_words
from workflow_scripts.lib.kinds import KINDS

NAMES = {"nella": "nella woman", "bruno": "bruno man"}
OWN = (100, 100, 200, 400)
CROP = np.array([[64, 64, 256, 448]])


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ([], []),
        ([("bruno", (150, 100, 260, 400))], ["bruno man"]),
        ([("", (150, 100, 260, 400))], ["one person"]),
        ([("bruno", (150, 100, 260, 400)), ("", (70, 300, 110, 400))], ["bruno man", "one person"]),
        ([("", (70, 300, 110, 400)), ("", (210, 300, 250, 400))], ["two people"]),
        ([("bruno", (240, 100, 340, 400))], []),
        ([("bruno", (0, 0, 900, 900))], ["bruno man"]),
        ([("nella", (105, 100, 205, 400))], []),
        ([("", (105, 100, 205, 400))], []),
        ([("", (120, 250, 180, 400))], ["one person"]),
    ],
    ids=["alone", "beside", "a stranger", "a friend and a stranger", "two strangers"]
    + ["mostly out of the crop", "a face that fills it", "the same name twice"]
    + ["a nameless body in the same place", "a child in front"],
)
def test_who_else_shows(others, said):
    people = [("i0", "f", *OWN, "nella")]
    people += [(f"i{n}", "f", *box, who) for n, (who, box) in enumerate(others, start=1)]
    columns = ["instance_id", "frame_id", "x0", "y0", "x1", "y1", "character"]
    table = pd.DataFrame(people, columns=columns)
    rows = pd.DataFrame({"image_id": ["i0"], "frame_id": ["f"]})
    assert list_others(rows, CROP, table, NAMES) == [said]


@pytest.mark.parametrize("dataset", ["character-nella", "pose", "expression"])
def test_captions_of_crops_name_whoever_shows_beside(tmp_path, dataset):
    film = tables.make_film(tmp_path)
    table = pd.read_parquet(film["instances"])
    near = table["who"] == "bruno"
    table.loc[near, ["x0", "x1"]] -= 130.0  # beside Nella
    table.to_parquet(film["instances"])
    characters = {who: {"trigger": who, "class": "person"} for who in ("nella", "bruno")}
    _, rows = dataset_phases.caption(
        film, tmp_path / "out.parquet", dataset, characters=characters, style={}
    )
    rows = rows.set_index("image_id")
    together, alone = rows.loc["s0002_f000024_i00"], rows.loc["s0001_f000000_i00"]
    assert "with bruno person" in together["caption"].split(", ")
    assert "with" not in alone["caption"]
    sources = {tag["text"]: tag["source"] for tag in together["tags"]}
    assert sources["with bruno person"] == "identify_characters.character"


def test_only_images_that_are_wanted_are_spoken_of(tmp_path):
    film, kind = tables.make_film(tmp_path), KINDS["pose"]
    paths = {name: film[name] for name in ("frames", "texts", *kind.words)}
    everybody = read_words(kind, "", paths, NAMES, [], "crop")
    wanted = everybody["image_id"].iloc[[0, -1]]
    assert len(everybody) > 2
    some = read_words(kind, "", paths, NAMES, [], "crop", wanted=set(wanted))
    expected = everybody[everybody["image_id"].isin(wanted)].reset_index(drop=True)
    pd.testing.assert_frame_equal(some.reset_index(drop=True), expected)
