"""The memory of a training, counted before it starts, beside what a real step holds."""

from dataclasses import replace

import pytest
import torch

from tests.factories.tiny_bases import BUILDERS, open_tiny
from tests.factories.trainings_in_code import make_settings
from workflow_scripts.adapter import memory_estimate
from workflow_scripts.adapter.lora_layers import add_adapters, list_tensors, list_trained
from workflow_scripts.adapter.memory_estimate import (
    GIB,
    STATE_BYTES,
    Card,
    Memory,
    check_memory,
    estimate_memory,
    watch_memory,
)
from workflow_scripts.adapter.optimizers import make_optimizers
from workflow_scripts.adapter.precision import prepare_base
from workflow_scripts.adapter.shadow import LiveBytes, count_coding, make_shadow
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.diffusion import denoising_errors, encode_captions

BATCH = 4


def make_batch(base):
    """Shape of latents, and the conditions of one image."""
    side = base.resolution_px // base.pixels_per_latent
    sized = base.encode_size((64, 64), (0, 0), (64, 64))
    told = encode_captions(base, ["a"]) | {name: one[None] for name, one in sized.items()}
    return (BATCH, base.network.config.in_channels, side, side), told


class RealStep:
    """A step of numbers, with an adapter of its own."""

    def __init__(self, base, settings):
        self.base = prepare_base(base, settings)
        parts = list_trained(self.base, settings)
        add_adapters(parts, settings, 0)
        self.tensors = list_tensors(parts)

    def find_loss(self, latents, told):
        told = {name: one.expand(BATCH, *one.shape[1:]).clone() for name, one in told.items()}
        times = torch.zeros(BATCH, dtype=torch.long)
        noise = torch.randn(latents)
        return denoising_errors(self.base, torch.randn(latents), told, noise, times).mean()

    def count_saved(self, latents, told) -> int:
        """Bytes that autograd keeps between forward and backward, beside weights."""
        weights = {key_of(tensor) for tensor in self.base.network.parameters()}
        saved = {}

        def pack(tensor):
            saved[key_of(tensor)] = tensor.untyped_storage().nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = self.find_loss(latents, told)
        assert loss.requires_grad
        return sum(size for key, size in saved.items() if key not in weights)


def key_of(tensor):
    return tensor.untyped_storage().data_ptr()


def count_shadow(base, settings, latents, told) -> int:
    shadow = make_shadow(base, settings)
    with LiveBytes() as counted:
        shadow.take_step(latents, told)
    return counted.peak


@pytest.mark.parametrize("checkpointing", [False, True], ids=["kept", "computed_twice"])
@pytest.mark.parametrize("family", sorted(BUILDERS))
def test_a_shadow_holds_what_a_step_holds(family, checkpointing):
    base = open_tiny(family)
    settings = make_settings(rank=4, precision="float32", gradient_checkpointing=checkpointing)
    batch = make_batch(base)
    counted = count_shadow(base, settings, *batch)
    step = RealStep(base, settings)
    with LiveBytes() as held:
        step.find_loss(*batch).backward()
    saved = step.count_saved(*batch)
    assert counted == pytest.approx(held.peak, rel=0.05)
    assert counted >= saved > 0
    if not checkpointing:  # nearly all that is held is what autograd saved, but for gradients
        gradients = sum(4 * tensor.numel() for tensor in step.tensors.values())
        assert counted == pytest.approx(saved + gradients, rel=0.2)


def test_what_is_saved_is_counted_within_a_tenth_of_the_unets():
    found = {}
    for family in ("sd15", "sdxl"):
        base, settings = open_tiny(family), make_settings(rank=4, precision="float32")
        batch = make_batch(base)
        counted = count_shadow(base, settings, *batch)
        found[family] = counted / RealStep(base, settings).count_saved(*batch)
    assert len(found) == 2
    assert all(1 <= share < 1.1 for share in found.values()), found


