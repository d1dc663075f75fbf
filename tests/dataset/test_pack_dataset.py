"""Datasets as they are packed: every kind from a tiny film, as trainers read it; names, masks."""

import os
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.factories import tables
from tests.factories.dataset_phases import DATASETS, VOCABULARY, pack
from tests.factories.sums import list_changes
from workflow_scripts.dataset import image_files, names
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.lib.links import link_or_copy


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return tables.make_film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module", params=DATASETS)
def packed(request, film, tmp_path_factory):
    """Each dataset once: its name, folder, counts of the phase, rows, counts.json."""
    folder = tmp_path_factory.mktemp("datasets") / request.param
    return request.param, folder, *pack(film, folder, request.param)


def test_nothing_vanishes(packed):
    name, _, counts, rows, told = packed
    assert counts.read == len(rows) == told["candidates"]
    assert told["diversity"]["images"] == told["splits"]["train"]
    assert 1 <= told["diversity"]["effective_images"] <= told["diversity"]["images"]
    assert told["in_dataset"] + sum(told["set_aside"].values()) == told["candidates"]
    assert ((rows["reason"] == "") == (rows["file"] != "")).all()
    assert sum(c["candidates"] for c in told["categories"].values()) == told["candidates"]


def test_images_captions_and_masks_lie_where_the_tables_say(packed):
    name, folder, _, rows, _ = packed
    chosen = rows[rows["file"] != ""]
    for row in chosen.itertuples():
        image = Image.open(folder / row.file)
        assert image.size == (row.x1 - row.x0, row.y1 - row.y0)
        assert (folder / row.file).with_suffix(".txt").read_text(
            encoding="utf-8"
        ).strip() == row.caption
        if row.mask_file:
            mask = Image.open(folder / row.mask_file)
            assert (mask.mode, mask.size) == ("L", image.size)
            assert Path(row.mask_file).stem == Path(row.file).stem
    assert list_changes(folder / "dataset.parquet", folder) == [""] * len(chosen)
    masks = list_changes(folder / "dataset.parquet", folder, "mask_file", "mask_")
    assert masks == [""] * (chosen["mask_file"] != "").sum()
    images = list(folder.glob("[tv]*/*/*.jpg"))
    assert len(images) == len(chosen) == len({p.stem for p in images})
    assert not list(folder.parent.glob(".*partial"))


def test_the_held_out_set_shares_nothing(packed):
    name, _, _, rows, told = packed
    held = told["held_out"]
    assert held["leak"] == 0 and rows["split"].eq("validation").any()
    assert not set(held["shots"]["train"]) & set(held["shots"]["validation"])
    units = rows.groupby("shot_id")["split_group"].first()
    assert 5 not in units.index or units[5] == units[1]  # shot 5 repeats shot 1


def test_sd_scripts_gets_a_block_for_each_split_and_masks_to_train_on(packed):
    name, folder, _, rows, _ = packed
    files = sorted(folder.glob("dataset*.toml"))
    masked = bool(split_name(name)[0].masks)
    assert len(files) == 1 + masked
    for file in files:
        blocks = tomllib.loads(file.read_text(encoding="utf-8"))["datasets"]
        assert [block.get("validation_split") for block in blocks] == [None, 1.0]
        for block in blocks:
            check_block(block)
        with_masks = "conditioning_data_dir" in blocks[0]["subsets"][0]
        assert with_masks == (masked and file.stem == "dataset")
        assert "conditioning_data_dir" not in blocks[1]["subsets"][0]


def check_block(block):
    images = [path for s in block["subsets"] for path in Path(s["image_dir"]).glob("*.jpg")]
    assert images
    for subset in block["subsets"]:
        assert f"/{subset['num_repeats']}_" in subset["image_dir"]
        assert subset["caption_extension"] == ".txt"
        if "conditioning_data_dir" in subset:  # one mask per image of the block, none extra
            masks = {path.stem for path in Path(subset["conditioning_data_dir"]).iterdir()}
            assert masks == {path.stem for path in images}


def test_hugging_face_reads_the_folder(packed, tmp_path):
    datasets = pytest.importorskip("datasets")
    name, folder, _, rows, _ = packed
    loaded = datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(tmp_path))
    for split in ("train", "validation"):
        part = rows[rows["split"] == split]
        assert loaded[split].num_rows == len(part)
        assert sorted(loaded[split]["text"]) == sorted(part["caption"])
        masked = bool(split_name(name)[0].masks)
        assert ("mask" in loaded[split].column_names) == masked


def test_frames_and_plates_cost_no_space(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "style", "style")
    first = rows[rows["file"] != ""].iloc[0]
    source = Path(film["images"]) / f"{first['frame_id']}.jpg"
    assert (tmp_path / "style" / first["file"]).samefile(source)


@pytest.mark.parametrize(
    ("dataset", "images", "target"),
    [
        ("style", "images", "extract_frames/images"),
        ("pose", "images", "extract_frames/images"),
        ("background", "plates", "inpaint_backgrounds/01of01_images"),
    ],
)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "were written"),
        (lambda path: path.write_bytes(bytes(path.stat().st_size)), "has other content"),
        (lambda path: write_image(path, np.full((256, 384, 3), 90, np.uint8)), "were written"),
        (lambda path: path.unlink(), "is gone"),
    ],
    ids=["empty", "cut off", "garbage of its size", "another image", "gone"],
)
def test_what_changed_since_it_was_written_is_not_packed(
    film, tmp_path, dataset, images, target, damage, said
):
    folder = tmp_path / "results/tiny" / target
    shutil.copytree(film[images], folder)
    _, rows, _ = pack(film, tmp_path / "before", dataset)
    frame_id = rows.loc[rows["file"] != "", "frame_id"].iloc[0]
    damage(folder / f"{frame_id}.jpg")
    with pytest.raises(CineloraError, match=rf"{frame_id}\.jpg .*{said}") as error:
        pack(film | {images: str(folder)}, tmp_path / "after", dataset)
    assert f"snakemake --cores 4 --forcerun results/tiny/{target}" in str(error.value)
    assert not (tmp_path / "after").exists()


