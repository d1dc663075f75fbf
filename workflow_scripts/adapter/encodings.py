"""What encoders make of images and captions, one at a time: each is kept under what it was made of.

One at a time, so that the last bits of an encoding do not depend on which others were kept already.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import cv2
import numpy as np
import torch

from workflow_scripts.adapter.buckets import make_buckets
from workflow_scripts.adapter.content_store import ContentStore, Kept
from workflow_scripts.adapter.finished import hash_parts
from workflow_scripts.adapter.training_data import (
    Fitted,
    TrainingImage,
    fit_image,
)
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.errors import CineloraError, show_value
from workflow_scripts.lib.phase import log, progress
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.diffusion import Base, encode_captions, encode_images

HELD_BYTES = 2**28  # of what one shelf has read from disk, in memory; the rest is read again
LATENTS, TEXTS = "latents", "texts"  # folders of the store
PACKAGES = ("torch", "diffusers", "transformers", "numpy", "pillow")

Tensors = Mapping[str, torch.Tensor]


class Shelf:
    """Kept encodings in a row; of those on disk a bounded part stays in memory once it was read."""

    def __init__(self, kept: Sequence[Kept], held_bytes: int = HELD_BYTES):
        self.kept, self.left = list(kept), held_bytes
        self.held: dict[Any, Tensors] = {}

    def __len__(self) -> int:
        return len(self.kept)

    def read(self, place: int) -> Tensors:
        one = self.kept[place]
        if one.path is None or one.path in self.held:
            return self.held.get(one.path, one.tensors)
        tensors = one.read()
        size = sum(tensor.nbytes for tensor in tensors.values())
        if size <= self.left:
            self.left -= size
            self.held[one.path] = tensors = {n: tensor.clone() for n, tensor in tensors.items()}
        return tensors


class Column(Sequence[torch.Tensor]):
    """One tensor of each encoding on a shelf, made when it is asked for."""

    def __init__(self, shelf: Shelf, take: Callable[[Tensors], torch.Tensor]):
        self.shelf, self.take = shelf, take

    def __len__(self) -> int:
        return len(self.shelf)

    def __getitem__(self, place: int) -> torch.Tensor:
        return self.take(self.shelf.read(place))


def name_encoder(base: Base) -> str:
    """What decides on encodings beside what is encoded: weights, code, packages, device.

    On a CPU sums depend on the number of threads as well.
    """
    family = f"{type(base).__module__.partition('.')[2]}:{type(base).__name__}"
    code = hash_code("adapter.encodings:encode_image", "models.diffusion:encode_captions", family)
    computes = [base.device, torch.get_num_threads() if base.device == "cpu" else 0]
    packages = {name: version(name) for name in PACKAGES} | {"cv2": cv2.__version__}
    return hash_parts(base.sha256, code, packages, computes)


def encode_all_images(
    base: Base, images: Sequence[TrainingImage], resolution_px: int, store: ContentStore
) -> list[Kept]:
    """Latents of each image, cut to its bucket, and how much of each place its mask learns.

    facts: `sizes` (of the image on disk, the corner of the cut, the cut), `lost` and `enlarged`.
    """
    encoder, kept = name_encoder(base), []
    buckets = make_buckets(resolution_px, base.side_step_px)

    def prepare(image: TrainingImage) -> tuple[str, Kept | None, Fitted | None]:
        masked = hash_file(image.mask) if image.mask else ""
        key = hash_parts(encoder, hash_file(image.image), masked, buckets)
        found = store.find(LATENTS, key)
        return key, found, None if found else fit_image(image, buckets)

    reader, found = progress(read_ahead(images, prepare), "caching latents", total=len(images)), 0
    for image, (key, one, fitted) in zip(images, reader, strict=True):
        found += fitted is None
        kept.append(
            one
            if fitted is None
            else store.keep(LATENTS, key, *encode_image(base, fitted, str(image.image)))
        )
    if images:
        tell_sizes(images, kept, found)
    return kept


def encode_image(
    base: Base, fitted: Fitted, name: str
) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and facts of one image."""
    tensors = {"latents": encode_images(base, fitted.pixels[None])[0]}
    if fitted.mask is not None:  # by area of latents (h, w): 1 is learned, 0 is background
        height, width = tensors["latents"].shape[1:]
        mask = cv2.resize(fitted.mask, (width, height), interpolation=cv2.INTER_AREA)
        tensors["inside"] = torch.from_numpy(np.ascontiguousarray(mask)).float()
    if not torch.isfinite(tensors["latents"]).all():
        raise CineloraError(
            f"the VAE of the base made latents that are no numbers of {name}.\n"
            f"  The weights of the base (sha256 {base.sha256[:12]}) are damaged: fetch or build\n"
            "  it again, or choose another base (models.base)."
        )
    sizes = [list(fitted.original), list(fitted.corner), list(fitted.pixels.shape[:2])]
    return tensors, {"sizes": sizes, "lost": fitted.lost, "enlarged": bool(fitted.enlarged)}


def encode_all_captions(base: Base, captions: Sequence[str], store: ContentStore) -> list[Kept]:
    """What the network is told of each caption; equal ones are encoded once. facts: `names`."""
    encoder, kept = name_encoder(base), {}
    different = list(dict.fromkeys(captions))
    check_lengths(base, different)
    for caption in progress(different, "caching captions", total=len(different)):
        key = hash_parts(encoder, caption)
        if (found := store.find(TEXTS, key)) is None:
            values = {name: rows[0] for name, rows in encode_captions(base, [caption]).items()}
            found = store.keep(TEXTS, key, values, {"names": list(values)})
        kept[caption] = found
    return [kept[caption] for caption in captions]


def check_lengths(base: Base, captions: Sequence[str]) -> None:
    """Refuse captions whose end the text encoder would never see."""
    long = [caption for caption in captions if base.count_tokens(caption) > base.token_limit]
    if long:
        raise CineloraError(
            f"{len(long)} captions have more than the {base.token_limit} tokens that the text\n"
            f"  encoder of {base.family} reads: their ends would be lost. The first of them, with\n"
            f"  {base.count_tokens(long[0])} tokens: {show_value(long[0])}\n"
            "  Shorten them, or have them written again: write_captions keeps to CLIP's 75."
        )


def tell_sizes(images: Sequence[TrainingImage], kept: Sequence[Kept], found: int) -> None:
    """Say how images became latents; warn where some had too few pixels."""
    log.info(
        "%d images (%d encoded before), %d masks; cut to their bucket: %.1f %% of the area",
        *(len(images), found, sum(image.mask is not None for image in images)),
        100 * sum(one.facts["lost"] for one in kept) / len(kept),
    )
    small = [
        image.image.name for image, one in zip(images, kept, strict=True) if one.facts["enlarged"]
    ]
    if small:
        log.warning(
            "%d of %d images are smaller than the training resolution and were enlarged: %s%s;"
            " a smaller adapter resolution_px trains them as they are",
            *(len(small), len(images), ", ".join(small[:3]), " ..." if len(small) > 3 else ""),
        )


def weigh_places(encoded: Tensors, background_loss_weight: float) -> torch.Tensor:
    """1 inside the mask, `background_loss_weight` outside, by area of latents: (1, h, w)."""
    if "inside" not in encoded:
        return torch.ones(1, *encoded["latents"].shape[1:])
    return background_loss_weight + (1 - background_loss_weight) * encoded["inside"][None]
