"""What tells one model's answers from another's."""

from typing import Any

from workflow_scripts.lib.code import hash_code
from workflow_scripts.models.registry import name_loader, read_registry

MARKS = ("sha256", "repo", "revision", "path")  # of a file or folder of weights, as its row says


def identify_model(model: dict[str, Any], table: str | None = None) -> dict[str, Any]:
    """Name, options, weights and code of a model; what it answered under another is not kept.

    `table` is the user's own table of models.
    """
    rows = read_registry(table)
    weights = {
        name: {mark: rows[section][name][mark] for mark in MARKS if mark in rows[section][name]}
        for section in ("files", "folders")
        for name in model.get(section, [])
    }
    return {
        "name": model["name"],
        "options": model.get("options", {}),
        "weights": weights,
        "code": hash_code(name_loader(model)),
    }
