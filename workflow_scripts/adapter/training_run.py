"""A training from its dataset to its outcome: what decides on it, its data, its steps."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.examples import Examples, cache_examples, order_captions, seed_for
from workflow_scripts.adapter.finished import hash_parts, hash_splits
from workflow_scripts.adapter.kept_adapters import set_aside
from workflow_scripts.adapter.memory_estimate import watch_memory
from workflow_scripts.adapter.outcomes import Outcome, find_outcome, keep_outcome, list_deciding
from workflow_scripts.adapter.processes import Team, start_team
from workflow_scripts.adapter.samples import list_needed
from workflow_scripts.adapter.sampling import read_weights
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.stages import format_stages
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_checks import warn_of_no_rate
from workflow_scripts.adapter.training_data import (
    TrainingImage,
    read_class_images,
    read_split,
    shuffle_captions,
    subsample_evenly,
)
from workflow_scripts.adapter.training_facts import PACKAGES
from workflow_scripts.adapter.watch import Watch
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.image_folders import list_training_images
from workflow_scripts.lib.phase import log, progress
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.diffusion import Base, free_encoders

# Code that decides on the steps: a new word on a card throws no checkpoint away
DECIDING = (
    "adapter.training_run:encode",
    "adapter.training_run:take_steps",
    "adapter.trainer:Trainer",
)


@dataclass(frozen=True)
class Inputs:
    """What a training learns from."""

    dataset: str
    dataset_sha256: str
    control: str  # its name; "" of an adapter that is to be used
    settings: Settings
    seed: int
    weights: list[Sequence[float] | None]  # of the images, one a stage
    known: list[TrainingImage]  # class images; [] where none count


class Fingerprints(NamedTuple):
    """What tells one training from another."""

    steps: str  # equal: the same steps, and so the same weights and curve
    files: str  # equal: the same files as well


def read_inputs(
    dataset: str,
    measures: str | Sequence[str],
    class_images: str | Sequence[str],
    class_word: str,
    *,
    control: str,
    settings: Settings,
    seed: int,
) -> Inputs:
    """Read what decides on a training beside its base."""
    images = read_split(dataset, "train")
    return Inputs(
        str(dataset),  # Snakemake's own kind of text is none for other processes
        hash_splits(dataset),
        control,
        settings,
        seed,
        read_weights(dataset, measures, images, settings.stages),
        list_known(settings, class_images, class_word),
    )


def list_known(
    settings: Settings, class_images: str | Sequence[str], class_word: str
) -> list[TrainingImage]:
    """Images of what the base knows already: files, or those of a folder; [] where none count."""
    if not settings.prior_loss_weight:
        return []
    given = [class_images] if isinstance(class_images, str) else class_images
    files = [
        file
        for path in map(Path, given)
        for file in (list_training_images(path) if path.is_dir() else [path])
    ]
    return read_class_images(files, class_word)


def make_fingerprints(inputs: Inputs, base: str, loader: str, title: str) -> Fingerprints:
    """Of a training on a base folder, which this loader opens."""
    known = [(hash_file(image.image), image.caption) for image in inputs.known]
    packages = {name: version(name) for name in PACKAGES}
    steps = hash_parts(
        list_deciding(inputs.settings),
        hash_code(*DECIDING, loader),
        packages,
        *(inputs.control, inputs.seed, inputs.dataset_sha256),
        *(folder_checksum(base), inputs.weights, known),
    )
    code = hash_code("adapter.train_adapter")
    return Fingerprints(steps, hash_parts(steps, asdict(inputs.settings), title, code))


def run_training(
    base: Base,
    inputs: Inputs,
    store: ContentStore,
    checkpoint: Path,
    fingerprint: str,
    title: str,
    open_base: Callable[[], Base],
) -> tuple[Trainer, Outcome]:
    """Train, or go on from a checkpoint; `fingerprint` is that of the steps.

    `open_base` opens the base once more, for each further process; it is sent there.
    """
    trainer = make_trainer(base, inputs, store)
    for line in format_stages(trainer.stages):
        log.info("%s", line)
    along = open_base, inputs, store, checkpoint, fingerprint
    return trainer, take_steps(trainer, checkpoint, fingerprint, title, store, along)


def make_trainer(base: Base, inputs: Inputs, store: ContentStore) -> Trainer:
    """Encode what a training learns from, free what it needs no more, and lay its adapter."""
    native = inputs.settings.resolution_px == "native"
    resolution_px = base.resolution_px if native else int(inputs.settings.resolution_px)
    watch_memory(base, inputs.settings, resolution_px)
    train, held_out, known = encode(base, inputs, resolution_px, store)
    free_encoders(base, keep=list_needed(base, inputs.settings))
    how = inputs.settings, inputs.seed, resolution_px, inputs.weights
    return Trainer(base, train, held_out, *how, known)


def encode(
    base: Base, inputs: Inputs, resolution_px: int, store: ContentStore
) -> tuple[Examples, Examples, Examples | None]:
    """The training split, as the control wants it; images that watch over it; class images."""
    settings, seed = inputs.settings, inputs.seed
    train, held_out = (read_split(inputs.dataset, split) for split in ("train", "validation"))
    if inputs.control == "shuffled_captions":
        train = shuffle_captions(train, np.random.default_rng(seed_for(seed, inputs.control)))
    options = {"resolution_px": resolution_px, "store": store}
    masked = options | {"background_loss_weight": settings.background_loss_weight}
    captions = order_captions(train, settings.caption_orders, settings.keep_tokens, seed)
    known = inputs.known
    return (
        cache_examples(base, train, **masked, captions=captions),
        cache_examples(base, subsample_evenly(held_out, settings.validation_images), **masked),
        cache_examples(base, known, **options, background_loss_weight=1) if known else None,
    )


def take_steps(
    trainer: Trainer,
    checkpoint: Path,
    fingerprint: str,
    title: str,
    store: ContentStore,
    along: Sequence[Any] = (),
) -> Outcome:
    """Run all steps, or those that an interrupted run has left; none where all were run before.

    One that leaves something on its way runs again: what another one left lies elsewhere. `along`
    is what `train_along` needs in each further process.
    """
    settings = trainer.settings
    leaves_more = settings.samples or settings.tensorboard or settings.kept_checkpoints
    if not leaves_more and (found := find_outcome(store, fingerprint)):
        return found
    trainer.resume(checkpoint, fingerprint)
    left = settings.steps - trainer.step
    team = start_team(settings.processes if left else 1, trainer.base.device, train_along, *along)
    with team as trainer.team, Watch(trainer, checkpoint.parent.parent, title) as watch:
        for step in progress(trainer.run(settings.steps), "training", total=left):
            watch.follow()
            set_aside(trainer, checkpoint.parent)
            if step % settings.save_every == 0 and step < settings.steps:
                trainer.save(checkpoint, fingerprint)
    warn_of_no_rate(trainer.optimizer, settings.steps)
    outcome = Outcome(*trainer.chosen(), trainer.rows)
    keep_outcome(store, fingerprint, outcome)
    return outcome


def train_along(
    team: Team,
    open_base: Callable[[], Base],
    inputs: Inputs,
    store: ContentStore,
    checkpoint: Path,
    fingerprint: str,
) -> None:
    """The same steps in a further process: it reads what the first encoded, and leaves nothing."""
    with store.in_use():
        trainer = make_trainer(open_base(), inputs, store)
        trainer.resume(checkpoint, fingerprint)
        trainer.team = team
        for _ in trainer.run(trainer.settings.steps):
            pass
