"""Questions to a vision-language model: how they are put, how an answer is read and checked.

The measured facts lead, in the words of the template; the model adds what nobody measured. An
answer that is not the JSON asked for is asked for once more, and then the facts stand alone.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jsonschema import Draft202012Validator

from workflow_scripts.dataset.captions import Tag

SOURCE = "vlm"
UNPARSABLE = "vlm_unparsable"
MAX_CLAUSES = 5
MAX_STARTS = 50  # braces at which an answer is looked for
CHECKED = ("action", "view", "shot_type", "emotion", "time_of_day", "weather", "indoor")
ANSWER = Draft202012Validator(
    {
        "type": "object",
        "required": ["clauses"],
        "properties": {
            "clauses": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "minLength": 2, "maxLength": 120},
            },
            "checks": {"type": ["object", "null"]},  # a check that is no word is passed over
        },
    }
)

Ask = Callable[[Sequence[np.ndarray], Sequence[str]], list[str]]  # RGB images, questions: answers


def write_question(kind: str, tags: Sequence[Tag], vocabulary: dict, prompts: dict) -> str:
    """The question about one image; facts in the words of its template tags."""
    fills = {
        "{instruction}": " ".join(prompts["instructions"][kind].split()),
        "{facts}": "; ".join(tag.text for tag in tags) or "nothing",
        "{count}": str(MAX_CLAUSES),
        "{checks}": list_checks(kind, vocabulary),
    }
    # One pass: a fact that happens to hold a brace is text, not another place to fill
    return re.sub(
        "|".join(map(re.escape, fills)), lambda found: fills[found[0]], prompts["question"]
    )


def list_checks(kind: str, vocabulary: dict) -> str:
    """The facts of a kind that the model is asked to judge itself, with their values."""
    asked = [fact for fact in vocabulary["recipes"][kind] if fact in CHECKED]
    return (
        "; ".join(f'"{fact}": {", ".join(vocabulary["words"][fact])}' for fact in asked) or "none"
    )


def read_answer(text: str) -> dict[str, Any] | None:
    """The JSON object in a model's answer; None where there is none of the asked shape."""
    starts = [found.start() for found in re.finditer("{", text)][:MAX_STARTS]
    for start in starts:  # words before and after it may hold braces of their own
        try:
            answer, _ = json.JSONDecoder().raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            continue
        if ANSWER.is_valid(answer):
            return answer
    return None


def find_contradictions(
    kind: str, row: dict[str, Any], checks: dict[str, Any], vocabulary: dict
) -> list[str]:
    """Facts that were measured, and that the model sees otherwise."""
    found = []
    for fact in vocabulary["recipes"][kind]:
        measured, seen = row.get(fact, ""), checks.get(fact, "")
        known = fact in CHECKED and isinstance(seen, str) and seen in vocabulary["words"][fact]
        if known and measured and seen != measured:
            found.append(f"{fact}: measured {measured}, seen {seen}")
    return found
