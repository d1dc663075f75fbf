"""Which model of which role ran with which weights, and whether its contract held.

`python -m tests.list_contracts` runs the contract tests and prints a line per model.
"""

import re
import sys

import pytest

from tests.factories.role_models import FULL, ODD_SIZES
from workflow_scripts.models.registry import choose_model, list_roles

FILES = ["contract", "looks", "refused"]
TESTS = [f"tests/models/test_models_{name}.py" for name in FILES]
TESTS += [
    "tests/models/test_caption_models.py",
    "tests/models/test_qwen_vl.py",
    "tests/models/test_sam2_memory.py",
    "tests/film/test_read_text.py",
]
# tests that name their model in words of their own
OWN = {
    "sam2 random": r"test_sam2_|test_a_shot_is_followed|test_a_mask_",
    "openclip random": "test_openclip_",
    "tiny sd random": r"test_a_base_of_the_full_tier.*sd ",
    "tiny sdxl random": r"test_a_base_of_the_full_tier.*sdxl",
    "tiny flux2 random": r"test_a_base_of_the_full_tier.*flux2",
    "brightest point, 17": r"test_points_are_where.*\D17\]",
    "brightest point, 133": r"test_points_are_where.*\D133\]",
    "qwen2.5-vl random": "test_qwen_",
    "caption-server": "test_a_server|test_a_busy_server|test_the_key",
    "light text": "test_read_text.py",
}
MORE = {
    "brightest point, 133": "pose",
    "qwen2.5-vl random": "caption",
    "caption-server": "caption",
}
WEIGHTS = {
    "brightest point": "made: the right answer is known",
    "caption-server": "none: a server on loopback",
}


class Outcomes:
    """Collects what each test came to."""

    def __init__(self):
        self.of: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.of[report.nodeid] = report.outcome


def list_models() -> list[tuple[str, str]]:
    """Role and name of each model that a test opens, light and full tier."""
    light = [(role, f"light {role}") for role in list_roles() if role not in ("caption", "base")]
    full = [(row[0], name) for name, row in FULL.items()]
    own = [(role, name) for name, role in MORE.items()]
    return sorted([*light, *full, *own], key=lambda pair: list_roles().index(pair[0]))


def name_weights(role: str, name: str) -> str:
    """Real, random or made; and of the light tier which model it is."""
    if name.startswith("light"):
        return f"real ({choose_model(role, {'tier': 'light'})['name']})"
    for start, words in WEIGHTS.items():
        if name.startswith(start):
            return words
    return "real" if name.endswith("real") else "random, the production class built small"


def count(name: str, outcomes: dict[str, str]) -> dict[str, int]:
    """How many tests of a model passed, were skipped, failed."""
    pattern = rf"\[(.*-)?{re.escape(name)}(-.*)?\]" + (f"|{OWN[name]}" if name in OWN else "")
    found = [outcome for test, outcome in outcomes.items() if re.search(pattern, test)]
    return {word: found.count(word) for word in ("passed", "skipped", "failed")}


def main() -> int:
    outcomes = Outcomes()
    status = pytest.main(["-q", "--disable-warnings", *TESTS], plugins=[outcomes])
    print(f"sizes beside the figure's: {ODD_SIZES} (height, width)")
    print("| role | model | weights | passed | skipped | failed |\n|---|---|---|---|---|---|")
    for role, name in list_models():
        numbers = count(name, outcomes.of)
        shown = " | ".join(str(number) for number in numbers.values())
        print(f"| {role} | {name} | {name_weights(role, name)} | {shown} |")
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
