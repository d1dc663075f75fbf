"""The arrows between areas: each contract of pyproject.toml is broken once, and says so."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.phase_contract import list_phases

ROOT = Path(__file__).resolve().parents[1]
LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"
BREAKS = {  # (module, what it imports)
    "lib imports an area": ("lib.images", "film.near_hashes"),
    "film imports dataset": ("film.near_hashes", "dataset.balance"),
    "dataset imports adapter": ("dataset.balance", "adapter.metrics"),
    "adapter imports report": ("adapter.metrics", "report.page.svg"),
    "a loader imports dataset": ("models.loaders.telea", "dataset.balance"),
    "a loader imports the registry": ("models.loaders.telea", "models.registry"),
    "an area imports plan": ("film.near_hashes", "plan.resources"),
    "a phase imports another": ("film.filter_frames", "film.dedup_frames"),
    "a phase imports another through its own module": ("film.people.tracks", "film.crop_faces"),
}


@pytest.fixture
def copy(tmp_path):
    """What the contracts look at."""
    names = shutil.ignore_patterns("__pycache__")
    for name in ("workflow_scripts", "rules"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=names)
    (tmp_path / "tests").mkdir()
    for name in ("pyproject.toml", "tests/__init__.py", "tests/phase_contract.py"):
        shutil.copy2(ROOT / name, tmp_path / name)
    return tmp_path


def check(folder):
    """Exit status of lint-imports, and what it said, in one line."""
    run = subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"COLUMNS": "500"},  # or it breaks long lines within names
    )
    return run.returncode, " ".join((run.stdout + run.stderr).split())


@pytest.mark.parametrize("name", BREAKS)
def test_an_import_against_the_arrows_is_found(copy, name):
    importer, imported = (f"workflow_scripts.{module}" for module in BREAKS[name])
    path = copy / f"{importer.replace('.', '/')}.py"
    text = path.read_text(encoding="utf-8")
    path.write_text(f"{text}\n\nimport {imported}\n", encoding="utf-8")
    status, said = check(copy)
    assert status == 1
    assert f"{importer} -> {imported}" in said


def test_an_area_without_a_place_among_the_others_is_found(copy):
    (copy / "workflow_scripts/attributes").mkdir()
    (copy / "workflow_scripts/attributes/__init__.py").touch()
    status, said = check(copy)
    assert status == 1
    assert "attributes" in said


def test_every_rule_file_is_a_phase_with_a_module_and_a_script():
    phases = list_phases()
    assert len(phases) >= 24
    for phase in phases:
        path = ROOT / f"{phase.replace('.', '/')}.py"
        assert path.is_file(), f"{phase} has a rule file, but there is no {path}"


def test_a_project_without_rules_is_no_project(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no rule file"):
        list_phases(tmp_path)
