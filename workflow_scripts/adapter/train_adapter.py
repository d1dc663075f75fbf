"""Train one adapter: LoRA on the attention of the base model's network.

Reads a dataset folder (kohya layout) and a base model (diffusers folder). Leaves the adapter
itself, once more under peft's names, a card that A1111 shows (.json), settings.yaml (all that is
needed to repeat the training) and metrics.parquet. An interrupted run goes on from checkpoints/
exactly where it was; an adapter that was trained from the very same images with the same settings
is kept.

A control is trained in the same way, but for one thing that its name says: the others are compared
with it. A trial of a search has some settings of its own; where its training breaks, it leaves an
empty adapter that says so, and the search goes on.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.adapter_file import make_metadata, to_kohya, to_peft, write_adapter
from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.empty_adapter import explain_empty, make_card, pack_nothing
from workflow_scripts.adapter.finished import find_finished, sign, write_settings
from workflow_scripts.adapter.kept_adapters import make_folder, read_kept, write_kept
from workflow_scripts.adapter.outcomes import Outcome
from workflow_scripts.adapter.settings import Settings, check_settings
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_checks import DivergedError
from workflow_scripts.adapter.training_data import count_tags, read_split
from workflow_scripts.adapter.training_facts import (
    describe_run,
    describe_training,
    make_trained_card,
)
from workflow_scripts.adapter.training_run import make_fingerprints, read_inputs, run_training
from workflow_scripts.adapter.trial_file import lay_trial
from workflow_scripts.lib.manifest import replace_when_done, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.version import stamp
from workflow_scripts.models.registry import load_model, name_loader

CHECKPOINT = "resume.safetensors"
METRICS = pa.schema(
    [
        ("step", pa.int32()),  # 0 is the base model, before the first update
        ("epoch", pa.float64()),
        ("loss", pa.float64()),  # mean over the images of the step; null at step 0
        ("validation_loss", pa.float64()),  # null where it was not measured
        ("learning_rate", pa.float64()),
        ("grad_norm", pa.float64()),  # before clipping
    ]
)


def write_card(path: str, card: dict[str, Any]) -> None:
    """Write the card of an adapter."""
    with replace_when_done(path) as partial:
        partial.write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def write_adapters(
    adapters: Sequence[str], trainer: Trainer, outcome: Outcome, metadata: dict[str, str]
) -> str:
    """Write the file with kohya's names, then one with peft's; returns the sha256 of the first."""
    base, alphas, weights = trainer.base, trainer.alphas(), outcome.weights
    digest = write_adapter(adapters[0], to_kohya(weights, alphas, base.name_layer), metadata)
    plain = {**metadata, "ss_network_alpha": str(trainer.settings.rank)}  # the true one is baked in
    for path in adapters[1:]:
        write_adapter(path, to_peft(weights, alphas, base.network_name), plain)
    return digest


def describe(trainer: Trainer, facts: dict[str, Any]) -> dict[str, str]:
    """The metadata of the file, from the facts of its training; both get our version."""
    settings = asdict(trainer.settings) | {"alpha": trainer.settings.file_alpha}
    tags, modelspec = count_tags(trainer.train.images), trainer.base.modelspec
    metadata = make_metadata(facts | {"settings": settings, "tags": tags, "modelspec": modelspec})
    stamp(facts)
    stamp(metadata)
    return metadata


def write_files(
    trainer: Trainer,
    outcome: Outcome,
    facts: dict[str, Any],
    metadata: dict[str, str],
    adapters: Sequence[str],
    card: str,
    metrics: str,
) -> str:
    """Write card, curve and adapters; returns the sha256 of the first one's tensors."""
    write_card(card, make_trained_card(facts, trainer.base))
    write_manifest(pd.DataFrame(outcome.rows), metrics, METRICS)
    return write_adapters(adapters, trainer, outcome, metadata)


def leave_empty(
    why: str,
    dataset: str,
    adapters: Sequence[str],
    card: str,
    settings: str,
    metrics: str,
    title: str,
) -> Counts:
    """Leave every file of the rule, each of which says that there is no adapter, and why."""
    log.warning("%s: %s", title, why)
    for adapter in adapters:
        with replace_when_done(adapter) as partial:
            partial.write_bytes(pack_nothing(title, why))
    write_card(card, make_card(why))
    facts = {"title": title, "empty": why, "dataset": str(dataset), "steps": 0, "images": 0}
    stamp(facts)
    write_settings(settings, facts)
    write_manifest(pd.DataFrame(columns=METRICS.names), metrics, METRICS)
    return Counts("images", 0, 0)


def main(
    dataset: str,
    base: str,
    adapter: str,
    card: str,
    settings: str,
    metrics: str,
    peft: str | None = None,
    kept: str | None = None,
    measures: str | Sequence[str] = (),
    trial: str | Sequence[str] = (),
    class_images: str | Sequence[str] = (),
    *,
    title: str,
    control: str,
    options: dict[str, Any],
    model: dict[str, Any],
    seed: int,
    cache: dict[str, Any] | None = None,
    class_word: str = "",
) -> Counts:
    adapters = [adapter, *([peft] if peft else [])]
    checkpoint = Path(adapter).parent / "checkpoints" / CHECKPOINT
    make_folder(kept)
    laid = lay_trial(trial, options, seed)
    nothing = dataset, adapters, card, settings, metrics, title
    if laid.skipped or not read_split(dataset, "train"):
        return leave_empty(laid.skipped or explain_empty(dataset), *nothing)
    started = datetime.now(UTC)
    check_settings(laid.options)
    how = {"control": control, "settings": Settings(**laid.options), "seed": laid.seed}
    inputs = read_inputs(dataset, measures, class_images, class_word, **how)
    fingerprints = make_fingerprints(inputs, base, name_loader(model), title)
    files = [*adapters, card, metrics]
    if facts := find_finished(settings, fingerprints.files, [*files, *read_kept(kept)]):
        shutil.rmtree(checkpoint.parent, ignore_errors=True)  # where it was killed at its very end
        return _count(facts)
    open_base = partial(load_model, model, [Path(base) / "model_index.json"])
    opened = open_base()
    log.info("%s on %s (%s)", title, model["name"], opened.device)
    try:
        with ContentStore(**cache or {}).in_use() as store:
            made = opened, inputs, store, checkpoint, fingerprints.steps, title
            trainer, outcome = run_training(*made, open_base)
    except DivergedError as error:
        if not laid.name:
            raise
        shutil.rmtree(checkpoint.parent, ignore_errors=True)
        return leave_empty(" ".join(str(error).split()), *nothing)
    facts = describe_training(trainer, model, title, control, outcome.step)
    facts |= {"trial": laid.name} if laid.name else {}
    metadata = describe(trainer, facts)
    digest = write_files(trainer, outcome, facts, metadata, adapters, card, metrics)
    files += write_kept(kept, adapter, trainer, checkpoint.parent, metadata)
    # Snakemake's own kind of text would stop the YAML writer
    facts |= {"dataset": str(dataset), "dataset_sha256": inputs.dataset_sha256}
    facts |= {"adapter_sha256_of_tensors": digest} | describe_run(trainer, outcome, started)
    write_settings(settings, facts | sign(fingerprints.files, files))
    shutil.rmtree(checkpoint.parent, ignore_errors=True)  # only an unfinished training needs it
    return _count(facts)


def _count(facts: dict[str, Any]) -> Counts:
    """What was trained on, from the facts of settings.yaml."""
    images = facts["distinct_images"]
    found = {"held_out": facts["held_out"], "steps": facts["steps"]}
    return Counts("images", images, images, found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
