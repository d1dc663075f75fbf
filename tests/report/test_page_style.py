"""The style sheet, computed: contrast of all its colors, sizes of all its letters."""

import re
from pathlib import Path

import pytest

from workflow_scripts.report.page.images import PALETTE
from workflow_scripts.report.page.timeline import TIMES

ROOT = Path(__file__).resolve().parents[2]
CSS = (ROOT / "resources/report/page.css").read_text(encoding="utf-8")
ON_PAPER = ("ink", "soft", "accent", "good")
PAIRS = [  # every color of letters, on everything that it stands on
    *((name, "paper") for name in ON_PAPER),
    *(("ink", paper) for paper in ("card", "warn-paper")),
    ("soft", "card"),  # what an empty search box says
    ("paper", "ink"),  # the chosen tab
    ("warn", "warn-paper"),
    *((f"sheet-{name}", "sheet") for name in ("ink", "soft", "mark")),
]
WORDS_ON_BARS = [(color, "on-bar") for color in (*PALETTE, *TIMES.values())]


def read_colors(block):
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))


LIGHT, DARK = (read_colors(block) for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL))
THEMES = {"light": LIGHT, "dark": LIGHT | DARK}


def measure_contrast(one, other):
    """As WCAG 2 defines it: 1 (the same color) to 21."""

    def luminance(color):
        parts = [value / 255 for value in bytes.fromhex(color[1:])]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_as_it_is_defined():
    assert measure_contrast("#000000", "#ffffff") == pytest.approx(21)
    assert measure_contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_letters_stand_out_from_what_is_behind_them(theme):
    colors = THEMES[theme]
    pairs = [(colors[one], colors[other]) for one, other in PAIRS]
    pairs += [(color, colors[other]) for color, other in WORDS_ON_BARS]
    faint = {pair: measure_contrast(*pair) for pair in pairs if measure_contrast(*pair) < 4.5}
    assert len(pairs) > 20
    assert faint == {}


def test_no_other_colors_are_used_for_letters():
    rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.DOTALL)
    used = set(re.findall(r"(?<![-\w])color: ([^;}]+)", rules))
    known = {f"var(--{one})" for one, _ in PAIRS} | {"inherit"}
    assert len(used) > 5
    assert used <= known
    fills = set(re.findall(r"text[^{}]*\{ fill: ([^;}]+)|\.muted \{ fill: ([^;}]+)", rules))
    assert {one or other for one, other in fills} <= known
    faded = re.findall(r"([^{}]+)\{[^{}]*opacity: \.", rules)  # drawings may be, letters not
    assert all(selector.strip().startswith("svg .") for selector in faded)


def test_what_only_a_script_can_use_is_hidden_without_one():
    names = ("page.html.j2", "blocks.html.j2")
    template = "".join((ROOT / f"resources/report/{n}").read_text(encoding="utf-8") for n in names)
    hidden = re.findall(r'<div class="([a-z-]+)" [^>]*\bhidden>', template)
    assert sorted(hidden) == ["find", "tab-names"]
    assert "[hidden] { display: none !important; }" in CSS  # or their own display would win


def test_all_letters_are_at_least_11_px():
    sizes = re.findall(r"font(?:-size)?: (?:\d+ )?([\d.]+)(rem|px)", CSS)
    px = [float(number) * {"rem": 16, "px": 1}[unit] for number, unit in sizes]
    assert len(px) > 15
    assert min(px) >= 11
    assert set(re.findall(r"font-size: ([\d.]+)em", CSS)) <= {".9"}  # of code, in text of 15 px
