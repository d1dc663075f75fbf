"""Datasets: reasons, quotas, splits, names, folders; then every kind packed from a tiny film."""

import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.factories import tables
from workflow_scripts.dataset import (
    balance,
    caption_images,
    facts,
    kohya,
    names,
    pack_dataset,
    selection,
    splits,
)
from workflow_scripts.dataset import crops as cuts
from workflow_scripts.dataset.captions import CLASS_WORDS
from workflow_scripts.dataset.dataset_counts import refuse_empty
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.plan.inputs import CAPTION_TABLES, PACK_TABLES, pack_inputs

VOCABULARY = "resources/vocabularies/captions.yaml"
LIMITS = yaml.safe_load(Path("config/options/dataset.yaml").read_text())["pack_dataset"]
CHARACTERS = {
    "nella": {"trigger": "nella", "class": "woman"},
    "bruno": {"trigger": "bruno", "class": "man"},
}
STYLE = {"trigger": "kitetide style", "words": ["3d animation"]}
TRIGGERS = {kind: f"{{film}} {kind}" for kind in CLASS_WORDS}
DATASETS = ["character-nella", "background", "pose", "expression", "style", "lighting"]
# What sd-scripts' parser takes (facts/field.md of its release 0.10.1); other keys are errors.
SUBSET_KEYS = {"image_dir", "num_repeats", "class_tokens", "is_reg", "caption_extension"}
SUBSET_KEYS |= {"keep_tokens", "keep_tokens_separator", "shuffle_caption", "caption_prefix"}
SUBSET_KEYS |= {"caption_suffix", "caption_dropout_rate", "caption_tag_dropout_rate", "flip_aug"}
SUBSET_KEYS |= {"color_aug", "alpha_mask", "conditioning_data_dir"}
BLOCK_KEYS = {"resolution", "batch_size", "enable_bucket", "min_bucket_reso", "max_bucket_reso"}
BLOCK_KEYS |= {"bucket_reso_steps", "bucket_no_upscale", "validation_split", "validation_seed"}
BLOCK_KEYS |= {"subsets"}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The tiny film, captioned."""
    folder = tmp_path_factory.mktemp("film")
    paths = tables.make_film(folder)
    for kind, needed in CAPTION_TABLES.items():
        caption_images.main(
            paths["frames"],
            paths["images"],
            paths["texts"],
            VOCABULARY,
            str(folder / f"captions_{kind}.parquet"),
            kind=kind,
            film="tiny",
            shard="01of01",
            model={"name": "facts", "role": "caption", "loader": "facts", "device": "cpu"},
            characters=CHARACTERS,
            style=STYLE,
            caption={"triggers": TRIGGERS},
            **{name: paths[name] for name in needed},
        )
        paths[f"captions_{kind}"] = str(folder / f"captions_{kind}.parquet")
    return paths


def pack(film, out, name, **limits):
    kind = name.partition("-")[0]
    counts = pack_dataset.main(
        film["frames"],
        film["images"],
        [film[f"captions_{kind}"]],
        VOCABULARY,
        str(out),
        name=name,
        film="tiny",
        characters=CHARACTERS,
        style=STYLE,
        triggers=TRIGGERS,
        limits=LIMITS | limits,
        seed=7,
        decisions=film["decisions"],
        groups=film["groups"],
        **{table: [film[table]] for table in PACK_TABLES[kind]},
    )
    return (
        counts,
        pd.read_parquet(out / "dataset.parquet"),
        json.loads((out / "counts.json").read_text()),
    )


@pytest.fixture(scope="module", params=DATASETS)
def packed(request, film, tmp_path_factory):
    """Each dataset once: its name, folder, counts of the phase, rows, counts.json."""
    folder = tmp_path_factory.mktemp("datasets") / request.param
    return request.param, folder, *pack(film, folder, request.param)


def test_nothing_vanishes(packed):
    name, _, counts, rows, told = packed
    assert counts.read == len(rows) == told["candidates"]
    assert told["in_dataset"] + sum(told["set_aside"].values()) == told["candidates"]
    assert ((rows["reason"] == "") == (rows["file"] != "")).all()
    assert sum(c["candidates"] for c in told["categories"].values()) == told["candidates"]


def test_images_captions_and_masks_lie_where_the_tables_say(packed):
    name, folder, _, rows, _ = packed
    chosen = rows[rows["file"] != ""]
    for row in chosen.itertuples():
        image = Image.open(folder / row.file)
        assert image.size == (row.x1 - row.x0, row.y1 - row.y0)
        assert (folder / row.file).with_suffix(".txt").read_text().strip() == row.caption
        if row.mask_file:
            mask = Image.open(folder / row.mask_file)
            assert (mask.mode, mask.size) == ("L", image.size)
            assert Path(row.mask_file).stem == Path(row.file).stem
    images = list(folder.rglob("*.jpg"))
    assert len(images) == len(chosen) == len({p.stem for p in images})
    assert not list(folder.parent.glob(".*partial"))


def test_the_held_out_set_shares_nothing(packed):
    name, _, _, rows, told = packed
    held = told["held_out"]
    assert held["leak"] == 0 and rows["split"].eq("validation").any()
    assert not set(held["shots"]["train"]) & set(held["shots"]["validation"])
    units = rows.groupby("shot_id")["split_group"].first()
    assert 5 not in units.index or units[5] == units[1]  # shot 5 repeats shot 1


def test_kohya_gets_keys_that_it_knows(packed):
    name, folder, _, rows, _ = packed
    files = sorted(folder.glob("*.toml"))
    masked = name.partition("-")[0] in pack_dataset.MASKED
    assert len(files) == 1 + masked
    for file in files:
        blocks = tomllib.loads(file.read_text())["datasets"]
        assert [block.get("validation_split") for block in blocks] == [None, 1.0]
        for block in blocks:
            assert set(block) <= BLOCK_KEYS
            for subset in block["subsets"]:
                check_subset(folder, subset, block)
        with_masks = "conditioning_data_dir" in blocks[0]["subsets"][0]
        assert with_masks == (masked and file.stem == "dataset")
        assert "conditioning_data_dir" not in blocks[1]["subsets"][0]


def check_subset(folder, subset, block):
    assert set(subset) <= SUBSET_KEYS
    assert subset["caption_extension"] == ".txt"
    images = sorted((folder / subset["image_dir"]).glob("*.jpg"))
    assert images and f"/{subset['num_repeats']}_" in subset["image_dir"]
    if "conditioning_data_dir" in subset:  # sd-scripts: one mask per image of the block, none extra
        all_images = [p for s in block["subsets"] for p in (folder / s["image_dir"]).glob("*.jpg")]
        masks = {p.stem for p in (folder / subset["conditioning_data_dir"]).iterdir()}
        assert masks == {p.stem for p in all_images}


def test_hugging_face_reads_the_folder(packed, tmp_path):
    datasets = pytest.importorskip("datasets")
    name, folder, _, rows, _ = packed
    loaded = datasets.load_dataset("imagefolder", data_dir=str(folder), cache_dir=str(tmp_path))
    for split in ("train", "validation"):
        part = rows[rows["split"] == split]
        assert loaded[split].num_rows == len(part)
        assert sorted(loaded[split]["text"]) == sorted(part["caption"])
        masked = name.partition("-")[0] in pack_dataset.MASKED
        assert ("mask" in loaded[split].column_names) == masked


def test_frames_and_plates_cost_no_space(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "style", "style")
    first = rows[rows["file"] != ""].iloc[0]
    source = Path(film["images"]) / f"{first['frame_id']}.jpg"
    assert (tmp_path / "style" / first["file"]).samefile(source)


def test_links_fall_back_to_copies(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError("another file system")

    monkeypatch.setattr(cuts.os, "link", refuse)
    (tmp_path / "a.jpg").write_bytes(b"x")
    cuts.link_or_copy(tmp_path / "a.jpg", tmp_path / "b" / "a.jpg")
    assert (tmp_path / "b" / "a.jpg").read_bytes() == b"x"


def test_reasons_of_a_character(film, tmp_path):
    _, rows, told = pack(film, tmp_path / "nella", "character-nella")
    reasons = rows.set_index("image_id")["reason"]
    assert reasons["s0002_f000024_i01"] == "not_this_character"
    assert reasons["s0003_f000048_i01"] == "unknown_character"
    assert reasons["s0005_f000096_i00"] == "duplicate"
    assert reasons["s0007_f000144_i00"] == "blurred"
    assert told["too_few"] == {"close-up": 0, "medium": 0, "wide": 0}


@pytest.mark.parametrize(
    ("name", "limits", "reason"),
    [
        ("pose", {"min_side_px": {"character": 0, "pose": 180, "expression": 0}}, "too_small"),
        ("pose", {"min_side_px": {"pose": 0}, "max_occlusion": 0.1}, "occluded"),
        ("pose", {"min_score": {"pose": 0.9}}, "low_score"),
        ("pose", {}, "unknown_action"),
        ("pose", {}, "same_pose"),
        ("style", {"max_images": 8}, "over_quota"),
        ("style", {}, "held"),
        ("expression", {}, "unsure_expression"),
        ("background", {}, "character_left"),
        ("background", {}, "duplicate_view"),
    ],
)
def test_every_reason_is_given(film, name, limits, reason):
    kind = name.partition("-")[0]
    paths = {
        table: film[table]
        for table in ("frames", "decisions", "groups", *PACK_TABLES[kind])
        if table != "plates"
    }
    rows = pack_dataset.read_candidates(kind, paths, [film[f"captions_{kind}"]])
    rows = rows.assign(
        category=selection.name_category(kind, rows), quality=selection.measure_quality(kind, rows)
    )
    reasons, _ = pack_dataset.choose_images(kind, rows, LIMITS | limits, "")
    assert reason in set(reasons)


def test_an_empty_dataset_names_its_reasons(film, tmp_path):
    nobody = {"character": 0, "pose": 5000, "expression": 0}
    with pytest.raises(CineloraError, match="50 candidate images, and none is left") as error:
        pack(film, tmp_path / "pose", "pose", min_side_px=nobody)
    assert "too_small 4" in str(error.value) and "duplicate 4" in str(error.value)
    assert not (tmp_path / "pose").exists()


def test_a_dataset_of_nobody_known_says_how_to_name_them():
    with pytest.raises(CineloraError, match=r"config/rosters/<film>/<character>/\*\.jpg"):
        refuse_empty("character-nella", pd.Series(["unknown_character", "duplicate"]))


def test_without_candidates_the_kind_is_named(film, tmp_path):
    empty = pd.read_parquet(film["faces"]).iloc[:0]
    empty.to_parquet(tmp_path / "faces.parquet")
    with pytest.raises(CineloraError, match="not one candidate image"):
        pack(film | {"faces": str(tmp_path / "faces.parquet")}, tmp_path / "e", "expression")


def test_packing_twice_gives_the_same(film, tmp_path):
    rows = [pack(film, tmp_path / str(n), "pose")[1] for n in range(2)]
    pd.testing.assert_frame_equal(*rows)


@pytest.mark.parametrize(
    ("shares", "groups", "units"),
    [
        ([1, 2, 3], ["a", "b", "c"], {1: 1, 2: 2, 3: 3}),
        ([1, 2, 3], ["a", "a", "c"], {1: 1, 2: 1, 3: 3}),
        ([1, 2, 2, 3], ["a", "a", "b", "b"], {1: 1, 2: 1, 3: 1}),
        ([1, 2], ["", ""], {1: 1, 2: 2}),
    ],
    ids=["nothing shared", "a duplicate", "a chain of duplicates", "no group is no bond"],
)
def test_connect_shots(shares, groups, units):
    frames = pd.DataFrame({"shot_id": shares, "group": groups})
    assert splits.connect_shots(frames, ["group"]).to_dict() == units


def test_connect_shots_over_several_columns_and_none():
    frames = pd.DataFrame(
        {"shot_id": [7, 3, 5, 9], "group": ["a", "b", "a", "c"], "view_group": [None, "v", "v", ""]}
    )
    assert splits.connect_shots(frames, []).to_dict() == {3: 3, 5: 5, 7: 7, 9: 9}
    joined = splits.connect_shots(frames, ["group", "view_group"])
    assert joined.to_dict() == {3: 3, 5: 3, 7: 3, 9: 9}  # 7 and 5 share a, 5 and 3 share v
    assert joined.dtype == "int64"
    assert splits.connect_shots(frames[:0], ["group"]).empty


def make_units(table):
    rows = [(u, c) for u, cats in table.items() for c, n in cats.items() for _ in range(n)]
    return pd.DataFrame(rows, columns=["split_group", "category"])


def test_the_held_out_set_resembles_the_rest():
    rows = make_units({u: {"walk" if u % 2 else "sit": 10} for u in range(20)})
    held = splits.choose_held_out(rows, 0.2, seed=1)
    assert sorted(u % 2 for u in held) == [0, 0, 1, 1]
    assert held == splits.choose_held_out(rows, 0.2, seed=1)


def test_the_held_out_set_has_its_size_too():
    rows = make_units({u: {f"place {u % 8}": 4} for u in range(16)})
    assert len(splits.choose_held_out(rows, 0.125, seed=1)) == 2


def test_no_category_loses_its_last_training_image():
    rows = make_units({1: {"walk": 20}, 2: {"walk": 20}, 3: {"sit": 4}})
    assert 3 not in splits.choose_held_out(rows, 0.15, seed=1)


@pytest.mark.parametrize(
    "table",
    [{1: {"walk": 30}}, {1: {"walk": 30}, 2: {"walk": 25}}],
    ids=["a single shot", "two halves"],
)
def test_rather_nothing_held_out_than_a_leak(table):
    assert splits.choose_held_out(make_units(table), 0.12, seed=1) == set()


def test_one_shot_is_said_plainly(film, tmp_path):
    decisions = pd.read_parquet(film["decisions"])
    decisions["reason"] = np.where(decisions["frame_id"].str[:5] == "s0003", "", "dark")
    decisions.to_parquet(tmp_path / "decisions.parquet")
    one = film | {"decisions": str(tmp_path / "decisions.parquet")}
    _, rows, told = pack(one, tmp_path / "style", "style")
    assert told["splits"] == {"train": 4, "validation": 0}
    assert "nothing is held out" in told["held_out"]["notes"][0]
    assert not (tmp_path / "style" / "validation").exists()
    assert len(tomllib.loads((tmp_path / "style" / "dataset.toml").read_text())["datasets"]) == 1


def test_find_leaks_sees_what_both_sides_share():
    rows = pd.DataFrame({"split": ["train", "validation", ""], "group": ["a", "a", "b"]})
    assert splits.find_leaks(rows, ["group"]) == {"group": ["a"]}


def test_quotas_take_the_best_of_every_shot_first():
    rows = pd.DataFrame(
        {
            "image_id": list("abcd"),
            "category": "walk",
            "shot_id": [1, 1, 1, 2],
            "quality": [0.9, 0.8, 0.7, 0.1],
        }
    )
    kept = balance.keep_quotas(rows, pd.Series({"walk": 1.0}), 2)
    assert rows["image_id"][kept].tolist() == ["a", "d"]


@pytest.mark.parametrize(
    ("counts", "wanted", "repeats"),
    [
        ({"walk": 40, "sit": 10}, {}, {"walk": 1, "sit": 4}),
        ({"walk": 40, "sit": 1}, {}, {"walk": 1, "sit": 4}),
        ({"full": 10, "wide": 10}, {"full": 0.6, "wide": 0.3}, {"full": 2, "wide": 1}),
        (
            {"full": 8, "wide": 8, "medium": 1},
            {"full": 0.4, "wide": 0.2, "medium": 0.4},
            {"full": 1, "wide": 1, "medium": 4},
        ),
    ],
    ids=["the rare one more often", "not for ever", "the wanted mix", "as near as can be"],
)
def test_repeats(counts, wanted, repeats):
    categories = pd.Series([name for name, n in counts.items() for _ in range(n)])
    shares = balance.target_shares(categories, wanted)
    assert balance.count_repeats(categories, shares, 4) == repeats


def test_same_poses_of_a_track():
    poses = [np.zeros(34), np.full(34, 0.01), np.full(34, 0.5), None, np.full(34, 0.01)]
    rows = pd.DataFrame({"image_id": list("abcde"), "track_id": list("tttts"), "normalized": poses})
    assert selection.find_same_poses(rows, 0.1).tolist() == [False, True, False, False, False]


def test_black_bars_of_a_shot_are_cut_off(film, tmp_path):
    images = tmp_path / "images"
    shutil.copytree(film["images"], images)
    for path in images.glob("s0003*.jpg"):
        image = read_rgb(path)
        image[:20] = image[-20:] = 0
        write_image(path, image)
    barred = film | {"images": str(images)}
    for name, expected in (("style", (0, 20, 384, 236)), ("character-nella", None)):
        _, rows, _ = pack(barred, tmp_path / name, name)
        row = rows[(rows["shot_id"] == 3) & (rows["file"] != "")].iloc[0]
        assert read_rgb(tmp_path / name / row["file"]).mean(axis=(1, 2)).min() > 20
        assert expected in (None, (row["x0"], row["y0"], row["x1"], row["y1"]))


@pytest.mark.parametrize(
    ("size", "loss"),
    [
        ((512, 512), (0, 0)),
        ((1280, 720), (0.0630, 0)),  # facts/field.md: 683x384, cut to 640x384
        ((200, 180), (0.04, 0.2889)),  # never enlarged: 192x128
        ((768, 320), (0, 0)),
    ],
)
def test_bucket_loss(size, loss):
    assert kohya.bucket_loss(*size, 512) == pytest.approx(loss, abs=1e-4)


def test_a_face_in_what_buckets_cut_is_seen():
    rows = pd.DataFrame({"face_x0": [0.0], "face_y0": [50], "face_x1": [40.0], "face_y1": [90]})
    boxes = np.array([[0, 0, 120, 128]])
    losses = cuts.measure_loss(boxes, 512)
    assert cuts.find_cut_faces("expression", rows, boxes, losses).tolist() == [True]


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
    words = yaml.safe_load(Path(VOCABULARY).read_text())["file_words"]
    assert names.name_images(kind, rows, words, "kitetide").tolist() == [name]


def test_masks_are_white_where_to_learn(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "nella", "character-nella", mask_dilate_px=4)
    row = rows[rows["file"] != ""].iloc[0]
    mask = np.array(Image.open(tmp_path / "nella" / row["mask_file"]))
    x0, y0, x1, y1 = tables.BOXES["nella"]
    assert mask[(y0 + y1) // 2 - row["y0"], (x0 + x1) // 2 - row["x0"]] == 255
    assert mask[(y0 + y1) // 2 - row["y0"], x0 - 3 - row["x0"]] == 255  # widened
    assert mask[0, 0] == 0 and set(np.unique(mask)) == {0, 255}


def test_painted_pixels_of_a_background_are_not_learned(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "bg", "background")
    row = rows[rows["file"] != ""].iloc[0]
    mask = np.array(Image.open(tmp_path / "bg" / row["mask_file"]))
    assert mask[80, 80] == 0 and mask[0, 0] == 255


def test_facts_of_a_kind_have_one_row_per_image(film):
    rows = facts.read_facts(
        "expression", {n: film[n] for n in ("frames", *PACK_TABLES["expression"])}
    )
    assert rows["image_id"].is_unique and len(rows) == 46
    assert rows.loc[rows["shot_id"] == 8, "emotion"].isin(["", "neutral"]).all()


def test_inputs_name_single_tables_once_and_every_shard():
    inputs = pack_inputs("luca", "character-nella", ["01of02", "02of02"])
    assert inputs["identities"] == ["results/luca/identify_characters/identities.parquet"]
    assert inputs["captions"] == [
        f"results/luca/caption_images/character/0{n}of02.parquet" for n in (1, 2)
    ]
