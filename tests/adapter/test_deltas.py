"""The cosine of the changes of two adapters, without making the changes."""

import numpy as np
import pytest
import torch

from workflow_scripts.adapter.adapter_file import AdapterFile
from workflow_scripts.adapter.deltas import compare_layers, compare_whole, read_deltas

SHAPES = {"lora_unet_a": (6, 5), "lora_unet_b": (4, 7)}


def make_file(seed, rank=2, alpha=1.0, names=tuple(SHAPES), scale=1.0):
    rng, tensors = torch.Generator().manual_seed(seed), {}
    for name in names:
        out, into = SHAPES[name]
        tensors[f"{name}.alpha"] = torch.tensor(alpha)
        tensors[f"{name}.lora_down.weight"] = torch.randn(rank, into, generator=rng)
        tensors[f"{name}.lora_up.weight"] = scale * torch.randn(out, rank, generator=rng)
    return AdapterFile(tensors, {})


def make_whole(file):
    """The changes themselves, by layer."""
    found = {}
    for name in file.modules:
        down, up = (file.tensors[f"{name}.lora_{part}.weight"] for part in ("down", "up"))
        scale = float(file.tensors[f"{name}.alpha"]) / len(down)
        found[name] = (scale * up @ down).double().numpy().ravel()
    return found


def test_cosines_are_those_of_the_changes_themselves():
    first, second = make_file(1, rank=2, alpha=4.0), make_file(2, rank=3, alpha=1.0)
    rows = compare_layers(read_deltas(first), read_deltas(second))
    one, two = make_whole(first), make_whole(second)
    assert [row["layer"] for row in rows] == sorted(SHAPES)
    for row in rows:
        left, right = one[row["layer"]], two[row["layer"]]
        wanted = left @ right / np.linalg.norm(left) / np.linalg.norm(right)
        assert row["cosine"] == pytest.approx(wanted, abs=1e-6)
        assert row["first"] == pytest.approx(np.linalg.norm(left), rel=1e-5)
        assert row["second"] == pytest.approx(np.linalg.norm(right), rel=1e-5)
    left, right = (np.concatenate(list(each.values())) for each in (one, two))
    wanted = left @ right / np.linalg.norm(left) / np.linalg.norm(right)
    found = compare_whole(read_deltas(first), read_deltas(second))
    assert found == pytest.approx(wanted, abs=1e-6)


def test_equal_changes_have_a_cosine_of_1_opposite_ones_of_minus_1():
    first = read_deltas(make_file(1))
    assert compare_whole(first, first) == pytest.approx(1)
    assert compare_whole(first, read_deltas(make_file(1, scale=-3.0))) == pytest.approx(-1)


def test_layers_of_one_alone_count_in_its_length_only():
    both, one = read_deltas(make_file(1)), read_deltas(make_file(1, names=("lora_unet_a",)))
    assert [row["layer"] for row in compare_layers(both, one)] == ["lora_unet_a"]
    assert 0 < compare_whole(both, one) < 1


def test_what_changes_nothing_has_no_cosine():
    first, nothing = read_deltas(make_file(1)), read_deltas(make_file(2, scale=0.0))
    assert np.isnan(compare_whole(first, nothing))
    assert np.isnan(compare_layers(first, nothing)[0]["cosine"])
