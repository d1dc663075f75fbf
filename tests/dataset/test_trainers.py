"""The files by which trainers take a dataset: keys that they know, numbers that hold, odd paths."""

import json
import os
import shutil
import subprocess
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.factories import tables
from tests.factories.dataset_phases import CONFIG, pack
from workflow_scripts.dataset.trainers import kohya
from workflow_scripts.dataset.trainers.files import format_files, write_trainer_files
from workflow_scripts.dataset.trainers.layout import STARTING, find_layout, tell_move

# What each trainer reads, from its own source; others it would refuse or pass over
KNOWN = {
    # kohya-ss/sd-scripts, library/config_util.py: schemas of blocks and subsets. Not here: sides of
    # buckets, which it passes over (with a warning) where bucket_no_upscale is set
    "dataset.toml": {
        "datasets", "subsets", "resolution", "batch_size", "enable_bucket", "bucket_reso_steps",
        "bucket_no_upscale", "validation_split", "image_dir", "num_repeats", "caption_extension",
        "keep_tokens", "flip_aug", "color_aug", "conditioning_data_dir",
    },
    # kohya-ss/musubi-tuner, src/musubi_tuner/dataset/config_utils.py: ConfigSanitizer
    "musubi.toml": {
        "general", "datasets", "resolution", "caption_extension", "batch_size", "enable_bucket",
        "bucket_no_upscale", "image_directory", "cache_directory", "num_repeats",
    },
    # tdrussell/diffusion-pipe, utils/dataset.py: DirectoryDataset
    "diffusion_pipe.toml": {
        "directory", "resolutions", "enable_ar_bucket", "min_ar", "max_ar", "num_ar_buckets",
        "path", "mask_path", "num_repeats",
    },
    # Nerogar/OneTrainer, modules/util/config/ConceptConfig.py
    "onetrainer_concepts.json": {
        "__version", "name", "path", "type", "seed", "balancing", "text", "prompt_source",
    },
    # bghira/SimpleTuner, simpletuner/helpers/data_backend/factory.py and config/image.py
    "multidatabackend.json": {
        "id", "type", "dataset_type", "instance_data_dir", "cache_dir_vae", "caption_strategy",
        "metadata_backend", "resolution", "resolution_type", "minimum_image_size", "crop",
        "repeats", "default", "cache_dir",
    },
    # ostris/ai-toolkit, toolkit/config_modules.py; the outer ones: toolkit/config.py, jobs/
    "ai_toolkit.yaml": {
        "job", "config", "name", "process", "type", "training_folder", "device", "network",
        "linear", "linear_alpha", "save", "save_every", "datasets", "folder_path", "caption_ext",
        "resolution", "num_repeats", "mask_path", "train", "steps", "lr", "dtype",
        "validation_config", "validate_every_n_steps", "validation_items", "image_path", "prompt",
        "sample", "sample_every", "width", "height", "prompts", "model", "name_or_path", "arch",
    },
}  # fmt: skip
KNOWN["dataset_without_masks.toml"] = KNOWN["dataset.toml"]
KNOWN["diffusion_pipe_validation.toml"] = KNOWN["diffusion_pipe.toml"]
READERS = {".toml": tomllib.loads, ".json": json.loads, ".yaml": yaml.safe_load}
# A quote, a comment, a backslash, what sed and YAML would read as more than themselves, no ASCII
ODD = [
    'it\'s a "film"',
    "a # b: c",
    "back\\slash",
    "[x] *|&.$HOME ${HOME}",
    "Città 広場",
    "-",
]


def read(path: Path):
    return READERS[path.suffix](path.read_text(encoding="utf-8"))