@pytest.mark.parametrize("change", ["batch_size", "resolution", "checkpointing"])
def test_what_options_lower_is_lower(change):
    base, settings = open_tiny("sd15"), make_settings(gradient_checkpointing=False)
    (batch, channels, side, _), told = make_batch(base)
    whole = count_shadow(base, settings, (batch, channels, side, side), told)
    if change == "batch_size":
        less = count_shadow(base, settings, (batch // 2, channels, side, side), told)
        assert less == pytest.approx(whole / 2, rel=0.1)
    elif change == "resolution":
        less = count_shadow(base, settings, (batch, channels, side // 2, side // 2), told)
        assert less < 0.45 * whole
    else:
        less = count_shadow(
            base,
            replace(settings, gradient_checkpointing=True),
            (batch, channels, side, side),
            told,
        )
        assert less < 0.6 * whole


@pytest.mark.parametrize("name", sorted(set(STATE_BYTES) - {"adamw_8bit"}))
def test_the_state_of_an_optimizer_has_its_bytes(name):
    tensors = {"lora_A": torch.nn.Parameter(torch.randn(64, 64))}
    optimizer = make_optimizers(name, tensors, rate=1e-3, weight_decay=0.0, loraplus_lr_ratio=1)
    tensors["lora_A"].grad = torch.randn(64, 64)
    optimizer.step()
    (part,) = optimizer.state_dict()
    states = [value for state in part["state"].values() for value in state.values()]
    tensors_of_state = [value for value in states if isinstance(value, torch.Tensor)]
    found = sum(t.numel() * t.element_size() for t in tensors_of_state if t.numel() > 1)
    assert found == STATE_BYTES[name] * 64 * 64


def test_all_parts_of_an_estimate_are_counted():
    base, settings = open_tiny("sd15"), make_settings(rank=4, ema_decay=0.9, samples=1)
    memory = estimate_memory(base, settings, *make_batch(base))
    nets = (base.pipeline.vae, base.pipeline.text_encoder)
    encoders = sum(4 * tensor.numel() for net in nets for tensor in net.parameters())
    assert memory.network == sum(4 * tensor.numel() for tensor in base.network.parameters())
    assert memory.encoders == memory.kept == encoders  # samples need them
    trained = sum(tensor.numel() for tensor in make_shadow(base, settings).tensors.values())
    assert (memory.adapter, memory.optimizer, memory.average) == (
        *(4 * trained, 8 * trained, 8 * trained),
    )
    assert not any("lora" in name for name, _ in base.network.named_parameters())
    without = estimate_memory(base, replace(settings, samples=0), *make_batch(base))
    assert without.kept == 0


MEMORY = Memory(3 * GIB, 2 * GIB, 0, GIB // 8, GIB // 4, 0, 20 * GIB)


def test_a_training_that_fits_is_not_refused():
    check_memory(MEMORY, Card(40 * GIB, 48 * GIB), make_settings(), 512)
    assert MEMORY.total == MEMORY.training > MEMORY.network + MEMORY.step


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"gradient_checkpointing": False}, "set adapter gradient_checkpointing to true; lower"),
        ({"batch_size": 8}, "lower adapter batch_size, now 8"),
        ({"gradient_checkpointing": True, "batch_size": 1}, "this order: lower adapter resolution"),
    ],
)
def test_one_that_does_not_fit_names_what_to_lower(changes, advice):
    with pytest.raises(CineloraError, match="needs about 25.5 GiB") as error:
        check_memory(MEMORY, Card(20 * GIB, 24 * GIB), make_settings(**changes), 512)
    assert advice in str(error.value)
    assert "20.0 of 24.0 GiB" in str(error.value)
    assert "now 512" in str(error.value)


def test_a_base_that_does_not_fit_is_said_to_be_too_large():
    large = replace(MEMORY, encoders=40 * GIB, step=GIB)
    with pytest.raises(CineloraError, match="take a smaller base model"):
        check_memory(large, Card(20 * GIB, 24 * GIB), make_settings(), 512)


def test_text_encoders_in_training_are_named():
    kept = replace(MEMORY, kept=2 * GIB, step=GIB)
    with pytest.raises(CineloraError, match="train of adapter text_encoder"):
        check_memory(kept, Card(4 * GIB, 24 * GIB), make_settings(), 512)


def test_on_a_gpu_the_step_is_counted_before_it_starts(monkeypatch):
    base = replace(open_tiny("sdxl"), device="cuda")
    monkeypatch.setattr(type(base), "encode_prompts", lambda self, _: told)
    told = {"states": torch.zeros(1, 77, 96), "pooled": torch.zeros(1, 64)}
    memory = torch.cuda.mem_get_info
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (8 * GIB, 24 * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda: 0)
    assert memory is not torch.cuda.mem_get_info
    found = watch_memory(base, make_settings(batch_size=2), 128)
    assert 0 < found.step < GIB
    monkeypatch.setattr(memory_estimate, "CONTEXT", 9 * GIB)
    with pytest.raises(CineloraError, match="8.0 of 24.0 GiB"):
        watch_memory(base, make_settings(batch_size=2), 128)
    assert watch_memory(open_tiny("sdxl"), make_settings(), 128) is None


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_what_a_vae_holds_is_counted_as_it_is_held(family):
    base = open_tiny(family)
    encoding, drawing = count_coding(base, base.resolution_px, 4)
    pixels = torch.randn(1, 3, base.resolution_px, base.resolution_px)
    side = base.resolution_px // base.pixels_per_latent
    with torch.no_grad():
        with LiveBytes() as encoded:
            base.pipeline.vae.encode(pixels)
        with LiveBytes() as drawn:
            base.pipeline.vae.decode(torch.randn(4, 4, side, side))
    assert encoding == pytest.approx(encoded.peak, rel=0.02)
    assert drawing == pytest.approx(drawn.peak, rel=0.02)
    assert drawing > encoding > 0
