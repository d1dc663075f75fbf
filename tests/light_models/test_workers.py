import json
from pathlib import Path

import pytest
import torch
from torch import nn

from resources.light_models.recipe.training import Budget, Training
from resources.light_models.recipe.workers import Workers, run_workers
from workflow_scripts.lib.errors import CineloraError

STEPS = 6


def make_net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Linear(4, 2)


def losses_of(net: nn.Module, rows: slice):
    """A loss of a step: that of some rows of a batch that belongs to the step."""

    def losses(step: int) -> dict[str, torch.Tensor]:
        made = torch.Generator().manual_seed(step)
        batch = torch.randn(8, 4, generator=made)[rows]
        return {"squared": (net(batch) - 1).square().mean()}

    return losses


def train_half(asked: Path, workers: Workers) -> None:
    """Each of two workers sees one half of every batch."""
    net = make_net()
    settings = {"workers": workers.count}
    training = Training(
        net, asked / str(workers.rank), Budget(steps=STEPS), 0.01, settings, workers=workers
    )
    half = slice(4 * workers.rank, 4 * workers.rank + 4)
    assert list(training.run(losses_of(net, half))) == list(range(1, STEPS + 1))
    found = {name: tensor.tolist() for name, tensor in net.state_dict().items()}
    seconds = training.elapsed_s
    (asked / f"{workers.rank}.json").write_text(json.dumps([found, seconds]), encoding="utf-8")


def fail_second_midway(asked: Path, workers: Workers) -> None:
    fail_second(asked, workers)
    workers.average(1.0)  # waits for one that has gone


def fail_second(asked: Path, workers: Workers) -> None:
    if not workers.is_first:
        raise CineloraError("no images here")


def test_two_workers_take_the_steps_of_one_that_sees_all(tmp_path):
    run_workers(2, train_half, tmp_path)
    (first, spent), (second, also) = (
        json.loads((tmp_path / f"{rank}.json").read_text(encoding="utf-8")) for rank in (0, 1)
    )
    assert first == second and spent == also > 0
    alone = make_net()
    training = Training(alone, tmp_path / "alone", Budget(steps=STEPS), 0.01, {})
    list(training.run(losses_of(alone, slice(8))))
    for name, tensor in alone.state_dict().items():
        torch.testing.assert_close(torch.tensor(first[name]), tensor)
    # one of them saves
    assert (tmp_path / "0/checkpoint.safetensors").is_file()
    assert not (tmp_path / "1/checkpoint.safetensors").is_file()


@pytest.mark.parametrize("work", [fail_second, fail_second_midway])
def test_a_worker_that_fails_fails_the_training(tmp_path, work):
    with pytest.raises(CineloraError, match="1 of 2 workers failed"):
        run_workers(2, work, tmp_path)


def test_alone_nothing_is_averaged():
    net = make_net()
    net(torch.ones(1, 4)).sum().backward()
    before = net.weight.grad.clone()
    Workers().average_gradients(net.parameters())
    assert torch.equal(net.weight.grad, before) and Workers().average(0.25) == 0.25
