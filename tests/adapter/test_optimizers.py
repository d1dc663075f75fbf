"""Optimizers and forms of LoRA: what moves how far, and that files keep the trained strength."""

import sys

import pandas as pd
import pytest
import torch
from prodigyopt import Prodigy

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import make_dataset
from workflow_scripts.adapter.adapter_file import to_kohya, to_peft
from workflow_scripts.adapter.examples import seed_for
from workflow_scripts.adapter.optimizers import NAMES, OPTIMIZERS, make_optimizers
from workflow_scripts.adapter.training_checks import warn_of_no_rate
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.schema import read_schema

FEW = {"steps": 4, "batch_size": 2, "rank": 4, "alpha": 6.0, "resolution_px": 64, "validations": 4}
FEW |= {"learning_rate": 0.02, "warmup": 0.0, "schedule": "constant"}
PRODIGY_STAGES = [{"steps": 2, "learning_rate": 1.0}, {"steps": 2, "learning_rate": 0.5}]


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    dataset = make_dataset(tmp_path_factory.mktemp("data") / "nella")
    return trainings.encode_splits(dataset)


@pytest.fixture
def make_trainer(splits):
    return lambda **changes: trainings.make_trainer(splits, **{**FEW, **changes})


def make_tensors():
    torch.manual_seed(1)
    shapes = {"a.lora_A": (2, 6), "a.lora_B": (6, 2), "c.lora_A": (2, 6, 3, 3)}
    tensors = {name: torch.nn.Parameter(torch.randn(shape)) for name, shape in shapes.items()}
    for tensor in tensors.values():
        tensor.grad = torch.randn_like(tensor)
    return tensors


def move(name, *, loraplus_lr_ratio=1.0, rate=0.1):
    """How far one step moves each tensor."""
    tensors = make_tensors()
    before = {key: tensor.detach().clone() for key, tensor in tensors.items()}
    options = {"rate": 1.0, "weight_decay": 0.0, "loraplus_lr_ratio": loraplus_lr_ratio}
    optimizer = make_optimizers(name, tensors, **options)
    optimizer.set_rate(rate)
    optimizer.step()
    assert all(tensor.grad is None for tensor in tensors.values()) and tensors
    return {key: tensor.detach() - before[key] for key, tensor in tensors.items()}


def test_every_optimizer_can_be_chosen_and_has_a_name():
    known = read_schema()["$defs"]["training"]["properties"]["optimizer"]["enum"]
    assert known == list(OPTIMIZERS) == list(NAMES)


def test_muon_moves_matrices_in_all_directions_alike_and_leaves_the_rest_to_adamw():
    plain, moved = move("adamw"), move("muon")
    assert torch.equal(moved["c.lora_A"], plain["c.lora_A"])
    for key in ("a.lora_A", "a.lora_B"):
        values = torch.linalg.svdvals(moved[key].float())
        assert values.max() / values.min() < 2
        assert moved[key].square().mean().sqrt() == pytest.approx(0.02, rel=0.5)  # as AdamW's


