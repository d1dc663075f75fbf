"""Write a caption for every image that one dataset can have; trigger word first.

Reads the fact tables that the kind speaks of and what a model has said of images, where one was
asked; leaves captions with the source of every clause. A person's caption in
config/reviews/{film}/captions.csv (columns kind, image_id, caption) wins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.captions import (
    Caption,
    Tag,
    clean_clause,
    correct_caption,
    find_trigger,
    name_characters,
    write_caption,
)
from workflow_scripts.dataset.template import write_tags
from workflow_scripts.dataset.vlm import SOURCE, UNPARSABLE, find_contradictions
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.dataset.words import read_words
from workflow_scripts.lib.kinds import Kind, split_name
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.reviews import count_unknown, read_review

CAPTIONS = pa.schema(
    [
        ("image_id", pa.string()),  # frame_id, or instance_id for character, pose and expression
        ("kind", pa.string()),
        ("caption", pa.string()),
        ("tokens", pa.int32()),  # of CLIP's tokenizer, without start and end; at most 75
        ("tags", pa.list_(pa.struct([("text", pa.string()), ("source", pa.string())]))),
        ("dropped", pa.list_(pa.string())),  # "too long: fog", "core tag: red scarf"
        ("reason", pa.string()),  # vlm_unparsable: the model's answer was no use
        ("contradictions", pa.list_(pa.string())),  # "action: measured walk, seen sit"
    ]
)


def read_corrections(review: Sequence[str], kind: Kind, paths: Mapping) -> tuple[dict, int]:
    """People's captions of one kind by image_id, and how many of them are of no image there is."""
    rows = read_review(review, "captions")
    rows = rows[rows["kind"] == kind.name]
    if rows.empty:
        return {}, 0
    table = "frames" if kind.is_of_frames else "instances"
    known = read_manifest(paths[table], [kind.key])[kind.key]
    unknown = count_unknown(rows.drop(columns="kind"), "captions", known)
    return dict(zip(rows["image_id"], rows["caption"], strict=True)), unknown


def read_descriptions(paths: Sequence[str], dataset: str) -> dict[str, dict[str, Any]]:
    """What the model said, by image_id: clauses, checks {fact: seen}, reason; {} if none did."""
    if not paths:
        return {}
    table = read_manifest(paths, ["image_id", "dataset", "clauses", "checks", "reason"])
    rows = table[table["dataset"] == dataset].to_dict("records")
    for row in rows:
        row["checks"] = {check["fact"]: check["seen"] for check in row["checks"]}
    return {row["image_id"]: row for row in rows}


def list_tags(template: Sequence[Tag], said: Mapping[str, Any]) -> list[Tag]:
    """What is measured, then what the model saw."""
    seen = [Tag(clean_clause(text), SOURCE) for text in said.get("clauses", [])]
    return [*template, *(tag for tag in seen if tag.text)]


def make_captions(
    rows: Sequence[Mapping[str, Any]],
    tags: Sequence[Sequence[Tag]],
    corrections: Mapping[str, str],
    trigger: str,
    core_tags: Mapping[str, Sequence[str]],
) -> list[Caption]:
    """One caption per row; `core_tags` go by character."""
    captions = []
    for row, row_tags in zip(rows, tags, strict=True):
        if row["image_id"] in corrections:
            captions.append(correct_caption(trigger, corrections[row["image_id"]]))
        else:
            core = core_tags.get(row.get("character", ""), [])
            captions.append(write_caption(trigger, row_tags, core))
    return captions


def make_table(
    kind: str,
    rows: Sequence[Mapping[str, Any]],
    captions: Sequence[Caption],
    said: Mapping[str, Mapping],
    vocabulary: dict,
) -> pd.DataFrame:
    """Captions as rows of the table, with what contradicts the measured facts."""
    checks = [said.get(row["image_id"], {}).get("checks", {}) for row in rows]
    columns = {
        "image_id": [row["image_id"] for row in rows],
        "kind": [kind] * len(captions),
        "caption": [caption.text for caption in captions],
        "tokens": [caption.tokens for caption in captions],
        "tags": [[asdict(tag) for tag in caption.tags] for caption in captions],
        "dropped": [caption.dropped for caption in captions],
        "reason": [said.get(row["image_id"], {}).get("reason", "") for row in rows],
        "contradictions": [
            find_contradictions(kind, row, seen, vocabulary)
            for row, seen in zip(rows, checks, strict=True)
        ],
    }
    return pd.DataFrame(columns, columns=CAPTIONS.names, dtype=object)


def count_captions(
    captions: Sequence[Caption],
    table: pd.DataFrame,
    corrections: Mapping,
    unknown: int,
    described: bool,
) -> Counts:
    """Captions, and how many were corrected or shortened; with a model what its answers were."""
    shortened = sum(any(d.startswith("too long") for d in one.dropped) for one in captions)
    corrected = int(table["image_id"].isin(list(corrections)).sum())
    found = {"corrected": corrected, "review_unknown": unknown, "shortened": shortened}
    if described:
        found[UNPARSABLE] = int((table["reason"] != "").sum())
        found["contradicted"] = int(table["contradictions"].map(bool).sum())
    return Counts("images", len(captions), len(captions), found=found)


def main(
    frames: str,
    texts: str,
    vocabulary: str,
    captions: str,
    *,
    dataset: str,
    film: str,
    characters: dict,
    style: dict,
    triggers: dict,
    overlay_text: str,
    descriptions: Sequence[str] = (),
    review: Sequence[str] = (),
    **tables: str | Sequence[str],
) -> Counts:
    """Write the captions; `tables` are named as in dataset.facts."""
    kind, character = split_name(dataset)
    paths = {"frames": frames, "texts": texts, **tables}
    names = name_characters(characters)
    rows = read_words(kind, character, paths, names, style.get("words", []), overlay_text)
    rows = rows.to_dict("records")
    words = read_vocabulary(vocabulary)
    said = read_descriptions(descriptions, dataset)
    template = write_tags(kind.name, rows, words)
    tags = [
        list_tags(own, said.get(row["image_id"], {}))
        for own, row in zip(template, rows, strict=True)
    ]
    corrections, unknown = read_corrections(review, kind, paths)
    trigger, _ = find_trigger(kind, film, triggers, style, characters.get(character))
    core_tags = {who: row.get("core_tags", []) for who, row in characters.items()}
    made = make_captions(rows, tags, corrections, trigger, core_tags)
    table = make_table(kind.name, rows, made, said, words)
    write_manifest(table, captions, CAPTIONS)
    longest = max((one.tokens for one in made), default=0)
    log.info("%s: %d captions, longest %d tokens", dataset, len(made), longest)
    return count_captions(made, table, corrections, unknown, bool(descriptions))


if __name__ == "__main__":
    run_phase(main, snakemake)
