"""Roles scene and embed, full tier: DINOv2 tells places apart by what they look like."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from transformers import Dinov2Model

from workflow_scripts.models.loaders.devices import Batches, open_device, pick_dtype
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.folders import check_folder, open_pretrained
from workflow_scripts.models.loaders.pixels import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Embedder,
    fit_square,
    stack_images,
)


def load_embed(files: dict[str, Path], *, device: str, side_px: int, batch_size: int) -> Embedder:
    """Return embed(images RGB uint8 of any size) -> (N, D) float32 of length 1."""
    folder = only_file(files)
    check_folder(folder, "model.safetensors", {"dinov2"})
    place = open_device(device)
    model = open_pretrained(Dinov2Model, folder).eval().to(place)
    dtype = pick_dtype(place)

    @torch.inference_mode()
    def look(images: Sequence[np.ndarray]) -> np.ndarray:
        pixels = stack_images(images, side_px, IMAGENET_MEAN, IMAGENET_STD, place)
        with torch.autocast(place.type, dtype, enabled=place.type == "cuda"):
            states = model(pixels).last_hidden_state
        return torch.nn.functional.normalize(states[:, 0].float(), dim=1).cpu().numpy()

    batches = Batches(look, batch_size, place)

    def embed(images: Sequence[np.ndarray]) -> np.ndarray:
        empty = np.zeros((0, model.config.hidden_size), np.float32)
        return np.concatenate([empty, *batches(images)])

    return Embedder(embed, partial(fit_square, side_px=side_px))


load_scene = load_embed
