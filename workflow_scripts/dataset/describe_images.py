"""Ask a vision-language model what it sees in the images of one dataset, and in its reserve.

Reads which images are chosen, their facts and their pixels as they are packed; leaves the model's
clauses and what it thinks of the measured facts. Answers are kept in `answers`, beside the table,
by pixels, question and model: after a correction the model is asked about what changed alone.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import yaml

from workflow_scripts.dataset.answers import ask_once
from workflow_scripts.dataset.crops import find_crops, list_plates, read_crop
from workflow_scripts.dataset.template import write_tags
from workflow_scripts.dataset.vlm import MAX_CLAUSES, UNPARSABLE, Ask, ask_twice, write_question
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.dataset.words import read_words
from workflow_scripts.lib.kinds import Kind, split_name
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

AT_ONCE = 32  # images that are in memory, and that a killed job has to ask about again
DESCRIPTIONS = pa.schema(
    [
        ("image_id", pa.string()),
        ("clauses", pa.list_(pa.string())),  # most visible first
        ("checks", pa.list_(pa.struct([("fact", pa.string()), ("seen", pa.string())]))),
        ("reason", pa.string()),  # vlm_unparsable: the model's answer was no use
    ]
)


def write_questions(
    kind: Kind, rows: pd.DataFrame, facts: pd.DataFrame, vocabulary: dict, prompts: dict
) -> list[str]:
    """One question per row, in their order; `facts` are those of read_words."""
    known = facts.set_index("image_id").loc[rows["image_id"]]
    tags = write_tags(kind.name, known.to_dict("records"), vocabulary)
    return [write_question(kind.name, said, vocabulary, prompts) for said in tags]


def describe_rows(
    kind: Kind, rows: pd.DataFrame, questions: list[str], ask: Ask, read: Any, retry: str
) -> list[dict[str, Any]]:
    """Rows of the table; `read` opens the image of a row, the next ones while the model answers."""
    records = rows.to_dict("records")
    images = progress(read_ahead(records, read, AT_ONCE), f"asked: {kind.name}", total=len(records))
    asked, described = iter(zip(records, questions, strict=True)), []
    while batch := list(islice(images, AT_ONCE)):
        part = list(islice(asked, len(batch)))
        answers = ask_twice(ask, batch, [question for _, question in part], retry)
        pairs = zip(part, answers, strict=True)
        described += [describe_one(row["image_id"], answer) for (row, _), answer in pairs]
    return described


def describe_one(image_id: str, answer: dict[str, Any] | None) -> dict[str, Any]:
    """One row of the table; without an answer that can be read it says nothing but that."""
    if answer is None:
        return {"image_id": image_id, "clauses": [], "checks": [], "reason": UNPARSABLE}
    checks = (answer.get("checks") or {}).items()
    return {
        "image_id": image_id,
        "clauses": answer["clauses"][:MAX_CLAUSES],
        "checks": [{"fact": f, "seen": seen} for f, seen in checks if isinstance(seen, str)],
        "reason": "",
    }


def main(
    selection: str,
    frames: str,
    images: str,
    texts: str,
    vocabulary: str,
    prompts: str,
    weights: Sequence[str],
    descriptions: str,
    *,
    dataset: str,
    model: dict,
    identity: dict,
    class_words: dict[str, str],
    style_words: Sequence[str],
    overlay_text: str,
    plates: Sequence[str] = (),
    **tables: str | Sequence[str],
) -> Counts:
    """Describe the images; `tables` are named as in dataset.facts.

    `identity` is all of the model that its answers depend on; `class_words` what characters are
    called in questions: the model does not know trigger words.
    """
    kind, character = split_name(dataset)
    candidates = read_manifest(selection)
    wanted = (candidates["split"] != "") | candidates["reserve"]
    rows = find_crops(kind, candidates, wanted, Path(images))
    paths = {"frames": frames, "texts": texts, **tables}
    facts = read_words(kind, character, paths, class_words, style_words, overlay_text)
    words = read_vocabulary(vocabulary)
    asked = yaml.safe_load(Path(prompts).read_text(encoding="utf-8"))
    ask = ask_once(
        lambda: partial(load_model(model, weights), system=asked["system"]),
        Path(descriptions).parent / "answers",
        {"model": identity, "system": asked["system"]},
    )
    read = partial(read_crop, kind, images=Path(images), plates=list_plates(plates))
    questions = write_questions(kind, rows, facts, words, asked)
    said = describe_rows(kind, rows, questions, ask, read, asked["retry"])
    table = pd.DataFrame(said, columns=DESCRIPTIONS.names, dtype=object)
    write_manifest(table, descriptions, DESCRIPTIONS)
    unparsable = int((table["reason"] != "").sum())
    log.info("%s: %d images described by %s", dataset, len(table), model["name"])
    return Counts("images", len(table), len(table), found={UNPARSABLE: unparsable})


if __name__ == "__main__":
    run_phase(main, snakemake)
