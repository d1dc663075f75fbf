"""embed_references: one row per image of the roster, with a reason where nobody was found."""

import numpy as np
import pandas as pd
import pytest

from tests.factories.encoded_images import encode, encode_alpha, encode_deep, encode_turned
from tests.factories.figures import draw_figure
from workflow_scripts.film import embed_references
from workflow_scripts.film.people.roster import find_gaps, list_images, list_watched
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import format_name
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.detections import Detections, no_detections

CAST = ["nella", "pip"]


def load_stub(model: dict, weights: list):
    """Somebody is there unless the image is flat; the mask is that of a drawn figure."""

    def detect(images):
        return [look(image) for image in images]

    def look(image):
        if image.std() < 1:
            return no_detections(*image.shape[:2], regions=True)
        box, region = np.array([[25, 10, 55, 110]], float), np.array([[40, 60, 100, 0]], float)
        return Detections(box, np.ones(1), region)

    def segment(image, found):
        masks = np.stack([draw_figure("pip")[1]] * len(found)) if len(found) else found.masks
        return Detections(found.boxes, found.scores, found.regions, masks)

    def embed(images):
        return np.full((len(images), 4), 0.5, np.float32)

    def pose(images, boxes, regions):
        return np.zeros((len(boxes), 17, 3), np.float32)

    nets = {"detect": detect, "segment": segment, "pose": pose, "embed": embed}
    return nets[model["role"]]


@pytest.fixture
def roster(tmp_path):
    folder = tmp_path / "roster"
    for name in CAST:
        write_image(folder / name / "01.jpg", draw_figure(name)[0])
        write_image(folder / name / "02.png", draw_figure(name, "sunset")[0])
    return folder


def run(roster, monkeypatch, load=load_stub) -> pd.DataFrame:
    monkeypatch.setattr(embed_references, "load_model", load)
    output = str(roster.parent / "references.parquet")
    embed_references.main(
        list_images(roster, CAST),
        *([], [], [], []),
        output,
        roster=str(roster),
        characters=CAST,
        padding=0.05,
        **{role: {"role": role} for role in ("detect", "segment", "pose", "embed")},
    )
    return pd.read_parquet(output)


def test_every_image_gets_a_row(roster, monkeypatch):
    write_image(roster / "pip" / "empty.jpg", np.full((120, 80, 3), 90, np.uint8))
    (roster / "pip" / "broken.jpg").write_bytes(b"no image")
    rows = run(roster, monkeypatch).set_index("reference_id")
    assert rows["reason"].to_dict() == {
        "nella/01.jpg": "",
        "nella/02.png": "",
        "pip/01.jpg": "",
        "pip/02.png": "",
        "pip/broken.jpg": "unreadable",
        "pip/empty.jpg": "no_person",
    }
    assert rows.loc["pip/01.jpg", "character"] == "pip"
    assert rows.loc["pip/empty.jpg", "vector"] is None


def test_the_detector_sees_the_images_of_all_characters_together(roster, monkeypatch):
    (roster / "nella" / "a.jpg").write_bytes(b"no image")
    for number in range(10):
        name = CAST[number % 2]
        write_image(roster / name / f"more{number}.png", draw_figure(name)[0])
    calls = []

    def load(model: dict, weights: list):
        run_model = load_stub(model, weights)
        if model["role"] != "detect":
            return run_model
        return lambda images: (calls.append(len(images)), run_model(images))[1]

    rows = run(roster, monkeypatch, load).set_index("reference_id")
    assert calls == [7, 7]  # of fifteen files one is none
    assert rows["reason"].to_dict() == dict.fromkeys(rows.index, "") | {"nella/a.jpg": "unreadable"}
    own = rows.drop(index="nella/a.jpg")
    colors = np.stack(own["colors"].to_list())
    for name in CAST:
        mine = colors[own["character"] == name]
        np.testing.assert_allclose(mine, mine[[0] * len(mine)], atol=0.1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("03.jpg", lambda image: encode_turned(np.ascontiguousarray(np.rot90(image)), 6)),
        ("03.png", lambda image: encode_alpha(image, np.full(image.shape[:2], 255, np.uint8))),
        ("03.png", encode_deep),
        ("03.jpg", lambda image: encode(image, "JPEG", mode="CMYK", quality=98)),
    ],
    ids=["turned by its camera", "with transparency", "16 bits", "CMYK"],
)
def test_a_model_sees_references_upright_and_whole(tmp_path, monkeypatch, name, data):
    figure, folder = draw_figure("pip")[0], tmp_path / "roster"
    (folder / "pip").mkdir(parents=True)
    (folder / "pip" / name).write_bytes(data(figure))
    seen = []

    def load(model: dict, weights: list):
        run_model = load_stub(model, weights)
        if model["role"] != "detect":
            return run_model
        return lambda images: (seen.extend(images), run_model(images))[1]

    (row,) = run(folder, monkeypatch, load).itertuples()
    assert (row.reference_id, row.reason) == (f"pip/{name}", "")
    expected = figure[..., :1] if data is encode_deep else figure
    (image,) = seen
    assert image.shape == figure.shape
    assert np.abs(image.astype(int) - expected).mean() < 4


