"""What the drawing net reads at every step, encoded once: latents of images, states of captions.

A small VAE and a small text tower would otherwise take a third of the work of a training. The files
lie beside the checkpoints; another cast, VAE, CLIP or size of images has files of its own.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import torch
from diffusers import AutoencoderKL
from transformers import CLIPTextModel

from resources.light_models.recipe import captions, words
from resources.light_models.recipe.captions import tell_images
from resources.light_models.recipe.data import Cast, rng_for
from resources.light_models.recipe.train_clip import Tokenizer, normalize_pixels
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import replace_when_done

CAPTIONS = 3  # of each image: other wordings, other things left out
THOROUGH = 0.75  # share of them that leaves little out: a net cannot learn what nobody tells it
AT_ONCE = 64


@torch.no_grad()
def cache_latents(vae: AutoencoderKL, cast: Cast, path: Path, side_px: int) -> None:
    """Latents (N, channels, h, w) float16, not scaled; images of odd number are mirrored.

    `side_px` is that of the images that are encoded.

    A cast has far more images than a training reads often: both ways of each would be twice the
    work before it, for little.
    """
    channels, side = vae.config.latent_channels, side_px // 8
    with replace_when_done(path) as partial:
        shape = (len(cast), channels, side, side)
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
        for start in range(0, len(cast), AT_ONCE):
            images = np.array(cast.images[start : start + AT_ONCE])  # from an even number on
            images[1::2] = images[1::2, :, ::-1].copy()
            pixels = normalize_pixels(torch.from_numpy(shrink(images, side_px))).to(vae.device)
            found = vae.encode(pixels).latent_dist.mode()
            array[start : start + AT_ONCE] = found.half().cpu().numpy()
        array.flush()


def shrink(images: np.ndarray, side_px: int) -> np.ndarray:
    """Images (B, S, S, 3) uint8 with another side."""
    if images.shape[1] == side_px:
        return images
    size = (side_px, side_px)
    return np.stack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in images])


def open_latents(
    vae: AutoencoderKL, vae_sum: str, cast: Cast, kept: Path, side_px: int
) -> np.ndarray:
    """The cached latents of this cast by this VAE: another VAE, cast or side has another file."""
    path = kept / name_file("latents", cast.sha256, side_px, vae_sum)
    return open_kept(path, lambda: cache_latents(vae, cast, path, side_px))


def name_file(*parts: object) -> str:
    """A file name that belongs to these parts alone."""
    return sha256(" ".join(map(str, parts)).encode()).hexdigest()[:16] + ".npy"


def open_kept(path: Path, make: Callable[[], None]) -> np.ndarray:
    """The array of a file, which is made where it is not there yet."""
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        log.info("unet: encoding into %s", path)
        make()
    return np.load(path, mmap_mode="r")


@torch.no_grad()
def encode_texts(encoder: CLIPTextModel, tokenize: Tokenizer, texts: list[str]) -> torch.Tensor:
    """States (B, 77, width) of the texts, as the pipeline has them."""
    return encoder(tokenize(texts, whole=True).to(encoder.device)).last_hidden_state


def cache_states(encoder: CLIPTextModel, cast: Cast, path: Path, seed: int) -> None:
    """States (CAPTIONS * N + 1, 77, width) float16: of the captions of each image in turn, then "".

    An image keeps its captions: enough of them, and nothing is encoded twice.
    """
    tokenize, count = Tokenizer(), CAPTIONS * len(cast)
    shape = (count + 1, 77, encoder.config.hidden_size)
    with replace_when_done(path) as partial:
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.float16, shape=shape)
        for start in range(0, count, AT_ONCE):
            numbers = np.arange(start, min(start + AT_ONCE, count))
            rng = rng_for(seed, "captions", start)
            texts, _ = tell_images(cast, numbers // CAPTIONS, rng, thorough=THOROUGH)
            array[numbers] = encode_texts(encoder, tokenize, texts).half().cpu().numpy()
        array[count] = encode_texts(encoder, tokenize, [""])[0].half().cpu().numpy()
        array.flush()


def open_states(
    encoder: CLIPTextModel, clip_sum: str, cast: Cast, kept: Path, seed: int
) -> np.ndarray:
    """The cached states of this cast's captions by this text tower; other wordings are others."""
    wordings = [hash_file(path) for path in (words.FILE, captions.__file__)]
    path = kept / name_file("states", cast.sha256, clip_sum, seed, CAPTIONS, THOROUGH, *wordings)
    return open_kept(path, lambda: cache_states(encoder, cast, path, seed))
