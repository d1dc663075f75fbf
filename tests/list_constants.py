"""resources/constants.md, from tests/models/constants.yaml: what nets are shown, by which source.

`python -m tests.list_constants` writes the page. `python -m tests.mutate_constants` puts a wrong
value in place of each, and sees its test fail.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.models.registry import read_registry

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "resources/constants.md"
TABLE = ROOT / "tests/models/constants.yaml"
LOADERS = "workflow_scripts/models/loaders"
PLACES = {"models.yaml": "resources", "diffusion.py": "workflow_scripts/models"}
HEAD = """# Constants of the full tier

What each net is shown, and how its answers are read, with the upstream file that says so and the
test (below `tests/models/`) that a wrong value fails. Written by `python -m tests.list_constants`
from `tests/models/constants.yaml`; `python -m tests.mutate_constants` puts a wrong value in place
of each, and sees the test fail. "read": the upstream file was read for this table; "not re-read":
it is named as it is known.

| role | what | value | where | upstream | test |
|---|---|---|---|---|---|
"""


def read_rows() -> list[dict[str, Any]]:
    return yaml.safe_load(TABLE.read_text(encoding="utf-8"))


def find_file(row: dict[str, Any]) -> Path:
    return ROOT / PLACES.get(row["file"], LOADERS) / row["file"]


def read_value(place: str) -> Any:
    """The value of `module:NAME` of the loaders, or of `model.option` of the table of models."""
    if ":" in place:
        module, _, name = place.partition(":")
        value = getattr(import_module(f"workflow_scripts.models.loaders.{module}"), name)
    else:
        model, _, option = place.rpartition(".")
        value = read_registry()["models"][model]["options"][option]
    if hasattr(value, "round"):
        return value.astype(float).round(6).tolist() if hasattr(value, "tolist") else value
    return list(value) if isinstance(value, tuple) else value


def write_page(rows: list[dict[str, Any]]) -> str:
    lines = []
    for row in rows:
        place = f"{row['file']}, {row['read'].split(':')[-1]}" if "read" in row else row["file"]
        shown = (
            ", ".join(map(str, row["value"])) if isinstance(row["value"], list) else row["value"]
        )
        cells = (row["role"], row["what"], shown, f"`{place}`", row["upstream"], f"`{row['test']}`")
        lines.append("| " + " | ".join(map(str, cells)) + " |\n")
    return HEAD + "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(write_page(read_rows()), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
