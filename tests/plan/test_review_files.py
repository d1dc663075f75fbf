"""Files of corrections are looked at before a run: unusable ones stop it, unread ones are named."""

import os

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.review_files import check_reviews, find_reviews, list_unread

FILMS = {"luca": {"kinds": ["style", "pose"], "characters": {"nella": {}}}, "other": {}}
LUCA = {"luca": FILMS["luca"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of a film's corrections."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "config/reviews/luca"
    made.mkdir(parents=True)
    return made


def test_no_folder_is_no_correction(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (find_reviews("luca"), check_reviews(LUCA), list_unread(FILMS)) == ([], [], [])


def test_only_files_of_the_known_names_are_found(folder):
    for name in ("captions.csv", "caption.csv", "notes.csv", "identities.csv"):
        (folder / name).touch()
    assert find_reviews("luca") == [
        f"config/reviews/luca/{name}.csv" for name in ("captions", "identities")
    ]
    assert find_reviews("luca", "captions") == ["config/reviews/luca/captions.csv"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("luca/caption.csv", "did you mean captions.csv?"),
        ("luca/captions.CSV", "did you mean captions.csv?"),
        ("luca/ captions.csv", "did you mean captions.csv?"),
        ("luca/captions.xlsx", "did you mean captions.csv?"),
        ("luca/captions.csv.txt", "did you mean captions.csv?"),
        ("luca/location.csv/", "did you mean locations.csv?"),
        ("luca/notes.txt", "are captions.csv, expressions.csv, identities.csv, locations.csv."),
        ("Other/captions.csv", "config/reviews/Other/ is not read: did you mean other/?"),
        ("captions.csv", "is not read: corrections lie in config/reviews/<film>/."),
        ("luca/a\nb.csv", "config/reviews/luca/a\\nb.csv is not read"),
    ],
    ids=repr,
)
def test_what_is_not_read_is_named(folder, name, words):
    path = folder.parent / name
    path.mkdir(parents=True) if name.endswith("/") else path.parent.mkdir(exist_ok=True)
    path.exists() or path.touch()
    (line,) = list_unread(FILMS)
    assert words in line and line.isprintable()


@pytest.mark.parametrize(
    ("name", "is_named"),
    [("lcua", True), ("Luca", True), ("lucca", True), ("luca2", False), ("luca_of_1990", False)],
)
def test_a_misspelt_folder_beside_the_right_one_is_named_where_it_holds_corrections(
    folder, name, is_named
):
    (folder.parent / name).mkdir()
    assert list_unread(FILMS) == []
    (folder.parent / name / "captions.csv").touch()
    said = [f"config/reviews/{name}/ is not read: did you mean luca/?"]
    assert list_unread(FILMS) == said * is_named


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("style", "expressions", "id,emotion\nt1,happy\n"),
        ("background", "identities", "id,character\nt1,nella\n"),
        ("pose", "locations", "frame_id,location\nf1,attic\n"),
    ],
)
def test_corrections_that_no_phase_of_the_film_reads_are_named(folder, kind, name, text):
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    films = {"luca": FILMS["luca"] | {"kinds": [kind]}}
    path = f"config/reviews/luca/{name}.csv"
    line = f"{path} is not used: films.luca.kinds has no kind that reads it."
    assert check_reviews(films) == [line]
    films["luca"]["kinds"] = ["style", "pose", "background", "expression"]
    assert check_reviews(films) == []


def test_other_films_and_what_editors_and_systems_leave_are_not_named(folder):
    (folder.parent / "README.md").touch()
    for name in (".~lock.captions.csv#", ".DS_Store", "captions.csv~", "#captions.csv#"):
        (folder / name).touch()
    for name in ("a_film_of_last_year", "luca2"):  # which luca/ is not
        (folder.parent / name).mkdir()
    assert list_unread(FILMS) == []


def test_all_that_is_wrong_with_the_files_is_said_together(folder):
    (folder / "identities.csv").write_text("id,character\nt1,bruno\n", encoding="utf-8")
    (folder / "locations.csv").mkdir()
    (folder / "captions.csv").symlink_to("captions.csv")
    os.mkfifo(folder / "expressions.csv")
    with pytest.raises(CineloraError) as hit:
        check_reviews(LUCA)
    said = str(hit.value)
    assert "identities.csv cannot be used:\n  line 2: no character 'bruno'. Known: nella." in said
    assert "locations.csv is a folder" in said
    assert "captions.csv is a link that leads nowhere" in said
    assert "expressions.csv is no file but a pipe or a device" in said


def test_captions_of_kinds_that_the_film_does_not_make_are_counted(folder):
    text = "kind,image_id,caption\nlighting,f1,a\nlighting,f2,a\npose,i1,a\n"
    (folder / "captions.csv").write_text(text, encoding="utf-8")
    assert check_reviews(LUCA) == [
        "config/reviews/luca/captions.csv: 2 of kind lighting, which films.luca.kinds has not;"
        " not used."
    ]
