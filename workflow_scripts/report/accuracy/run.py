"""`make accuracy`: run the workflow on a film that brings its truth, then print the table.

The figures of the demo film also become the page resources/demo_film/ACCURACY.md.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.value_files import read_values
from workflow_scripts.report.accuracy.truth import Truth
from workflow_scripts.report.accuracy.write_page import write_page

DEMO = Path("resources/demo_film")
PAGE = "ACCURACY.md"


def make_overlay(folder: Path) -> dict[str, Any]:
    """Config for a folder that holds film.mp4, truth/ and perhaps roster/<character>/*.jpg.

    Without a roster nobody can be named, and the kind character is left out.
    """
    name = folder.resolve().name.lower().replace(" ", "-")
    characters = Truth(folder / "truth").screenplay["characters"]
    has_roster = (folder / "roster").is_dir()
    kinds = [name for name, kind in KINDS.items() if has_roster or kind.class_word]
    film = {
        "path": str(folder / "film.mp4"),
        "truth": str(folder / "truth"),
        "roster": str(folder / "roster"),
        "kinds": kinds,
        "characters": {
            who.lower(): {"trigger": who.lower(), "class": "person"} for who in characters
        },
        "style": {"trigger": f"{name} style"},
    }
    return {"only": [name], "films": {name: film}}


def choose_config(folder: Path) -> tuple[str, list[str]]:
    """Name of the film, and the pages that run it; other films run with the models of the user."""
    if folder.resolve() == DEMO.resolve():
        return "demo", ["config/overlays/demo.yaml"]
    overlay = make_overlay(folder)
    if not (folder / "roster").is_dir():
        print(f"{folder} has no roster/<character>/*.jpg: people are grouped, but nobody is named.")
    path = Path("results") / f"{overlay['only'][0]}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(overlay), encoding="utf-8")
    return overlay["only"][0], ["config/config.yaml", str(path)]


def format_table(metrics: dict[str, dict[str, Any]]) -> str:
    """One line a figure: name, value, goal, cases, and a word where the goal is missed."""
    lines = [f"{'figure':34} {'value':>8} {'goal':>8} {'cases':>7}"]
    for name, row in metrics.items():
        goal = "" if row["goal"] is None else f"{row['goal']:.3f}"
        word = "  below the goal" if row["reached"] is False else ""
        lines.append(f"{name:34} {row['value']:8.3f} {goal:>8} {row['n']:7d}{word}")
    return "\n".join(lines)


def main(folder: Path) -> int:
    try:
        film, pages = choose_config(folder)
    except CineloraError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    target = Path("results") / film / "accuracy.json"
    command = ["snakemake", "--configfile", *pages, "--", str(target)]
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        metrics = read_values(target)
        print(format_table(metrics))
        if folder.resolve() == DEMO.resolve():
            (DEMO / PAGE).write_text(write_page(metrics), encoding="utf-8")
            print(f"\nWritten to {DEMO / PAGE}")
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO))
