"""Every model of every role, opened once by its production loader, for the contract tests.

Real weights: the light tier's; YOLOX nano, RetinaFace MobileNet and face-api's net from the shared
test weights. All others are the production classes built small with random weights, opened from the
real format on disk. The names say which.
"""

import importlib
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.factories import models_in_code as build
from tests.factories import onnx_in_code as nets
from tests.factories.full_tier_in_code import EMOTIONS, OPTIONS
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.models.registry import choose_model, load_model, weight_files

REAL = build.SHARED
HSEMOTION = {
    "side_px": 32,
    "mean": [0.485, 0.456, 0.406],
    "std": [0.229, 0.224, 0.225],
    "labels": ["contempt", *EMOTIONS],
    "logits": True,
}
OWL = {"prompts": ["cartoon character", "animal character"], "min_score": 0.05}
EXPRESSION_NET = REAL / "emotion/face_expression_net_fp32.onnx"
# name: role, loader, what makes its file or folder (a path: real weights), options
FULL = {
    "yolox-nano real": ("detect", "rtm_boxes", REAL / "detection/yolox_nano.onnx", {}),
    "owlv2 random": ("detect", "open_vocabulary", build.build_owlv2, OWL),
    "sam2 random": ("segment", "sam2_boxes", build.build_sam2, {}),
    "lama random": ("inpaint", "lama", build.build_lama, {}),
    "brightest point, 17": ("pose", "rtm_joints", nets.build_brightest_point, {}),
    "retinaface real": ("face", "retina_face", REAL / "face/retinaface_mbnet0.25.onnx", {}),
    "face-api real": ("expression", "emotion_onnx", EXPRESSION_NET, {}),
    "hsemotion random": ("expression", "emotion_onnx", nets.build_random_emotions, HSEMOTION),
    "openclip random": ("embed", "openclip", build.build_openclip, {}),
    "dinov2 random": ("scene", "dinov2", build.build_dinov2, {}),
    "tiny sd random": ("base", "stable_diffusion", build.build_base, {}),
    "tiny sdxl random": ("base", "stable_diffusion_xl", build.build_base_xl, {}),
    "tiny flux2 random": ("base", "flux2_klein", build.build_base_flux2, {}),
}
ODD_SIZES = [(61, 83), (120, 67), (96, 160)]  # height, width
FOLDER = tempfile.TemporaryDirectory(prefix="cinelora-models-")


def names(role: str) -> list[str]:
    """The light model of a role, then those of the full tier's code."""
    return [f"light {role}", *(name for name, row in FULL.items() if row[0] == role)]


@cache
def opened(name: str) -> Any:
    """The model of this name; skips where its real weights are not there."""
    if name.startswith("light "):
        model = choose_model(name.removeprefix("light "), {"tier": "light", "device": "cpu"})
        if missing := [path for path in weight_files(model) if not Path(path).exists()]:
            pytest.skip(f"weights not fetched: {', '.join(missing)}")
        return load_model(model, weight_files(model))
    return loaded(name, weights_of(name))


def loaded(name: str, path: Path, device: str = "cpu") -> Any:
    """Open `path` as the model of this name."""
    role, loader, _, options = FULL[name]
    module = importlib.import_module(f"workflow_scripts.models.loaders.{loader}")
    key = "model_index.json" if role == "base" else path.name
    file = path / key if role == "base" else path
    return getattr(module, f"load_{role}")(
        {key: file}, device=device, **(options or OPTIONS.get(role, {}))
    )


@cache
def weights_of(name: str) -> Path:
    """The file or folder of a model, made or found."""
    source: Path | Callable = FULL[name][2]
    path = Path(FOLDER.name) / name.replace(" ", "_")
    if not isinstance(source, Path):
        return build.build_with_seed(source, path)
    if not source.is_file():
        pytest.skip(f"the shared test weights are not there: {source.name}")
    if "retinaface" in source.name:  # in the layout that the package retina-face reads
        return nets.build_retinaface(source, path.with_suffix(".onnx"))
    return source


@cache
def read_figure() -> np.ndarray:
    """A frontal figure of the roster, (540, 248, 3)."""
    images = sorted(Path("config/rosters/demo").glob("*/*.jpg"))
    if not images:
        pytest.skip("no reference images in config/rosters/demo")
    return read_rgb(images[0])


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
