"""The table of models (resources/models.yaml): which model plays a role, which files it needs."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from inspect import signature
from pathlib import Path
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.strict_yaml import read_yaml
from workflow_scripts.models.checksums import check_weights
from workflow_scripts.models.fetching.pins import PINNED, resolve_sums
from workflow_scripts.models.rows import check_links, check_rows

TABLE = Path(__file__).resolve().parents[2] / "resources" / "models.yaml"
LOADERS = Path(__file__).with_name("loaders")
SECTIONS = ("files", "folders", "films", "models")
MAX_SHOWN = 10  # problems of a table: more help nobody
OF_ROW = ("license", "training_data", "commercial", "others")  # whatever its source


@cache
def read_registry(own: str | Path | None = None) -> dict[str, dict[str, Any]]:
    """Return {"files": {name: row}, "folders": ..., "films": ..., "models": {name: row}}.

    `own` is a table of the user's (models.table in the config) whose rows come on top of ours.
    """
    ours = _read_table(TABLE)
    if not own:
        return ours
    if not Path(own).is_file():
        raise CineloraError(f"models.table: there is no file {own} (seen from {Path.cwd()}).")
    theirs = _read_table(own, {key for row in ours["models"].values() for key in row})
    table = {section: ours[section] | theirs[section] for section in SECTIONS}
    _refuse(list(check_links(table, _roles_of(ours))), own)
    return table


def _read_table(path: str | Path, model_keys: set[str] | None = None) -> dict[str, dict[str, Any]]:
    """The rows of a table by section; the keys of models are known from ours."""
    table, problems = read_yaml(path)
    unknown = [section for section in table if section not in SECTIONS]
    problems += [f"unknown section {s!r} (known: {', '.join(SECTIONS)})" for s in unknown]
    found = {section: table.get(section) or {} for section in SECTIONS}
    loaders = [file.stem for file in LOADERS.glob("*.py")]
    for section, rows in found.items():
        problems += check_rows(section, rows, loaders, model_keys)
    _refuse(problems, path)
    return found


def _refuse(problems: list[str], path: str | Path) -> None:
    if problems:
        shown = problems[:MAX_SHOWN] + (["..."] if len(problems) > MAX_SHOWN else [])
        raise CineloraError(f"models.table: {path}:\n  " + "\n  ".join(shown))


def list_roles() -> list[str]:
    """The roles that models play, in the order in which the table names them first."""
    return _roles_of(read_registry())


def _roles_of(table: dict[str, dict[str, Any]]) -> list[str]:
    rows = table["models"].values()
    return list(dict.fromkeys(role for row in rows for role in _listed(row["role"])))


def list_sources(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The row itself, then its alternatives as rows of their own, in the order of the table."""
    kept = {key: row[key] for key in OF_ROW if key in row}
    return [row, *({**kept, **other} for other in row.get("alternatives", []))]


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
    row["sums"] = list_sums(table, row)
    wanted = (models.get("options") or {}).get(role)
    return row if wanted is None else row | {"options": _set_options(role, row, wanted)}


def list_sums(table: dict[str, dict[str, Any]], row: dict[str, Any]) -> dict[str, str | list[str]]:
    """The sha256 that each file of a model may have, as far as the table has them, by its name.

    PINNED stands for that of a source without one, where others have theirs.
    """
    sums: dict[str, str | list[str]] = {}
    for file in row["files"]:
        sources = list_sources(table["files"].get(file, {}))
        found = [source.get("sha256", PINNED) for source in sources]
        if found != [PINNED]:
            sums[file] = found[0] if len(found) == 1 else found
    for folder in row.get("folders", []):
        members = table["folders"].get(folder, {}).get("sums", {})
        sums |= {f"{folder}/{member}": said["sha256"] for member, said in members.items()}
    return sums


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
    sums = resolve_sums(model.get("sums", {}))
    wholes = {_find_whole(model, path) for path in files.values()}
    for whole in wholes:
        check_weights(whole, sums)
    load = getattr(loader, f"load_{model['role']}", None)
    if load is None:
        raise CineloraError(
            f"model {model['name']}: the loader {model['loader']} opens no model of the role "
            f"{model['role']}.\n  Check the row of this model in the table of models."
        )
    opened = _open(model, load, files)
    for whole in wholes:  # once more: only what changed while it was opened is read again
        check_weights(whole, sums)
    return opened


def _open(model: dict[str, Any], load: Callable[..., Any], files: dict[str, Path]) -> Any:
    options = {"device": model["device"], **model.get("options", {})}
    try:
        signature(load).bind(files, **options)
    except TypeError as error:
        raise CineloraError(
            f"model {model['name']}: its options in the table of models are not those of the\n"
            f"  loader {model['loader']} ({error})."
        ) from error
    return load(files, **options)
