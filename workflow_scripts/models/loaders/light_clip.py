"""Role embed, light tier: the project's own small CLIP puts images and texts into one space."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow_scripts.models.light_base import read_weights
from workflow_scripts.models.light_clip import MEAN, STD, make_clip, unpack_table
from workflow_scripts.models.loaders.devices import Batches, open_device
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.openclip import Clip
from workflow_scripts.models.loaders.pixels import stack_images
from workflow_scripts.models.tokenizer import make_tokenizer


class LightClip(Clip):
    """`clip(images)` and `clip.embed_texts(texts)` -> (N, D) float32 of length 1.

    As a folder of OpenCLIP, but its nets are made by the recipe's config.
    """

    def __init__(
        self, model: torch.nn.Module, config: dict[str, Any], device: str, batch_size: int
    ):
        self.device, self.config = open_device(device), config
        self.model = model.to(self.device).eval()
        self.tokenizer = make_tokenizer()
        self.side_px, self.width = config["vision_cfg"]["image_size"], config["embed_dim"]
        self.images = Batches(self._embed_images, batch_size, self.device)
        self.texts = Batches(self._embed_texts, batch_size, self.device)

    @torch.inference_mode()
    def _embed_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        mean, std = (np.array(values, np.float32) for values in (MEAN, STD))
        pixels = stack_images(images, self.side_px, mean, std, self.device)
        vectors = self.model.encode_image(pixels, normalize=True)
        return vectors.float().cpu().numpy()

    @torch.inference_mode()
    def _embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        found = self.tokenizer(
            list(texts), padding="max_length", truncation=True, max_length=77, return_tensors="pt"
        )
        vectors = self.model.encode_text(found.input_ids.to(self.device), normalize=True)
        return vectors.float().cpu().numpy()


def load_embed(files: dict[str, Path], *, device: str, batch_size: int) -> LightClip:
    """Open the file of weights that the recipe exported."""
    state, config = read_weights(only_file(files))
    model = make_clip(config)
    model.load_state_dict(unpack_table(state, config["text_cfg"]["vocab_size"]))
    return LightClip(model, config, device, batch_size)
