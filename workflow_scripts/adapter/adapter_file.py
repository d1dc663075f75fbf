"""adapter.safetensors: kohya's key names with their alpha, and metadata that hosts understand.

diffusers, A1111, Forge and ComfyUI read these names; diffusers' own, which peft writes, are refused
by some hosts. A second file has those, for who reads no others: no alpha stands in it, so it is in
the weights. No time stamps inside: the same training gives the same bytes (times stand in
settings.yaml).
"""

import hashlib
import json
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import safe_open

from workflow_scripts.adapter.optimizers import NAMES
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.diffusion import FLOW, Base, list_nets
from workflow_scripts.models.layer_names import name_in_full, name_plainly

DOWN, UP, ALPHA = ".lora_A.weight", ".lora_B.weight", ".alpha"
NAME = "film"  # of the adapter in a pipeline
Alphas = float | Mapping[str, float]  # of all layers, or of each
# kohya's older short hash reads 64 kB from the first MiB on
LEGACY_START, LEGACY_BYTES = 0x100000, 0x10000


@dataclass(frozen=True)
class AdapterFile:
    """What stands in an adapter file."""

    tensors: dict[str, torch.Tensor]
    metadata: dict[str, str]

    @property
    def is_kohya(self) -> bool:
        """Whether keys are kohya's, and no others of peft."""
        return any(key.endswith(ALPHA) for key in self.tensors)

    @property
    def modules(self) -> list[str]:
        end = ALPHA if self.is_kohya else DOWN
        return sorted(key.removesuffix(end) for key in self.tensors if key.endswith(end))


def to_kohya(
    state: dict[str, torch.Tensor],
    alpha: Alphas,
    name_layer: Callable[[str], tuple[str, int]] = name_plainly,
) -> dict[str, torch.Tensor]:
    """Rename peft's `down_blocks.0.….to_q.lora_A.weight` to kohya's names, and add each alpha.

    Layers that are one in those files become one, of the sum of their ranks and alphas: what each
    changes, and how much, is the same. All layers get one alpha, the most common; where a layer has
    another, the rest of its strength is in its weights: diffusers, alone of the hosts, applies the
    most common alpha to every layer of a UNet's attention, whatever stands beside it.
    """
    shared = _find_shared_alpha(state, alpha)
    merged: dict[str, dict[int, str]] = {}
    for layer in list_layers(state):
        name, place = name_layer(layer)
        merged.setdefault(name, {})[place] = layer
    tensors = {}
    for name, places in merged.items():
        layers = [places[place] for place in sorted(places)]
        down = torch.cat([_plain(state[layer + DOWN]) for layer in layers])
        total = shared * len(layers)
        strength = total / len(down)
        ups = [
            _plain(state[layer + UP]) * (_find_strength(state, alpha, layer) / strength)
            for layer in layers
        ]
        tensors[f"{name}.lora_down.weight"] = down
        tensors[f"{name}.lora_up.weight"] = torch.block_diag(*ups) if len(ups) > 1 else ups[0]
        tensors[name + ALPHA] = torch.tensor(total)
    return dict(sorted(tensors.items()))


def to_peft(
    state: dict[str, torch.Tensor], alpha: Alphas, network_name: str
) -> dict[str, torch.Tensor]:
    """Peft's names as diffusers writes them; alpha / rank is in lora_B, as no alpha stands there.

    Where a file has no alpha, every host takes the rank for it: strength 1.
    """
    tensors = {}
    for layer in list_layers(state):
        name = name_peft_layer(layer, network_name)
        tensors[name + DOWN] = _plain(state[layer + DOWN])
        tensors[name + UP] = _plain(state[layer + UP]) * _find_strength(state, alpha, layer)
    return dict(sorted(tensors.items()))


def _find_shared_alpha(state: dict[str, torch.Tensor], alpha: Alphas) -> float:
    """The alpha that most layers have."""
    counts = Counter(_find_alpha(alpha, layer) for layer in list_layers(state))
    return counts.most_common(1)[0][0]


def _find_alpha(alpha: Alphas, layer: str) -> float:
    return float(alpha[layer] if isinstance(alpha, Mapping) else alpha)


def _find_strength(state: dict[str, torch.Tensor], alpha: Alphas, layer: str) -> float:
    return _find_alpha(alpha, layer) / len(state[layer + DOWN])


def list_layers(state: dict[str, torch.Tensor]) -> list[str]:
    """The layers that an adapter changes, in the order of its tensors."""
    return [key.removesuffix(DOWN) for key in state if key.endswith(DOWN)]


