"""A frame that changes after it was written: `verify` names it, and its command mends it."""

import re
import shlex

import pytest

from tests.factories.copy_in_code import SMALL, prepare_run
from tests.factories.runs import snakemake

IMAGES = "results/short/extract_frames/images"


@pytest.fixture
def folder(tmp_path):
    """A run that went as far as the frames."""
    folder = prepare_run(tmp_path / "run")
    snakemake(folder, *SMALL, "--", IMAGES)
    return folder


def verify(folder, *arguments, check=True):
    return snakemake(folder, *SMALL, *arguments, "--", "verify", check=check)


def list_files(folder):
    return {path for path in (folder / "results/short").rglob("*") if "progress" not in str(path)}


def test_the_command_that_is_printed_mends_what_was_found(folder):
    frames = sorted((folder / IMAGES).glob("*.jpg"))
    made, whole = list_files(folder), {path: path.read_bytes() for path in frames}
    count = len(frames) + sum(path.suffix == ".parquet" for path in made)
    assert re.search(r"^verify +1 ", verify(folder, "-n"), re.MULTILINE)
    said = verify(folder)
    assert re.search(rf"verify +{count} files", said)
    assert re.search(r"short: not made yet: \d+ of \d+ outputs \(.*train_adapter", said)
    frames[0].write_bytes(b"")
    frames[1].write_bytes(whole[frames[2]])
    said = verify(folder, check=False)
    assert f"2 of {count} files are not as they were made" in said
    assert f"{IMAGES}/{frames[0].name} is empty" in said
    assert list_files(folder) == made  # nothing was built on the way
    (command,) = re.findall(r"^ *snakemake --cores 4 (--forcerun \S+)$", said, re.MULTILINE)
    snakemake(folder, *SMALL, *shlex.split(command), "--", IMAGES)
    assert {path: path.read_bytes() for path in frames} == whole
    verify(folder)
