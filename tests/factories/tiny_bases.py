"""A tiny base of each family, built once per test run and opened by its own loader."""

import atexit
import dataclasses
import shutil
import tempfile
from copy import deepcopy
from functools import cache
from pathlib import Path

import torch

from tests.factories.tiny_flux2 import build_tiny_flux2
from tests.factories.tiny_sd import TINY_BASE, build_tiny_sd
from tests.factories.tiny_sdxl import build_tiny_sdxl
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.registry import load_model

BUILDERS = {"sd15": build_tiny_sd, "sdxl": build_tiny_sdxl, "flux2": build_tiny_flux2}
LOADERS = {"sd15": "stable_diffusion", "sdxl": "stable_diffusion_xl", "flux2": "flux2_klein"}


def make_row(family: str) -> dict:
    """A row of the table of models, with its device."""
    own = {"name": f"tiny-random-{family}", "family": family, "loader": LOADERS[family]}
    return TINY_BASE | own | {"device": "cpu"}


@cache
def tiny_folder(family: str) -> Path:
    """The diffusers folder of a family's tiny base."""
    torch.set_num_threads(1)  # two would only wait for each other: the layers are that small
    above = Path(tempfile.mkdtemp(prefix="cinelora-test-"))
    atexit.register(shutil.rmtree, above)
    BUILDERS[family](above / family, seed=7)
    return above / family


@cache
def _open_once(family: str) -> Base:
    return load_model(make_row(family), [tiny_folder(family) / "model_index.json"])


def open_tiny(family: str, *, encoders: bool = False) -> Base:
    """A fresh network with shared encoders, or with fresh ones too, for tests that change them."""
    opened = _open_once(family)
    parts = dict(opened.pipeline.components)
    fresh = [opened.network_name, *(name for name in parts if encoders and "encoder" in name)]
    parts |= {name: deepcopy(parts[name]) for name in fresh}
    pipeline = type(opened.pipeline)(**parts | opened.left_out)
    pipeline.set_progress_bar_config(disable=True)
    return dataclasses.replace(opened, pipeline=pipeline)