@pytest.mark.parametrize("name", ["pose", ".pose.partial"])
@pytest.mark.parametrize("is_link", [True, False], ids=["link", "file"])
def test_what_lies_at_a_folders_place_gives_way(tmp_path, name, is_link):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.jpg").touch()
    place = tmp_path / name
    place.symlink_to("mine") if is_link else place.touch()
    with image_files.folder_when_done(tmp_path / "pose") as folder:
        (folder / "new.jpg").touch()
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*"))
    assert left == ["mine", "mine/a.jpg", "pose", "pose/new.jpg"]
    assert not (tmp_path / "pose").is_symlink()


def test_links_fall_back_to_copies(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a.jpg").write_bytes(b"x")
    link_or_copy(tmp_path / "a.jpg", tmp_path / "b" / "a.jpg")
    assert (tmp_path / "b" / "a.jpg").read_bytes() == b"x"


def test_packing_twice_gives_the_same(film, tmp_path):
    rows = [pack(film, tmp_path / str(n), "pose")[1] for n in range(2)]
    pd.testing.assert_frame_equal(*rows)


def test_one_shot_is_said_plainly(film, tmp_path):
    decisions = pd.read_parquet(film["decisions"])
    decisions["reason"] = np.where(decisions["frame_id"].str[:5] == "s0003", "", "dark")
    decisions.to_parquet(tmp_path / "decisions.parquet")
    one = film | {"decisions": str(tmp_path / "decisions.parquet")}
    _, rows, told = pack(one, tmp_path / "style", "style")
    assert told["splits"] == {"train": 4, "validation": 0}
    assert "nothing is held out" in told["held_out"]["notes"][0]
    assert not (tmp_path / "style" / "validation").exists()
    assert (
        len(
            tomllib.loads((tmp_path / "style" / "dataset.toml").read_text(encoding="utf-8"))[
                "datasets"
            ]
        )
        == 1
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Piazza d'Arm\u00e8", "piazza-d-arme"),
        ("../../etc/passwd", "etc-passwd"),
        ("\u5e83\u5834", "unknown"),
        ("x" * 99, "x" * 40),
        ("a b;rm -rf $HOME", "a-b-rm-rf-home"),
    ],
    ids=["accents", "a path", "no latin letter", "very long", "a command"],
)
def test_labels_become_safe_names(text, name):
    assert names.slug(text) == name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("character", "nella_full_three-quarter_0001"),
        ("background", "bg_scene0042_piazza_day_01"),
        ("pose", "pose_nella_running_three-quarter_0001"),
        ("expression", "expr_nella_happy_high_0001"),
        ("style", "style_kitetide_scene0042_01"),
        ("lighting", "light_sunny_day_0001"),
    ],
)
def test_names_say_the_facts(kind, name):
    row = {"character": "nella", "action": "run", "view": "three_quarter", "shot_type": "full"}
    row |= {"emotion": "happy", "intensity": "high", "location": "piazza", "time_of_day": "day"}
    rows = pd.DataFrame([row | {"weather": "clear", "shot_id": 42}])
    words = yaml.safe_load(Path(VOCABULARY).read_text(encoding="utf-8"))["file_words"]
    assert names.name_images(KINDS[kind], rows, words, "kitetide").tolist() == [name]


def test_masks_are_white_where_to_learn(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "nella", "character-nella", mask_dilate_px=4)
    row = rows[rows["file"] != ""].iloc[0]
    mask = np.array(Image.open(tmp_path / "nella" / row["mask_file"]))
    x0, y0, x1, y1 = tables.BOXES["nella"]
    assert mask[(y0 + y1) // 2 - row["y0"], (x0 + x1) // 2 - row["x0"]] == 255
    assert mask[(y0 + y1) // 2 - row["y0"], x0 - 3 - row["x0"]] == 255  # widened
    assert mask[0, 0] == 0 and set(np.unique(mask)) == {0, 255}


def test_a_frame_without_people_is_its_own_clean_background(film, tmp_path):
    plates = pd.read_parquet(film["backgrounds"])
    nobody = plates["frame_id"].str.startswith("s0003")
    plates.assign(file=plates["file"].mask(nobody, "")).to_parquet(tmp_path / "plates.parquet")
    paths = film | {"backgrounds": str(tmp_path / "plates.parquet")}
    _, rows, _ = pack(paths, tmp_path / "bg", "background")
    chosen = rows[rows["file"] != ""]
    assert chosen["frame_id"].str.startswith("s0003").any()
    assert {Path(name).suffix for name in chosen["file"]} == {".jpg"}


def test_painted_pixels_of_a_background_are_not_learned(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "bg", "background")
    row = rows[rows["file"] != ""].iloc[0]
    mask = np.array(Image.open(tmp_path / "bg" / row["mask_file"]))
    assert mask[80, 80] == 0 and mask[0, 0] == 255


def test_categories_that_are_missing_are_reported(film, tmp_path):
    _, _, told = pack(film, tmp_path / "nella", "character-nella")
    assert told["too_few"] == {"close-up": 0, "medium": 0, "wide": 0}
    _, _, told = pack(film, tmp_path / "again", "character-nella", min_per_category=0)
    assert told["too_few"] == {}
