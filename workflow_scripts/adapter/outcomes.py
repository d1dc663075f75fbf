"""Finished trainings by what they were made from: the same one is restored, wherever it is asked.

The fingerprint has everything that decides on a step, and nothing else: not where the dataset
lies, not what a film or a variant is called, not what is written into the files.
"""

import json
from dataclasses import asdict
from typing import Any, NamedTuple

import torch

from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.lib.phase import log

TRAININGS = "trainings"  # folder of the store
# Options that decide on no step: what is written into the files, how often a state is saved
SILENT = ("license", "checkpoints")


class Outcome(NamedTuple):
    """What a training comes to: the step that was kept, its weights, and the curve."""

    step: int
    weights: dict[str, torch.Tensor]
    rows: list[dict[str, Any]]


def list_deciding(settings: Settings) -> dict[str, Any]:
    """The options that decide on the steps."""
    return {name: value for name, value in asdict(settings).items() if name not in SILENT}


def find_outcome(store: ContentStore, fingerprint: str) -> Outcome | None:
    """The outcome of a finished training with this fingerprint; None if there was none."""
    found = store.find(TRAININGS, fingerprint)
    if found is None:
        return None
    log.info("restored: a training from the same inputs was finished before")
    tensors = {name: tensor.clone() for name, tensor in found.read().items()}
    return Outcome(found.facts["step"], tensors, json.loads(found.facts["rows"]))


def keep_outcome(store: ContentStore, fingerprint: str, outcome: Outcome) -> None:
    """Keep a finished training for whoever asks for the same one."""
    facts = {"step": outcome.step, "rows": json.dumps(outcome.rows)}
    store.keep(TRAININGS, fingerprint, outcome.weights, facts)
