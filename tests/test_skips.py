"""A skip in CI fails unless its reason is on the list; elsewhere it stays a skip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories.skips import read_allowed

TESTS = Path(__file__).resolve().parent
CASES = """
import pytest

def test_listed():
    pytest.skip("the shared test weights are not there: a.onnx")

def test_unlisted():
    pytest.skip("no idea why")

@pytest.mark.skipif(True, reason="marked, and not listed")
def test_marked():
    pass

@pytest.fixture
def missing():
    pytest.skip("a fixture, and not listed")

def test_of_a_fixture(missing):
    pass

def test_fine():
    pass
"""
WHOLE = "import pytest\npytest.importorskip('no_such_package_here')\n"


@pytest.fixture
def folder(tmp_path):
    """A project of a few skips, with our conftest."""
    for name in ("__init__.py", "conftest.py", "allowed_skips.txt", "factories/skips.py"):
        (tmp_path / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TESTS / name, tmp_path / "tests" / name)
    (tmp_path / "tests/factories/__init__.py").touch()
    (tmp_path / "tests/test_cases.py").write_text(CASES, encoding="utf-8")
    (tmp_path / "tests/test_whole.py").write_text(WHOLE, encoding="utf-8")
    return tmp_path


def run(folder, file, ci):
    """Last line of pytest's summary, and all that it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"]
    said = subprocess.run(
        [*command, f"tests/{file}"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"CI": ci, "PYTHONPATH": ".", "PYTEST_ADDOPTS": ""},
    ).stdout
    return said.strip().splitlines()[-1], said


def test_elsewhere_a_skip_is_a_skip(folder):
    assert run(folder, "test_cases.py", "")[0].startswith("1 passed, 4 skipped")


def test_in_ci_only_listed_reasons_count(folder):
    last, said = run(folder, "test_cases.py", "true")
    assert last.startswith("1 failed, 1 passed, 1 skipped, 2 errors")  # errors: before the test
    for reason in ("no idea why", "marked, and not listed", "a fixture, and not listed"):
        assert f"skipped in CI: {reason}" in said


def test_in_ci_a_file_that_skips_itself_fails(folder):
    last, said = run(folder, "test_whole.py", "true")
    assert "1 error" in last
    assert "skipped in CI: could not import 'no_such_package_here'" in said


def test_the_list_holds_patterns_and_no_catch_all():
    allowed = read_allowed()
    assert len(allowed) >= 4
    assert not [pattern for pattern in allowed if pattern.search("any other reason")]