@pytest.mark.parametrize("name", ["adamw", "muon", "schedule_free_adamw"])
def test_lora_b_has_its_own_rate(name):
    plain, moved = move(name), move(name, loraplus_lr_ratio=8.0)
    assert torch.allclose(moved["a.lora_B"], 8 * plain["a.lora_B"], rtol=1e-4, atol=1e-5)
    assert torch.equal(moved["a.lora_A"], plain["a.lora_A"])


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "muon"},
        {"optimizer": "prodigy", "learning_rate": 1.0},
        {"optimizer": "schedule_free_adamw"},
        {"loraplus_lr_ratio": 4.0},
        {"rslora": True},
    ],
    ids=["muon", "prodigy", "schedule-free", "LoRA+", "rsLoRA"],
)
def test_each_learns_otherwise_and_goes_on_where_it_was(make_trainer, tmp_path, changes):
    rate = changes.get("learning_rate", 0.02)
    changes = changes | {"keep": "last", "stages": [{"steps": 2, "learning_rate": rate}] * 2}
    whole = make_trainer(**changes)
    wanted = trainings.finish(whole, 4)
    assert trainings.differ(wanted, trainings.finish(make_trainer(), 4)) > 1e-4
    for interrupted_after in (2, 3):  # at the border of the stages, and after it
        stopped, resumed = make_trainer(**changes), make_trainer(**changes)
        trainings.finish(stopped, interrupted_after)
        stopped.save(tmp_path / "resume.pt", "same")
        resumed.resume(tmp_path / "resume.pt", "same")
        assert resumed.step == interrupted_after
        assert trainings.differ(wanted, trainings.finish(resumed, 4)) == 0
        assert trainings.differ(whole.chosen()[1], resumed.chosen()[1]) == 0
        assert pd.DataFrame(resumed.rows).equals(pd.DataFrame(whole.rows))


def test_prodigy_takes_the_steps_of_its_package_and_tells_the_rate_that_it_found(make_trainer):
    trainer = make_trainer(optimizer="prodigy", learning_rate=1.0, stages=PRODIGY_STAGES)
    own = trainings.finish(trainer, 4)
    plain = make_trainer(optimizer="prodigy", learning_rate=1.0, stages=PRODIGY_STAGES)
    options = {"weight_decay": 0.01, "use_bias_correction": True, "safeguard_warmup": True}
    optimizer = Prodigy(plain.tensors.values(), 1.0, **options)
    found = []
    for number, rate in enumerate([1.0, 1.0, 0.5, 0.5]):
        generator = torch.Generator().manual_seed(seed_for(7, "batch", number))
        plain.losses(plain.plan[1][number], generator).mean().backward()
        torch.nn.utils.clip_grad_norm_(plain.tensors.values(), 1.0)
        optimizer.param_groups[0]["lr"] = rate
        found.append(rate * optimizer.param_groups[0]["d"])
        optimizer.step()
        optimizer.zero_grad()
    assert trainings.differ(own, plain.weights()) == 0
    assert [row["learning_rate"] for row in trainer.rows[1:]] == found


def test_prodigy_finds_the_rate_of_a_bowl(caplog):
    tensor = torch.nn.Parameter(torch.zeros(3))
    options = {"rate": 1.0, "weight_decay": 0.0, "loraplus_lr_ratio": 1.0}
    optimizer = make_optimizers("prodigy", {"a.lora_A": tensor}, **options)
    assert optimizer.estimated_rate == 1e-6
    warn_of_no_rate(optimizer, 0)
    assert "prodigy found no learning rate in 0 steps" in caplog.text
    caplog.clear()
    for _ in range(200):
        tensor.grad = (tensor - torch.tensor([1.0, -2.0, 3.0])).detach()
        optimizer.step()
    assert optimizer.estimated_rate > 1e-2
    warn_of_no_rate(optimizer, 200)
    assert caplog.text == ""
    assert make_optimizers("adamw", make_tensors(), **options).estimated_rate == 1


def test_schedule_free_is_its_formula_and_leaves_the_average():
    """Defazio 2024, algorithm 1 with AdamW: y is where gradients are taken, x what is learned."""
    target, rate = torch.tensor([1.0, -2.0, 3.0]), 0.1
    tensor = torch.nn.Parameter(torch.zeros(3))
    options = {"rate": rate, "weight_decay": 0.0, "loraplus_lr_ratio": 1.0}
    optimizer = make_optimizers("schedule_free_adamw", {"a.lora_A": tensor}, **options)
    x = y = z = squares = torch.zeros(3)
    for number in range(1, 9):
        tensor.grad = (tensor - target).detach()
        optimizer.set_rate(rate)
        optimizer.step()
        squares = 0.999 * squares + 0.001 * (y - target) ** 2
        z = z - rate * (y - target) / ((squares / (1 - 0.999**number)).sqrt() + 1e-8)
        x = x + (z - x) / number
        y = 0.1 * z + 0.9 * x
        torch.testing.assert_close(tensor.detach(), y, atol=1e-5, rtol=1e-4)
    before = tensor.detach().clone()
    with optimizer.averaged():
        torch.testing.assert_close(tensor.detach(), x, atol=1e-5, rtol=1e-4)
    assert not torch.equal(before, x)
    torch.testing.assert_close(tensor.detach(), before, atol=1e-6, rtol=0)


