"""Which images of a dataset a vision-language model is asked about, and what."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from workflow_scripts.dataset.crops import find_crops, list_plates, read_crop
from workflow_scripts.dataset.template import write_tags
from workflow_scripts.dataset.vlm import write_question
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.dataset.words import read_words
from workflow_scripts.lib.kinds import Kind, split_name
from workflow_scripts.lib.manifest import read_manifest


@dataclass(frozen=True)
class Question:
    """One image and what is asked about it; `read` opens its pixels as they are packed."""

    dataset: str
    image_id: str
    text: str
    read: Callable[[], np.ndarray]


def list_questions(
    selection: str,
    images: str,
    words: Mapping[str, Any],
    prompts: Mapping[str, Any],
    tables: Mapping[str, str | Sequence[str]],
    plates: Sequence[str],
    **spoken: Any,
) -> list[Question]:
    """Questions about the chosen images of a dataset and of its reserve; none is opened.

    `tables` are frames, texts and those named as in dataset.facts; `spoken` goes to read_words.
    """
    kind, character = split_name(Path(selection).stem)
    candidates = read_manifest(selection)
    wanted = (candidates["split"] != "") | candidates["reserve"]
    rows = find_crops(kind, candidates, wanted, Path(images))
    own = {name: tables[name] for name in ("frames", "texts", *kind.words)}
    facts = read_words(kind, character, own, **spoken, wanted=set(rows["image_id"]))
    read = partial(read_crop, kind, images=Path(images), plates=list_plates(plates))
    texts = write_questions(kind, rows, facts, words, prompts)
    return [
        Question(Path(selection).stem, row["image_id"], text, partial(read, row))
        for row, text in zip(rows.to_dict("records"), texts, strict=True)
    ]


def write_questions(
    kind: Kind, rows: pd.DataFrame, facts: pd.DataFrame, vocabulary: Mapping, prompts: Mapping
) -> list[str]:
    """One question per row, in their order; `facts` are those of read_words."""
    known = facts.set_index("image_id").loc[rows["image_id"]]
    tags = write_tags(kind.name, known.to_dict("records"), vocabulary)
    return [write_question(kind.name, said, vocabulary, prompts) for said in tags]


def read_texts(vocabulary: str, prompts: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The vocabulary and the prompts."""
    return read_vocabulary(vocabulary), yaml.safe_load(Path(prompts).read_text(encoding="utf-8"))
