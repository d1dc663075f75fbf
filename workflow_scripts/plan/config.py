"""The config as a whole: strict schema, the few conditions across options, all problems at once."""

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, ValidationError

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.suffixes import IMAGES
from workflow_scripts.models.registry import ROLES, choose_model, fetchable_films

CONFIG = Path(__file__).resolve().parents[2] / "config"
AREAS = ("film", "dataset", "adapter", "report")  # each with options/<area>.yaml and a schema


def find_problems(config: dict[str, Any]) -> list[str]:
    """Say in plain words everything that is wrong with the config; [] when it is fine."""
    errors = sorted(
        Draft202012Validator(read_schema()).iter_errors(config),
        key=lambda e: list(map(str, e.path)),
    )
    problems = [line for error in errors for line in _explain(error)]
    if problems:
        return problems
    films, only = config["films"], config["only"]
    unknown = [
        f"only: there is no film {name!r}. Known: {', '.join(films)}."
        for name in only
        if name not in films
    ]
    chosen = {name: film for name, film in films.items() if not only or name in only}
    return [*unknown, *_film_problems(chosen), *_model_problems(config["models"])]


def read_schema() -> dict[str, Any]:
    """The schema of the whole config: that of the user's page, and one per area.

    What kinds there are, it has from lib.kinds.
    """
    parts = [
        yaml.safe_load((CONFIG / f"schemas/{name}.schema.yaml").read_text(encoding="utf-8"))
        for name in ("config", *AREAS)
    ]
    return {
        "$defs": define_kinds(),
        "type": "object",
        "additionalProperties": False,
        "required": [name for part in parts for name in part["required"]],
        "properties": {name: rule for part in parts for name, rule in part["properties"].items()},
    }


def define_kinds() -> dict[str, Any]:
    """Names that the schemas refer to as #/$defs/...: kinds, and what they are balanced over."""
    return {
        "kind": {"enum": list(KINDS)},
        "kind_with_trigger": {"enum": [name for name, kind in KINDS.items() if kind.trigger]},
        "category": {"enum": sorted({kind.category for kind in KINDS.values()})},
    }


def read_shipped() -> dict[str, Any]:
    """The config as it ships: every option of every area, then the user's page."""
    names = [f"options/{area}.yaml" for area in AREAS]
    texts = [(CONFIG / name).read_text(encoding="utf-8") for name in [*names, "config.yaml"]]
    return {key: value for text in texts for key, value in yaml.safe_load(text).items()}


def _explain(error: ValidationError) -> list[str]:
    where = ".".join(str(part) for part in error.path) or "the config"
    if error.validator == "additionalProperties":
        known = ", ".join(error.schema.get("properties", {}))
        unknown = [key for key in error.instance if key not in error.schema.get("properties", {})]
        return [f"{where}: unknown key {key!r}. Known: {known}." for key in unknown]
    if "propertyNames" in error.schema_path and error.validator == "pattern":
        return [f"{where}: {error.instance!r} is no name; use small letters, digits, - and _ only."]
    if error.validator == "pattern":
        return [f"{where}: {error.instance!r} does not fit {error.validator_value!r}."]
    return [f"{where}: {error.message}."]


def _film_problems(films: dict[str, Any]) -> list[str]:
    problems = []
    for name, film in films.items():
        path = Path(film["path"])
        if path.as_posix() in fetchable_films():
            pass  # a rule fetches it
        elif not path.exists():
            problems.append(
                f"films.{name}.path: there is no file or folder {path} (seen from {Path.cwd()})."
            )
        elif path.is_dir() and not any(p.suffix.lower() in IMAGES for p in path.rglob("*")):
            problems.append(f"films.{name}.path: the folder {path} holds no images.")
        if "character" in film.get("kinds", ["character"]) and not film.get("characters"):
            problems.append(f"films.{name}: the kind character needs names under characters.")
        if film.get("truth") and not (Path(film["truth"]) / "frames.csv").is_file():
            problems.append(
                f"films.{name}.truth: {film['truth']} holds no frames.csv; the layout of a truth"
                " folder stands in resources/demo_film/README.md."
            )
    return problems


def _model_problems(models: dict[str, Any]) -> list[str]:
    problems = []
    for role in ROLES:
        try:
            choose_model(role, models)
        except CineloraError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))  # a missing table is one problem, not one a role


def list_datasets(config: dict[str, Any], film: str) -> list[str]:
    """Names of a film's datasets: each kind once, the kind character once per character."""
    block = config["films"][film]
    names = []
    for kind in block["kinds"]:
        if kind == "character":
            names += [f"character-{name}" for name in block["characters"]]
        else:
            names.append(kind)
    return names
