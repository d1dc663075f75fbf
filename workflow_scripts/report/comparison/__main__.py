"""Compare adapters of any runs.

`python -m workflow_scripts.report.comparison FOLDER ... --out PAGE`

Folders are those that evaluate_adapter wrote, such as results/luca/evaluate_adapter/pose.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError, format_error
from workflow_scripts.lib.strict_yaml import read_yaml
from workflow_scripts.report.comparison.page import write_comparison

ROOT = Path(__file__).resolve().parents[3]
OPTIONS = ROOT / "config/options/report.yaml"
LOOK = [  # as the rule has it
    ROOT / "resources/report" / name
    for name in ("comparison.html.j2", "page.css", "comparison.css", "links.js", "comparison.js")
]


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    """Folders and page."""
    parser = argparse.ArgumentParser(
        "python -m workflow_scripts.report.comparison",
        description="Show adapters side by side that evaluate_adapter judged, of any runs.",
    )
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="results/.../pose")
    parser.add_argument("--out", required=True, metavar="PAGE", help="the page to write, .html")
    return parser.parse_args(arguments)


def run(arguments: Sequence[str]) -> str:
    """Write the page; what to tell of it."""
    given = parse_arguments(arguments)
    page = Path(given.out)
    if page.is_dir() or page.suffix != ".html":
        raise CineloraError(
            f"{page} is no page: --out takes the name of a file that ends in .html."
        )
    options, problems = read_yaml(OPTIONS)
    if problems:
        raise CineloraError("\n".join(problems))
    counts = write_comparison(given.folders, LOOK, page, {}, options["compare_adapters"])
    return f"{page}: {counts.read} adapters, {counts.found['images']} images"


if __name__ == "__main__":
    try:
        print(run(sys.argv[1:]))
    except Exception as error:
        if not (plainly := format_error(error)):
            raise
        sys.exit(plainly)
