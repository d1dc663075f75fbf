"""The arithmetic of the speed of training, at toy size; nothing is held to a time."""

import json
import sys
from argparse import Namespace
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import train, train_memory, train_script
from benchmarks.train_cases import (
    count_floor,
    count_held,
    make_full_case,
    make_opened_case,
    open_again,
)
from benchmarks.train_clock import Span, StepTimes, time_steps
from benchmarks.train_nets import LAYOUTS
from benchmarks.train_script import Comparison, Rounds
from tests.factories.datasets_in_code import make_dataset
from tests.factories.tiny_bases import BUILDERS, open_tiny
from workflow_scripts.adapter.memory_estimate import GIB
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.models.diffusion import denoising_errors


@pytest.fixture(scope="module")
def shared_case():
    return make_opened_case("tiny", open_tiny("sd15"), batch_size=2, rank=2)


@pytest.fixture
def case(shared_case):
    """With a network of its own, which a trainer changes."""
    return replace(shared_case, base=open_again(shared_case.base))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("stable-diffusion-v1-5", 859_520_964),  # as published: 3.44 GB in float32
        ("stable-diffusion-xl-base-1.0", 2_567_463_684),  # 10.27 GB
        ("flux.2-klein-base-4b", 3_875_544_576),  # 7.75 GB in bfloat16
    ],
)
def test_a_layout_has_the_published_size(name, parameters):
    layout = LAYOUTS[name]
    base = layout.build("meta")
    assert sum(tensor.numel() for tensor in base.network.parameters()) == parameters
    side = base.resolution_px if name.startswith("stable") else 1024
    assert layout.side_px == side
    assert layout.find_latents()[0] == base.network.config.in_channels


@pytest.mark.parametrize("family", sorted(BUILDERS))
def test_each_family_is_measured_at_toy_size(family):
    case = make_opened_case(family, open_tiny(family), 128, batch_size=2, rank=2)
    how = {"warm": 1, "steps": 2, "matrix_side": 64, "seconds": 0.01}
    result = train.measure_case(case, **how)
    assert result.times.images == 4
    assert 0 < result.times.wait_s < result.times.span.wall_s
    assert 0 < result.share <= 1
    assert len(result.list_cells()) == len(train.HEAD)
    assert result.peak_bytes == count_held(case) > 0


TOLD = {
    "stable-diffusion-v1-5": ("sd15", {"states": (77, 64)}),
    "stable-diffusion-xl-base-1.0": (
        *("sdxl", {"states": (77, 96), "pooled": (64,), "time_ids": (6,)}),
    ),
    "flux.2-klein-base-4b": ("flux2", {"states": (8, 48), "text_ids": (8, 4)}),
}


@pytest.mark.parametrize("name", sorted(TOLD))
def test_what_is_timed_on_a_gpu_runs_with_a_tiny_network(name):
    family, told = TOLD[name]
    network = open_tiny(family).network
    change = {"side_px": 128, "told": told, "channels": network.config.in_channels}
    layout = replace(LAYOUTS[name], make=lambda: deepcopy(network), **change)
    case = make_full_case(layout, "cpu", batch_size=2)
    assert (case.settings.rank, case.settings.precision) == (32, "bfloat16")
    assert case.base.network.dtype == layout.family.gpu_dtype
    how = {"warm": 1, "steps": 1, "matrix_side": 64, "seconds": 0.01}
    result = train.measure_case(case, **how)
    assert result.times.images == 2
    assert 0 < result.share <= 1


def test_the_floor_is_what_torch_counts_in_a_real_step(case):
    trainer = case.make_trainer()
    counter = FlopCounterMode(display=False)
    with sdpa_kernel(SDPBackend.MATH), counter:
        trainer.losses([0, 1], torch.Generator().manual_seed(1)).mean().backward()
    assert count_floor(case) == counter.get_total_flops() > 0


def test_the_floor_has_no_gradients_of_frozen_weights(case):
    base = make_opened_case("whole", open_tiny("sd15")).base
    base.network.requires_grad_(True)
    latents = torch.randn(case.latents)
    told = {name: one[:2] for name, one in case.examples.conditions.items()}
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        times = torch.zeros(2, dtype=torch.long)
        denoising_errors(base, latents, told, torch.randn(case.latents), times).mean().backward()
    assert count_floor(case) < 0.9 * counter.get_total_flops()


def test_the_floor_computes_nothing_twice(case):
    twice = replace(case, settings=replace(case.settings, gradient_checkpointing=True))
    assert count_floor(twice) == count_floor(case)
    assert count_held(twice) < count_held(case)
    more = replace(case, settings=replace(case.settings, batch_size=4))
    assert count_floor(more) == pytest.approx(2 * count_floor(case), rel=0.01)


def test_steps_are_counted_in_images(case):
    accumulated = replace(case.settings, gradient_accumulation_steps=3)
    times = time_steps(replace(case, settings=accumulated).make_trainer(), warm=1, steps=2)
    assert times.images == 2 * 3 * 2
    assert 0 < times.wait_share < 1


def test_a_share_is_by_the_clock_of_what_computes(case):
    times = StepTimes(20, Span(8.0, 2.0), 0.4)  # ten steps of two images
    result = train.Result(case, times, 1e9, 2**20, Span(10e9, 20e9))
    assert result.share == pytest.approx(10e9 / (20e9 * 2.0))
    assert times.wait_share == pytest.approx(0.05)
    cells = dict(zip(train.HEAD, result.list_cells(), strict=True))
    assert (cells["images/s"], cells["images/CPU s"]) == ("2.50", "10.00")
    assert (cells["share of the floor"], cells["waiting"]) == ("25%", "5.0%")
    on_gpu = replace(result, case=replace(case, base=replace(case.base, device="cuda")))
    assert on_gpu.share == pytest.approx(10e9 / (10e9 * 8.0))
    assert train.check_result(result) is result
    with pytest.raises(CineloraError, match=r"tiny: 2.50 of the matrix rate: no machine"):
        train.check_result(replace(result, floor=1e10))


