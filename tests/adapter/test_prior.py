"""Prior preservation: what is outside the mask, or of the class, stays as the base has it."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import make_dataset, open_base
from workflow_scripts.adapter.examples import cache_examples
from workflow_scripts.adapter.losses import predict_without
from workflow_scripts.adapter.training_data import read_class_images, read_split
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import list_training_images
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.diffusion import predict_noise

FEW = {"steps": 30, "batch_size": 2, "rank": 4, "alpha": 4.0, "keep": "last", "validations": 1}
FEW |= {"noise_offset": 0.0, "caption_dropout": 0.0, "min_snr_gamma": 0.0, "warmup": 0.0}
FEW |= {"learning_rate": 0.02, "schedule": "constant"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def splits(folder):
    return trainings.encode_splits(make_dataset(folder / "nella"))


@pytest.fixture(scope="module")
def class_images(folder):
    """Other images and other words."""
    for number in range(6):
        rng = np.random.default_rng(number)
        place = folder / f"women/{number}.png"
        write_image(place, rng.integers(0, 255, (64, 64, 3), dtype=np.uint8) // 4 * 4)
    return cache_examples(
        open_base(),
        read_class_images(list_training_images(folder / "women"), "a woman"),
        **trainings.ENCODED,
    )


def ask(trainer, examples, seed=1):
    """Latents, conditions, noise and timesteps of four images."""
    generator = torch.Generator().manual_seed(seed)
    members = [0, 1, 2, 3]
    latents = torch.stack([examples.latents[i] for i in members])
    conditions = examples.select_conditions(members, torch.zeros(4, dtype=bool))
    noise = torch.randn(latents.shape, generator=generator)
    return latents, conditions, noise, torch.randint(0, 1000, (4,), generator=generator)


def measure_drift(trainer, examples, weights=None):
    """Mean squared change of what the base predicts, where `weights` say."""
    asked = ask(trainer, examples)
    with torch.no_grad():
        change = (
            predict_noise(trainer.base, *asked)[0] - predict_without(trainer.base, *asked)
        ) ** 2
    where = torch.ones_like(change) if weights is None else weights.expand_as(change)
    return float((change * where).sum() / where.sum())


def test_without_its_adapter_it_predicts_as_the_base_and_learns_on(splits):
    trainer = trainings.make_trainer(splits, **FEW)
    asked = ask(trainer, splits[0])
    with torch.no_grad():
        before = predict_noise(trainer.base, *asked)[0]
    trainings.finish(trainer, 3)
    assert torch.equal(predict_without(trainer.base, *asked), before)
    with torch.no_grad():
        assert not torch.equal(predict_noise(trainer.base, *asked)[0], before)
    assert all(tensor.requires_grad for tensor in trainer.tensors.values())


def test_the_loss_is_that_of_the_formula(splits):
    """loss = Σ w·(p - target)² / Σ w + weight · Σ (1 - w)·(p - base)² / Σ (1 - w), by image."""
    trainer = trainings.make_trainer(splits, **FEW, masked_prior_weight=0.7)
    trainings.finish(trainer, 2)
    plain = dataclasses.replace(trainer.settings, masked_prior_weight=0.0)
    members = [0, 1, 2, 3]
    losses = trainer.losses(members, torch.Generator().manual_seed(1)).detach()
    generator = torch.Generator().manual_seed(1)
    latents, conditions, _, _ = ask(trainer, splits[0])
    noise = torch.randn(latents.shape, generator=generator)
    torch.randn(4, 4, 1, 1, generator=generator)  # the offset, which is 0
    asked = latents, conditions, noise, torch.randint(0, 1000, (4,), generator=generator)
    with torch.no_grad():
        predicted, target = predict_noise(trainer.base, *asked)
        kept = predict_without(trainer.base, *asked)
    wanted, outside = torch.zeros(4), torch.zeros(4)
    for i in range(4):
        w = splits[0].weights[i].expand_as(predicted[i]).double()
        wanted[i] = float((w * (predicted[i] - target[i]) ** 2).sum() / w.sum())
        outside[i] = float(((1 - w) * (predicted[i] - kept[i]) ** 2).sum() / (1 - w).sum())
    assert torch.allclose(losses, wanted + 0.7 * outside, rtol=1e-5)
    assert float(outside.min()) > 0
    trainer.settings = plain
    assert torch.allclose(
        trainer.losses(members, torch.Generator().manual_seed(1)).detach(), wanted, rtol=1e-5
    )


def test_a_start_along_what_layers_are_fed_is_the_same_beside_a_prior(splits):
    trainers = [
        trainings.make_trainer(splits, **FEW, init="eva", masked_prior_weight=weight)
        for weight in (0, 1.0)
    ]
    first, second = (trainer.weights() for trainer in trainers)
    assert len(first) > 10
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert trainings.finish(trainers[1], 2)


def test_an_image_without_a_mask_has_no_outside(splits):
    everything = [torch.ones_like(weights) for weights in splits[0].weights]
    unmasked = dataclasses.replace(splits[0], weights=everything)
    with_prior, without = (
        trainings.finish(
            trainings.make_trainer([unmasked, splits[1]], **FEW, masked_prior_weight=weight), 3
        )
        for weight in (5.0, 0.0)
    )
    assert trainings.differ(with_prior, without) < 1e-6


@pytest.mark.parametrize("seed", [7, 8])
def test_outside_the_mask_less_changes(splits, seed):
    outside = 1 - torch.stack([splits[0].weights[i] for i in range(4)])
    drifts, learned = {}, {}
    for weight in (0.0, 10.0):
        trainer = trainings.make_trainer(splits, seed=seed, **FEW, masked_prior_weight=weight)
        trainings.finish(trainer, 30)
        drifts[weight] = measure_drift(trainer, splits[0], outside)
        learned[weight] = measure_drift(trainer, splits[0], 1 - outside)
    assert drifts[0.0] > 0
    assert drifts[10.0] < 0.5 * drifts[0.0]
    assert learned[10.0] > drifts[10.0]  # what is masked is learned all the same


@pytest.mark.parametrize("seed", [7, 8])
def test_class_images_hold_the_base_back_from_drifting(splits, class_images, seed):
    """Their own loss stays low, which rises where they are not shown."""
    losses = {}
    for weight in (0.0, 1.0):
        trainer = trainings.make_trainer(
            splits, class_images=class_images, seed=seed, **FEW, prior_loss_weight=weight
        )
        trainings.finish(trainer, 30)
        asked = ask(trainer, class_images)
        with torch.no_grad():
            predicted, target = predict_noise(trainer.base, *asked)
            losses[weight] = float(((predicted - target) ** 2).mean())
    assert losses[1.0] < losses[0.0]


def test_the_loss_of_class_images_is_added_by_its_weight(splits, class_images):
    told = {}
    for weight in (0.0, 0.5, 1.0):
        trainer = trainings.make_trainer(
            splits, class_images=class_images, **FEW, prior_loss_weight=weight
        )
        trainings.finish(trainer, 1)
        told[weight] = trainer.rows[1]["loss"]
    assert told[1.0] - told[0.0] == pytest.approx(2 * (told[0.5] - told[0.0]), rel=1e-4)
    assert told[1.0] > told[0.0]


def test_class_images_have_captions_of_their_own_or_the_class(folder):
    place = folder / "captioned"
    for number in range(2):
        write_image(place / f"{number}.png", np.zeros((64, 64, 3), np.uint8))
    (place / "1.txt").write_text("a woman at sea\n", encoding="utf-8")
    images = read_class_images(list_training_images(place), "a woman")
    assert [image.caption for image in images] == ["a woman", "a woman at sea"]
    assert len(read_split(folder / "nella", "train")) == 6


@pytest.mark.parametrize("exists", [True, False], ids=["empty", "not there"])
def test_a_folder_without_class_images_is_an_error(tmp_path, exists):
    place = tmp_path / "class"
    if exists:
        place.mkdir()
    with pytest.raises(CineloraError, match=r"weight asks for class images.*\n.*class_images"):
        read_class_images(list_training_images(place), "a woman")
