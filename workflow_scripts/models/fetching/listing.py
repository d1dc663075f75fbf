"""What a tier's weights are: size, license, memory; the non-commercial ones come first."""

from difflib import get_close_matches
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.fetching.pins import name_source

Row = dict[str, Any]


def choose_rows(table: dict[str, dict[str, Row]], names: list[str], tier: str) -> dict[str, Row]:
    """Rows of files and folders by name: those named, those of models named, or all of the tier."""
    wanted: list[str] = []
    for name in names:
        model = table["models"].get(name)
        wanted += [*model["files"], *model.get("folders", [])] if model else [name]
    if not names:
        fits = [model for model in table["models"].values() if tier in model["tier"]]
        wanted = [file for m in fits for file in [*m["files"], *m.get("folders", [])]]
    places = {**table["files"], **table["folders"], **table["films"]}
    for name in wanted:
        if name not in places:
            raise CineloraError(_no_file(name, [*places, *table["models"]]))
    return {name: places[name] for name in sorted(set(wanted))}


def _no_file(name: str, known: list[str]) -> str:
    hint = get_close_matches(name, known, n=1)
    remedy = f"Did you mean {hint[0]!r}?" if hint else f"Known: {', '.join(known)}."
    return f"the table of models names no file {name!r}. {remedy}"


def size_mb(row: Row) -> float | None:
    """Size in MB as the row says it; None when it does not."""
    return row["bytes"] / 1e6 if "bytes" in row else row.get("approx_mb")


def list_rows(rows: dict[str, Row], models: dict[str, Row]) -> list[str]:
    """Lines to print before anything is fetched; those that may not be sold with come first."""
    needs = {
        file: f"{model['vram_gb']} GB"
        for model in models.values()
        for file in [*model["files"], *model.get("folders", [])]
        if "vram_gb" in model
    }
    lines = []
    for heading, names in group_rows(rows).items():
        lines += [heading, *(_line(name, rows[name], needs) for name in names)] if names else []
    total = sum(size_mb(row) or 0 for row in rows.values())
    return [*lines, f"{'in all about':<32} {total:>8.0f}"]


def group_rows(rows: dict[str, Row]) -> dict[str, list[str]]:
    """Names of rows under the words that a user has to see above them, strictest first."""
    bound = [name for name, row in rows.items() if not row.get("commercial", True)]
    asked = [name for name, row in rows.items() if "research" in row and name not in bound]
    return {
        "NOT FOR COMMERCIAL USE:": bound,
        "FROM DATA OR WEIGHTS FOR RESEARCH, decide whether your use is one:": asked,
        f"{'file':<32} {'MB':>8} {'GPU, about':>11}  license; training data": [
            name for name in rows if name not in (*bound, *asked)
        ],
    }


def _line(name: str, row: Row, needs: dict[str, str]) -> str:
    size = size_mb(row)
    shown = "?" if size is None else f"{size:.1f}" if size < 10 else f"{size:.0f}"
    data = row.get("training_data", "not said")
    return f"{name:<32} {shown:>8} {needs.get(name, '-'):>11}  {row['license']}; {data}"


def list_copies(rows: dict[str, Row]) -> list[str]:
    """What to copy into models_dir for a machine without a network: name below it, source."""
    lines = []
    for name, row in rows.items():
        for member in row.get("members", [None]):
            path = f"{name}/{member}" if member else name
            lines.append(f"{path}\t{name_source({**row, 'member': member or row.get('member')})}")
    return lines
