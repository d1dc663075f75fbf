"""The recipe of the light models, small enough for a test: nets of the same kind, few steps."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from resources.light_models.recipe import export, train_clip, train_unet, train_vae
from resources.light_models.recipe.data import Cast, open_cast
from resources.light_models.recipe.options import Run, read_json
from resources.light_models.recipe.training import Budget, Training
from tests.factories.cast_shards import make_cast

SIDE = 64
UNET_MORE = 3  # times as many steps as the others take: noise is learned more slowly than pixels


def clip_config() -> dict[str, Any]:
    """The recipe's own config, with fewer and narrower layers."""
    config = read_json(train_clip.CONFIG)
    config["embed_dim"] = 32
    config["vision_cfg"] |= {"image_size": SIDE}
    config["text_cfg"] |= {"width": 64, "heads": 2, "layers": 2}
    return config


def vae_config() -> dict[str, Any]:
    config = read_json(train_vae.CONFIG)
    return config | {"block_out_channels": [8, 8, 16, 16], "sample_size": SIDE}


def unet_config() -> dict[str, Any]:
    config = read_json(train_unet.CONFIG)
    return config | {"block_out_channels": [16, 32, 32], "sample_size": SIDE // 8}


def small_cast(folder: Path, images: int = 48, seed: int = 0) -> Cast:
    return open_cast(make_cast(folder, images=images, seed=seed), side_px=SIDE)


def read_pixels(cast: Cast, count: int) -> torch.Tensor:
    """The first images of a cast as nets read them (count, 3, side, side)."""
    return train_clip.normalize_pixels(torch.from_numpy(np.array(cast.images[:count])))


def read_latents(work: Path, side_px: int = SIDE) -> np.ndarray:
    """The latents that a training of the UNet kept of images with this side."""
    found = [np.load(path) for path in (work / "encoded").glob("*.npy")]
    (latents,) = [array for array in found if array.shape[-1] == side_px // 8]
    return latents


def run_steps(steps: int, batch: int = 8) -> Run:
    return Run(Budget(steps=steps), batch)


def train_all(cast: Cast, folder: Path, steps: int, batch: int = 8) -> list[Training]:
    """CLIP, VAE and UNet into `folder`/work, and what ships of them into `folder`/out."""
    torch.set_num_threads(1)
    run, work, out = run_steps(steps, batch), folder / "work", folder / "out"
    out.mkdir()
    clip = train_clip.train(cast, work / "clip", run, clip_config())
    export.export_clip(work, out)
    vae = train_vae.train(cast, work / "vae", run, vae_config())
    export.export_vae(work, out, cast)
    unet = train_unet.train(
        cast, cast, out, work / "unet", run_steps(UNET_MORE * steps, 2 * batch), unet_config()
    )
    export.export_unet(work, out)
    return [clip, vae, unet]
