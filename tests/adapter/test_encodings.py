"""Encodings of images and captions: made once for all, the same with or without a cache."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import make_dataset, open_base
from tests.factories.tiny_bases import BUILDERS, open_tiny
from workflow_scripts.adapter import encodings
from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.encodings import Shelf
from workflow_scripts.adapter.examples import cache_examples, order_captions
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.lib.images import read_rgb, write_image

ENCODED = {"resolution_px": 64, "background_loss_weight": 0.1}


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "nella", train=4)


@pytest.fixture
def encoders(monkeypatch):
    """How often each encoder was asked."""
    asked = {"encode_images": 0, "encode_captions": 0}
    for name in asked:
        monkeypatch.setattr(encodings, name, count_calls(asked, name, getattr(encodings, name)))
    return asked


def count_calls(asked, name, encode):
    def count(*args):
        asked[name] += 1
        return encode(*args)

    return count


def encode(dataset, store, base=None, **changes):
    images = read_split(dataset, "train")
    return cache_examples(base or open_base(), images, store=store, **{**ENCODED, **changes})


def list_tensors(examples):
    members, no_drop = list(range(len(examples))), torch.zeros(len(examples), dtype=bool)
    told = examples.select_conditions(members, no_drop), examples.no_caption
    words = [one[name] for one in told for name in sorted(one)]
    return [*examples.latents, *examples.weights, *words]


def are_equal(first, second):
    pairs = list(zip(list_tensors(first), list_tensors(second), strict=True))
    return len(pairs) > 8 and all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("family", sorted(BUILDERS))
def test_the_same_tensors_from_memory_fresh_files_and_found_files(dataset, tmp_path, family):
    base = open_tiny(family)
    plain = encode(dataset, None, base)
    for _ in ("fresh", "found"):
        with ContentStore(tmp_path / "cache", 1).in_use() as store:
            assert are_equal(plain, encode(dataset, store, base))
    assert plain.sizes == encode(dataset, store, base).sizes


def test_what_another_dataset_has_encoded_is_not_encoded_again(dataset, tmp_path, encoders):
    with ContentStore(tmp_path / "cache", 1).in_use() as store:
        encode(dataset, store)
        assert encoders == {"encode_images": 4, "encode_captions": 5}  # and no words
        other = make_dataset(tmp_path / "other film" / "renamed", train=4)
        assert are_equal(encode(other, store), encode(dataset, store, background_loss_weight=0.1))
        assert encoders == {"encode_images": 4, "encode_captions": 5}


def change_pixel(dataset):
    path = read_split(dataset, "train")[0].image
    pixels = read_rgb(path).copy()
    pixels[0, 0] = 9
    write_image(path, pixels)
    return {}


def change_mask(dataset):
    path = read_split(dataset, "train")[0].mask
    write_image(path, np.full_like(read_rgb(path)[..., 0], 255))
    return {}


def change_size(dataset):
    return {"resolution_px": 96}


def change_base(dataset):
    return {"base": dataclasses.replace(open_base(), sha256="0" * 64)}


def change_caption(dataset):
    read_split(dataset, "train")[0].image.with_suffix(".txt").write_text("b", encoding="utf-8")
    return {}


@pytest.mark.parametrize(
    ("change", "images", "captions"),
    [
        (change_pixel, 1, 0),
        (change_mask, 1, 0),
        (change_size, 4, 0),
        (change_base, 4, 5),
        (change_caption, 0, 1),
        (lambda dataset: {"background_loss_weight": 0.5}, 0, 0),
    ],
    ids=["a pixel", "a mask", "another size", "another base", "a caption", "a loss weight"],
)
def test_what_a_change_encodes_again(dataset, tmp_path, encoders, change, images, captions):
    with ContentStore(tmp_path / "cache", 1).in_use() as store:
        encode(dataset, store)
        encoders |= dict.fromkeys(encoders, 0)
        encode(dataset, store, **change(dataset))
    assert encoders == {"encode_images": images, "encode_captions": captions}


def test_an_encoding_does_not_depend_on_what_else_was_encoded(dataset, tmp_path):
    whole = encode(dataset, None)
    with ContentStore(tmp_path / "cache", 1).in_use() as store:
        base = open_base()
        cache_examples(base, read_split(dataset, "train")[2:], store=store, **ENCODED)
        assert are_equal(whole, encode(dataset, store, base))


def test_memory_of_what_lies_on_disk_is_bounded(dataset, tmp_path):
    with ContentStore(tmp_path / "cache", 1).in_use() as store:
        kept = [store.keep("texts", f"k{n}", {"a": torch.full((100,), n)}, {}) for n in range(50)]
        shelf = Shelf(kept, held_bytes=8000)  # ten of them
        for _ in range(2):
            assert [int(shelf.read(n)["a"][0]) for n in range(50)] == list(range(50))
        assert len(shelf.held) == 10
        assert sum(t["a"].nbytes for t in shelf.held.values()) <= 8000


def test_trainings_with_and_without_a_cache_take_the_same_steps(dataset, tmp_path):
    options = {"steps": 3, "batch_size": 2, "rank": 2, "alpha": 1.0, "caption_orders": 2}
    captions = order_captions(read_split(dataset, "train"), 2, 1, 7)
    trained = []
    for folder in (None, tmp_path / "cache", tmp_path / "cache"):
        with ContentStore(folder, 1).in_use() as store:
            train = encode(dataset, store, captions=captions)
            trainer = trainings.make_trainer([train, train], **options)
            trained.append(trainings.finish(trainer, 3))
    assert [trainings.differ(trained[0], other) for other in trained[1:]] == [0, 0]


def test_images_that_are_enlarged_are_named(dataset, caplog):
    encode(dataset, None, resolution_px=64)
    assert "enlarged" not in caplog.text
    encode(dataset, None, resolution_px=512)
    assert "4 of 4 images are smaller than the training resolution" in caplog.text
    assert "nella_train_0000.png" in caplog.text
