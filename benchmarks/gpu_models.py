"""Full-size models with random weights, in the format that the production loaders open."""

import json
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file
from transformers import Dinov2Config, Dinov2Model, Sam2VideoConfig, Sam2VideoModel

LARGE = {
    "hidden_size": 144,
    "blocks_per_stage": [2, 6, 36, 4],
    "embed_dim_per_stage": [144, 288, 576, 1152],
    "num_attention_heads_per_stage": [2, 4, 8, 16],
    "window_size_per_stage": [8, 4, 16, 8],
    "global_attention_blocks": [23, 33, 43],
    "window_positional_embedding_background_size": [7, 7],
}


def make_sam2_large() -> Sam2VideoModel:
    backbone = {"model_type": "sam2_hiera_det_model", **LARGE}
    channels = [1152, 576, 288, 144]
    vision = {"backbone_config": backbone, "backbone_channel_list": channels}
    return Sam2VideoModel(Sam2VideoConfig(vision_config=vision))


def make_dinov2_base() -> Dinov2Model:
    return Dinov2Model(Dinov2Config(image_size=518, patch_size=14))


def make_vit_l_14() -> open_clip.CLIP:
    return open_clip.CLIP(**open_clip.get_model_config("ViT-L-14"))


def build_vit_l_14(folder: Path) -> None:
    """ViT-L/14 as the hub has it: open_clip_config.json and safetensors."""
    folder.mkdir(parents=True)
    looks = {"mean": [0.5] * 3, "std": [0.5] * 3}  # as LAION's
    config = {"model_cfg": open_clip.get_model_config("ViT-L-14"), "preprocess_cfg": looks}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    state = {name: value.contiguous() for name, value in make_vit_l_14().state_dict().items()}
    save_file(state, folder / "open_clip_pytorch_model.safetensors")


def count_parameters(make) -> int:
    """Parameters of a model that is never filled with numbers."""
    with torch.device("meta"):
        return sum(p.numel() for p in make().parameters())


BUILDERS = {
    "sam2.1-large": lambda folder: make_sam2_large().save_pretrained(folder),
    "openclip-vit-l-14": build_vit_l_14,
    "dinov2-base": lambda folder: make_dinov2_base().save_pretrained(folder),
}