def walk(node, path=()):
    """Every (key, value) of nested tables."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node):
        if isinstance(node, dict):
            yield key, value
        if isinstance(value, dict | list):
            yield from walk(value)


def list_paths(node) -> list[str]:
    names = {"image_dir", "image_directory", "folder_path", "path", "instance_data_dir"}
    names |= {"conditioning_data_dir", "mask_path", "image_path"}
    return [value for key, value in walk(node) if key in names]


def make_rows(splits: dict[str, tuple[int, ...]], masks: bool) -> pd.DataFrame:
    """Two images for each of the repeats of a split."""
    rows = []
    for split, repeats in splits.items():
        for times in repeats:
            folder = kohya.name_folder(times, "nella woman")
            for n in range(2):
                stem = f"{split}_{times}_{n}"
                mask = f"{split}/.masks/{stem}.png" if masks else ""
                rows.append((split, folder, times, f"{split}/{folder}/{stem}.jpg", mask, "nella"))
    columns = ["split", "folder", "repeats", "file", "mask_file", "caption"]
    return pd.DataFrame(rows, columns=columns).assign(x0=0, y0=0, x1=96, y1=64)


def make_layout(place="/x", splits=None, masks=True, resolution=512):
    rows = make_rows(splits or {"train": (1, 3), "validation": (1,)}, masks)
    return find_layout("tiny-nella", Path(place), resolution, rows)


@pytest.fixture(scope="module", params=["character-nella", "style"])
def packed(request, tmp_path_factory):
    film = tables.make_film(tmp_path_factory.mktemp("film"))
    folder = tmp_path_factory.mktemp("datasets") / request.param
    return folder, pack(film, folder, request.param)[1].query("split != ''")


def test_a_packed_dataset_has_the_files_of_all_trainers(packed):
    folder, rows = packed
    masked = bool((rows["mask_file"] != "").all())
    expected = set(KNOWN) - (set() if masked else {"dataset_without_masks.toml"})
    assert {path.name for path in folder.iterdir() if path.name in KNOWN} == expected
    assert os.access(folder / "train.sh", os.X_OK)
    assert (folder / "onetrainer").is_dir() == masked
    paths = [path for name in expected for path in list_paths(read(folder / name))]
    assert len(paths) >= 2 * len(expected)
    assert [path for path in paths if not Path(path).exists()] == []
    assert all(Path(path).is_relative_to(folder) for path in paths)


def test_onetrainer_finds_images_captions_and_masks_side_by_side(packed):
    folder, rows = packed
    concepts = read(folder / "onetrainer_concepts.json")
    images = [path for c in concepts for path in Path(c["path"]).glob("*.jpg")]
    assert len(images) == len(rows) == len({path.name for path in images})
    files = {Path(row.file).name: row for row in rows.itertuples()}
    masked = [path for path in images if files[path.name].mask_file]
    assert len(masked) in (0, len(images))
    for path in images:
        row = files[path.name]
        assert path.with_suffix(".txt").read_text(encoding="utf-8").strip() == row.caption
        assert path.samefile(folder / row.file)
        mask = path.with_name(f"{path.stem}-masklabel.png")
        assert mask.exists() == bool(row.mask_file)
        assert not row.mask_file or mask.samefile(folder / row.mask_file)
    held = sum(
        len(list(Path(c["path"]).glob("*.jpg"))) for c in concepts if "held out" in c["name"]
    )
    assert held == (rows["split"] == "validation").sum() > 0


@pytest.mark.parametrize("masks", [True, False], ids=["masks", "no masks"])
@pytest.mark.parametrize(
    "splits",
    [{"train": (1,)}, {"train": (1, 2, 7), "validation": (1,)}],
    ids=["nothing held out", "many folders"],
)
def test_trainers_get_keys_that_they_read_and_all_folders(splits, masks):
    layout = make_layout(splits=splits, masks=masks)
    files = {name: text for name, text in format_files(layout).items() if name in KNOWN}
    assert len(files) == len(KNOWN) - (not masks) - ("validation" not in splits)
    for name, text in files.items():
        found = READERS[Path(name).suffix](text)
        assert {key for key, _ in walk(found)} <= KNOWN[name]
        held = "validation" in name
        seen = {path for path in list_paths(found) if path.split("/")[-1][0].isdigit()}
        folders = {f"{n}_nella woman" for n in splits["validation" if held else "train"]}
        assert {path.split("/")[-1] for path in seen} >= folders
        said = {key for key, _ in walk(found)} & {"mask_path", "conditioning_data_dir"}
        takes = name not in ("musubi.toml", "multidatabackend.json", "onetrainer_concepts.json")
        assert bool(said) == (masks and takes and "without_masks" not in name)


def test_the_numbers_to_expect_stand_in_each_file():
    layout = make_layout()
    files = format_files(layout)
    said = "tiny-nella: 4 images, 8 an epoch with repeats, 4 masks; 2 held out"
    commented = {name for name, text in files.items() if said in text}
    assert commented == {name for name in files if not name.endswith(".json")}
    concepts = json.loads(files["onetrainer_concepts.json"])
    names = ["tiny-nella 1 x 2 images", "tiny-nella 3 x 2 images"]
    names.append("tiny-nella held out 1 x 2 images")
    assert [concept["name"] for concept in concepts] == names
    assert [concept["balancing"] for concept in concepts] == [1, 3, 1]
    backends = json.loads(files["multidatabackend.json"])
    assert [backend["id"] for backend in backends] == [*names, "tiny-nella captions"]
    assert [backend.get("repeats") for backend in backends] == [0, 2, 0, None]


@pytest.mark.parametrize("odd", ODD)
def test_odd_paths_come_out_as_they_are(odd):
    place = f"/films/{odd}/pose"
    files = {n: t for n, t in format_files(make_layout(place)).items() if n in KNOWN}
    assert len(files) == len(KNOWN)
    assert "${" not in files["ai_toolkit.yaml"]  # it fills these in before it reads the file
    for name, text in files.items():
        paths = list_paths(READERS[Path(name).suffix](text))
        assert paths and [path for path in paths if not path.startswith(f"{place}/")] == []


@pytest.mark.parametrize("odd", [name.replace(" ${HOME}", "") for name in ODD])
def test_the_line_of_each_header_moves_all_files_twice(tmp_path, odd):
    for name in (odd, "first move", "Tom & Jerry | 2"):
        (tmp_path / name).mkdir()
    old = tmp_path / odd
    layout = make_layout(old)
    for name, text in format_files(layout).items():
        (old / name).write_text(text, encoding="utf-8")
    for name in ("first move", "Tom & Jerry | 2"):
        new = Path(shutil.copytree(old, tmp_path / name, dirs_exist_ok=True))
        header = (old / "musubi.toml").read_text(encoding="utf-8").splitlines()[1]
        subprocess.run(["bash", "-c", header.partition("place: ")[2]], cwd=new, check=True)
        paths = [path for file in KNOWN for path in list_paths(read(new / file))]
        assert len(paths) > len(KNOWN)
        assert [path for path in paths if not path.startswith(f"{new}/")] == []
        old = new
    assert tell_move(layout).startswith("sed ")


@pytest.mark.parametrize("masks", [True, False], ids=["masks", "no masks"])
def test_train_sh_starts_sd_scripts_from_any_folder(tmp_path, masks):
    place, scripts, tools = tmp_path / 'a "b" $c', tmp_path / "sd scripts", tmp_path / "bin"
    for folder in (place, scripts, tools):
        folder.mkdir()
    layout = make_layout(place, masks=masks)
    for name, text in format_files(layout).items():
        (place / name).write_text(text, encoding="utf-8")
    (scripts / "train_network.py").touch()
    (tools / "accelerate").write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n", encoding="utf-8")
    (tools / "accelerate").chmod(0o755)
    env = {"PATH": f"{tools}:{os.environ['PATH']}"}

    def run(*words):
        command = ["sh", str(place / "train.sh"), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd="/", env=env)

    said = run(str(scripts), "base model.safetensors", "--network_dim", "32").stdout.splitlines()
    assert said[:2] == ["launch", f"{scripts}/train_network.py"]
    assert said[said.index("--dataset_config") + 1] == f"{place}/dataset.toml"
    assert said[said.index("--pretrained_model_name_or_path") + 1] == "base model.safetensors"
    assert said[said.index("--output_name") + 1] == "tiny-nella"
    assert ("--masked_loss" in said) == masks
    assert said[-2:] == ["--network_dim", "32"]  # after its own: the last one counts
    assert run(str(scripts)).returncode == 2 and "usage:" in run(str(scripts)).stderr
    assert "must be a checkout of sd-scripts" in run(str(tools), "base").stderr


def test_trainers_start_from_what_the_workflow_trains_with():
    adapter = CONFIG["adapter"]
    assert STARTING.items() <= (adapter["defaults"] | adapter["tiers"]["full"]).items()


@pytest.mark.parametrize(
    ("resolution", "sides"),
    [(128, {"min_bucket_reso": 128}), (512, {}), (1024, {}), (1536, {"max_bucket_reso": 1536})],
)
def test_sides_of_buckets_are_said_only_where_sd_scripts_would_refuse_its_own(resolution, sides):
    text = format_files(make_layout(resolution=resolution))["dataset.toml"]
    block = tomllib.loads(text)["datasets"][0]
    assert {k: v for k, v in block.items() if k.endswith("bucket_reso")} == sides


@pytest.mark.parametrize("word", ["test", "dev", "val", "eval2", "train"])
def test_a_film_called_as_a_split_opens_none(tmp_path, word):
    datasets = pytest.importorskip("datasets")
    film = tables.make_film(tmp_path / "film")
    _, rows, _ = pack(film, tmp_path / "pose", "pose", triggers={"pose": f"{word} pose"})
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "pose"), cache_dir=str(tmp_path / "cache")
    )
    sizes = rows[rows["split"] != ""]["split"].value_counts().to_dict()
    assert {split: part.num_rows for split, part in loaded.items()} == sizes


def test_files_are_written_and_the_script_can_be_run(tmp_path):
    write_trainer_files(tmp_path, make_layout(tmp_path, masks=False))
    assert {path.name for path in tmp_path.iterdir()} == set(KNOWN) - {
        "dataset_without_masks.toml"
    } | {"train.sh"}


def test_a_dataset_with_nothing_to_train_on_says_numbers_all_the_same():
    layout = make_layout(splits={"validation": (3,)})
    assert not [name for name, text in format_files(layout).items() if "nan" in text.lower()]
