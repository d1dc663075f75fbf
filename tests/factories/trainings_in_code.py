"""Trainings of the tiny base on a dataset made in code, a few steps long."""

import torch

from tests.factories.datasets_in_code import make_options, open_base
from workflow_scripts.adapter.examples import Examples, cache_examples
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_data import read_split

ENCODED = {"resolution_px": 64, "background_loss_weight": 0.1}


def encode_splits(dataset) -> list[Examples]:
    """Both splits, encoded: tensors only, so they serve any trainer."""
    parts = [read_split(dataset, split) for split in ("train", "validation")]
    return [cache_examples(open_base(), part, **ENCODED) for part in parts]


def make_settings(**changes) -> Settings:
    return Settings(**make_options("train_adapter", **changes))


def make_trainer(
    splits: list[Examples], weights=(), class_images=None, seed=7, **changes
) -> Trainer:
    """A trainer with a base of its own; `weights` are those of its stages."""
    settings = make_settings(**changes)
    return Trainer(open_base(), *splits, settings, seed, 64, weights, class_images)


def finish(trainer: Trainer, until: int) -> dict[str, torch.Tensor]:
    """The weights after so many steps."""
    for _ in trainer.run(until):
        pass
    return trainer.weights()


def differ(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """The largest difference of any weight."""
    return max(float((first[key] - second[key]).abs().max()) for key in first)
