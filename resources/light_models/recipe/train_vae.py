"""Train the small VAE: 8x8 pixels to one latent, and back.

At the start the encoder is drawn towards principal components of the blocks, which hold most of an
image already; the pull ends at half of the budget. Noise on the latents makes the decoder bear what
a denoising net leaves over. The variance of the latents is fixed to that noise. Most of the budget
goes to pieces of images; the last of it to whole ones, whose statistics the net will meet.

With `--start`, an earlier VAE, the first latent channels stay what they were: a net that learned to
draw in them goes on where it was, also when further channels come.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from resources.light_models.recipe.blocks import Blocks, fit_blocks, psnr
from resources.light_models.recipe.data import Cast, choose_batch, cut_pieces, open_cast, rng_for
from resources.light_models.recipe.options import (
    Run,
    add_start,
    make_parser,
    parse,
    read_json,
    read_run,
)
from resources.light_models.recipe.train_clip import normalize_pixels
from resources.light_models.recipe.training import Training
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.logs import log
from workflow_scripts.models.light_base import read_weights

CONFIG = Path(__file__).with_name("vae.json")
BATCH = 16
PIECE_PX = 64  # what is trained on first: four times as many images for the same work
WHOLE = 0.85  # share of the budget from which whole images are trained on, a quarter as many
RATE = 2e-3
NOISE = 0.1  # deviation of the noise on latents, whose own deviation is about 1
PULL = 1.0  # weight of the distance to the principal components, at the start
PULL_ENDS = 0.5  # share of the budget; an earlier VAE pulls to the end
SHARP = 0.1  # weight of the absolute error beside the squared one: edges stay edges
FITTED = 512  # images that the components come from
MEASURED = 64  # images that a finished net is measured on
FOLLOWED = 16  # and that one in training is, every so many steps
EVERY = 500


def make_vae(config: dict[str, Any]) -> AutoencoderKL:
    """A new net whose latents have the variance of NOISE, whatever the image."""
    vae = AutoencoderKL(**config)
    channels = config["latent_channels"]
    with torch.no_grad():  # the second half of the moments is the logarithm of the variance
        vae.quant_conv.weight[channels:] = 0
        vae.quant_conv.bias[channels:] = 2 * float(np.log(NOISE))
    return vae


def start_vae(config: dict[str, Any], start: Path | None) -> AutoencoderKL:
    """A new net; with `start`, a file that ships, it has those of its tensors that fit."""
    vae = make_vae(config)
    if start:
        new, earlier = vae.state_dict(), open_vae(start).state_dict()
        fits = {n: t for n, t in earlier.items() if n in new and t.shape == new[n].shape}
        vae.load_state_dict(new | fits)
    return vae


def open_vae(path: Path) -> AutoencoderKL:
    """The VAE of a shipped file."""
    state, config = read_weights(path)
    vae = AutoencoderKL(**config)
    vae.load_state_dict(state)
    return vae.eval().requires_grad_(False)


@dataclass(frozen=True)
class Guide:
    """What the encoder is drawn towards: components, and in its first channels an earlier VAE."""

    blocks: Blocks
    earlier: AutoencoderKL | None = None

    @property
    def kept(self) -> int:
        """First channels that stay what they were."""
        return self.earlier.config.latent_channels if self.earlier else 0

    @torch.no_grad()
    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Latents (B, channels, H/8, W/8) that are wanted of pixels (B, 3, H, W)."""
        wanted = self.blocks.encode(pixels)
        if self.earlier:
            wanted[:, : self.kept] = self.earlier.encode(pixels).latent_dist.mode()
        return wanted

    def weights(self, pull: float) -> torch.Tensor:
        """How much each channel's distance counts (channels,) while components count `pull`."""
        found = torch.full((len(self.blocks.components),), pull)
        found[: self.kept] = PULL
        return found


