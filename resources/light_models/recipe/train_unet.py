"""Train the small UNet: captions of the cast, as the small CLIP reads them, steer what it draws.

Stable Diffusion's shape and step, with velocity as target and a noise schedule that ends in noise
alone, so that night is dark. Images have half their side at first: for the same work more of them
are seen, and where things belong is learned from small ones as well. CLIP and VAE are the files
that ship, as adapters meet them: they stay as they are, so what they say is encoded once.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel

from resources.light_models.recipe import train_clip, train_vae
from resources.light_models.recipe.captions import tell_images
from resources.light_models.recipe.data import Cast, choose_batch, cover_boxes, open_cast, rng_for
from resources.light_models.recipe.encoded import CAPTIONS, encode_texts, open_latents, open_states
from resources.light_models.recipe.options import (
    Run,
    add_start,
    make_parser,
    parse,
    read_json,
    read_run,
)
from resources.light_models.recipe.train_clip import Tokenizer
from resources.light_models.recipe.training import Training
from resources.light_models.recipe.workers import Workers, run_workers
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.models.light_base import read_weights
from workflow_scripts.models.light_clip import convert_text_tower, unpack_table

CONFIG = Path(__file__).with_name("unet.json")
SCHEDULE = Path(__file__).with_name("schedule.json")
SHIPPED = Path(__file__).resolve().parents[1]
BATCH = 32  # of each worker
RATE = 1e-3
SMALL, SMALL_ENDS = 0.5, 0.4  # images are so much smaller for that share of the budget
FOCUS = 3.0  # how much more an error in the box of who the image is of counts
DROPPED = 0.1  # share of images that learn without a caption: guidance needs both
HELD_OUT = 64  # images whose loss is followed
EVERY = 200  # steps between two of its measurements
LEVELS = (0.125, 0.375, 0.625, 0.875)  # how noisy the held-out images are


def open_text_encoder(path: Path) -> CLIPTextModel:
    """The text tower of a shipped CLIP, as the drawing net meets it."""
    state, config = read_weights(path)
    state = unpack_table(state, config["text_cfg"]["vocab_size"])
    return convert_text_tower(state, config).requires_grad_(False)


def make_unet(config: dict[str, Any], channels: int, width: int) -> UNet2DConditionModel:
    """A new net for latents of so many channels and text states of this width."""
    extra = {"in_channels": channels, "out_channels": channels, "cross_attention_dim": width}
    return UNet2DConditionModel(**config, **extra)


def spread_timesteps(count: int, last: int, rng: np.random.Generator) -> np.ndarray:
    """Timesteps (count,) int64 below `last`, one in each part of the range, in any order.

    Every batch has all noise levels, so its loss says more. The order is random because the images
    of a batch are sorted: the first would always get the least noise.
    """
    places = (np.arange(count) + rng.random(count)) / count * last
    return rng.permutation(np.minimum(places.astype(np.int64), last - 1))


@dataclass(frozen=True)
class Encoded:
    """What the net reads: latents of images of both sizes and states of captions, from files."""

    text_encoder: CLIPTextModel
    scale: float  # of latents, so that their deviation is 1
    latents: tuple[np.ndarray, np.ndarray]  # of small (with `start`: of whole) and of whole images
    states: np.ndarray
    apart: np.ndarray | None  # latents of the held-out images, whole
    settings: dict[str, Any]  # a net that learned with another VAE or CLIP is another net


class UnetLosses:
    """`losses(step)`: squared error of the velocity, of the batch that belongs to a step."""

    def __init__(self, unet: UNet2DConditionModel, cast: Cast, encoded: Encoded, run: Run):
        self.unet, self.text_encoder, self.cast = unet, encoded.text_encoder, cast
        self.small, self.whole = encoded.latents
        self.latents, self.states, self.scale = self.whole, encoded.states, encoded.scale
        self.batch, self.seed, self.device = run.batch, run.seed, run.place
        self.workers = run.workers
        self.boxes = np.stack([np.asarray(box, np.float32) for box in cast.table["box"]])
        self.schedule = DDPMScheduler.from_config(read_json(SCHEDULE))

    def progress(self, share: float) -> None:
        """What changes with the share of the budget that is used: images grow."""
        self.latents = self.small if share < SMALL_ENDS else self.whole

    def __call__(self, step: int) -> dict[str, torch.Tensor]:
        rng = rng_for(self.seed, "unet", step * self.workers.count + self.workers.rank)
        chosen = choose_batch(len(self.cast), self.batch, rng)
        captions = chosen * CAPTIONS + rng.integers(CAPTIONS, size=self.batch)
        captions[rng.random(self.batch) < DROPPED] = -1  # the last is the text that says nothing
        states = torch.from_numpy(np.asarray(self.states[captions], np.float32)).to(self.device)
        latents = self.read(chosen)
        noise = self._noise(latents.shape, rng)
        last = self.schedule.config.num_train_timesteps
        timesteps = torch.from_numpy(spread_timesteps(self.batch, last, rng)).to(self.device)
        errors = self.errors(latents, states, noise, timesteps)
        weights = self.weigh(chosen, latents.shape[2:])
        return {"velocity": (errors * weights).mean() / weights.mean()}

    def weigh(self, chosen: np.ndarray, shape: torch.Size) -> torch.Tensor:
        """How much an error counts (B, 1, h, w): people are small, and what prompts are about."""
        shares = cover_boxes(self.boxes[chosen], self.cast.side_px, chosen % 2 == 1, shape)
        return torch.from_numpy(1 + (FOCUS - 1) * shares[:, None]).to(self.device)

    def read(self, chosen: np.ndarray) -> torch.Tensor:
        """Scaled latents (B, channels, h, w) of images."""
        found = np.asarray(self.latents[chosen], np.float32)
        return torch.from_numpy(found * self.scale).to(self.device)

    def errors(
        self, latents: torch.Tensor, states: torch.Tensor, noise: torch.Tensor, steps: torch.Tensor
    ) -> torch.Tensor:
        """Squared error (B, channels, h, w) of the predicted velocity."""
        noisy = self.schedule.add_noise(latents, noise, steps)
        wanted = self.schedule.get_velocity(latents, noise, steps)
        # bfloat16 where it is fast; on a CPU without its instructions it takes ten times as long
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            found = self.unet(noisy, steps, states).sample
        return (found.float() - wanted) ** 2

    def _noise(self, shape: torch.Size, rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(rng.standard_normal(shape, np.float32)).to(self.device)

    @torch.no_grad()
    def measure(self, held_out: Cast, latents: np.ndarray) -> dict[str, float]:
        """Loss of held-out images with their own captions, and with another image's.

        Captions, noise and noise levels are the same at every measurement.
        """
        rng = rng_for(self.seed, "held out", 0)
        chosen = train_vae.spread_evenly(len(held_out), HELD_OUT)
        texts, _ = tell_images(held_out, chosen, rng, thorough=1)
        found = np.asarray(latents[chosen], np.float32) * self.scale
        clean = torch.from_numpy(found).to(self.device)
        states = encode_texts(self.text_encoder, Tokenizer(), texts)
        last = self.schedule.config.num_train_timesteps
        losses = {"held_out": [], "wrong_caption": []}
        for level in LEVELS:
            noise = self._noise(clean.shape, rng)
            steps = torch.full((len(clean),), int(level * last), device=self.device)
            for name, said in (("held_out", states), ("wrong_caption", states.roll(1, 0))):
                losses[name].append(float(self.errors(clean, said, noise, steps).mean()))
        return {name: round(float(np.mean(values)), 4) for name, values in losses.items()}


def check_there(paths: list[Path]) -> None:
    """CineloraError where a file that the UNet is trained for is missing."""
    if missing := [path for path in paths if not path.is_file()]:
        raise CineloraError(
            f"{missing[0]} is not there: the UNet learns for a CLIP and a VAE.\n"
            "  Train and export them first (make light-models), or name their folder: --weights."
        )


def open_encoded(
    cast: Cast, held_out: Cast | None, weights: Path, kept: Path, run: Run, *, small: bool = True
) -> Encoded:
    """What the CLIP and the VAE in `weights` make of a cast, in files of the folder `kept`.

    Without `small` images those stand in their place that are whole.
    """
    paths = {part: weights / f"light-{part}.safetensors" for part in ("clip", "vae")}
    check_there(list(paths.values()))
    sums = {part: hash_file(path) for part, path in paths.items()}
    vae = train_vae.open_vae(paths["vae"]).to(run.place)
    text_encoder = open_text_encoder(paths["clip"]).to(run.place)
    sides = round(SMALL * cast.side_px) if small else cast.side_px, cast.side_px
    with run.workers.first_alone():  # what the first has encoded the others find
        latents = tuple(open_latents(vae, sums["vae"], cast, kept, side) for side in sides)
        states = open_states(text_encoder, sums["clip"], cast, kept, run.seed)
        apart = open_latents(vae, sums["vae"], held_out, kept, sides[1]) if held_out else None
    shape = {"channels": vae.config.latent_channels, "width": text_encoder.config.hidden_size}
    scale = vae.config.scaling_factor
    return Encoded(text_encoder, scale, latents, states, apart, sums | shape)


def add_channels(
    state: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """The tensors of a net, its first and last layer with as many latent channels as are wanted."""
    grown = dict(state)
    for name in ("conv_in.weight", "conv_out.weight", "conv_out.bias"):
        if name in state and state[name].ndim == wanted[name].ndim:
            pairs = zip(wanted[name].shape, state[name].shape, strict=True)
            missing = [max(0, new - old) for new, old in pairs]
            ends = [end for more in reversed(missing) for end in (0, more)]
            grown[name] = torch.nn.functional.pad(state[name], ends)
    return grown


def start_unet(
    config: dict[str, Any], channels: int, width: int, start: Path | None
) -> UNet2DConditionModel:
    """A new net, or one with the weights of a shipped file; CineloraError where that has others.

    The file's net may have fewer latent channels: what it drew in them is where it was, and the
    further ones say nothing at first.
    """
    unet = make_unet(config, channels, width)
    if start:
        state, _ = read_weights(start)
        try:
            unet.load_state_dict(add_channels(state, unet.state_dict()))
        except RuntimeError as error:
            raise CineloraError(
                f"{start} is another net than {CONFIG.name}: {error}\n"
                "  Start from a file of the same layout, or from nothing."
            ) from error
    return unet


def train(
    cast: Cast,
    held_out: Cast | None,
    weights: Path,
    folder: Path,
    run: Run,
    config: dict[str, Any],
    start: Path | None = None,
) -> Training:
    """Train, or go on with, the UNet in `folder`, for the CLIP and VAE that lie in `weights`.

    With `start`, the weights of an earlier training, all images are whole.
    """
    kept = folder.parent / "encoded"
    encoded = open_encoded(cast, held_out, weights, kept, run, small=start is None)
    torch.manual_seed(run.seed)
    shape = (encoded.settings["channels"], encoded.settings["width"])
    unet = start_unet(config, *shape, start).to(run.place)
    losses = UnetLosses(unet, cast, encoded, run)
    settings = {"config": config, "data": cast.sha256, "batch": run.batch, "seed": run.seed}
    settings |= encoded.settings | {"workers": run.workers.count}
    settings |= {"start": hash_file(start)} if start else {}
    training = Training(
        unet, folder, run.budget, RATE, settings, average=0.9995, workers=run.workers
    )

    def compute(step: int) -> dict[str, torch.Tensor]:
        share = training.budget.share(training.step, training.elapsed_s)
        losses.progress(share)
        return losses(step)

    for step in training.run(compute):
        if not run.workers.is_first:
            continue
        if held_out and (step % EVERY == 0 or training.done):
            with training.averaged_weights():
                training.rows[-1] |= losses.measure(held_out, encoded.apart)
        if step % 20 == 0 or training.done:
            log.info("unet: %s", training.rows[-1])
    return training


def train_asked(asked: argparse.Namespace, workers: Workers) -> None:
    """What the command line asks for, in one of the processes."""
    side = read_json(train_clip.CONFIG)["vision_cfg"]["image_size"]
    cast = open_cast(asked.data, side_px=side)
    apart = open_cast(asked.held_out, side_px=side, words=cast.words) if asked.held_out else None
    run, config = read_run(asked, workers), read_json(CONFIG)
    train(cast, apart, asked.weights, asked.work / "unet", run, config, asked.start)


def main() -> None:
    parser = make_parser(__doc__, batch=BATCH)
    parser.add_argument("--held-out", default="", help="folder of shards whose loss is followed")
    parser.add_argument(
        "--weights", type=Path, default=SHIPPED, help="folder of the CLIP and the VAE"
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="processes, each with a batch: one per core"
    )
    add_start(parser)
    asked = parse(parser)
    run_workers(asked.workers, train_asked, asked)


if __name__ == "__main__":
    main()
