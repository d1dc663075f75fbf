"""Test suites: what an adapter is asked to draw, and what its drawings must then show.

A suite is a file below resources/suites/ (or one of the user's own): scenarios, each with prompts
in the words of captions, and beside the words what they ask, by attribute. Only what the workflow's
own phases can tell of a single still image may be asked: the README there says why.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Any

from jsonschema import Draft202012Validator

from workflow_scripts.dataset.captions import MAX_TOKENS, count_tokens
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.emotions import EMOTIONS
from workflow_scripts.lib.errors import CineloraError, show_value
from workflow_scripts.lib.kinds import SHOT_TYPES
from workflow_scripts.lib.strict_yaml import read_yaml

TRIGGER, OTHER = "trigger", "other"  # what a prompt leaves open: who, and another of the film
MOST_PEOPLE = 9
ASKED: dict[str, tuple[Any, ...]] = {  # attribute: what a still image can be judged to show
    "people": tuple(range(MOST_PEOPLE + 1)),
    "shot_type": SHOT_TYPES,
    "view": ("front", "three_quarter", "side", "back"),
    "action": ("stand", "walk", "run", "sit", "lie"),
    "emotion": tuple(EMOTIONS),
    "time_of_day": ("day", "sunset", "evening", "night"),
    "weather": ("clear", "fog"),
    "indoor": ("indoor", "outdoor"),
    "occluded": (True, False),
    "complex_background": (True, False),
}
WORDED = ("shot_type", "view", "action", "emotion", "time_of_day", "weather")  # said as captions do
UNSEEN = {  # why a value that captions have may not be asked
    ("action", "wave"): "a hand that waves is told from one that is raised by images in a row",
    ("weather", "rain"): "what falls is told by images in a row",
    ("weather", "snow"): "what falls is told by images in a row",
    ("weather", "overcast"): "it is told by how bright the same place is on other days",
    ("location", ""): "phases number the film's places, none names a place that it never saw",
}
ASKS = {"type": "object", "minProperties": 1}
SCHEMA = Draft202012Validator(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["scenarios"],
        "properties": {
            "scenarios": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": r"^[a-z][a-z0-9_]{0,39}\Z", "not": {"const": "all"}},
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["prompts"],
                    "properties": {
                        "asks": ASKS,
                        "prompts": {
                            "type": "array",
                            "minItems": 2,
                            "items": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["text"],
                                "properties": {
                                    "text": {"type": "string", "minLength": 1},
                                    "asks": ASKS,
                                },
                            },
                        },
                    },
                },
            }
        },
    }
)


@dataclass(frozen=True)
class Asked:
    """One prompt of a suite."""

    scenario: str
    number: int  # in its scenario, from 1
    text: str  # with {trigger}, and perhaps {other}
    asks: dict[str, Any]  # attribute -> value

    @property
    def place(self) -> str:
        """Where it stands in its file."""
        return f"{self.scenario}, prompt {self.number}"

    @property
    def names_other(self) -> bool:
        """Whether it asks for another character of the film."""
        return OTHER in _list_fields(self.text)

    def call(self, trigger: str, other: str) -> str:
        """The prompt as it is drawn."""
        return self.text.format(**{TRIGGER: trigger, OTHER: other})


def read_suite(path: str | Path, vocabulary: str | Path) -> list[Asked]:
    """The prompts of a suite; CineloraError says all that is wrong with the file.

    `vocabulary` has the words of captions, resources/vocabularies/captions.yaml.
    """
    values, problems = read_yaml(path)
    if not problems:
        errors = sorted(SCHEMA.iter_errors(values), key=lambda error: list(map(str, error.path)))
        problems = [f"{path}: {'.'.join(map(str, e.path))}: {e.message}" for e in errors]
    if not problems:
        words = read_vocabulary(vocabulary)["words"]
        prompts = list(_list_prompts(values["scenarios"]))
        found = [line for prompt in prompts for line in _find_mistakes(prompt, words)]
        found += _find_contradictions(values["scenarios"]) + _find_doubles(prompts)
        problems = [f"{path}: {line}" for line in found]
    if problems:
        raise CineloraError("\n".join(problems))
    return prompts


def check_lengths(prompts: list[Asked], trigger: str, other: str) -> None:
    """Raise CineloraError where a prompt is longer than a text encoder reads."""
    counts = [(one, count_tokens(one.call(trigger, other))) for one in prompts]
    long = [f"  {one.place}: {n} tokens: {one.text}" for one, n in counts if n > MAX_TOKENS]
    if long:
        lines = "\n".join(long)
        raise CineloraError(
            f"{len(long)} prompt(s) of the suite have more than {MAX_TOKENS} tokens with the"
            f" trigger {trigger!r}; what comes after would not be read:\n{lines}"
        )


def format_value(value: Any) -> str:
    """A value as tables have it: text; yes and no of what holds or does not."""
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _list_prompts(scenarios: Mapping[str, Any]) -> Iterator[Asked]:
    for name, scenario in scenarios.items():
        for number, prompt in enumerate(scenario["prompts"], start=1):
            asks = scenario.get("asks", {}) | prompt.get("asks", {})
            yield Asked(name, number, prompt["text"], asks)


def _find_mistakes(prompt: Asked, words: Mapping[str, Mapping[str, str]]) -> list[str]:
    """What is wrong with one prompt, each with where it stands."""
    checks: tuple[Callable[[], Iterator[str]], ...] = (
        lambda: _find_open_places(prompt.text),
        lambda: _find_unknown(prompt.asks),
        lambda: _find_unsaid(prompt, words),
    )
    for check in checks:  # the later ones take for granted what the former look at
        if found := [f"{prompt.place}: {problem}" for problem in check()]:
            return found
    return []


def _find_open_places(text: str) -> Iterator[str]:
    try:
        fields = _list_fields(text)
    except ValueError as error:
        yield f"{text!r} has a brace that stands alone ({error})."
        return
    for field in sorted(fields - {TRIGGER, OTHER}):
        yield f"{{{field}}} is not filled in; {{{TRIGGER}}} and {{{OTHER}}} are."
    if TRIGGER not in fields:
        yield f"{text!r} lacks {{{TRIGGER}}}: nothing would call the adapter."


def _list_fields(text: str) -> set[str]:
    return {field for _, field, *_ in Formatter().parse(text) if field is not None}


def _find_unknown(asks: Mapping[str, Any]) -> Iterator[str]:
    if not asks:
        yield "nothing is asked, so nothing could be judged; add asks."
    for name, value in asks.items():
        why = UNSEEN.get((name, value), UNSEEN.get((name, ""), ""))
        known = ASKED.get(name)
        if why:
            yield f"{name} {show_value(value)} cannot be judged of a still image: {why}."
        elif known is None:
            yield f"{name!r} is no attribute that is judged. Known: {', '.join(ASKED)}."
        elif not any(value is one or (value == one and type(value) is type(one)) for one in known):
            shown = ", ".join(format_value(one) for one in known)
            yield f"{name} cannot be {show_value(value)}. Known: {shown}."


def _find_unsaid(prompt: Asked, words: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What is asked and not said, or said and not asked."""
    clauses = [clause.strip() for clause in prompt.text.split(",")]
    for name in WORDED:
        asked = prompt.asks.get(name)
        if asked is not None and words[name][asked] not in clauses:
            yield f"asks {name} {asked} without the words {words[name][asked]!r}."
        for value in ASKED[name]:
            if value != asked and words[name].get(value) in clauses:
                yield f"says {words[name][value]!r}, but does not ask {name}: {value}."
    people = prompt.asks.get("people")
    if OTHER in _list_fields(prompt.text) and (people is None or people < 2):
        yield f"names {{{OTHER}}}, so it must ask for people: 2 or more."


def _find_contradictions(scenarios: Mapping[str, Any]) -> list[str]:
    """Prompts that ask otherwise than their scenario does."""
    return [
        f"{name}, prompt {number}: asks {key} {show_value(value)}, its scenario"
        f" {show_value(scenario['asks'][key])}."
        for name, scenario in scenarios.items()
        for number, prompt in enumerate(scenario["prompts"], start=1)
        for key, value in prompt.get("asks", {}).items()
        if key in scenario.get("asks", {}) and scenario["asks"][key] != value
    ]


def _find_doubles(prompts: list[Asked]) -> list[str]:
    """Prompts that stand there twice: their drawings would count as two."""
    counts = Counter(prompt.text for prompt in prompts)
    return [f"{text!r} stands there {n} times." for text, n in counts.items() if n > 1]
