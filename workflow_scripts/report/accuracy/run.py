"""`make accuracy`: run the workflow on a film that brings its truth, then print the table."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.report.accuracy.truth import Truth

DEMO = Path("resources/demo_film")


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


def choose_config(folder: Path) -> tuple[str, Path]:
    """Name of the film, and the overlay that runs it."""
    if folder.resolve() == DEMO.resolve():
        return "demo", Path("config/overlays/demo.yaml")
    overlay = make_overlay(folder)
    if not (folder / "roster").is_dir():
        print(f"{folder} has no roster/<character>/*.jpg: people are grouped, but nobody is named.")
    path = Path("results") / f"{overlay['only'][0]}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(overlay))
    return overlay["only"][0], path


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
        film, config = choose_config(folder)
    except CineloraError as error:
        print(f"ERROR {error}", file=sys.stderr)
        return 1
    target = Path("results") / film / "accuracy.json"
    command = ["snakemake", "--configfile", "config/config.yaml", str(config), "--", str(target)]
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        print(format_table(json.loads(target.read_text())))
    return status


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO))
