"""One version number, which the changelog explains."""

import re
from pathlib import Path

from workflow_scripts.lib.version import VERSION, stamp

ROOT = Path(__file__).resolve().parents[2]


def test_a_record_is_stamped_and_keeps_the_rest():
    record = {"seed": 7}
    stamp(record)
    assert record == {"seed": 7, "cinelora_version": VERSION}


def test_the_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (\d+\.\d+\.\d+)", text, flags=re.MULTILINE)
    assert versions[0] == VERSION
    assert versions == sorted(versions, reverse=True, key=lambda v: [int(n) for n in v.split(".")])


def test_no_other_file_says_it_again():
    pattern = re.compile(rf"""['"]{re.escape(VERSION)}['"]""")
    files = [*(ROOT / "workflow_scripts").rglob("*.py"), ROOT / "pyproject.toml"]
    assert len(files) > 100
    named = [path.name for path in files if pattern.search(path.read_text(encoding="utf-8"))]
    assert named == ["version.py"]
