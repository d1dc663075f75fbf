"""adapter.safetensors: kohya's key names with their alpha, and metadata that hosts understand.

diffusers, A1111, Forge and ComfyUI read these names; peft's own names are refused by some hosts.
No time stamps inside: the same training gives the same bytes (times stand in settings.yaml).
"""

import hashlib
import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import safe_open

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.diffusion import Base

PREFIX = "lora_unet_"
HALVES = {"lora_A": "lora_down", "lora_B": "lora_up"}
# kohya's older short hash reads 64 kB from the first MiB on
LEGACY_START, LEGACY_BYTES = 0x100000, 0x10000


@dataclass(frozen=True)
class AdapterFile:
    """What stands in an adapter file."""

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, str]

    @property
    def modules(self) -> list[str]:
        return sorted(key.removesuffix(".alpha") for key in self.tensors if key.endswith(".alpha"))


def to_kohya(state: dict[str, torch.Tensor], alpha: float) -> dict[str, torch.Tensor]:
    """Rename peft's `down_blocks.0.….to_q.lora_A.weight` to kohya's names, and add each alpha."""
    tensors = {}
    for key, tensor in state.items():
        module, half, _ = key.rsplit(".", 2)
        name = PREFIX + module.replace(".", "_")
        tensors[f"{name}.{HALVES[half]}.weight"] = tensor.detach().float().cpu().contiguous()
        tensors[f"{name}.alpha"] = torch.tensor(float(alpha))
    return dict(sorted(tensors.items()))


def write_adapter(
    path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]
) -> str:
    """Write tensors, metadata and their hashes, whole or not at all; return the tensors' sha256."""
    texts = {key: value for key, value in metadata.items() if key.startswith("ss_")}
    plain = pack(tensors, texts)  # what kohya hashes: no key but ss_*
    whole = hashlib.sha256(_tensor_bytes(plain)).hexdigest()
    legacy = hashlib.sha256(plain[LEGACY_START : LEGACY_START + LEGACY_BYTES]).hexdigest()[:8]
    hashes = {
        "sshs_model_hash": whole,
        "sshs_legacy_hash": legacy,
        "modelspec.hash_sha256": f"0x{whole}",
    }
    with replace_when_done(path) as partial:
        partial.write_bytes(pack(tensors, {**metadata, **hashes}))
    return whole


def pack(tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> bytes:
    """A safetensors file whose metadata is sorted; the library's own order changes every time."""
    data = safetensors.torch.save(tensors)
    (size,) = struct.unpack("<Q", data[:8])
    header = {"__metadata__": dict(sorted(metadata.items())), **json.loads(data[8 : 8 + size])}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def _tensor_bytes(data: bytes) -> bytes:
    (header,) = struct.unpack("<Q", data[:8])
    return data[8 + header :]


def read_adapter(path: str | Path) -> AdapterFile:
    """Read a file that write_adapter left; a damaged one is an error, never a weaker adapter."""
    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no dict
            metadata = file.metadata() or {}
    except (OSError, safetensors.SafetensorError) as error:
        raise CineloraError(f"{path} is not a readable adapter: {error}.") from error
    wanted = metadata.get("sshs_model_hash")
    if wanted and hashlib.sha256(_tensor_bytes(Path(path).read_bytes())).hexdigest() != wanted:
        raise CineloraError(f"{path}: the weights do not match sshs_model_hash; train it again.")
    return AdapterFile(tensors, metadata)


def load_adapter(base: Base, path: str | Path) -> None:
    """Load the file as any user of diffusers would, named "film"; no layer may stay out."""
    path, wanted, problem = Path(path), read_adapter(path).modules, ""
    try:
        base.pipeline.load_lora_weights(path.parent, weight_name=path.name, adapter_name="film")
    except (ValueError, RuntimeError) as error:  # names or shapes that the base does not have
        problem = str(error).split("\n")[0][:200]
    modules = base.pipeline.unet.named_modules()
    loaded = [name for name, module in modules if "film" in getattr(module, "lora_A", {})]
    if problem or len(loaded) != len(wanted):
        raise CineloraError(
            f"{path} has {len(wanted)} layers, diffusers could not load all of them. {problem}\n"
            "  It was trained on another base model; its settings.yaml names it."
        )


def make_metadata(facts: dict[str, Any]) -> dict[str, str]:
    """Metadata under the names that kohya (ss_*) and modelspec 1.0.1 give it; all values are text.

    `facts`: base, architecture, base_version, base_sha256, name, title, description, trigger,
    license, prediction_type, settings (block of the config), seed, steps, epochs, images,
    resolution_px, buckets [{resolution, count}], folders {name: {n_repeats, img_count}},
    tags {concept: {tag: n}}.
    """
    return {key: _as_text(value) for key, value in {**_kohya(facts), **_modelspec(facts)}.items()}


def _kohya(facts: dict[str, Any]) -> dict[str, Any]:
    settings = facts["settings"]
    buckets = {str(n): bucket for n, bucket in enumerate(facts["buckets"])}
    return {
        "ss_v2": False,
        "ss_base_model_version": facts["base_version"],
        "ss_sd_model_name": facts["base"],
        "ss_sd_model_hash": facts["base_sha256"],
        "ss_network_module": "networks.lora",
        "ss_network_dim": settings["rank"],
        "ss_network_alpha": settings["alpha"],
        "ss_network_args": {},
        "ss_learning_rate": settings["learning_rate"],
        "ss_unet_lr": settings["learning_rate"],
        "ss_text_encoder_lr": None,
        "ss_lr_scheduler": settings["schedule"],
        "ss_lr_warmup_steps": round(settings["warmup"] * settings["steps"]),
        "ss_optimizer": "torch.optim.AdamW",
        "ss_seed": facts["seed"],
        "ss_steps": facts["steps"],
        "ss_max_train_steps": settings["steps"],
        "ss_epoch": facts["epochs"],
        "ss_num_train_images": facts["images"],
        "ss_num_reg_images": 0,
        "ss_batch_size_per_device": settings["batch_size"],
        "ss_gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "ss_max_grad_norm": settings["max_grad_norm"],
        "ss_min_snr_gamma": settings["min_snr_gamma"] or None,
        "ss_noise_offset": settings["noise_offset"] or None,
        "ss_caption_dropout_rate": settings["caption_dropout"],
        "ss_cache_latents": True,
        "ss_resolution": f"({facts['resolution_px']}, {facts['resolution_px']})",
        "ss_enable_bucket": True,
        "ss_bucket_info": {"buckets": buckets},
        "ss_dataset_dirs": facts["folders"],
        "ss_tag_frequency": facts["tags"],
        "ss_output_name": facts["name"],
        "ss_training_comment": facts["description"],
    }


def _modelspec(facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": facts["architecture"],
        "modelspec.implementation": "diffusers",
        "modelspec.title": facts["title"],
        "modelspec.description": facts["description"],
        "modelspec.author": "trained with cinelora",
        "modelspec.license": facts["license"],
        "modelspec.resolution": f"{facts['resolution_px']}x{facts['resolution_px']}",
        "modelspec.trigger_phrase": facts["trigger"],
        "modelspec.usage_hint": f"Begin the prompt with: {facts['trigger']}",
        "modelspec.prediction_type": facts["prediction_type"],
        "modelspec.encoder_layer": 1,
    }


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
