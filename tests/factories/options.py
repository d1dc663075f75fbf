"""Every option of the shipped config, and another value for it that the schema allows."""

import copy
from collections.abc import Iterator
from typing import Any

from workflow_scripts.plan.config import read_shipped
from workflow_scripts.plan.schema import find_schema_problems


def list_options() -> dict[str, Any]:
    """Every leaf of config/options/*.yaml and config/config.yaml: its path -> its value."""
    return dict(_walk(read_shipped(), ""))


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}" if path else key)
    else:
        yield path, value


def change_option(path: str, value: Any) -> dict[str, Any]:
    """A config that sets one option only, as `--config` would."""
    change: Any = value
    for key in reversed(path.split(".")):
        change = {key: change}
    return change


def find_other_values(wanted: dict[str, Any]) -> dict[str, Any]:
    """Another value of each option: the wanted one, or one like it that the schema allows."""
    shipped = read_shipped()
    return {
        path: wanted[path] if path in wanted else _find_other(path, value, shipped)
        for path, value in list_options().items()
    }


def _find_other(path: str, value: Any, shipped: dict) -> Any:
    for other in _suggest(value):
        config = copy.deepcopy(shipped)
        _set(config, path, other)
        if other != value and not find_schema_problems(config):
            return other
    raise AssertionError(f"{path}: no other value than {value!r} was found; give one in the table")


def _set(config: dict, path: str, value: Any) -> None:
    *keys, last = path.split(".")
    for key in keys:
        config = config[key]
    config[last] = value


def _suggest(value: Any) -> list[Any]:
    """Values of the same kind; True is no number here."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1, value * 0.9, value + 0.01, value * 2]
    if isinstance(value, list):
        return [[*value[:-1], last] for last in _suggest(value[-1])] if value else []
    return [f"{value} again", f"{value}x"]
