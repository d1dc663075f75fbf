"""Long tests come first; in CI a skip is a failure, unless allowed_skips.txt has its reason."""

import os

import pytest

from tests.factories.skips import find_unlisted, read_allowed

ALLOWED = read_allowed()
IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_collection_modifyitems(items):
    """Runs of the whole workflow first: then no worker ends alone with a long one."""
    items.sort(key=lambda item: item.get_closest_marker("workflow") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test, or a fixture of it, that skipped itself."""
    return _refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """A whole file that skipped itself."""
    return _refuse_skip((yield))


def _refuse_skip(report):
    if IN_CI and (reason := find_unlisted(report, ALLOWED)):
        report.outcome = "failed"
        report.longrepr = (
            f"skipped in CI: {reason}\n"
            "  Bring what is missing, or add the reason to tests/allowed_skips.txt."
        )
    return report
