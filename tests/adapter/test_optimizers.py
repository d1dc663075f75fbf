"""Optimizers and forms of LoRA: what moves how far, and that files keep the trained strength."""

import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import make_dataset
from workflow_scripts.adapter.adapter_file import to_kohya, to_peft
from workflow_scripts.adapter.optimizers import NAMES, OPTIMIZERS, make_optimizers
from workflow_scripts.plan.schema import read_schema

FEW = {"steps": 4, "batch_size": 2, "rank": 4, "alpha": 6.0, "resolution_px": 64, "validations": 4}
FEW |= {"learning_rate": 0.02, "warmup": 0.0, "schedule": "constant"}


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


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_lora_b_has_its_own_rate(name):
    plain, moved = move(name), move(name, loraplus_lr_ratio=8.0)
    assert torch.allclose(moved["a.lora_B"], 8 * plain["a.lora_B"], rtol=1e-4, atol=1e-5)
    assert torch.equal(moved["a.lora_A"], plain["a.lora_A"])


@pytest.mark.parametrize(
    "changes",
    [{"optimizer": "muon"}, {"loraplus_lr_ratio": 4.0}, {"rslora": True}],
    ids=["muon", "LoRA+", "rsLoRA"],
)
def test_each_learns_otherwise_and_goes_on_where_it_was(make_trainer, tmp_path, changes):
    whole = trainings.finish(make_trainer(**changes), 4)
    assert trainings.differ(whole, trainings.finish(make_trainer(), 4)) > 1e-4
    stopped, resumed = make_trainer(**changes), make_trainer(**changes)
    trainings.finish(stopped, 2)
    stopped.save(tmp_path / "resume.pt", "same")
    resumed.resume(tmp_path / "resume.pt", "same")
    assert resumed.step == 2
    assert trainings.differ(whole, trainings.finish(resumed, 4)) == 0


def list_deltas(network):
    """What each layer of a trained network adds to the weights of the base."""
    found = {}
    for name, layer in network.named_modules():
        if "default" in getattr(layer, "lora_A", {}):
            found[name] = layer.get_delta_weight("default").detach()
    return found


@pytest.mark.parametrize("rslora", [False, True], ids=["LoRA", "rsLoRA"])
def test_both_files_have_the_strength_that_was_trained(make_trainer, rslora):
    trainer = make_trainer(rslora=rslora, loraplus_lr_ratio=4.0, optimizer="muon")
    state, base = trainings.finish(trainer, 3), trainer.base
    alpha = trainer.settings.file_alpha
    assert alpha == (12.0 if rslora else 6.0)
    kohya = to_kohya(state, alpha, base.name_layer)
    peft = to_peft(state, alpha, base.network_name)
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
