"""What a search found as a drawing: gain over drift of every trial, and the front."""

import io

import matplotlib
import pandas as pd

matplotlib.use("svg")
import matplotlib.pyplot as plt

SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "cinelora", "font.size": 9}
NAMES = {
    "identity_margin": "identity margin over the other subject",
    "heldout_loss_margin": "margin of the held-out loss over the base",
}
STRONG, SOFT, INK = "#c2622d", "#cfc8bb", "#23211e"


def draw_front(rows: pd.DataFrame) -> str:
    """An SVG of the rows of front.parquet; a trial without a gain has no place in it."""
    known = rows[rows["gain"].notna()]
    with plt.rc_context(SETTINGS):
        figure, axes = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
        for name, part in _split(known).items():
            axes.plot(part["drift"], part["gain"], **MARKS[name], label=f"{name} ({len(part)})")
        _draw_line(axes, known[known["on_front"]])
        axes.set(xlabel="drift (smaller is better)", ylabel=_name_gain(rows))
        failed = len(rows) - len(known)
        axes.set_title(f"{failed} without a gain" if failed else "", loc="right", fontsize=8)
        if len(known):
            figure.legend(loc="outside lower center", ncols=3, frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        plt.close(figure)
    return text.getvalue()


MARKS = {
    "on the front": {"ls": "", "marker": "o", "ms": 7, "color": STRONG},
    "dominated": {"ls": "", "marker": "o", "ms": 5, "color": SOFT},
    "beyond a limit": {"ls": "", "marker": "x", "ms": 6, "color": SOFT},
    "short": {"ls": "", "marker": ".", "ms": 4, "color": SOFT},
    "front, other seeds": {"ls": "", "marker": "+", "ms": 8, "color": STRONG},
    "settings of the config": {"ls": "", "marker": "s", "ms": 9, "mfc": "none", "color": INK},
}


def _split(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows by what they are; those of the config's settings are marked once more."""
    reason = rows["reason"]
    parts = {
        "on the front": rows["on_front"],
        "dominated": reason.str.startswith("dominated"),
        "beyond a limit": (rows["over_copy_risk"] > 0) | (rows["under_diversity"] > 0),
        "short": reason.str.startswith("trained for"),
        "front, other seeds": rows["purpose"] == "confirm",
        "settings of the config": rows["purpose"] == "chosen",
    }
    parts["beyond a limit"] &= ~parts["short"] & ~parts["front, other seeds"]
    return {name: rows[mask] for name, mask in parts.items() if mask.any()}


def _draw_line(axes: plt.Axes, front: pd.DataFrame) -> None:
    """The border of what was reached, and the numbers of the trials on it."""
    front = front.sort_values(["drift", "gain"])
    steps = {"drawstyle": "steps-post", "color": STRONG, "lw": 1, "zorder": 0}
    axes.plot(front["drift"], front["gain"], **steps)
    for row in front.itertuples():
        place = {"xytext": (5, -10), "textcoords": "offset points", "fontsize": 7}
        axes.annotate(row.trial, (row.drift, row.gain), **place)


def _name_gain(rows: pd.DataFrame) -> str:
    return NAMES[rows["measure"].iloc[0]] if len(rows) else ""
