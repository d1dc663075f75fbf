"""Role embed, full tier: an OpenCLIP model puts images and texts into one space."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders.devices import Batches, open_device, pick_dtype
from workflow_scripts.models.loaders.folders import check_weights
from workflow_scripts.models.loaders.pixels import fit_square, stack_images

FILES = ("open_clip_config.json", "open_clip_model.safetensors")


class Clip:
    """`clip(images)` and `clip.embed_texts(texts)` -> (N, D) float32 of length 1.

    `clip.fit(image)` as of pixels.Embedder.
    """

    def __init__(self, folder: Path, device: str, batch_size: int):
        for name in FILES:
            if not (folder / name).is_file():
                raise CineloraError(
                    f"{folder} holds no {name}: not a folder of OpenCLIP.\n"
                    "  Delete the folder and run snakemake again, it fetches it."
                )
        check_weights(folder)
        self.device = open_device(device)
        self.images = Batches(self._embed_images, batch_size, self.device)
        self.texts = Batches(self._embed_texts, batch_size, self.device)
        self.dtype = pick_dtype(self.device)
        looks = json.loads((folder / FILES[0]).read_text(encoding="utf-8")).get(
            "preprocess_cfg", {}
        )
        self.mean = np.array(looks.get("mean", open_clip.OPENAI_DATASET_MEAN), np.float32)
        self.std = np.array(looks.get("std", open_clip.OPENAI_DATASET_STD), np.float32)
        where = f"local-dir:{folder}"
        self.model = open_clip.create_model(where, device=self.device).eval()
        self.tokenize = open_clip.get_tokenizer(where)
        side = self.model.visual.image_size
        self.side_px = side if isinstance(side, int) else side[0]
        self.width = self.model.text_projection.shape[-1]

    def __call__(self, images: Sequence[np.ndarray]) -> np.ndarray:
        return self._join(self.images(images))

    def fit(self, image: np.ndarray) -> np.ndarray:
        return fit_square(image, self.side_px)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return self._join(self.texts(texts))

    def _join(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([np.zeros((0, self.width), np.float32), *parts])

    @torch.inference_mode()
    def _embed_images(self, images: Sequence[np.ndarray]) -> np.ndarray:
        pixels = stack_images(images, self.side_px, self.mean, self.std, self.device)
        with self._fast():
            vectors = self.model.encode_image(pixels)
        return torch.nn.functional.normalize(vectors.float(), dim=1).cpu().numpy()

    @torch.inference_mode()
    def _embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        with self._fast():
            vectors = self.model.encode_text(self.tokenize(list(texts)).to(self.device))
        return torch.nn.functional.normalize(vectors.float(), dim=1).cpu().numpy()

    def _fast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.dtype, enabled=self.device.type == "cuda")


def load_embed(files: dict[str, Path], *, device: str, batch_size: int) -> Clip:
    """Open a folder with open_clip_config.json and its weights."""
    (folder,) = files.values()
    return Clip(folder, device, batch_size)
