"""Rule files look alike, and none leans on another: what they share stands in rules/common*.smk."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "rules").glob("*/*.smk"))
HEADER = re.compile(r'"""(\w+): [^\n]+[.]\n\nneeds    \S.*\nleaves   \S.*?"""\n', re.DOTALL)


def test_there_are_rule_files_and_the_snakefile_includes_each():
    assert len(FILES) > 20
    included = re.findall(r'^\s*include: "(.+)"$', (ROOT / "Snakefile").read_text("utf-8"), re.M)
    assert sorted(included) == sorted(
        [
            "rules/common.smk",
            "rules/common_adapter.smk",
            *(path.relative_to(ROOT).as_posix() for path in FILES),
        ]
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_rule_file_opens_with_what_it_does_needs_and_leaves(path):
    header = HEADER.match(path.read_text(encoding="utf-8"))
    assert header
    assert header[1] == path.stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_rule_file_defines_nothing_but_rules(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if re.match(r"\w+ *=|def |class ", line)] == []
