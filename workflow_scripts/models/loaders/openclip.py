"""Role embed, full tier: an OpenCLIP model puts images and texts into one space."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import open_clip
import torch

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.loaders.devices import Batches, open_device, pick_dtype
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.folders import REMEDY, check_files, read_json
from workflow_scripts.models.loaders.pixels import fit_square, stack_images

CONFIG = "open_clip_config.json"
WEIGHTS = ("open_clip_pytorch_model.safetensors", "open_clip_model.safetensors")  # either


def read_looks(config: Path) -> tuple[np.ndarray, np.ndarray]:
    """Mean (3,) and std (3,) of the pixels that the model was trained on, as its config says.

    Models differ (LAION's have 0.5, OpenAI's own): there is no default that is right.
    """
    looks = read_json(config).get("preprocess_cfg")
    looks = looks if isinstance(looks, dict) else {}
    rows = [looks.get(name) for name in ("mean", "std")]
    numbers = [isinstance(row, list) and all(type(n) in (int, float) for n in row) for row in rows]
    if not all(numbers) or [len(row) for row in rows] != [3, 3] or min(rows[1]) <= 0:
        raise CineloraError(
            f"{config} does not say mean and std of the pixels, three numbers each, under\n"
            f"  preprocess_cfg: how images must look is not known.\n  {REMEDY}"
        )
    return np.array(rows[0], np.float32), np.array(rows[1], np.float32)


class Clip:
    """`clip(images)` and `clip.embed_texts(texts)` -> (N, D) float32 of length 1.

    `clip.fit(image)` as of pixels.Embedder.
    """

    def __init__(self, folder: Path, device: str, batch_size: int):
        for names in ((CONFIG,), WEIGHTS):
            if not any((folder / name).is_file() for name in names):
                raise CineloraError(
                    f"{folder} holds no {names[0]}: not a folder of OpenCLIP.\n  {REMEDY}"
                )
        check_files(folder)
        self.device = open_device(device)
        self.images = Batches(self._embed_images, batch_size, self.device)
        self.texts = Batches(self._embed_texts, batch_size, self.device)
        self.dtype = pick_dtype(self.device)
        self.mean, self.std = read_looks(folder / CONFIG)
        where = f"local-dir:{folder}"
        with explain_damage(folder):
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
    folder = only_file(files)
    return Clip(folder, device, batch_size)
