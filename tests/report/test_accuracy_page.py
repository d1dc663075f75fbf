"""The page of figures beside the demo film."""

import re
from pathlib import Path

import yaml

from workflow_scripts.lib.version import VERSION
from workflow_scripts.report.accuracy.words import FIGURES, say_figure
from workflow_scripts.report.accuracy.write_page import write_page

ROOT = Path(__file__).resolve().parents[2]
FLOORS = yaml.safe_load((ROOT / "tests/accuracy_floors.yaml").read_text(encoding="utf-8"))


def row(value, goal=None, *, n=1234, at_least=True, reached=None):
    return {"value": value, "n": n, "goal": goal, "at_least": at_least, "reached": reached}


def test_a_page_of_figures():
    page = write_page(
        {
            "new_figure": row(0.25),
            "inpaint_psnr_revealed": row(36.24, 25.0, reached=True),
            "held_out_leak": row(2, 0, at_least=False, reached=False),
            "cuts_f1": row(0.98765, 0.98, reached=True),
        }
    )
    assert f"(version {VERSION}, light tier)" in page
    assert "2 of 3 goals are reached" in page
    assert [line for line in page.splitlines() if line.startswith("| ")][1:] == [
        "| cuts, F1 | 0.988 | 0.98 | 1,234 |",
        "| clean backgrounds, PSNR where other frames show it (dB) | 36.2 | 25 | 1,234 |",
        "| held-out images that leak | 2.000 **missed** | at most 0 | 1,234 |",
        "| new figure | 0.250 |  | 1,234 |",
    ]


def test_every_figure_with_a_floor_has_words_of_its_own():
    assert len(FLOORS) > 40
    assert FLOORS.keys() - FIGURES.keys() == set()
    assert len(set(FIGURES.values())) == len(FIGURES)


def test_the_page_that_ships_holds_every_figure_and_keeps_every_floor():
    page = (ROOT / "resources/demo_film/ACCURACY.md").read_text(encoding="utf-8")
    values = dict(re.findall(r"^\| (.+?) \| ([\d.]+) ", page, flags=re.MULTILINE))
    missing = [name for name in FLOORS if say_figure(name) not in values]
    assert not missing, "run `make accuracy`"
    below = [
        name
        for name, floor in FLOORS.items()
        if not floor.get("min", 0) <= float(values[say_figure(name)]) <= floor.get("max", 1e9)
    ]
    assert not below
