"""A state comes back bit by bit, and no checkpoint is pickled."""

import math

import pytest
import torch

from workflow_scripts.adapter.checkpoint import read_checkpoint, write_checkpoint
from workflow_scripts.lib.errors import CineloraError

STATE = {
    "fingerprint": "ab",
    "optimizer": [{"state": {0: {"step": torch.tensor(3.0)}, 1: {}}, "param_groups": [{}]}],
    "betas": (0.9, 1 / 3),
    "empty": {},
    "rows": [{"step": 0, "loss": None, "rate": 0.1 + 0.2}, {"loss": math.inf}],
    "flags": [True, "text", 7],
    "moments": torch.arange(6, dtype=torch.uint8).reshape(2, 3).T,  # not contiguous
    "half": torch.tensor([1.5], dtype=torch.bfloat16),
}


def test_a_state_comes_back_as_it_was(tmp_path):
    write_checkpoint(tmp_path / "resume.safetensors", STATE)
    found = read_checkpoint(tmp_path / "resume.safetensors")
    assert found.keys() == STATE.keys()
    for name in ("moments", "half"):
        assert torch.equal(found.pop(name), STATE[name])
    step = found["optimizer"][0]["state"][0].pop("step")
    assert (step.shape, float(step)) == ((), 3.0)
    assert found["optimizer"] == [{"state": {0: {}, 1: {}}, "param_groups": [{}]}]
    rest = ("fingerprint", "betas", "empty", "rows", "flags")
    assert [found[name] for name in rest] == [STATE[name] for name in rest]


@pytest.mark.parametrize("damage", ["cut", "another file"])
def test_a_damaged_checkpoint_says_what_to_do(tmp_path, damage):
    path = tmp_path / "resume.safetensors"
    write_checkpoint(path, STATE)
    path.write_bytes(path.read_bytes()[:40] if damage == "cut" else b"PK" * 99)
    with pytest.raises(CineloraError, match="Delete it: the training starts anew"):
        read_checkpoint(path)
