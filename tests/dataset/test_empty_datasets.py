"""A dataset without images is a result: a folder that says why, beside those that have images."""

import json

import pandas as pd
import pytest

from tests.factories import tables
from tests.factories.dataset_phases import CONFIG, DATASETS, caption, pack, select
from tests.factories.odd_films import PEOPLE, set_aside, without
from workflow_scripts.dataset import analyze_dataset, emptiness
from workflow_scripts.dataset.emptiness import ADMITS, NOBODY_OFFERED, explain_empty
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.report.page.funnel import WORDS

VOCABULARY = "resources/vocabularies/captions.yaml"
OF_PEOPLE = [name for name in DATASETS if not split_name(name)[0].is_of_frames]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return tables.make_film(tmp_path_factory.mktemp("film"))


def check_empty(film, folder, name):
    """Pack and analyze a dataset that must come out empty; its counts.json."""
    counts, rows, said = pack(film, folder / name, name)
    assert (counts.kept, rows["split"].ne("").sum(), said["in_dataset"]) == (0, 0, 0)
    assert sorted(path.name for path in (folder / name).iterdir()) == [
        "EMPTY.txt", "counts.json", "dataset.parquet"
    ]  # fmt: skip
    kind, _ = split_name(name)
    files = {table: [film[table]] for table in kind.measured_by if table != "poses"}
    analyze_dataset.main(
        str(folder / name),
        VOCABULARY,
        str(folder / f"{name}.balance.parquet"),
        str(folder / f"{name}.json"),
        name=name,
        rules=CONFIG["analyze_dataset"],
        poses=film["poses"] if "poses" in kind.measured_by else "",
        **files,
    )
    assert pd.read_parquet(folder / f"{name}.balance.parquet").empty
    shares = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    assert {row["verdict"] for row in shares.values()} == {"not judged"}
    return said


@pytest.mark.parametrize("name", OF_PEOPLE)
def test_a_film_without_people(film, tmp_path, name):
    nobody = without(film, tmp_path / "tables", *PEOPLE)
    said = check_empty(nobody, tmp_path, name)
    shows = split_name(name)[0].shows
    assert said["empty"] == [f"{NOBODY_OFFERED[shows]}: there is no candidate"]
    assert NOBODY_OFFERED[shows] in (tmp_path / name / "EMPTY.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["background", "style", "lighting"])
def test_a_film_without_people_has_its_frames(film, tmp_path, name):
    nobody = without(film, tmp_path / "tables", *PEOPLE)
    counts, rows, said = pack(nobody, tmp_path / name, name)
    assert counts.kept == rows["split"].ne("").sum() > 0
    assert said["empty"] == []
    assert not (tmp_path / name / "EMPTY.txt").exists()


@pytest.mark.parametrize("name", DATASETS)
def test_a_film_of_which_no_frame_is_kept(film, tmp_path, name):
    said = check_empty(set_aside(film, tmp_path / "tables", "dark"), tmp_path, name)
    assert said["empty"] == [f"{said['candidates']} x dark: a smaller filter_frames.min_brightness"]
    assert said["candidates"] > 0


def test_what_would_let_images_in_is_named_with_its_option(film, tmp_path):
    _, rows, said = pack(film, tmp_path / "pose", "pose", min_side_px={"pose": 5000})
    assert rows["reason"].ne("").all() and len(rows) == 50
    wanted = f"{(rows['reason'] == 'too_small').sum()} x too small: a smaller "
    assert f"{wanted}select_images.min_side_px.pose" in said["empty"]
    assert f"{(rows['reason'] == 'duplicate').sum()} x duplicate" in said["empty"]


def test_a_character_that_nobody_knows_says_how_to_name_it():
    reasons = pd.Series(["unknown_character"] * 3 + ["duplicate"])
    first, second = explain_empty(KINDS["character"], "nella", "luca", reasons)
    assert first.startswith("3 x unknown character: more or other images of nella in the film")
    assert first.endswith("config/reviews/luca/identities.csv")
    assert second == "1 x duplicate"


def test_a_dataset_with_an_image_is_not_explained():
    assert explain_empty(KINDS["pose"], "", "luca", pd.Series(["", "small"])) == []


def test_a_reason_that_is_new_keeps_its_name():
    assert explain_empty(KINDS["pose"], "", "x", pd.Series(["too_loud"])) == ["1 x too loud"]


def test_every_explained_reason_is_one_that_the_report_knows_or_a_kind_gives():
    given = {"too_small", "unknown_action", "unknown_lighting"}
    assert len(ADMITS) > 20
    assert set(ADMITS) <= set(WORDS) | given
    assert set(NOBODY_OFFERED) == {kind.shows for kind in KINDS.values()}


def test_one_image_is_a_dataset(film, tmp_path):
    rows = pd.read_parquet(film["decisions"])
    rows["reason"] = rows["reason"].where(rows["frame_id"] == "s0002_f000024", "dark")
    rows.to_parquet(tmp_path / "decisions.parquet")
    one = film | {"decisions": str(tmp_path / "decisions.parquet")}
    counts, rows, said = pack(one, tmp_path / "style", "style")
    assert (counts.kept, said["splits"]) == (1, {"train": 1, "validation": 0})
    assert said["held_out"]["notes"] and said["empty"] == []


def test_captions_and_selection_of_nobody_have_all_columns(film, tmp_path):
    nobody = without(film, tmp_path / "tables", *PEOPLE)
    counts, rows = select(nobody, tmp_path / "s.parquet", "pose")
    assert (counts.read, len(rows)) == (0, 0)
    counts, rows = caption(nobody, tmp_path / "c.parquet", "pose")
    assert (counts.read, len(rows)) == (0, 0)
    assert emptiness.FILE == "EMPTY.txt"


def test_images_that_training_enlarges_are_counted(film, tmp_path):
    _, rows, said = pack(film, tmp_path / "expression", "expression")
    chosen = rows[rows["split"] != ""]
    sides = (chosen["x1"] - chosen["x0"]).combine(chosen["y1"] - chosen["y0"], min)
    assert said["crops"]["under_256_px"] == (sides < 256).sum() > 0
    assert said["crops"]["under_256_px_share"] == pytest.approx((sides < 256).mean(), abs=1e-4)
