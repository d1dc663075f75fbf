"""The page of figures beside the demo film: resources/demo_film/ACCURACY.md, by `make accuracy`."""

from typing import Any

from workflow_scripts.lib.version import stamp
from workflow_scripts.report.accuracy.words import FIGURES, say_figure

HEAD = """# How good it is

Written by `make accuracy` (version {cinelora_version}, light tier), not by hand: each phase on the
demo film, against exact truth. `results/demo/accuracy.json` has the same figures for scripts.
`make accuracy FILM=<folder>` measures any folder with a `film.mp4` and a `truth/` laid out as
[here](README.md). {reached} of {goals} goals are reached.

| what | reached | goal | cases |
|---|---|---|---|
"""
FOOT = """
What the light tier is weakest at: emotion rests on one small net and on what the points of a face
show, and a third of the faces stay unsure, most of them in profile, sad or angry; a body whose legs
are out of the image has no known action; where no frame shows what is behind somebody, paint is
only paint, and `cluster_scenes` sets such backgrounds aside (`max_painted`).
"""


def write_page(metrics: dict[str, dict[str, Any]]) -> str:
    """The figures as Markdown; {name: {value, n, goal, at_least, reached}}, in the words' order."""
    order = {name: place for place, name in enumerate(FIGURES)}
    names = sorted(metrics, key=lambda name: order.get(name, len(order)))
    goals = [row["reached"] for row in metrics.values() if row["reached"] is not None]
    head = {"reached": sum(goals), "goals": len(goals)}
    stamp(head)
    return (
        HEAD.format(**head)
        + "\n".join(_write_row(name, metrics[name]) for name in names)
        + "\n"
        + FOOT
    )


def _write_row(name: str, row: dict[str, Any]) -> str:
    goal = ""
    if row["goal"] is not None:
        goal = f"{'' if row['at_least'] else 'at most '}{row['goal']:g}"
    missed = " **missed**" if row["reached"] is False else ""
    return f"| {say_figure(name)} | {_say(row['value'])}{missed} | {goal} | {row['n']:,} |"


def _say(value: float) -> str:
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