def test_an_unreadable_reference_is_named_in_the_log(roster, monkeypatch, caplog):
    (roster / "pip" / "broken.jpg").write_bytes(b"no image")
    (roster / "pip" / ".hidden.jpg").write_bytes(b"no image")
    rows = run(roster, monkeypatch)
    assert len(rows) == 5
    assert f"{roster}/pip/broken.jpg: not an image in a known format (8 bytes)" in caplog.text


def test_an_image_in_the_wrong_folder_is_named(roster, monkeypatch):
    write_image(roster / "pip" / "wrong.jpg", draw_figure("nella")[0])
    assert embed_references.find_mislabeled_references(run(roster, monkeypatch)) == [
        "pip/wrong.jpg"
    ]


def test_no_roster_leaves_an_empty_table_and_loads_no_model(tmp_path, monkeypatch):
    rows = run(tmp_path / "roster", monkeypatch)
    assert rows.empty
    assert rows.columns.tolist() == embed_references.REFERENCES.names


def test_gaps_of_a_roster_are_said(roster):
    (roster / "nela").mkdir()
    (roster / "PIP").mkdir()
    (roster / "pip" / "a.mp4").touch()
    (roster / "pip" / "b.mp4").touch()
    (roster / "loose.jpg").touch()
    said = find_gaps(roster, [*CAST, "bruno"])
    assert "no images of bruno" in said[0]
    assert f"{roster}/pip holds files that are not read: 2 .mp4 (not read as an image)" in said[1]
    assert "did you mean 'pip'?" in said[2]
    assert "did you mean 'nella'?" in said[3]
    assert "outside of the characters' folders, which are not read: 1, such as loose.jpg" in said[4]
    assert len(said) == 5


def test_what_of_a_roster_is_not_used_keeps_a_row(roster, monkeypatch):
    (roster / "nela").mkdir()
    for name in ("pip/notes.txt", "pip/Thumbs.db", "pip/.hidden", "loose.jpg", "README.md"):
        (roster / name).write_bytes(b"x")
    (roster / "pip" / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    rows = run(roster, monkeypatch).set_index("reference_id")
    aside = rows[rows["reason"] != ""]
    assert aside[["character", "reason"]].apply(tuple, axis=1).to_dict() == {
        "README.md": ("", "not_an_image"),
        "loose.jpg": ("", "no_character"),
        "nela/": ("", "no_character"),
        "pip/Thumbs.db": ("pip", "not_an_image"),
        "pip/notes.txt": ("pip", "not_an_image"),
        "pip/phone.heic": ("pip", "unreadable"),
    }
    assert (rows["reason"] == "").sum() == 4


@pytest.mark.parametrize("name", ["caf\udce9.png", "{film}.png", "new\nline.png"])
def test_a_name_that_snakemake_cannot_take_is_found_by_the_phase(roster, monkeypatch, name):
    write_image(roster / "pip" / "03.png", draw_figure("pip")[0])
    (roster / "pip" / "03.png").rename(roster / "pip" / name)
    watched = list_watched(roster, CAST)
    assert len(watched) == 4
    assert len(list_images(roster, CAST)) == 5
    monkeypatch.setattr("tests.film.test_embed_references.list_images", list_watched)
    rows = run(roster, monkeypatch)
    assert (rows["reason"] == "").sum() == 5
    assert f"pip/{format_name(name)}" in set(rows["reference_id"])


def test_a_roster_of_which_nothing_can_be_read_stops(tmp_path, monkeypatch):
    folder = tmp_path / "roster"
    (folder / "pip").mkdir(parents=True)
    (folder / "pip" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    with pytest.raises(CineloraError, match="None of the 1 reference images"):
        run(folder, monkeypatch)


def test_the_largest_person_counts():
    masks = np.zeros((2, 4, 4), bool)
    masks[0, 0, 0], masks[1] = True, True
    people = Detections(np.zeros((2, 4)), np.ones(2), None, masks)
    assert embed_references.choose_person(people) == 1
