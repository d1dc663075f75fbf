"""What can be said about an image: attributes, their values, and the phrases for them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import yaml

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log

FILE = Path(__file__).with_name("words.yaml")
UNSEEN = -1  # code of an attribute that the image does not show
PARTS = ("noun", "subject", "scene", "")  # "": measured, and never said


@dataclass(frozen=True)
class Attribute:
    """One column of the truth: its values in a fixed order, and the wordings of each."""

    name: str
    said: float  # share of captions that name it, where it can be seen
    part: str
    phrases: dict[str, tuple[str, ...]]

    @property
    def values(self) -> list[str]:
        return list(self.phrases)

    @property
    def asked(self) -> list[int]:
        """Codes of the values that have words; only these can be asked for."""
        return [code for code, words in enumerate(self.phrases.values()) if words]


@dataclass(frozen=True)
class Words:
    """The attributes that a cast shows, with what captions are made of."""

    attributes: tuple[Attribute, ...]
    unseen: frozenset[str]
    templates: tuple[str, ...]
    subjects: dict[str, dict[str, list[str]]]
    shared: frozenset[str] = frozenset()

    def find(self, name: str) -> int | None:
        """The column of an attribute; None: the cast does not have it."""
        names = [attribute.name for attribute in self.attributes]
        return names.index(name) if name in names else None

    def list_askable(self, attribute: Attribute, code: int) -> tuple[str, ...]:
        """The wordings of a value that fit no other one of its attribute."""
        wordings = attribute.phrases[attribute.values[code]]
        return tuple(text for text in wordings if text not in self.shared)

    def column(self, name: str) -> int:
        return [attribute.name for attribute in self.attributes].index(name)

    def encode(self, truth: dict[str, list[str]]) -> np.ndarray:
        """Codes (N, attributes) int16 of the values, UNSEEN where the image does not show one."""
        columns = [self._encode(attribute, truth[attribute.name]) for attribute in self.attributes]
        return np.stack(columns, axis=1)

    def _encode(self, attribute: Attribute, values: list[str]) -> np.ndarray:
        codes = {value: code for code, value in enumerate(attribute.values)}
        codes |= dict.fromkeys(self.unseen, UNSEEN)
        strange = {str(value) for value in values} - set(codes)
        if strange:  # a cast that is judged may hold what the one that was trained on does not
            log.warning("%s: %s was never learned, and is not asked for", attribute.name, strange)
        return np.array([codes.get(str(value), UNSEEN) for value in values], np.int16)


@cache
def _read() -> dict:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def known_columns() -> list[str]:
    """Every attribute that there are words for."""
    return list(_read()["attributes"])


def read_words(truth: dict[str, list[str]]) -> Words:
    """The words for the attributes that are columns of `truth`, with the values found there.

    A listed value keeps its place whether it occurs or not; those of a pattern come in the order
    of the alphabet. CineloraError: a value that no wording fits.
    """
    table = _read()
    unseen = frozenset(table["unseen"])
    attributes = []
    for name, row in table["attributes"].items():
        if name in truth:
            found = {str(value) for value in truth[name]} - unseen
            attributes.append(_fill(name, row, found))
    shared = frozenset(table["shared"])
    return Words(tuple(attributes), unseen, tuple(table["templates"]), table["subjects"], shared)


def _fill(name: str, row: dict, found: set[str]) -> Attribute:
    listed = {value: tuple(texts) for value, texts in row["phrases"].items() if value != "_"}
    extra = sorted(found - set(listed))
    patterns = row["phrases"].get("_", [])
    if extra and not patterns and row["part"]:
        raise CineloraError(
            f"{FILE.name} has no words for {name} = {extra[0]!r}, which the cast's truth holds.\n"
            f"  Known: {', '.join(listed)}. Add the value there."
        )
    fitted = {value: tuple(text.format(value) for text in patterns) for value in extra}
    return Attribute(name, row["said"], row["part"], listed | fitted)