def test_measuring_and_saving_a_schedule_free_training_changes_nothing(make_trainer, tmp_path):
    options = {"optimizer": "schedule_free_adamw", "keep": "last"}
    often, once = make_trainer(**options), make_trainer(**options | {"validations": 1})
    assert trainings.differ(trainings.finish(often, 4), trainings.finish(once, 4)) == 0
    step, average = often.chosen()
    assert (step, sum(row["validation_loss"] is not None for row in often.rows)) == (4, 5)
    assert trainings.differ(average, often.weights()) > 1e-4
    often.save(tmp_path / "resume.pt", "same")
    assert trainings.differ(often.weights(), once.weights()) == 0


def test_8_bit_moments_need_bitsandbytes(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(CineloraError, match="make setup-gpu, or without a GPU"):
        move("adamw_8bit")


def test_8_bit_moments_learn_as_whole_ones_do_and_go_on(make_trainer, tmp_path):
    pytest.importorskip("bitsandbytes", reason="bitsandbytes is no part of the lock")
    options = {"optimizer": "adamw_8bit", "rank": 64}  # tensors of 4096 numbers and more
    whole = trainings.finish(make_trainer(**options), 4)
    plain = trainings.finish(make_trainer(rank=64), 4)
    assert 0 < trainings.differ(whole, plain) < 0.02
    stopped, resumed = make_trainer(**options), make_trainer(**options)
    trainings.finish(stopped, 2)
    (part,) = stopped.optimizer.parts
    assert {state["state1"].dtype for state in part.state.values()} == {torch.uint8, torch.float32}
    stopped.save(tmp_path / "resume.pt", "same")
    resumed.resume(tmp_path / "resume.pt", "same")
    assert trainings.differ(whole, trainings.finish(resumed, 4)) == 0


def list_deltas(network):
    """What each layer of a trained network adds to the weights of the base."""
    found = {}
    for name, layer in network.named_modules():
        if "default" in getattr(layer, "lora_A", {}):
            found[name] = layer.get_delta_weight("default").detach()
    return found


@pytest.mark.parametrize(("rslora", "alpha"), [(False, 6.0), (True, 12.0)], ids=["LoRA", "rsLoRA"])
def test_both_files_have_the_strength_that_was_trained(make_trainer, rslora, alpha):
    trainer = make_trainer(rslora=rslora, loraplus_lr_ratio=4.0, optimizer="muon")
    state, base = trainings.finish(trainer, 3), trainer.base
    assert set(trainer.alphas().values()) == {alpha}
    kohya = to_kohya(state, trainer.alphas(), base.name_layer)
    peft = to_peft(state, trainer.alphas(), base.network_name)
    wanted = list_deltas(base.network)
    assert len(wanted) == 32
    for name, delta in wanted.items():
        key, (flat, _) = f"{base.network_name}.{name}", base.name_layer(name)
        up, down = kohya[f"{flat}.lora_up.weight"], kohya[f"{flat}.lora_down.weight"]
        scale = float(kohya[f"{flat}.alpha"]) / len(down)
        assert delta.abs().max() > 1e-4
        assert (up @ down * scale - delta).abs().max() < 1e-5
        plain = peft[f"{key}.lora_B.weight"] @ peft[f"{key}.lora_A.weight"]
        assert (plain - delta).abs().max() < 1e-5
