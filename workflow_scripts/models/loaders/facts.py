"""The light caption model: no net, only sentences from what other phases measured."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.dataset.captions import Tag
from workflow_scripts.dataset.facts import SOURCES
from workflow_scripts.dataset.vlm import Description

Image = Callable[[], np.ndarray]  # opens an image when called: RGB (H, W, 3) uint8
Describe = Callable[[str, Sequence[dict[str, Any]], Sequence[Image], dict], list[Description]]


def load_caption(files: dict[str, Path], *, device: str) -> Describe:
    """Return describe(kind, facts, images, vocabulary) -> what is said of each image."""
    return lambda *asked: [Description(tags) for tags in describe(*asked)]


def describe(
    kind: str, facts: Sequence[dict[str, Any]], images: Sequence[Image], vocabulary: dict
) -> list[list[Tag]]:
    """Put each image's facts into words; no image is opened, and an unknown fact says nothing."""
    recipe, words = vocabulary["recipes"][kind], vocabulary["words"]
    return [[tag for fact in recipe for tag in _tags(fact, row, words[fact])] for row in facts]


def _tags(fact: str, row: dict[str, Any], words: dict[str, str]) -> list[Tag]:
    values = row.get(fact, "")
    source = row.get("sources", {}).get(fact, SOURCES[fact])
    texts = [_phrase(value, words) for value in ([values] if isinstance(values, str) else values)]
    return [Tag(text, source) for text in texts if text]


def _phrase(value: str, words: dict[str, str]) -> str:
    """Words for one value: listed ones, or the pattern "_" unless the value has its noun."""
    if not value:
        return ""
    if value in words or "_" not in words:
        return words.get(value, "")
    noun = words["_"].replace("{}", "").strip()
    return value if noun and noun in value.split() else words["_"].format(value)
