import hashlib
import json
import struct

import pytest
import torch

from tests.factories.datasets_in_code import make_options
from workflow_scripts.adapter.adapter_file import (
    make_metadata,
    read_adapter,
    to_kohya,
    write_adapter,
)
from workflow_scripts.lib.errors import CineloraError

MODULE = "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_out.0"
KOHYA = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_out_0"
STATE = {f"{MODULE}.lora_A.weight": torch.rand(4, 8), f"{MODULE}.lora_B.weight": torch.rand(8, 4)}
FACTS = {
    "base": "sd15",
    "architecture": "stable-diffusion-v1/lora",
    "base_version": "sd_v1",
    "base_sha256": "ab" * 32,
    "name": "demo-nella",
    "title": "demo nella",
    "description": "LoRA",
    "trigger": "nella woman",
    "license": "CC0",
    "prediction_type": "epsilon",
    "seed": 7,
    "steps": 60,
    "epochs": 3,
    "images": 12,
    "resolution_px": 512,
    "buckets": [{"resolution": [640, 384], "count": 12}],
    "folders": {"1_nella woman": {"n_repeats": 1, "img_count": 12}},
    "tags": {"nella woman": {"nella woman": 12}},
}


def metadata():
    return make_metadata({**FACTS, "settings": make_options("train_adapter")})


def test_names_are_kohyas_with_the_true_alpha():
    tensors = to_kohya(STATE, alpha=2)
    ends = ("alpha", "lora_down.weight", "lora_up.weight")
    assert sorted(tensors) == [f"{KOHYA}.{end}" for end in ends]
    assert tensors[f"{KOHYA}.alpha"] == 2  # the rank is 4: strength a half
    assert tensors[f"{KOHYA}.alpha"].shape == ()
    assert torch.equal(tensors[f"{KOHYA}.lora_up.weight"], STATE[f"{MODULE}.lora_B.weight"])


def test_metadata_holds_what_hosts_look_for_as_text():
    texts = metadata()
    assert all(isinstance(value, str) for value in texts.values())
    assert texts["modelspec.architecture"] == "stable-diffusion-v1/lora"
    assert texts["modelspec.trigger_phrase"] == "nella woman"
    assert texts["modelspec.license"] == "CC0"
    assert texts["ss_base_model_version"] == "sd_v1"
    assert texts["ss_network_dim"] == "8"
    assert json.loads(texts["ss_tag_frequency"]) == {"nella woman": {"nella woman": 12}}
    assert json.loads(texts["ss_bucket_info"])["buckets"]["0"]["resolution"] == [640, 384]


def test_the_hash_is_of_the_tensors_alone(tmp_path):
    path = tmp_path / "adapter.safetensors"
    digest = write_adapter(path, to_kohya(STATE, 4), metadata())
    data = path.read_bytes()
    (header,) = struct.unpack("<Q", data[:8])
    assert digest == hashlib.sha256(data[8 + header :]).hexdigest()
    saved = read_adapter(path)
    assert saved.metadata["sshs_model_hash"] == digest
    assert saved.metadata["modelspec.hash_sha256"] == f"0x{digest}"
    assert len(saved.metadata["sshs_legacy_hash"]) == 8
    assert saved.modules == [KOHYA]


def test_the_same_weights_give_the_same_bytes(tmp_path):
    paths = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for path in paths:
        write_adapter(path, to_kohya(STATE, 4), metadata())
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_a_damaged_file_is_an_error(tmp_path, damage):
    path = tmp_path / "adapter.safetensors"
    write_adapter(path, to_kohya(STATE, 4), metadata())
    data = bytearray(path.read_bytes())
    data[-1] ^= 255
    path.write_bytes(data[:-9] if damage == "cut" else data)
    if damage == "missing":
        path.unlink()
    with pytest.raises(CineloraError, match="not a readable adapter|do not match"):
        read_adapter(path)
