"""The recipes of CONTRIBUTING.md, followed word by word in a copy of the project."""

import re
import shutil
import subprocess
import sys

import pytest
import yaml

from tests.factories.copy_in_code import ROOT, copy_project, planned_rules

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
# what a step says before its block of code: a new file, or a place in one
STEP = re.compile(
    r"^(?P<how>New file|At the end of|In) `(?P<file>[^`]+)`"
    r"(?:, (?P<where>below|in place of) `(?P<text>[^`]+)`)?[^`]*(?:`[^`\n]+`[^`]*)*?"
    r":\n\n```\w+\n(?P<code>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
DEMO = "config/overlays/demo.yaml"


def read_steps(section):
    """The steps of one section of the page, as dicts."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    steps = [match.groupdict() for match in STEP.finditer(text)]
    assert len(steps) == text.count("\n```\n"), "a block of code without a step before it"
    return steps


def follow(folder, step):
    """Do in the copy what a step says."""
    path, code = folder / step["file"], step["code"]
    if step["how"] == "New file":
        assert not path.exists()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code, encoding="utf-8")
        return
    text = path.read_text(encoding="utf-8")
    if step["how"] == "At the end of":
        text += code
    elif step["where"] == "below":
        lines = text.splitlines(keepends=True)
        (number, *_) = [n for n, line in enumerate(lines) if line.strip() == step["text"]]
        text = "".join([*lines[: number + 1], code, *lines[number + 1 :]])
    else:
        assert text.count(step["text"]) == 1, step["text"]
        text = text.replace(step["text"], code.removesuffix("\n"))
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """follow_all(section) -> a copy of the project in which its steps were followed."""

    def follow_all(section, count):
        folder = copy_project(tmp_path)
        shutil.copy2(ROOT / "pyproject.toml", folder)
        steps = read_steps(section)
        assert len(steps) == count
        for step in steps:
            follow(folder, step)
        return folder

    return follow_all


def run_test(folder, file):
    """Run a test that a recipe brought, on the copy."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", file]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert run.returncode == 0, run.stdout[-4000:]
    assert "1 passed" in run.stdout


def write_page(folder, **blocks):
    """A page that changes the demo film's; returns Snakemake's arguments."""
    (folder / "own.yaml").write_text(yaml.safe_dump(blocks), encoding="utf-8")
    return ["--configfile", DEMO, "own.yaml"]


def test_a_phase_is_planned_for_every_film_and_its_test_passes(project):
    folder = project("A phase", 9)
    assert "mark_bright_frames" in planned_rules(folder, "--configfile", DEMO)
    run_test(folder, "tests/film/test_mark_bright_frames.py")


def test_an_option_of_the_new_phase_is_checked(project):
    folder = project("A phase", 9)
    arguments = write_page(folder, mark_bright_frames={"min_brightness": 2})
    with pytest.raises(AssertionError, match=r"mark_bright_frames\.min_brightness"):
        planned_rules(folder, *arguments)


def test_a_model_plays_its_role_and_its_test_passes(project):
    folder = project("A model", 3)
    arguments = write_page(folder, models={"embed": "color-layout"})
    assert "embed_images" in planned_rules(folder, *arguments)
    run_test(folder, "tests/models/test_color_layout.py")


def test_a_kind_is_planned_from_frames_to_its_adapter(project):
    folder = project("A kind", 3)
    arguments = write_page(folder, films={"demo": {"kinds": ["weather"]}})
    planned = planned_rules(folder, *arguments)
    assert {"classify_lighting", "select_images", "write_captions"} <= planned
    assert {"pack_dataset", "analyze_dataset", "train_adapter", "evaluate_adapter"} <= planned
    assert not planned & {"crop_faces", "estimate_poses"}
