"""The project's own small Stable Diffusion: three files of weights become a diffusers folder.

Each file is a safetensors file whose header holds the net's config. The text encoder comes out of
the small CLIP, as Stable Diffusion's came out of OpenAI's.
"""

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.light_clip import convert_text_tower, unpack_table
from workflow_scripts.models.tokenizer import make_tokenizer

REMEDY = "Fetch it again (git checkout), or train it anew: make light-models."


def write_weights(path: str | Path, state: dict[str, torch.Tensor], config: dict[str, Any]) -> None:
    """Write a net's tensors, fractions as float16, with its config in the header."""
    tensors = {
        name: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for name, tensor in state.items()
    }
    with replace_when_done(path) as partial:
        save_file(tensors, partial, {"config": json.dumps(config, sort_keys=True)})


def read_weights(path: str | Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors, in float32 where they are numbers with a fraction, and config of a file."""
    try:
        with safe_open(path, "pt") as file:
            config = json.loads((file.metadata() or {})["config"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise CineloraError(
            f"{path} holds no weights of a light model: {error}\n  {REMEDY}"
        ) from error
    return {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}, config


def assemble_base(folder: str | Path, *, clip: Path, vae: Path, unet: Path) -> None:
    """Write the diffusers folder of the three files; the same bytes each time.

    In float32: transformers opens a float16 encoder as such and diffusers the rest in float32, and
    the two do not fit together unless the user names a type.
    """
    state, config = read_weights(clip)
    state = unpack_table(state, config["text_cfg"]["vocab_size"])
    unet_state, unet_config = read_weights(unet)
    schedule = unet_config.pop("schedule")
    pipeline = StableDiffusionPipeline(
        vae=_fill(AutoencoderKL, *read_weights(vae), vae),
        unet=_fill(UNet2DConditionModel, unet_state, unet_config, unet),
        text_encoder=convert_text_tower(state, config),
        tokenizer=make_tokenizer(),
        scheduler=DDIMScheduler(**schedule),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)


def _fill(kind: Any, state: dict[str, torch.Tensor], config: dict[str, Any], path: Path) -> Any:
    """A net of diffusers with its weights; all of them must fit."""
    net = kind(**config)
    try:
        net.load_state_dict(state)
    except RuntimeError as error:
        raise CineloraError(f"{path} does not fit its own config: {error}\n  {REMEDY}") from error
    return net.eval()
