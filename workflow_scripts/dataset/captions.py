"""Captions: clauses that know their source, the true CLIP token count, shortening by rule."""

import importlib.util
import re
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.letters import FORBIDDEN

MAX_TOKENS = 75  # CLIP reads 77 positions; start and end take two
MAX_BYTES = 32 * MAX_TOKENS  # of a clause: no token of CLIP's is longer than 32


@dataclass(frozen=True)
class Tag:
    """One clause of a caption and what measured it: "classify_poses.action", "config", "review"."""

    text: str
    source: str


@dataclass(frozen=True)
class Caption:
    """A finished caption of at most MAX_TOKENS tokens."""

    text: str
    tokens: int
    tags: list[Tag]
    dropped: list[str]  # "<why>: <clause>"


def clean_clause(text: str) -> str:
    """One clause: no commas (they part clauses), nothing that is FORBIDDEN."""
    return " ".join(re.sub(f"[{FORBIDDEN}]+", " ", text).replace(",", " ").split())


def write_caption(trigger: str, tags: Sequence[Tag], core_tags: Sequence[str] = ()) -> Caption:
    """Trigger first, then the tags; core tags go, then the last tags until all fits.

    Raises CineloraError when the trigger alone is longer than CLIP reads.
    """
    head = Tag(clean_clause(trigger), "config")
    kept, dropped, said = [head], [], {"", head.text.lower()}
    for tag in tags:
        tag = Tag(clean_clause(tag.text), tag.source)
        if any(_holds(tag.text, core) for core in core_tags):
            dropped.append(f"core tag: {tag.text}")
        elif tag.text.lower() not in said:
            kept.append(tag)
            said.add(tag.text.lower())
    fitting = max(1, _count_fitting([tag.text for tag in kept]))
    # The tokenizer mends broken letters by what stands around them, which may cost a clause more
    while (tokens := count_tokens(_join(kept[:fitting]))) > MAX_TOKENS and fitting > 1:
        fitting -= 1
    if tokens > MAX_TOKENS:
        raise CineloraError(
            f"the trigger {head.text!r} has {tokens} tokens; CLIP reads {MAX_TOKENS}. Shorten it."
        )
    dropped += [f"too long: {tag.text}" for tag in reversed(kept[fitting:])]
    return Caption(_join(kept[:fitting]), tokens, kept[:fitting], dropped)


def _count_fitting(clauses: Sequence[str]) -> int:
    """How many clauses CLIP can read, from the first on; each is tokenized once.

    Tokens are parts of words, and a comma ends a word, so those of clauses add up.
    """
    used = 0
    for place, clause in enumerate(clauses):
        if len(clause.encode()) > MAX_BYTES:
            return place
        before, used = used, used + count_tokens(f"{clause},")
        if used > MAX_TOKENS:  # as the last one it would have no comma
            return place + (before + count_tokens(clause) <= MAX_TOKENS)
    return len(clauses)


def _join(tags: Sequence[Tag]) -> str:
    return ", ".join(tag.text for tag in tags)


def _holds(text: str, core: str) -> bool:
    """Whether the words of `core` stand in `text`, in this order, whole words only."""
    return f" {' '.join(core.lower().split())} " in f" {text.lower()} "


def correct_caption(trigger: str, text: str) -> Caption:
    """A person's caption: theirs clause by clause, but trigger first and within the tokens."""
    clauses = [clean_clause(part) for part in text.split(",")]
    if clauses and clauses[0].lower() == clean_clause(trigger).lower():
        clauses = clauses[1:]
    return write_caption(trigger, [Tag(clause, "review") for clause in clauses])


def find_trigger(
    kind: Kind, film: str, triggers: dict[str, str], style: dict, character: dict | None = None
) -> tuple[str, str]:
    """Trigger, as captions begin, and class word of a dataset; `character` is whom it is of.

    A character is called by its own word and what it is ("nella woman"), the film's style by its
    own; else `triggers` of the config has one by kind, or the kind is called after the film.
    """
    if character:
        return name_subject(character["trigger"], character["class"]), character["class"]
    if kind.name == "style" and style.get("trigger"):
        return style["trigger"], kind.class_word
    pattern = triggers.get(kind.name, kind.trigger)
    return pattern.replace("{film}", film.replace("_", " ")), kind.class_word


def name_characters(characters: dict[str, dict]) -> dict[str, str]:
    """What captions call each character: trigger and class word."""
    return {who: name_subject(row["trigger"], row["class"]) for who, row in characters.items()}


def name_subject(trigger: str, class_word: str) -> str:
    """ "nella" and "woman" become "nella woman"; a class word is not said twice."""
    return trigger if trigger.lower().endswith(class_word.lower()) else f"{trigger} {class_word}"


def count_tokens(text: str) -> int:
    """Tokens that CLIP makes of a text, without start and end."""
    return len(_tokenizer()(text))


@cache
def _tokenizer() -> Callable[[str], list[int]]:
    """open_clip's own tokenizer, without the 13 seconds that importing open_clip takes.

    Its file needs torch only to return tensors, which nobody asks for here: unless torch is loaded
    anyway, a placeholder stands in while the file is read.
    """
    package = importlib.util.find_spec("open_clip")  # finds the package, does not run it
    path = Path(package.submodule_search_locations[0]) / "tokenizer.py"
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", path)
    module = importlib.util.module_from_spec(spec)
    absent = "torch" not in sys.modules
    if absent:
        sys.modules["torch"] = types.SimpleNamespace(LongTensor=None, Tensor=None)
    try:
        spec.loader.exec_module(module)
    finally:
        if absent:
            del sys.modules["torch"]
    return module.SimpleTokenizer().encode
