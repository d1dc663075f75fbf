"""`snakemake verify`: each damage at each place is named, with the command that renews it."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.factories.kept_results import DATASETS, SHARD, list_targets, make_kept
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.report import verify

PLACES = {  # pattern of a file -> the target that renews it
    "extract_frames/images/*.jpg": "extract_frames/images",
    "inpaint_backgrounds/01of01_images/*.jpg": "inpaint_backgrounds/01of01_images",
    "crop_faces/01of01_images/*.png": "crop_faces/01of01_images",
    "datasets/pose/train/*_*/*.jpg": "datasets/pose",
    "datasets/pose/train/.masks/*.png": "datasets/pose",
    "datasets/pose/train/*_*/*.txt": "datasets/pose",
    "datasets/pose/onetrainer/*_*/*.jpg": "datasets/pose",
    "datasets/pose/onetrainer/*_*/*.png": "datasets/pose",
    "datasets/pose/dataset.parquet": "datasets/pose",
    "datasets/pose/train/metadata.jsonl": "datasets/pose",
    "datasets/pose/counts.json": "datasets/pose",
    "extract_frames/frames.parquet": "extract_frames/frames.parquet",
    "adapters/pose/*.safetensors": "adapters/pose/tiny-pose.safetensors",
    "evaluate_adapter/pose.longer/images/*.png": "evaluate_adapter/pose.longer/images",
}
DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "a byte": lambda path: change_byte(path),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "gone": lambda path: path.unlink(),
}


def change_byte(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return make_kept(tmp_path_factory.mktemp("kept"))


@pytest.fixture
def folder(kept, tmp_path, monkeypatch):
    """The results, hard links and all, to damage; the working directory is around them."""
    names: dict[int, Path] = {}

    def copy(source, target):
        first = names.setdefault(Path(source).stat().st_ino, Path(target))
        shutil.copy2(source, target) if first == Path(target) else os.link(first, target)

    shutil.copytree(kept, tmp_path / "results/tiny", copy_function=copy)
    monkeypatch.chdir(tmp_path)
    return Path("results/tiny")


def look(*more):
    targets = [*list_targets(Path("results/tiny")), *more]
    return verify.main(targets={"tiny": targets}, datasets={"tiny": DATASETS}, shards=[SHARD])


def complain():
    """What is said of damaged results."""
    with pytest.raises(CineloraError) as error:
        look()
    return str(error.value)


def pick(folder, pattern):
    """The only or the second file of a pattern, so that neither end is special."""
    files = sorted(folder.glob(pattern))
    assert files
    return files[min(1, len(files) - 1)]


def test_what_is_as_it_was_written_is_counted_each_file_once(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "progress" not in path.parts]
    assert look().read == look().kept == len(files) > 200


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("pattern", PLACES)
def test_each_damage_at_each_place_is_named_with_its_command(folder, pattern, damage):
    path = pick(folder, pattern)
    data = path.read_bytes()
    path.unlink()  # it may be linked
    path.write_bytes(data)
    DAMAGES[damage](path)
    said = complain()
    assert said.startswith("1 of ")
    assert f"\n  {path} " in said
    target = f"    snakemake --cores 4 --forcerun results/tiny/{PLACES[pattern]}\n"
    assert said.count("--forcerun") == said.count(target) == 1
    assert ("config/reviews/tiny/captions.csv" in said) == pattern.endswith(".txt")


def test_an_image_edited_in_a_dataset_is_named_with_the_frame_behind_it_once(folder):
    image = pick(folder, "datasets/style/train/*_*/*.jpg")
    frames = [path for path in folder.glob("extract_frames/images/*") if path.samefile(image)]
    assert len(frames) == 1
    change_byte(image)
    said = complain()
    assert f"\n  {frames[0]} has other content than was written\n" in said
    assert f"\n    {image} is the same file (a hard link)\n" in said
    assert said.startswith("1 of ") and said.count(image.name) == 1
    assert said.count("--forcerun") == 1
    assert "--forcerun results/tiny/extract_frames/images\n" in said


@pytest.mark.parametrize(
    "name",
    [
        "train/9_cat/x.jpg",
        "validation/x.PNG",
        "x.webp",
        "train/sub folder/ü.tiff",
        "train/.masks/zz.png",
    ],
)
def test_an_image_that_a_trainer_would_take_too_is_named(folder, name):
    stray = folder / "datasets/pose" / name
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x")
    said = complain()
    assert f"{stray} is no image of the dataset, and a trainer would take it" in said
    assert "--forcerun results/tiny/datasets/pose\n" in said


def test_many_damages_are_one_command_and_a_few_names(folder):
    images = sorted(folder.glob("inpaint_backgrounds/*_images/*"))
    assert len(images) > 20
    for path in images:
        path.write_bytes(b"")
    said = complain()
    assert said.count("is empty") == verify.SHOWN
    assert f"  and {len(images) - verify.SHOWN} more\n" in said
    assert said.count("--forcerun") == 1


def test_what_is_not_made_yet_is_said_and_no_fault(folder, caplog):
    caplog.set_level("WARNING", "cinelora")
    counts = look("results/tiny/analyze_dataset/pose.json", "results/tiny/report/index.html")
    assert counts.read == counts.kept > 200
    assert "tiny: not made yet: 2 of 12 outputs (analyze_dataset, build_report)" in caplog.text


def test_a_whole_dataset_that_is_gone_is_no_output_that_is_not_made_yet(folder, caplog):
    caplog.set_level("WARNING", "cinelora")
    shutil.rmtree(folder / "datasets/pose")
    said = complain()
    assert f"  {folder}/datasets/pose/dataset.parquet is gone\n" in said
    assert said.count("--forcerun") == said.count("--forcerun results/tiny/datasets/pose\n") == 1
    assert "not made yet" not in caplog.text


def test_a_film_of_which_nothing_is_made_is_no_fault(tmp_path, monkeypatch, caplog):
    caplog.set_level("WARNING", "cinelora")
    monkeypatch.chdir(tmp_path)
    assert look().read == 0
    assert "tiny: nothing is made yet" in caplog.text
    assert not list(tmp_path.iterdir())


def test_a_table_without_its_folder_of_images_names_what_is_gone(folder):
    shutil.rmtree(folder / "crop_faces/01of01_images")
    said = complain()
    assert said.startswith("3 of ") and said.count("is gone") == 3


def test_a_table_that_no_job_has_told_of_is_read_to_its_end(folder):
    shutil.rmtree(folder / "progress")
    path = folder / "crop_faces/01of01.parquet"
    path.write_bytes(path.read_bytes()[:-9])
    assert f"{path} is damaged\n" in complain()


def test_what_cannot_be_checked_is_said(folder):
    (folder / "progress/any.json").unlink()
    said = complain()
    assert said.startswith("6 of ") and "tiny-background.safetensors was made by an earlier" in said
    assert "\n  results/tiny/datasets/pose was made by an earlier version" in said
    assert "    snakemake --cores 4 --forcerun train_adapter pack_dataset\n" in said


def test_tables_of_an_earlier_version_are_said_in_one_line_of_commands(folder):
    for name in ("extract_frames/frames.parquet", "datasets/pose/dataset.parquet"):
        rows = pd.read_parquet(folder / name)
        rows.drop(columns=["size_bytes", "sha256"]).to_parquet(folder / name)
    said = complain()
    assert said.count("made by an earlier version") == 2
    assert "    snakemake --cores 4 --forcerun extract_frames pack_dataset\n" in said
    assert said.count("--forcerun") == 1
