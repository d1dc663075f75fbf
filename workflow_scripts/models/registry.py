"""The table of models (resources/models.yaml): which model plays a role, which files it needs."""

import importlib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.strict_yaml import read_yaml
from workflow_scripts.models.checksums import check_weights
from workflow_scripts.models.fetching.pins import read_pinned_sums

TABLE = Path(__file__).resolve().parents[2] / "resources" / "models.yaml"
LOADERS = Path(__file__).with_name("loaders")
SECTIONS = ("files", "folders", "films", "models")
NEEDED = {  # what a row of each section cannot do without
    "files": ("source", "license"),
    "folders": ("source", "license", "members"),
    "films": ("source", "license", "sha256"),
    "models": ("role", "tier", "loader", "files"),
}


@cache
def read_registry(own: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """Return {"files": {name: row}, "folders": ..., "films": ..., "models": {name: row}}.

    `own` is a table of the user's (models.table in the config) whose rows come on top of ours.
    """
    tables = [_read_table(TABLE)]
    if own:
        if not Path(own).is_file():
            raise CineloraError(f"models.table: there is no file {own} (seen from {Path.cwd()}).")
        tables.append(_read_table(own))
    return {s: {k: v for t in tables for k, v in (t.get(s) or {}).items()} for s in SECTIONS}


def _read_table(path: str | Path) -> dict[str, dict[str, Any]]:
    table, problems = read_yaml(path)
    problems += [problem for section in table for problem in _check_section(section, table)]
    if problems:
        raise CineloraError("models.table: " + "; ".join(problems))
    return table


def _check_section(section: str, table: dict[str, Any]) -> list[str]:
    if section not in SECTIONS:
        return [f"unknown section {section!r} (known: {', '.join(SECTIONS)})"]
    rows = table[section] or {}
    if not isinstance(rows, dict) or not all(isinstance(row, dict) for row in rows.values()):
        return [f"{section} must hold rows, each with a name"]
    loaders = {path.stem for path in LOADERS.glob("*.py")}
    problems = [
        f"{section}.{name} lacks {key}"
        for name, row in rows.items()
        for key in NEEDED[section]
        if key not in row and not (key == "loader" and row.get("describes") is False)
    ]
    return problems + [
        f"{section}.{name}: there is no loader {row['loader']!r}"
        for name, row in rows.items()
        if "loader" in row and row["loader"] not in loaders
    ]


def list_roles() -> list[str]:
    """The roles that models play, in the order in which the table names them first."""
    rows = read_registry()["models"].values()
    return list(dict.fromkeys(role for row in rows for role in _listed(row["role"])))


def choose_model(role: str, models: dict[str, Any]) -> dict[str, Any]:
    """The model that plays `role` under the config block `models`: named there, or the tier's own.

    Returns its row plus `name`, `device` and the `sums` of its files, plain values that a rule can
    carry in its params.
    """
    table = read_registry(models.get("table"))
    rows = table["models"]
    name = models.get(role) or _tier_model(rows, role, models["tier"])
    if name not in rows or role not in _listed(rows[name]["role"]):
        raise CineloraError(_no_model(rows, role, name, models["tier"]))
    row = {"name": name, "device": models.get("device", "cpu"), **rows[name], "role": role}
    row.pop("calibrated", None)  # of other phases: what loads the model does not depend on it
    if isinstance(row["tier"], list):
        row["tier"] = models["tier"]
    files = {file: table["files"].get(file, {}) for file in row["files"]}
    row["sums"] = {file: part["sha256"] for file, part in files.items() if "sha256" in part}
    wanted = (models.get("options") or {}).get(role)
    return row if wanted is None else row | {"options": _set_options(role, row, wanted)}


def read_calibrated(name: str, models: Mapping[str, Any]) -> dict[str, Any]:
    """Options of phases, as "phase.option", that were calibrated for the model of this name."""
    return read_registry(models.get("table"))["models"][name].get("calibrated", {})


def _set_options(role: str, row: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The options of a row, some of them set by the config; a row lists all that its loader has."""
    known = row.get("options", {})
    if unknown := sorted(set(wanted) - set(known)):
        raise CineloraError(
            f"models.options.{role}: {row['name']} has no option {unknown[0]!r}. "
            f"Known: {', '.join(known) or 'none'}."
        )
    return known | wanted


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _no_model(rows: dict[str, Any], role: str, name: str | None, tier: str) -> str:
    known = [key for key, row in rows.items() if role in _listed(row["role"])]
    if name is None:
        return f"models.tier: {tier} has no model for the role {role}. Known: {', '.join(known)}."
    hint = get_close_matches(str(name), known, n=1)
    remedy = f"Did you mean {hint[0]!r}?" if hint else f"Known: {', '.join(known)}."
    return f"models.{role}: no model {name!r} for this role. {remedy}"


def fetchable_films() -> list[str]:
    """Paths of the films that a rule can fetch, as rows under `films` of the table."""
    return [f"resources/films/{name}" for name in read_registry()["films"]]


def _tier_model(rows: dict[str, Any], role: str, tier: str) -> str | None:
    fits = (k for k, r in rows.items() if role in _listed(r["role"]) and tier in _listed(r["tier"]))
    return next(fits, None)


def weight_files(model: dict[str, Any]) -> list[str]:
    """What a model needs: files and folders, as fetch_model leaves them."""
    return [f"resources/models/{name}" for name in [*model["files"], *model.get("folders", [])]]


def describes_images(model: dict[str, Any]) -> bool:
    """Whether a model of the role caption looks at images; the light tier's captions are facts."""
    return model.get("describes", True)


def gives_regions(model: dict[str, Any]) -> bool:
    """Whether a model of the role segment says where bodies lie; if not, their joints have to."""
    return model.get("regions", False)


def name_loader(model: dict[str, Any]) -> str:
    """The function that opens a model, as the code hash names it: "models.loaders.fer:load_x"."""
    return f"models.loaders.{model['loader']}:load_{model['role']}"


def _find_whole(model: dict[str, Any], path: Path) -> Path:
    """The folder of weights that a file belongs to, or the file itself."""
    return next((p for p in path.parents if p.name in model.get("folders", [])), path)


def load_model(model: dict[str, Any], weights: Sequence[str | Path]) -> Any:
    """Open a model with its row's loader: `load(weights by file name, device=..., options)`."""
    loader = importlib.import_module(f"workflow_scripts.models.loaders.{model['loader']}")
    missing = [str(path) for path in weights if not Path(path).exists()]
    if missing:
        raise CineloraError(
            f"model {model['name']}: weights are not there: {', '.join(missing)}.\n"
            "  Run snakemake again, it fetches them; offline, copy them to that path."
        )
    files = {Path(path).name: Path(path) for path in weights}
    for path in {_find_whole(model, path) for path in files.values()}:
        check_weights(path, read_pinned_sums() | model.get("sums", {}))
    load = getattr(loader, f"load_{model['role']}")
    return load(files, device=model["device"], **model.get("options", {}))
