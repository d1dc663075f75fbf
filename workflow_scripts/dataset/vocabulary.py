"""The words of captions and file names, as resources/vocabularies/captions.yaml has them."""

from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.strict_yaml import read_yaml

WORDS = {"type": "object", "additionalProperties": {"type": "string"}}
OTHER = {"propertyNames": {"not": {"const": "_"}}}
PATTERN = {"properties": {"_": {"pattern": r"^[^{}]*\{\}[^{}]*\Z"}}}  # one place to fill
SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["recipes", "words", "file_words"],
        "properties": {
            "recipes": {
                "type": "object",
                "required": list(KINDS),
                "additionalProperties": {"type": "array", "items": {"type": "string"}},
            },
            "words": {"type": "object", "additionalProperties": WORDS | PATTERN},
            "file_words": {"type": "object", "additionalProperties": WORDS | OTHER},
        },
    }
)


def read_vocabulary(path: str | Path) -> dict[str, Any]:
    """The vocabulary; CineloraError says all that is wrong with the file."""
    values, problems = read_yaml(path)
    if not problems:
        errors = sorted(SCHEMA.iter_errors(values), key=lambda error: list(map(str, error.path)))
        problems = [
            f"{path}: {'.'.join(map(str, error.path))}: {error.message}." for error in errors
        ]
    if not problems:
        problems = [
            f"{path}: recipes.{kind}: there are no words for {fact!r}."
            for kind, recipe in values["recipes"].items()
            for fact in recipe
            if fact not in values["words"]
        ]
    if problems:
        raise CineloraError("\n".join(problems))
    return values
