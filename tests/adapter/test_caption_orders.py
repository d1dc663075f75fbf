"""Captions in several orders of their parts: encoded once, one of them chosen by each step."""

from collections import Counter

import numpy as np
import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import make_dataset, open_base
from workflow_scripts.adapter.examples import cache_examples, order_captions
from workflow_scripts.adapter.training_data import order_tags, read_split
from workflow_scripts.models.diffusion import encode_captions

FEW = {"steps": 4, "batch_size": 2, "rank": 2, "alpha": 1.0, "resolution_px": 64}
FEW |= {"caption_dropout": 0.0}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return read_split(make_dataset(tmp_path_factory.mktemp("data") / "nella"), "train")


@pytest.fixture
def make_trainer(images):
    def make(orders):
        captions = order_captions(images, orders, 1, 7)
        train = cache_examples(open_base(), images, **trainings.ENCODED, captions=captions)
        watched = cache_examples(open_base(), images[:1], **trainings.ENCODED)
        return trainings.make_trainer([train, watched], **FEW, caption_orders=orders)

    return make


@pytest.mark.parametrize(
    ("kept", "head"), [(1, ["nella woman"]), (2, ["nella woman", "a"]), (0, [])]
)
def test_the_first_parts_stay_first_and_no_part_is_lost(kept, head):
    caption = "nella woman, a, b, c, d, e"
    first, *others = order_tags(caption, 6, kept, np.random.default_rng(1))
    assert first == caption
    assert len(others) == 5
    assert len(set(others)) > 3  # two may fall alike
    assert [one.split(", ")[:kept] for one in others] == [head] * 5
    assert [sorted(one.split(", ")) for one in others] == [sorted(caption.split(", "))] * 5


def test_a_caption_without_other_parts_stays_as_it_is():
    assert order_tags("nella woman", 3, 1, np.random.default_rng(1)) == ["nella woman"] * 3


def test_each_order_is_told_as_if_it_were_the_caption(make_trainer, images):
    train, captions = make_trainer(4).train, order_captions(images, 4, 1, 7)
    assert captions == order_captions(images, 4, 1, 7) != order_captions(images, 4, 1, 8)
    order = torch.tensor([3, 0, 2])
    told = train.select_conditions([5, 1, 0], torch.zeros(3, dtype=bool), order)
    wanted = encode_captions(open_base(), [captions[5][3], captions[1][0], captions[0][2]])
    assert told.keys() == wanted.keys() and len(told) > 0
    for name, values in told.items():
        assert torch.allclose(values, wanted[name], atol=1e-6)


def test_steps_choose_among_all_orders_alike_and_again_when_resumed(
    make_trainer, tmp_path, monkeypatch
):
    whole, chosen = make_trainer(3), []
    select = type(whole.train).select_conditions

    def look(self, members, dropped, order=0):
        chosen.append(torch.as_tensor(order).flatten().tolist())
        return select(self, members, dropped, order)

    monkeypatch.setattr(type(whole.train), "select_conditions", look)
    for number in range(300):
        whole.losses([0, 1], torch.Generator().manual_seed(number))
    counts = Counter(n for orders in chosen for n in orders)
    assert sorted(counts) == [0, 1, 2]
    assert max(abs(count - 200) for count in counts.values()) < 5 * np.sqrt(600 * 2 / 9)
    wanted, stopped, resumed = trainings.finish(whole, 4), make_trainer(3), make_trainer(3)
    trainings.finish(stopped, 2)
    stopped.save(tmp_path / "resume.pt", "same")
    resumed.resume(tmp_path / "resume.pt", "same")
    assert trainings.differ(wanted, trainings.finish(resumed, 4)) == 0


def test_other_orders_teach_something_else(make_trainer):
    assert (
        trainings.differ(trainings.finish(make_trainer(1), 2), trainings.finish(make_trainer(4), 2))
        > 0
    )
