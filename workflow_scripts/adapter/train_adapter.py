"""Train one adapter: LoRA on the attention of the base model's network.

Reads a dataset folder (kohya layout) and a base model (diffusers folder). Leaves the adapter
itself, once more under peft's names, a card that A1111 shows (.json), settings.yaml (all that is
needed to repeat the training) and metrics.parquet. An interrupted run goes on from checkpoints/
exactly where it was; an adapter that was trained from the very same images with the same settings
is kept.

A control is trained in the same way, but for one thing that its name says: the others are compared
with it.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import torch

from workflow_scripts.adapter.adapter_file import make_metadata, to_kohya, to_peft, write_adapter
from workflow_scripts.adapter.empty_adapter import explain_empty, make_card, pack_nothing
from workflow_scripts.adapter.examples import (
    Examples,
    cache_examples,
    order_captions,
    seed_for,
)
from workflow_scripts.adapter.finished import (
    find_finished,
    hash_parts,
    hash_splits,
    sign,
    write_settings,
)
from workflow_scripts.adapter.memory_estimate import watch_memory
from workflow_scripts.adapter.samples import list_needed
from workflow_scripts.adapter.sampling import read_weights
from workflow_scripts.adapter.settings import Settings, check_settings
from workflow_scripts.adapter.stages import format_stages
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_checks import warn_of_long_captions, warn_of_no_rate
from workflow_scripts.adapter.training_data import (
    count_tags,
    read_split,
    shuffle_captions,
    subsample_evenly,
)
from workflow_scripts.adapter.training_facts import (
    PACKAGES,
    describe_run,
    describe_training,
    make_trained_card,
)
from workflow_scripts.adapter.watch import Watch
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.manifest import replace_when_done, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.version import stamp
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.diffusion import Base, free_encoders
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


def make_fingerprint(
    settings: Settings,
    control: str,
    seed: int,
    dataset_sha256: str,
    base_sha256: str,
    loader: str,
    weights: list[list[float] | None],
) -> str:
    """Two trainings with the same fingerprint take the same steps."""
    code = hash_code("adapter.train_adapter", loader)
    packages = {name: version(name) for name in PACKAGES}
    made = [dataset_sha256, base_sha256, code, packages, weights]
    return hash_parts(asdict(settings), control, seed, *made)


def write_card(path: str, card: dict[str, Any]) -> None:
    """Write the card of an adapter."""
    with replace_when_done(path) as partial:
        partial.write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def cache_dataset(
    base: Base, dataset: str, settings: Settings, control: str, seed: int, resolution_px: int
) -> tuple[Examples, Examples]:
    """Encode the training split, as the control wants it, and the images that watch over it."""
    train, held_out = read_split(dataset, "train"), read_split(dataset, "validation")
    if control == "shuffled_captions":
        train = shuffle_captions(train, np.random.default_rng(seed_for(seed, control)))
    watched = subsample_evenly(held_out, settings.validation_images)
    warn_of_long_captions(base, [*train, *watched])
    options = {
        "resolution_px": resolution_px,
        "background_loss_weight": settings.background_loss_weight,
    }
    captions = order_captions(train, settings.caption_orders, settings.keep_tokens, seed)
    examples = cache_examples(base, train, **options, captions=captions)
    return examples, cache_examples(base, watched, **options)


def train(trainer: Trainer, checkpoint: Path, fingerprint: str, title: str) -> None:
    """Run all steps, or those that an interrupted run has left."""
    trainer.resume(checkpoint, fingerprint)
    steps = trainer.settings.steps
    with Watch(trainer, checkpoint.parent.parent, title) as watch:
        for step in progress(trainer.run(steps), "training", total=steps - trainer.step):
            watch.follow()
            if step % trainer.settings.save_every == 0 and step < steps:
                trainer.save(checkpoint, fingerprint)


def write_adapters(
    adapters: Sequence[str],
    weights: dict[str, torch.Tensor],
    trainer: Trainer,
    metadata: dict[str, str],
) -> str:
    """Write the file with kohya's names, then one with peft's; returns the sha256 of the first."""
    base, alphas, rank = trainer.base, trainer.alphas(), trainer.settings.rank
    digest = write_adapter(adapters[0], to_kohya(weights, alphas, base.name_layer), metadata)
    for path in adapters[1:]:
        plain = {**metadata, "ss_network_alpha": str(rank)}  # the true one is in the weights
        write_adapter(path, to_peft(weights, alphas, base.network_name), plain)
    return digest


def leave_empty(
    dataset: str, adapters: Sequence[str], card: str, settings: str, metrics: str, title: str
) -> Counts:
    """Leave every file of the rule, each of which says that nothing was trained, and why."""
    why = explain_empty(dataset)
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
    measures: str | Sequence[str] = (),
    *,
    title: str,
    control: str,
    options: dict[str, Any],
    model: dict[str, Any],
    seed: int,
) -> Counts:
    adapters = [adapter, *([peft] if peft else [])]
    images = read_split(dataset, "train")
    if not images:
        return leave_empty(dataset, adapters, card, settings, metrics, title)
    started, chosen = datetime.now(UTC), Settings(**options)
    check_settings(options)
    weights = read_weights(dataset, measures, images, chosen.stages)
    dataset_sha256 = hash_splits(dataset)
    fingerprint = make_fingerprint(
        chosen, control, seed, dataset_sha256, folder_checksum(base), name_loader(model), weights
    )
    if facts := find_finished(settings, fingerprint, [*adapters, card, metrics]):
        return _count(facts)
    opened = load_model(model, [Path(base) / "model_index.json"])
    native = chosen.resolution_px == "native"
    resolution_px = opened.resolution_px if native else int(chosen.resolution_px)
    log.info("%s on %s (%s), %d px", title, model["name"], opened.device, resolution_px)
    watch_memory(opened, chosen, resolution_px)
    examples = cache_dataset(opened, dataset, chosen, control, seed, resolution_px)
    free_encoders(opened, keep=list_needed(opened, chosen))
    trainer = Trainer(opened, *examples, chosen, seed, resolution_px, weights)
    for line in format_stages(trainer.stages):
        log.info("%s", line)
    checkpoint = Path(adapter).parent / "checkpoints" / CHECKPOINT
    train(trainer, checkpoint, fingerprint, title)
    warn_of_no_rate(trainer.optimizer, trainer.settings.steps)

    step, tensors = trainer.chosen()
    facts = describe_training(trainer, model, title, control, step)
    tags = count_tags(examples[0].images)
    used = asdict(trainer.settings) | {"alpha": trainer.settings.file_alpha}
    others = {"settings": used, "tags": tags, "modelspec": opened.modelspec}
    metadata = make_metadata(facts | others)
    stamp(facts)
    stamp(metadata)
    digest = write_adapters(adapters, tensors, trainer, metadata)
    write_manifest(pd.DataFrame(trainer.rows), metrics, METRICS)
    write_card(card, make_trained_card(facts, opened))
    origin = {
        "adapter_sha256_of_tensors": digest,
        "dataset": str(dataset),  # Snakemake's own kind of text would stop the YAML writer
        "dataset_sha256": dataset_sha256,
    }
    facts |= origin | describe_run(trainer, tensors, started)
    write_settings(settings, facts | sign(fingerprint, [*adapters, card, metrics]))
    shutil.rmtree(checkpoint.parent, ignore_errors=True)  # only an unfinished training needs it
    return _count(facts)


def _count(facts: dict[str, Any]) -> Counts:
    """What was trained on, from the facts of settings.yaml."""
    images = facts["distinct_images"]
    found = {"held_out": facts["held_out"], "steps": facts["steps"]}
    return Counts("images", images, images, found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
