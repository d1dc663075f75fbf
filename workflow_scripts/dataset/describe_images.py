"""Ask a vision-language model what it sees in the images of a film's datasets and their reserves.

Reads which images are chosen, their facts and their pixels as they are packed; leaves the model's
clauses and what it thinks of the measured facts. One job for all datasets opens the model once, and
only if there is something to ask. Answers are kept in `answers`, beside the table, by pixels,
question and model: after a correction the model is asked about what changed alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.answers import ask_once
from workflow_scripts.dataset.questions import Question, list_questions, read_texts
from workflow_scripts.dataset.vlm import MAX_CLAUSES, UNPARSABLE, Ask, read_answer
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

AT_ONCE = 64  # images that are in memory, and that a killed job has to ask about again
DESCRIPTIONS = pa.schema(
    [
        ("image_id", pa.string()),
        ("dataset", pa.string()),  # for which it was asked: questions differ
        ("clauses", pa.list_(pa.string())),  # most visible first
        ("checks", pa.list_(pa.struct([("fact", pa.string()), ("seen", pa.string())]))),
        ("reason", pa.string()),  # vlm_unparsable: the model's answer was no use
    ]
)


def ask_all(questions: Sequence[Question], ask: Ask) -> Iterator[dict[str, Any] | None]:
    """The answer to each; the next images are read while the model answers."""
    opened = read_ahead(questions, lambda question: question.read())
    images = progress(opened, "asked", total=len(questions))
    texts = iter([question.text for question in questions])
    while batch := list(islice(images, AT_ONCE)):
        yield from map(read_answer, ask(batch, list(islice(texts, len(batch)))))


def ask_twice(questions: Sequence[Question], ask: Ask, retry: str) -> list[dict[str, Any] | None]:
    """Answers; those that cannot be read are asked for once more, all together, with `retry`
    after the question."""
    answers = list(ask_all(questions, ask))
    again = [n for n, answer in enumerate(answers) if answer is None]
    asked = [replace(questions[n], text=f"{questions[n].text}\n{retry}") for n in again]
    for n, answer in zip(again, ask_all(asked, ask), strict=True):
        answers[n] = answer
    return answers


def describe_one(answer: dict[str, Any] | None) -> dict[str, Any]:
    """What a row says; without an answer that can be read nothing but that."""
    if answer is None:
        return {"clauses": [], "checks": [], "reason": UNPARSABLE}
    checks = (answer.get("checks") or {}).items()
    return {
        "clauses": answer["clauses"][:MAX_CLAUSES],
        "checks": [{"fact": f, "seen": seen} for f, seen in checks if isinstance(seen, str)],
        "reason": "",
    }


def main(
    selections: Sequence[str],
    frames: str,
    images: str,
    texts: str,
    vocabulary: str,
    prompts: str,
    weights: Sequence[str],
    descriptions: str,
    *,
    model: dict,
    identity: dict,
    class_words: dict[str, str],
    style_words: Sequence[str],
    overlay_text: str,
    plates: Sequence[str] = (),
    **tables: str | Sequence[str],
) -> Counts:
    """Describe the images of `selections`, one of each dataset; `tables` are named as in
    dataset.facts.

    `identity` is all of the model that its answers depend on; `class_words` what characters are
    called in questions: the model does not know trigger words.
    """
    words, asked = read_texts(vocabulary, prompts)
    known = {"frames": frames, "texts": texts, **tables}
    how = {"names": class_words, "style": style_words, "overlay_text": overlay_text}
    questions = [
        question
        for path in selections
        for question in list_questions(path, images, words, asked, known, plates, **how)
    ]
    ask = ask_once(
        lambda: partial(load_model(model, weights), system=asked["system"]),
        Path(descriptions).parent / "answers",
        {"model": identity, "system": asked["system"]},
    )
    rows = [
        {"image_id": question.image_id, "dataset": question.dataset, **describe_one(answer)}
        for question, answer in zip(
            questions, ask_twice(questions, ask, asked["retry"]), strict=True
        )
    ]
    table = pd.DataFrame(rows, columns=DESCRIPTIONS.names, dtype=object)
    write_manifest(table, descriptions, DESCRIPTIONS)
    unparsable = int((table["reason"] != "").sum())
    log.info("%d images described by %s", len(table), model["name"])
    return Counts("images", len(table), len(table), found={UNPARSABLE: unparsable})


if __name__ == "__main__":
    run_phase(main, snakemake)
