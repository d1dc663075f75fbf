"""Which command makes a file again: that of the output of a rule that it is, or lies in."""

import errno

import pytest

from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.renewal import find_output, say_damaged, say_gone


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("results/a/extract_frames/images/f1.jpg", "results/a/extract_frames/images"),
        ("results/a/extract_frames/frames.parquet", "results/a/extract_frames/frames.parquet"),
        ("results/a/crop_faces/01of02_images/x.jpg", "results/a/crop_faces/01of02_images"),
        ("results/a/datasets/pose/train/3_x/y.jpg", "results/a/datasets/pose"),
        ("results/a/datasets/pose/dataset.parquet", "results/a/datasets/pose"),
        ("results/a/datasets/pose/train/.masks/y.png", "results/a/datasets/pose"),
        ("results/a/adapters/x/a-x.safetensors", "results/a/adapters/x/a-x.safetensors"),
        ("/films/results/results/a/datasets/pose/x.jpg", "results/a/datasets/pose"),
        ("results/a/adapters/pose/notes.txt", ""),
        ("results/a/progress/x.json", ""),
        ("my images/f1.jpg", ""),
    ],
)  # fmt: skip
def test_the_output_of_a_file(path, target):
    assert find_output(path) == target


def test_of_files_of_the_workflow_the_command_is_said_and_of_others_not():
    own = say_damaged("results/a/extract_frames/images/f1.jpg", "it is gone")
    assert "--forcerun results/a/extract_frames/images" in own
    assert "An earlier phase left this file, and it is gone." in own
    other = say_damaged("my images/f1.jpg", "it is gone")
    assert "my images/f1.jpg is not a readable image: it is gone" in other
    assert "snakemake" not in other


def test_of_a_file_that_is_gone_the_command_is_said_where_a_phase_left_it():
    path = "results/a/extract_frames/frames.parquet"
    with pytest.raises(FileNotFoundError) as raised:
        read_manifest(path)
    assert say_gone(raised.value).endswith(f"--forcerun {path}")
    assert say_gone(FileNotFoundError(errno.ENOENT, "gone", "mine.txt")) == ""
    assert say_gone(PermissionError(errno.EACCES, "no", path)) == ""
