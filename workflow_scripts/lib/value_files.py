"""Names and values that a program wrote, in JSON or YAML: read strictly, damage is said plainly."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.renewal import find_output, format_renewal

SHOWN = 200  # characters of what is wrong
TOO_DEEP = "brackets in brackets without end"


def read_values(
    path: str | Path, schema: Mapping[str, Any] | None = None, remedy: str = ""
) -> dict[str, Any]:
    """What a file of names and values holds: .yaml as `yaml.safe_dump` writes it, else JSON.

    Raises CineloraError where it is not there, damaged, or not as the JSON schema says, with
    `remedy`, or else the command that makes it again.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8")
        found = yaml.safe_load(text) if Path(path).suffix == ".yaml" else parse_json(text)
        problem = _find_problem(found, schema or {})
    except RecursionError:
        problem = TOO_DEEP
    except (OSError, ValueError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())
    if problem:
        remedy = remedy or _find_remedy(path)
        raise CineloraError(f"{path} is damaged: {problem[:SHOWN]}\n  {remedy}")
    return found


def parse_json(text: str) -> Any:
    """The value of a JSON text; ValueError where it is none, also by numbers or depth."""
    try:
        return json.loads(text, parse_constant=_read_number, parse_float=_read_number)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def _read_number(word: str) -> float:
    """NaN and Infinity are no JSON, and 1e999 is infinite too."""
    if not math.isfinite(number := float(word)):
        raise ValueError(f"{word[:20]} is no number")
    return number


def _find_problem(found: Any, schema: Mapping[str, Any]) -> str:
    if not isinstance(found, dict):
        return "no names and values"
    error = next(Draft202012Validator(schema).iter_errors(found), None)
    if error is None:
        return ""
    return ": ".join(filter(None, (".".join(map(str, error.path)), error.message)))


def _find_remedy(path: str | Path) -> str:
    output = find_output(path)
    return format_renewal(output) if output else "Put a whole one there."