def make_rounds(*seconds):
    return [Rounds(Span(s, s / 2), Span(10 * s, 4 * s), 0.5, 0.4) for s in seconds]


def test_a_ratio_is_that_of_the_medians():
    found = Comparison(make_rounds(1, 2, 9), make_rounds(8, 3, 5), 0.6)
    assert found.find_ratio("steady", "wall_s") == 2.5
    assert found.find_ratio("whole", "cpu_s") == 2.5
    lines = train.format_comparison(found, "how")
    assert "ours / script: 2.50 a step by the CPU's clock" in lines[-1]
    assert lines[2].count("| ours |") == 3
    assert "| base, not trained | - | - | - | 0.6000 | - |" in lines[2]


def test_both_sides_read_squares_of_the_same_images(tmp_path):
    dataset = make_dataset(tmp_path / "nella", train=3, held_out=2, size=(160, 96))
    assert train_script.write_folder(dataset, tmp_path / "folder") == 3
    lines = (tmp_path / "folder/train/metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3
    row = json.loads(lines[0])
    assert row["text"] == "nella woman, walk, frame 0"
    square = read_rgb(tmp_path / "folder/train" / row["file_name"])
    whole = read_rgb(dataset / "train/2_nella woman" / row["file_name"])
    assert (square == whole[:, 32:128]).all()
    with pytest.raises(CineloraError, match="held-out ones are needed"):
        bare = make_dataset(tmp_path / "bare", train=2, held_out=0)
        train_script.write_folder(bare, tmp_path / "other")


def test_the_script_is_told_the_same_settings():
    settings = train_script.choose_settings(60, 8, 4, 0.001, 128)
    listed = train_script.list_arguments(settings, Path("base"), Path("folder"), Path("out"))
    told = dict(zip(listed[1::2], listed[2::2], strict=True))
    assert listed[0] == "--center_crop"
    assert (told["--train_batch_size"], told["--rank"], told["--max_train_steps"]) == (
        *("8", "4", "60"),
    )
    assert (told["--learning_rate"], told["--mixed_precision"]) == ("0.001", "no")
    assert (settings.alpha, settings.caption_dropout, settings.noise_offset) == (4, 0.0, 0.0)
    fast = replace(settings, precision="bfloat16")
    assert "bf16" in train_script.list_arguments(fast, Path("b"), Path("f"), Path("o"))


SCRIPT = r"""
import sys
say = sys.stderr.write
say("Loading weights: 100%|##########| 52/52 [00:00<00:00, 9.9it/s]\n")
say("Steps:   0%|          | 0/8 [00:00<?, ?it/s]")
for step in range(1, 9):
    say(f"\rSteps:  1%|#| {step}/8 [00:01<00:10,  1.19s/it, lr=0.001, step_loss=0.{step}]")
sys.exit(int(sys.argv[1]))
"""


def test_the_progress_of_the_script_is_read(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    steady, whole, trained = train_script.run_script([sys.executable, str(script), "0"], 1, "cpu")
    assert trained == pytest.approx((0.5 + 0.6 + 0.7 + 0.8) / 4)
    assert 0 <= steady.wall_s <= whole.wall_s
    with pytest.raises(CineloraError, match=r"script.py failed \(3\)"):
        train_script.run_script([sys.executable, str(script), "3"], 1, "cpu")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Steps: 20%|##| 2/10 [00:01<00:07, 1.05it/s, lr=0.001, step_loss=0.223]", (2, 0.223)),
        ("Steps: 20%|##| 2/10 [00:01<00:07, 1.05it/s]", None),
        ("Downloading data: 100%|###| 49/49 [00:00<00:00, 4965.47files/s]", None),
    ],
)
def test_a_line_of_progress_has_step_and_loss(text, found):
    assert train_script.read_progress(text) == found


def test_what_is_missing_is_said(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    train.main(["--device", "cuda"])
    assert capsys.readouterr().out == "not measured: torch finds no GPU here\n"
    asked = Namespace(script=None, dataset=None)
    assert "Not compared: name the script" in train.compare_with_script(asked, None, tmp_path)[0]
    asked = Namespace(script=str(tmp_path / "none.py"), dataset="d")
    assert "there is no" in train.compare_with_script(asked, None, tmp_path)[0]


def test_the_page_says_what_was_not_measured():
    asked = train.parse([])
    page = train.write_page([["x"] * len(train.HEAD)], ["compared"], asked)
    assert "On a GPU: not measured" in page
    assert page.endswith("compared\n")
    assert f"| {' | '.join(train.HEAD)} |" in page


def test_memory_of_a_layout_is_that_of_a_training_or_of_drawing():
    layout = replace(LAYOUTS["stable-diffusion-v1-5"], side_px=64)  # of its true network
    memory = train_memory.estimate_layout(layout, batch_size=1)
    assert memory.network == 4 * 859_520_964
    assert memory.encoders == 4 * layout.encoder_parameters
    assert 0 < memory.coding < memory.drawing  # one image, four
    large = replace(memory, drawing=100 * GIB)
    assert train_memory.find_need(large) > 100 * GIB > train_memory.find_need(memory)
    cells = dict(zip(train_memory.HEAD, train_memory.list_cells(layout, memory), strict=True))
    assert cells["network"] == "3.20"
    assert int(cells["vram_gb"]) >= float(cells["GiB in all"])
