"""What is said of trainings and evaluations that are given something wrong, a line per case.

`python -m tests.list_training_messages` plays every case of factories/bad_trainings.py, and prints
a table of them.
"""

import sys
import tempfile
from pathlib import Path

from tests.factories.bad_trainings import CASES, play


def main() -> int:
    wrong = 0
    print("| case | what is said |\n|---|---|")
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            said = play(name, Path(folder))
        fits = all(words in said for words in case.says)
        wrong += not fits
        plain = " ".join(said.replace(folder, "<folder>").split()).replace("|", "\\|")
        print(f"| {name} | {'' if fits else 'UNEXPECTED '}{plain} |", flush=True)
    return wrong


if __name__ == "__main__":
    sys.exit(main())
