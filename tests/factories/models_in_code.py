"""The production models' own classes, built small with random weights, in the real format."""

import json
import os
import shutil
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file
from transformers import (
    AutoProcessor,
    Dinov2Config,
    Dinov2Model,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    Owlv2Processor,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Sam2VideoConfig,
    Sam2VideoModel,
)

from tests.factories.tiny_flux2 import build_tiny_flux2
from tests.factories.tiny_sd import build_tiny_sd
from tests.factories.tiny_sdxl import build_tiny_sdxl
from workflow_scripts.models.tokenizer import make_tokenizer

NEXT_DOOR = Path(__file__).resolve().parents[3] / "shared" / "weights"
SHARED = Path(os.environ.get("CINELORA_TEST_WEIGHTS", NEXT_DOOR))
SAM_PX = 256


def build_sam2(folder: Path) -> Path:
    """SAM 2 of 16 channels at 256 px."""
    side = SAM_PX // 4
    config = Sam2VideoConfig(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 16,
                "image_size": [SAM_PX, SAM_PX],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [16, 32, 64, 128],
                "num_attention_heads_per_stage": [1, 2, 4, 8],
                "window_size_per_stage": [8, 4, 8, 4],
                "global_attention_blocks": [3],
            },
            "backbone_channel_list": [128, 64, 32, 16],
            "backbone_feature_sizes": [[side, side], [side // 2] * 2, [side // 4] * 2],
            "fpn_hidden_size": 128,
        },
        prompt_encoder_config={"hidden_size": 128, "image_size": SAM_PX},
        mask_decoder_config={
            "hidden_size": 128,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
        image_size=SAM_PX,
        memory_attention_hidden_size=128,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=64,
        memory_attention_rope_feat_sizes=[side // 4] * 2,
        memory_encoder_hidden_size=128,
        memory_encoder_output_channels=64,  # the memory attention takes no other
        mask_downsampler_embed_dim=128,
        memory_fuser_embed_dim=128,
        memory_fuser_intermediate_dim=64,
    )
    Sam2VideoModel(config).save_pretrained(folder)
    return folder


class SmallLama(torch.nn.Module):
    """LaMa's signature: image (1, 3, H, W) and mask (1, 1, H, W) -> image, values 0 to 1."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(4, 3, 9, padding=4)

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        seen = image * (1 - mask)
        painted = torch.sigmoid(self.layer(torch.cat([seen, mask.float()], 1)))
        return painted * mask + seen


def build_lama(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.jit.script(SmallLama().eval()).save(str(path))
    return path


def build_openclip(folder: Path) -> Path:
    """Two layers each for images of 64 px and for texts; the true tokenizer's vocabulary."""
    cfg = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16},
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 32,
            "heads": 2,
            "layers": 2,
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    looks = {"mean": [0.5] * 3, "std": [0.5] * 3}  # as LAION's, and unlike OpenAI's own
    config = {"model_cfg": cfg, "preprocess_cfg": looks}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    state = open_clip.CLIP(**cfg).state_dict()
    save_file(
        {name: value.contiguous() for name, value in state.items()},
        folder / "open_clip_pytorch_model.safetensors",
    )
    return folder


def build_dinov2(folder: Path) -> Path:
    config = Dinov2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=56, patch_size=14
    )
    Dinov2Model(config).save_pretrained(folder)
    return folder


def build_owlv2(folder: Path) -> Path:
    """OWLv2 of 64 px with CLIP's true tokenizer."""
    config = Owlv2Config(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 16,
        },
        projection_dim=32,
    )
    Owlv2ForObjectDetection(config).save_pretrained(folder)
    images = Owlv2ImageProcessor(size={"height": 64, "width": 64})
    tokenizer = make_tokenizer()
    tokenizer.model_max_length = 16  # OWLv2 reads no more
    Owlv2Processor(images, tokenizer).save_pretrained(folder)
    return folder


def build_qwen(folder: Path) -> Path:
    """Qwen2.5-VL of two layers with the real processor; None of its answers means anything."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in (SHARED / "tokenizers/qwen2_5_vl").iterdir():
        shutil.copyfile(file, folder / file.name)
    tokenizer = AutoProcessor.from_pretrained(folder).tokenizer
    special = {
        f"{name}_token_id": tokenizer.convert_tokens_to_ids(token)
        for name, token in {
            "image": "<|image_pad|>",
            "video": "<|video_pad|>",
            "vision_start": "<|vision_start|>",
            "vision_end": "<|vision_end|>",
        }.items()
    }
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": 152064,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
            "bos_token_id": 151643,
            "eos_token_id": 151645,
            "pad_token_id": 151643,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        **special,
    )
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
    return folder


def build_base(folder: Path) -> Path:
    build_tiny_sd(folder, seed=7)
    return folder


def build_base_xl(folder: Path) -> Path:
    build_tiny_sdxl(folder, seed=7)
    return folder


def build_base_flux2(folder: Path) -> Path:
    build_tiny_flux2(folder, seed=7)
    return folder


def build_with_seed(build, path: Path, seed: int = 7) -> Path:
    """The same weights on every run."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(path)
