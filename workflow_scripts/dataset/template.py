"""Measured facts in words: each clause knows which phase measured it; unknown facts say nothing."""

from collections.abc import Sequence
from typing import Any

from workflow_scripts.dataset.captions import Tag
from workflow_scripts.dataset.facts import SOURCES


def write_tags(kind: str, facts: Sequence[dict[str, Any]], vocabulary: dict) -> list[list[Tag]]:
    """The clauses of each image, in the order of its kind's recipe."""
    recipe, words = vocabulary["recipes"][kind], vocabulary["words"]
    return [[tag for fact in recipe for tag in _tags(fact, row, words[fact])] for row in facts]


def _tags(fact: str, row: dict[str, Any], words: dict[str, str]) -> list[Tag]:
    values = row.get(fact, "")
    source = row.get("sources", {}).get(fact, SOURCES[fact])
    texts = [say_value(value, words) for value in ([values] if isinstance(values, str) else values)]
    return [Tag(text, source) for text in texts if text]


def say_value(value: str, words: dict[str, str]) -> str:
    """Words for one value: listed ones, or the pattern "_" unless the value has its noun."""
    if not value:
        return ""
    if value in words or "_" not in words:
        return words.get(value, "")
    noun = words["_"].replace("{}", "").strip()
    return value if noun and noun in value.split() else words["_"].format(value)
