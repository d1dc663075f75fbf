"""What is said when weights cannot be fetched, a line per case.

`python -m tests.list_fetch_messages` plays every case of factories/fetch_cases.py, and prints a
table of them.
"""

import contextlib
import io
import re
import sys
import tempfile
from pathlib import Path

from tests.factories.fetch_cases import CASES, play

CLOCK = re.compile(r"^\d\d:\d\d:\d\d ")
LISTING = re.compile(r"^.*\nin all about +\d+\n", re.DOTALL)
OTHERS = re.compile(r"^(make: |make\[|license |downloading: )|: from |Retrying in|thrown while")


def shorten(said: str, folder: str) -> str:
    """What tells the user why, in one line: no times, no listing before it."""
    lines = [CLOCK.sub("", line.strip()) for line in LISTING.sub("", said).splitlines()]
    told = " ".join(line for line in lines if line and not OTHERS.search(line))
    return re.sub(r"127\.0\.0\.1:\d+", "<host>", told.replace(folder, "<folder>"))


def main() -> int:
    wrong = 0
    print("| case | status | what is said |\n|---|---|---|")
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            status, said, _ = play(name, Path(folder))
        fits = (status == 0) == case.works and all(words in said for words in case.says)
        wrong += not fits
        print(f"| {name} | {status}{'' if fits else ' UNEXPECTED'} | {shorten(said, folder)} |")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
