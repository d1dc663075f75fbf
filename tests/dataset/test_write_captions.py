"""Captions of every kind from a tiny film: facts, corrections, what a model said."""

import pandas as pd
import pytest

from tests.factories import dataset_phases, tables
from workflow_scripts.dataset import captions, write_captions
from workflow_scripts.dataset.describe_images import DESCRIPTIONS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import write_manifest

CHARACTERS = {
    "nella": {"trigger": "nella", "class": "woman", "core_tags": ["red scarf"]},
    "bruno": {"trigger": "bruno", "class": "man"},
}
STYLE = {"trigger": "kitetide style", "words": ["3d animation", "soft shading"]}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return tables.make_film(tmp_path_factory.mktemp("film"))


def write(film, tmp_path, dataset, characters=CHARACTERS, **more):
    out = tmp_path / "captions.parquet"
    more = {"characters": characters, "style": STYLE, **more}
    counts, rows = dataset_phases.caption(film, out, dataset, **more)
    return counts, rows.set_index("image_id")


@pytest.mark.parametrize(
    ("name", "image", "caption"),
    [
        (
            "character-nella",
            "s0002_f000024_i00",
            "nella woman, walking, happy expression, three-quarter view, full body shot, plaza,"
            " sunset, clear weather, bright light",
        ),
        (
            "pose",
            "s0006_f000120_i00",
            "tiny pose, waving, nella woman, three-quarter view, one arm raised, legs straight,"
            " full body shot",
        ),
        (
            "expression",
            "s0002_f000024_i00",
            "tiny expression, happy expression, nella woman, open eyes, smiling mouth,"
            " strong emotion, three-quarter view",
        ),
        (
            "background",
            "s0008_f000168",
            "tiny background, place 04, outdoors, daytime, bright light",
        ),
        (
            "style",
            "s0003_f000048",
            "kitetide style, 3d animation, soft shading, nella woman, one person, forest,"
            " outdoors, daytime, clear weather",
        ),
        (
            "lighting",
            "s0006_f000120",
            "tiny lighting, evening, rain, bright light, outdoors, bruno man, nella woman, beach",
        ),
    ],
)
def test_each_kind_says_what_it_is_about(film, tmp_path, name, image, caption):
    counts, rows = write(film, tmp_path, name)
    assert rows.loc[image, "caption"] == caption
    assert counts.kept == len(rows) and rows["tokens"].max() <= 75
    assert (rows["tokens"] == [captions.count_tokens(text) for text in rows["caption"]]).all()


def test_the_source_of_every_clause_is_kept(film, tmp_path):
    _, rows = write(film, tmp_path, "pose")
    tags = {tag["text"]: tag["source"] for tag in rows.loc["s0003_f000048_i01", "tags"]}
    assert tags["tiny pose"] == "config"
    assert tags["standing"] == "classify_poses.action"
    assert tags["person"] == "segment_instances"


def test_only_images_that_the_kind_has(film, tmp_path):
    _, rows = write(film, tmp_path, "character-nella")
    assert len(rows) == 31 and all(row.endswith("_i00") for row in rows.index)
    _, rows = write(film, tmp_path, "style")
    assert "s0006_f000138" not in rows.index  # a held frame has no image


def test_corrections_win_and_keep_the_trigger(film, tmp_path):
    review = tmp_path / "captions.csv"
    long = ", ".join(f"detail number {n}" for n in range(40))
    review.write_text(
        "kind,image_id,caption\n"
        'pose,s0001_f000000_i00,"tiny pose, leaning {on|at} a wall, hat"\n'
        f'pose,s0002_f000024_i00,"{long}"\n'
        "style,s0001_f000000,not for poses\n"
        "pose,s9999_f000000_i00,of nobody\n",
        encoding="utf-8",
    )
    counts, rows = write(film, tmp_path, "pose", review=[str(review)])
    assert rows.loc["s0001_f000000_i00", "caption"] == "tiny pose, leaning on at a wall, hat"
    assert rows.loc["s0002_f000024_i00", "caption"].startswith("tiny pose, detail number 0")
    assert rows.loc["s0002_f000024_i00", "tokens"] <= 75
    assert counts.found == {"corrected": 2, "review_unknown": 1, "shortened": 1}


def test_a_review_without_its_columns_is_refused(film, tmp_path):
    review = tmp_path / "captions.csv"
    review.write_text("image,text\na,b\n", encoding="utf-8")
    with pytest.raises(CineloraError, match="kind,image_id,caption"):
        write(film, tmp_path, "pose", review=[str(review)])


def test_a_character_whom_nobody_saw_has_an_empty_table(film, tmp_path):
    nobody = {"odo": {"trigger": "odo", "class": "man"}}
    counts, rows = write(film, tmp_path, "character-odo", characters=nobody)
    assert (counts.read, len(rows)) == (0, 0)
    assert list(rows.reset_index().columns) == write_captions.CAPTIONS.names


@pytest.mark.parametrize(
    ("triggers", "leads"),
    [({}, "tiny pose, "), ({"pose": "{film} stance"}, "tiny stance, "), ({"style": "x"}, "tiny p")],
    ids=["after the film", "a word of one's own", "another kind's"],
)
def test_the_trigger_of_a_kind(film, tmp_path, triggers, leads):
    _, rows = write(film, tmp_path, "pose", triggers=triggers)
    assert len(rows) > 0 and rows["caption"].str.startswith(leads).all()


def test_what_a_model_said_follows_what_is_measured(film, tmp_path):
    said = [
        ("s0001_f000000_i00", ["holding a lantern", "red scarf", "a gate, open"], "sit", ""),
        ("s0002_f000024_i00", [], None, "vlm_unparsable"),
        ("s0001_f000000_i00", ["of another dataset"], "sit", ""),
    ]
    datasets = ["character-nella", "character-nella", "pose"]
    table = pd.DataFrame(
        [
            (image, dataset, clauses, [{"fact": "action", "seen": seen}] if seen else [], reason)
            for (image, clauses, seen, reason), dataset in zip(said, datasets, strict=True)
        ],
        columns=DESCRIPTIONS.names,
    )
    write_manifest(table, tmp_path / "said.parquet", DESCRIPTIONS)
    plain = write(film, tmp_path, "character-nella")[1]
    counts, rows = write(
        film, tmp_path, "character-nella", descriptions=[str(tmp_path / "said.parquet")]
    )
    first = rows.loc["s0001_f000000_i00"]
    assert first["caption"] == f"{plain.loc[first.name, 'caption']}, holding a lantern, a gate open"
    assert [tag["source"] for tag in first["tags"]][-2:] == ["vlm", "vlm"]
    assert first["dropped"].tolist() == ["core tag: red scarf"]
    assert first["contradictions"].tolist() == ["action: measured stand, seen sit"]
    assert rows.loc["s0002_f000024_i00", "reason"] == "vlm_unparsable"
    others = rows.index.difference([image for image, *_ in said])
    assert rows.loc[others, "caption"].equals(plain.loc[others, "caption"])
    assert counts.found == {
        "corrected": 0, "review_unknown": 0, "shortened": 0, "vlm_unparsable": 1, "contradicted": 1
    }  # fmt: skip
