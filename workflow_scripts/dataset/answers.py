"""What a model has answered, kept by what it was asked: the same is never asked twice."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.dataset.vlm import Ask
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.value_files import parse_json


def ask_once(open_model: Callable[[], Ask], folder: Path, about: Mapping[str, Any]) -> Ask:
    """Return ask(images, questions) that looks into `folder` first, and keeps there what is new.

    The model is opened when something has to be asked, not before. `about` says all of the model
    and of the system prompt that an answer depends on. Answers lie one a file, so that jobs may
    share the folder; it can be deleted at any time.
    """
    opened: list[Ask] = []

    def ask(images: Sequence[np.ndarray], questions: Sequence[str]) -> list[str]:
        keys = [name_answer(*pair, about) for pair in zip(images, questions, strict=True)]
        known = [_recall(folder, key) for key in keys]
        new = [n for n, text in enumerate(known) if text is None]
        if new and not opened:
            opened.append(open_model())
        if new:
            texts = opened[0]([images[n] for n in new], [questions[n] for n in new])
            for n, text in zip(new, texts, strict=True):
                _keep(folder, keys[n], text)
                known[n] = text
        return known

    return ask


def name_answer(image: np.ndarray, question: str, about: Mapping[str, Any]) -> str:
    """The name under which an answer is kept: a hash of pixels, question and model."""
    asked = json.dumps([image.shape, question, about], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(asked.encode())
    digest.update(np.ascontiguousarray(image))
    return digest.hexdigest()


def _place(folder: Path, key: str) -> Path:
    return folder / key[:2] / f"{key}.json"


def _recall(folder: Path, key: str) -> str | None:
    """The answer that is kept under a name; None where there is none, or a damaged one."""
    try:
        text = parse_json(_place(folder, key).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return text if isinstance(text, str) else None


def _keep(folder: Path, key: str, text: str) -> None:
    with replace_when_done(_place(folder, key)) as partial:
        partial.write_text(json.dumps(text, ensure_ascii=False), encoding="utf-8")