class VaeLosses:
    """`losses(step)`: error of the images, and distance to the guide while that counts."""

    def __init__(
        self,
        vae: AutoencoderKL,
        cast: Cast,
        guide: Guide,
        *,
        batch: int,
        seed: int,
        device: torch.device,
    ):
        self.vae, self.cast, self.guide = vae, cast, guide
        self.batch, self.seed, self.device = batch, seed, device
        self.pull, self.whole = PULL, False

    def progress(self, share: float) -> None:
        """What changes with the share of the budget that is used."""
        self.pull = PULL * max(0.0, 1 - share / PULL_ENDS)
        self.whole = share >= WHOLE

    def read_pixels(self, rng: np.random.Generator) -> torch.Tensor:
        """Pieces (B, 3, 64, 64), or a quarter as many whole images, -1 to 1."""
        count = max(1, self.batch // 4) if self.whole else self.batch
        chosen = choose_batch(len(self.cast), count, rng)
        images = np.asarray(self.cast.images[chosen])
        images = images if self.whole else cut_pieces(images, PIECE_PX, rng)
        return normalize_pixels(torch.from_numpy(images)).to(self.device)

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        rng = rng_for(self.seed, "vae", step)
        pixels = self.read_pixels(rng)
        latents = self.vae.encode(pixels).latent_dist.mode()
        noise = torch.from_numpy(rng.standard_normal(latents.shape, np.float32)).to(self.device)
        drawn = self.vae.decode(latents + NOISE * noise).sample
        losses = {
            "squared": F.mse_loss(drawn, pixels),
            "absolute": SHARP * F.l1_loss(drawn, pixels),
            # latents of any size would make the noise as small as one likes
            "size": 0.01 * (latents.square().mean() - 1).clamp(min=0),
        }
        if self.pull or self.guide.kept:
            away = (latents - self.guide.encode(pixels)).square().mean((0, 2, 3))
            losses["pull"] = (away * self.guide.weights(self.pull).to(away.device)).mean()
        return losses


def freeze_variance(vae: AutoencoderKL) -> None:
    """Keep the gradient out of the rows that hold the variance."""
    channels = vae.config.latent_channels
    for tensor in (vae.quant_conv.weight, vae.quant_conv.bias):

        def keep(grad: torch.Tensor) -> torch.Tensor:
            grad = grad.clone()
            grad[channels:] = 0
            return grad

        tensor.register_hook(keep)


@torch.no_grad()
def give_back(vae: AutoencoderKL, images: np.ndarray) -> np.ndarray:
    """Images (N, S, S, 3) uint8 as they come through the VAE."""
    parts = []
    for start in range(0, len(images), 64):
        pixels = normalize_pixels(torch.from_numpy(images[start : start + 64])).to(vae.device)
        drawn = vae.decode(vae.encode(pixels).latent_dist.mode()).sample.clamp(-1, 1)
        parts.append(((drawn + 1) * 127.5).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.concatenate(parts)


@torch.no_grad()
def measure(vae: AutoencoderKL, blocks: Blocks, images: np.ndarray) -> dict[str, float]:
    """Mean PSNR in dB of the net and of the components on images (N, S, S, 3) uint8."""
    found = {"psnr": [], "components": []}
    for image in images:
        pixels = normalize_pixels(torch.from_numpy(image[None])).to(vae.device)
        drawn = vae.decode(vae.encode(pixels).latent_dist.mode()).sample
        found["psnr"].append(float(psnr(pixels, drawn)))
        found["components"].append(float(psnr(pixels, blocks.decode(blocks.encode(pixels)))))
    return {name: round(float(np.mean(values)), 2) for name, values in found.items()}


@torch.no_grad()
def measure_scale(vae: AutoencoderKL, images: np.ndarray) -> float:
    """What the latents of images (N, S, S, 3) uint8 are multiplied with for a deviation of 1."""
    parts = []
    for start in range(0, len(images), 64):
        pixels = normalize_pixels(torch.from_numpy(images[start : start + 64]))
        parts.append(vae.encode(pixels.to(vae.device)).latent_dist.mode().float().cpu())
    return round(1 / float(torch.cat(parts).std()), 4)


def spread_evenly(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(int))


def train(
    cast: Cast, folder: Path, run: Run, config: dict[str, Any], start: Path | None = None
) -> Training:
    """Train, or go on with, the VAE of a config whose checkpoint is in `folder`.

    The curve has the PSNR of the averaged weights on a few of the images now and then.
    """
    torch.manual_seed(run.seed)
    vae = start_vae(config, start).to(run.place)
    freeze_variance(vae)
    chosen = spread_evenly(len(cast), FITTED)
    blocks = fit_blocks(np.asarray(cast.images[chosen]), config["latent_channels"]).to(run.place)
    guide = Guide(blocks, open_vae(start).to(run.place) if start else None)
    settings = {"seed": run.seed, "batch": run.batch, "config": config, "data": cast.sha256}
    settings |= {"start": hash_file(start)} if start else {}
    training = Training(vae, folder, run.budget, RATE, settings, average=0.998)
    losses = VaeLosses(vae, cast, guide, batch=run.batch, seed=run.seed, device=run.place)

    followed = np.asarray(cast.images[spread_evenly(len(cast), FOLLOWED)])

    def compute(step: int) -> dict[str, torch.Tensor]:
        losses.progress(training.budget.share(training.step, training.elapsed_s))
        return losses(step)

    for step in training.run(compute):
        if step % EVERY == 0 or training.done:
            with training.averaged_weights():
                training.rows[-1] |= measure(vae, blocks, followed)
        if step % 20 == 0 or training.done:
            log.info("vae: %s", training.rows[-1])
    return training


def main() -> None:
    parser = make_parser(__doc__, batch=BATCH)
    add_start(parser)
    asked = parse(parser)
    config = read_json(CONFIG)
    cast = open_cast(asked.data, side_px=config["sample_size"])
    train(cast, asked.work / "vae", read_run(asked), config, asked.start)


if __name__ == "__main__":
    main()