def name_peft_layer(layer: str, network_name: str) -> str:
    """A layer's name below the part of the pipeline that has it."""
    is_text = layer.startswith("text_encoder")
    return name_in_full(layer) if is_text else f"{network_name}.{layer}"


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().float().cpu().contiguous()


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
        raise CineloraError(
            f"{path} is not a readable adapter: {error}.\n"
            "  It is damaged, or no file in the format safetensors. Delete it and run snakemake\n"
            "  again, which trains it; or put a whole copy there."
        ) from error
    wanted = metadata.get("sshs_model_hash")
    if wanted and hashlib.sha256(_tensor_bytes(Path(path).read_bytes())).hexdigest() != wanted:
        raise CineloraError(
            f"{path}: the weights are not those that were written: they do not match\n"
            "  sshs_model_hash in its header. Delete it and run snakemake again, which trains it."
        )
    return AdapterFile(tensors, metadata)


def load_adapter(base: Base, path: str | Path, name: str = NAME) -> None:
    """Load the file as any user of diffusers would, under a name; no layer may stay out."""
    path, file, problem = Path(path), read_adapter(path), ""
    try:
        base.pipeline.load_lora_weights(path.parent, weight_name=path.name, adapter_name=name)
    except (ValueError, RuntimeError) as error:  # names or shapes that the base does not have
        problem = str(error).split("\n")[0][:200]
    loaded = list_loaded(base, name)
    names = {
        base.name_layer(layer)[0] if file.is_kohya else name_peft_layer(layer, base.network_name)
        for layer in loaded
    }
    if problem or names != set(file.modules):
        raise CineloraError(
            f"{path} has {len(file.modules)} layers, diffusers could not load all of them. "
            f"{problem}\n"
            "  It was trained on another base model; its settings.yaml names it."
        )


def list_loaded(base: Base, name: str = NAME) -> list[str]:
    """The layers of a base that the adapter of this name was loaded into."""
    found = []
    for part, net in list_nets(base.pipeline).items():
        layers = [layer for layer, one in net.named_modules() if name in getattr(one, "lora_A", {})]
        found += layers if part == base.network_name else [f"{part}.{layer}" for layer in layers]
    return found


def make_metadata(facts: dict[str, Any]) -> dict[str, str]:
    """Metadata under the names that kohya (ss_*) and modelspec 1.0.1 give it; all values are text.

    `facts`: base, architecture, base_version, base_sha256, name, title, description, trigger,
    license, prediction_type, settings (block of the config), seed, steps, epochs, images,
    resolution_px, buckets [{resolution, count}], folders {name: {n_repeats, img_count}},
    tags {concept: {tag: n}}; modelspec {key: value}, what a family says otherwise (None: nothing).
    """
    return {key: _as_text(value) for key, value in {**_kohya(facts), **_modelspec(facts)}.items()}


def _kohya(facts: dict[str, Any]) -> dict[str, Any]:
    settings, is_flow = facts["settings"], facts["prediction_type"] == FLOW
    text = settings["text_encoder"]
    buckets = {str(n): bucket for n, bucket in enumerate(facts["buckets"])}
    return {
        "ss_v2": False,
        "ss_base_model_version": facts["base_version"],
        "ss_sd_model_name": facts["base"],
        "ss_sd_model_hash": facts["base_sha256"],
        "ss_network_module": "networks.lora",
        "ss_network_dim": settings["rank"],
        "ss_network_alpha": settings["alpha"],
        "ss_network_args": _list_network_args(settings),
        "ss_learning_rate": settings["learning_rate"],
        "ss_unet_lr": settings["learning_rate"],
        "ss_text_encoder_lr": text["learning_rate"] if text["train"] else None,
        "ss_lr_scheduler": settings["schedule"],
        "ss_lr_warmup_steps": round(
            settings["warmup"] * (settings["stages"] or [settings])[0]["steps"]
        ),
        "ss_optimizer": NAMES[settings["optimizer"]],
        "ss_seed": facts["seed"],
        "ss_steps": facts["steps"],
        "ss_max_train_steps": settings["steps"],
        "ss_epoch": facts["epochs"],
        "ss_num_train_images": facts["images"],
        "ss_num_reg_images": facts.get("class_images", 0),
        "ss_batch_size_per_device": settings["batch_size"],
        "ss_gradient_accumulation_steps": settings["gradient_accumulation_steps"],
        "ss_max_grad_norm": settings["max_grad_norm"],
        "ss_min_snr_gamma": None if is_flow else settings["min_snr_gamma"] or None,
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


def _list_network_args(settings: dict[str, Any]) -> dict[str, Any]:
    """What makes some layers otherwise than others."""
    names = ("rank_pattern", "alpha_pattern", "loraplus_lr_ratio")
    return {name: settings[name] for name in names if settings[name] not in ({}, 1)}


def _modelspec(facts: dict[str, Any]) -> dict[str, Any]:
    said = {
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
    } | facts.get("modelspec", {})
    return {key: value for key, value in said.items() if value is not None}


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
