"""Which skips are allowed in CI: tests/allowed_skips.txt."""

import re
from pathlib import Path

import pytest

LIST = Path(__file__).resolve().parents[1] / "allowed_skips.txt"


def read_allowed(path: Path = LIST) -> list[re.Pattern]:
    """The patterns of the list, one a line that is neither empty nor a comment."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [re.compile(line) for line in lines if line.strip() and not line.startswith("#")]


def find_unlisted(
    report: pytest.TestReport | pytest.CollectReport, allowed: list[re.Pattern]
) -> str:
    """The reason of a skip that no pattern allows; "" for all other reports."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return ""
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    return "" if any(pattern.search(reason) for pattern in allowed) else reason
