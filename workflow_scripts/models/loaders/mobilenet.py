"""MobileNetV2, trained on ImageNet: an image becomes 1280 numbers that say what it looks like."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from torchvision.models import mobilenet_v2

from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.pixels import Embedder

SIDE_PX = 224
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet, RGB
STD = np.array([0.229, 0.224, 0.225], np.float32)


def load_embed(files: dict[str, Path], *, device: str) -> Embedder:
    """Return embed(images RGB uint8 of any size) -> (N, 1280) float32 of length 1."""
    path = only_file(files)
    model = mobilenet_v2(weights=None)
    with explain_damage(path):
        model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    features = model.features.eval().to(device)

    @torch.inference_mode()
    def embed(images: Sequence[np.ndarray]) -> np.ndarray:
        if not images:
            return np.zeros((0, model.last_channel), np.float32)
        pixels = torch.from_numpy(np.stack([prepare(image) for image in images])).to(device)
        vectors = features(pixels).mean((2, 3))  # (N, 1280, 7, 7) -> (N, 1280)
        return torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()

    return Embedder(embed, fit)


def fit(image: np.ndarray) -> np.ndarray:
    """Scale (H, W, 3) uint8 to (224, 224, 3); an image of that size stays as it is."""
    shrinks = max(image.shape[:2]) > SIDE_PX
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(image, (SIDE_PX, SIDE_PX), interpolation=how)


def prepare(image: np.ndarray) -> np.ndarray:
    """What the net was trained on, (3, 224, 224) float32, of an image (H, W, 3) uint8."""
    return ((fit(image) / np.float32(255) - MEAN) / STD).transpose(2, 0, 1)


load_scene = load_embed
