"""The table of models (resources/models.yaml): which model plays a role, which files it needs."""

import importlib
from collections.abc import Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.lib.errors import CineloraError

TABLE = Path(__file__).resolve().parents[3] / "resources" / "models.yaml"
ROLES = (
    "text",
    "detect",
    "segment",
    "inpaint",
    "pose",
    "face",
    "expression",
    "embed",
    "caption",
    "base",
)


@cache
def read_registry(path: Path = TABLE) -> dict[str, dict[str, Any]]:
    """Return {"files": {name: row}, "models": {name: row}}."""
    return yaml.safe_load(path.read_text())


def choose_model(role: str, models: dict[str, str]) -> dict[str, Any]:
    """The model that plays `role` under the config block `models`: named there, or the tier's own.

    Returns its row plus `name` and `device`, plain values that a rule can carry in its params.
    """
    rows = read_registry()["models"]
    name = models.get(role) or _tier_model(role, models["tier"])
    if name not in rows or rows[name]["role"] != role:
        raise CineloraError(_no_model(role, name, models["tier"]))
    return {"name": name, "device": models.get("device", "cpu"), **rows[name]}


def _no_model(role: str, name: str | None, tier: str) -> str:
    known = [key for key, row in read_registry()["models"].items() if row["role"] == role]
    if name is None:
        return f"models.tier: {tier} has no model for the role {role}. Known: {', '.join(known)}."
    hint = get_close_matches(str(name), known, n=1)
    remedy = f"Did you mean {hint[0]!r}?" if hint else f"Known: {', '.join(known)}."
    return f"models.{role}: no model {name!r} for this role. {remedy}"


def fetchable_films() -> list[str]:
    """Paths of the films that a rule can fetch, as rows under `films` of the table."""
    return [f"resources/films/{name}" for name in read_registry().get("films", {})]


def _tier_model(role: str, tier: str) -> str | None:
    rows = read_registry()["models"]
    return next((k for k, row in rows.items() if row["role"] == role and row["tier"] == tier), None)


def weight_files(model: dict[str, Any]) -> list[str]:
    """Paths of the files that a model needs, as fetch_model leaves them."""
    return [f"resources/models/{name}" for name in model["files"]]


def load_model(model: dict[str, Any], weights: Sequence[str | Path]) -> Any:
    """Open a model with the loader of its row: `load(weights by file name, device=...)`."""
    loader = importlib.import_module(f"workflow_scripts.lib.models.{model['loader']}")
    missing = [str(path) for path in weights if not Path(path).is_file()]
    if missing:
        raise CineloraError(
            f"model {model['name']}: weights are not there: {', '.join(missing)}.\n"
            "  Run snakemake again, it fetches them; offline, copy them to that path."
        )
    files = {Path(path).name: Path(path) for path in weights}
    return getattr(loader, f"load_{model['role']}")(files, device=model["device"])
