"""In which numbers a training computes, what it keeps in memory, and that it is still the same."""

import math
import os

import pytest
import torch

from tests.factories import trainings_in_code as trainings
from tests.factories.datasets_in_code import make_dataset, open_base
from tests.factories.tiny_bases import BUILDERS, open_tiny
from workflow_scripts.adapter.optimizers import make_optimizers
from workflow_scripts.adapter.precision import (
    MOST_OVERFLOWS,
    LossScaler,
    choose_checkpointing,
    compile_network,
)
from workflow_scripts.lib.errors import CineloraError

FEW = {"steps": 2, "batch_size": 2, "rank": 4, "alpha": 4.0, "resolution_px": 64, "validations": 2}


@pytest.fixture(scope="module")
def splits(tmp_path_factory):
    return trainings.encode_splits(make_dataset(tmp_path_factory.mktemp("data") / "nella"))


@pytest.fixture
def make_trainer(splits):
    return lambda **changes: trainings.make_trainer(splits, **{**FEW, **changes})


def list_losses(trainer):
    trainings.finish(trainer, 2)
    return [row["loss"] for row in trainer.rows[1:]]


def test_bfloat16_computes_nearly_the_same_and_weights_stay_whole(make_trainer):
    plain, half = make_trainer(), make_trainer(precision="bfloat16")
    losses = list_losses(plain), list_losses(half)
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert {tensor.dtype for tensor in half.tensors.values()} == {torch.float32}
    assert list_losses(make_trainer(precision="float32")) == losses[0]


def test_float16_is_refused_on_a_cpu(make_trainer):
    with pytest.raises(CineloraError, match="float16 trains on a GPU only"):
        make_trainer(precision="float16")


def make_scaled():
    tensor = torch.nn.Parameter(torch.zeros(3))
    options = {"rate": 0.1, "weight_decay": 0.0, "loraplus_lr_ratio": 1.0}
    return tensor, make_optimizers("adamw", {"a.lora_A": tensor}, **options)


def take_step(scaler, tensor, optimizer, size):
    """One update by a loss of this size; `size` inf overflows."""
    scaler.scale(((tensor - 1) ** 2).sum() * size).backward()
    scaler.unscale(optimizer.parts)
    norm = float(torch.nn.utils.clip_grad_norm_([tensor], 1.0))
    scaler.step(optimizer, norm)


def test_a_scaled_loss_gives_the_updates_of_a_plain_one():
    results = []
    for enabled in (True, False):
        tensor, optimizer = make_scaled()
        scaler = LossScaler("cpu", enabled=enabled)
        for _ in range(5):
            take_step(scaler, tensor, optimizer, 1.0)
        results.append(tensor.detach().clone())
    torch.testing.assert_close(*results)
    assert results[0].abs().min() > 0.1


def test_an_overflow_is_left_out_counted_and_kept_in_the_checkpoint(caplog):
    tensor, optimizer = make_scaled()
    scaler = LossScaler("cpu", enabled=True)
    for size in (1.0, math.inf, 1.0):
        before = tensor.detach().clone()
        take_step(scaler, tensor, optimizer, size)
        assert torch.equal(tensor, before) == (size == math.inf)
    assert (scaler.overflows, scaler.in_a_row) == (1, 0)
    assert "overflowed float16 at a loss scale of 65536" in caplog.text
    resumed = LossScaler("cpu", enabled=True)
    resumed.load_state_dict(scaler.state_dict())
    assert resumed.state_dict() == scaler.state_dict()
    assert scaler.state_dict()["scaler"]["scale"] == 32768


def test_an_overflow_that_never_ends_is_an_error():
    tensor, optimizer = make_scaled()
    scaler = LossScaler("cpu", enabled=True)
    with pytest.raises(CineloraError, match="Set precision to bfloat16 or float32"):
        for _ in range(MOST_OVERFLOWS + 1):
            take_step(scaler, tensor, optimizer, math.inf)
    assert scaler.overflows == MOST_OVERFLOWS + 1


@pytest.mark.parametrize("family", sorted(BUILDERS))
def test_checkpointing_changes_no_bit_and_attention_is_torchs_own(family, monkeypatch):
    """SDPA is what all networks call, with and without activations that are computed twice."""
    asked, attend = [], torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(
        torch.nn.functional,
        "scaled_dot_product_attention",
        lambda *tensors, **options: asked.append(1) or attend(*tensors, **options),
    )
    gradients = []
    for twice in (False, True):
        base = open_tiny(family)
        if twice:
            base.network.enable_gradient_checkpointing()
        base.network.train()
        noise = torch.randn(2, *shape_latents(base), generator=torch.Generator().manual_seed(1))
        told = base.encode_prompts(["a red car", ""])
        if family == "sdxl":
            told["time_ids"] = torch.ones(2, 6)
        noise.requires_grad_()
        base.predict(noise, torch.tensor([3, 700]), told).square().mean().backward()
        gradients.append(noise.grad)
    assert torch.equal(*gradients)
    assert float(gradients[0].abs().max()) > 0
    assert len(asked) > 4


def shape_latents(base):
    """Of one small image: channels, height and width."""
    pixels = torch.zeros(1, 3, 64, 64)
    return base.encode_pixels(pixels).shape[1:]


def test_a_training_with_activations_computed_twice_is_the_same(make_trainer):
    plain, twice = make_trainer(), make_trainer(gradient_checkpointing=True)
    assert (plain.base.network.is_gradient_checkpointing, True) == (
        False,
        twice.base.network.is_gradient_checkpointing,
    )
    assert trainings.differ(trainings.finish(plain, 2), trainings.finish(twice, 2)) == 0


def test_auto_computes_twice_from_sdxls_size_on():
    with torch.device("meta"):
        small, large = torch.nn.Linear(30_000, 30_000), torch.nn.Linear(50_000, 50_000)
    assert [choose_checkpointing("auto", net) for net in (small, large)] == [False, True]
    assert [choose_checkpointing(asked, small) for asked in (True, False)] == [True, False]


def test_a_compiled_network_predicts_the_same_and_keeps_its_names():
    plain, compiled = open_base(), open_base()
    names = list(compiled.network.state_dict())
    compile_network(compiled)
    assert list(compiled.network.state_dict()) == names
    noise = torch.randn(2, *shape_latents(plain), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        told = plain.encode_prompts(["a red car", ""])
        found = [base.predict(noise, torch.tensor([3, 700]), told) for base in (plain, compiled)]
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-4)


def test_without_a_compiler_the_error_says_what_to_install(monkeypatch, tmp_path):
    import torch._inductor.config as inductor

    torch.compiler.reset()
    monkeypatch.setattr(inductor.cpp, "cxx", (str(tmp_path / "no compiler"),))
    monkeypatch.setitem(os.environ, "TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(inductor, "force_disable_caches", True)
    with pytest.raises(CineloraError, match="apt install g"):
        compile_network(open_base())
