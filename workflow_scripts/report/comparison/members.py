"""Adapters that stand side by side, by the names that the page gives them; what is compared."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from workflow_scripts.report.comparison.costs import read_training
from workflow_scripts.report.comparison.evaluations import BASE, OWN, Evaluation
from workflow_scripts.report.comparison.pairs import (
    Difference,
    compare,
    find_directions,
    select_values,
)

CHOSEN, BASE_ALONE = "chosen", "base alone"


class Column(NamedTuple):
    """What one adapter drew at one strength, and how its column is called."""

    label: str
    note: str
    evaluation: Evaluation
    adapter: str
    strength: float

    @property
    def name(self) -> str:
        return ", ".join(filter(None, [self.label, self.note]))


class Contest(NamedTuple):
    """One adapter beside another."""

    own: str
    other: str
    differences: Sequence[Difference]
    is_main: bool  # of what stands in sentences: all at full strength


class Group:
    """Evaluations whose values are pairs; the first one is what the others are compared with."""

    def __init__(
        self,
        evaluations: Sequence[Evaluation],
        names: Mapping[str, str],
        several_films: bool = False,
    ):
        self.evaluations = list(evaluations)
        self.several_films = several_films
        self.labels = label_evaluations(evaluations, names)

    @property
    def first(self) -> Evaluation:
        return self.evaluations[0]

    @cached_property
    def trainings(self) -> list[dict[str, Any]]:
        """Of each, the settings.yaml of its training, or {}."""
        return [read_training(one) for one in self.evaluations]

    @property
    def members(self) -> Iterator[tuple[str, Evaluation]]:
        return zip(self.labels, self.evaluations, strict=True)

    @property
    def title(self) -> str:
        """Its dataset, with the film where there are several: "pose", "luca: pose, mia: pose"."""
        films = [f"{one.film}: " * self.several_films for one in self.evaluations]
        places = [film + one.dataset for film, one in zip(films, self.evaluations, strict=True)]
        return ", ".join(dict.fromkeys(places))

    @cached_property
    def columns(self) -> list[Column]:
        """The base, each adapter at each strength, their controls."""
        columns = [Column(BASE_ALONE, "", self.first, BASE, 0.0)]
        for label, one in self.members:
            columns += [
                Column(label, f"strength {strength:g}", one, OWN, strength)
                for strength in one.strengths
            ]
        for label, one in self.members:
            columns += [
                Column(name.replace("_", " "), f"control of {label}", one, name, one.full)
                for name in one.controls
            ]
        return columns


def label_evaluations(evaluations: Sequence[Evaluation], names: Mapping[str, str]) -> list[str]:
    """What each is called: its variant, with more of its path where that is no name of its own."""
    labels = [names.get(one.variant, one.variant or CHOSEN) for one in evaluations]
    many = Counter(labels)
    return [
        label if many[label] == 1 else f"{label} ({one.folder})"
        for label, one in zip(labels, evaluations, strict=True)
    ]


def hold_contests(group: Group) -> list[Contest]:
    """The first adapter beside the base, the others beside the first, smaller strengths of each."""
    first, directions = group.first, find_directions(group.first.scores)

    def measure(own: Column, other: Column, is_main: bool) -> Contest:
        rows = (select_values(c.evaluation, c.adapter, c.strength) for c in (own, other))
        return Contest(own.name, other.name, compare(*rows, directions), is_main)

    base, *others = group.columns
    own = [column for column in others if column.adapter == OWN]
    full = {id(c.evaluation): c for c in own if c.strength == c.evaluation.full}
    champion = full[id(first)]
    contests = [measure(champion, base, True)]
    contests += [measure(column, champion, True) for column in full.values() if column != champion]
    weaker = [column for column in own if column not in full.values()]
    return contests + [measure(column, full[id(column.evaluation)], False) for column in weaker]
