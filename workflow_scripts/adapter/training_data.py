"""A dataset folder as a trainer sees it: images, captions, masks, repeats, buckets.

Reads kohya's layout (`{repeats}_{concept}/x.png` + `x.txt`, masks in `.masks/x.png`) or, where no
such folder exists, the `metadata.jsonl` of Hugging Face's imagefolder.
"""

import os
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.adapter.buckets import choose_bucket
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import MASK_FOLDER, TRAINER_SUFFIXES
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.renewal import find_output, format_renewal
from workflow_scripts.lib.value_files import parse_json

CONCEPT_FOLDER = re.compile(r"(\d+)_(.+)")


@dataclass(frozen=True)
class TrainingImage:
    """One image of a split; `repeats` is how often an epoch shows it."""

    image_id: str
    image: Path
    caption: str
    concept: str
    repeats: int = 1
    mask: Path | None = None  # white = learn


@dataclass(frozen=True)
class Fitted:
    """An image scaled and cut to its bucket: RGB (H, W, 3) uint8, mask (H, W) 0..1 or None."""

    pixels: np.ndarray
    mask: np.ndarray | None
    lost: float  # share of the image that the cut removed
    enlarged: bool
    original: tuple[int, int]  # height and width of the image as it lies on disk
    corner: tuple[int, int]  # row and column of the scaled image where the cut begins


def read_split(dataset: str | Path, split: str) -> list[TrainingImage]:
    """List the images of one split, sorted by id; [] when the split does not exist."""
    folder = Path(dataset) / split
    if not folder.is_dir():
        return []
    concepts = [p for p in sorted(folder.iterdir()) if p.is_dir() and CONCEPT_FOLDER.match(p.name)]
    images = (
        [image for concept in concepts for image in _read_concept(concept, folder / MASK_FOLDER)]
        if concepts
        else _read_metadata(folder)
    )
    _check_captions(images, folder)
    return sorted(images, key=lambda image: (image.image_id, image.concept))


def _read_concept(folder: Path, masks: Path) -> list[TrainingImage]:
    repeats, concept = CONCEPT_FOLDER.match(folder.name).groups()
    images = []
    for image in sorted(folder.iterdir()):
        if image.suffix.lower() not in TRAINER_SUFFIXES:
            continue
        text, mask = image.with_suffix(".txt"), masks / f"{image.stem}.png"
        caption = read_text(text).strip() if text.is_file() else ""
        images.append(
            TrainingImage(
                image.stem,
                image,
                caption.split("\n")[0].strip(),  # kohya reads the first line only
                concept,
                int(repeats),
                mask if mask.is_file() else None,
            )
        )
    return images


def _read_metadata(folder: Path) -> list[TrainingImage]:
    table = folder / "metadata.jsonl"
    if not table.is_file():
        return []
    images = []
    for number, line in enumerate(read_text(table).split("\n"), 1):
        try:
            images += [_read_line(folder, line)] if line.strip() else []
        except (ValueError, OSError, RuntimeError) as error:
            raise CineloraError(
                f"{table}, line {number}: {str(error)[:200]}."
                f" {_say_repack(table, 'Correct this line, or delete it.')}"
            ) from error
    return images


def _read_line(folder: Path, line: str) -> TrainingImage:
    """The image of a line of metadata.jsonl; ValueError where it is of another shape."""
    row = parse_json(line)
    if not isinstance(row, dict) or not isinstance(row.get("file_name"), str):
        raise ValueError("expected names and values, among them file_name, a text")
    mask = row.get("mask_file_name") or ""
    if not isinstance(mask, str):
        raise ValueError("mask_file_name is no text")
    return TrainingImage(
        Path(row["file_name"]).stem,
        _inside(folder, row["file_name"]),
        str(row.get("text") or "").strip(),
        str(row.get("concept") or folder.name),
        mask=_inside(folder, mask) if mask else None,
    )


def read_text(path: Path) -> str:
    """Text in UTF-8; other bytes are an error that names the file."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        output = find_output(path)
        cure = format_renewal(output) if output else "Save it as UTF-8."
        raise CineloraError(f"{path} is no text in UTF-8 (byte {error.start}). {cure}") from error


def _say_repack(path: Path, otherwise: str) -> str:
    """How a file of a dataset is made again; `otherwise`: of a dataset that we did not pack."""
    output = find_output(path)
    return format_renewal(output) if output else otherwise


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        raise CineloraError(
            f"{folder}/metadata.jsonl names {name!r}, which is no file below it."
            f" {_say_repack(folder, 'Put the file there, or delete its line.')}"
        )
    return path


def _check_captions(images: Sequence[TrainingImage], folder: Path) -> None:
    bare = [image.image.name for image in images if not image.caption]
    if bare:
        raise CineloraError(
            f"{folder}: {len(bare)} of {len(images)} images have no caption: "
            f"{', '.join(bare[:3])}{' ...' if len(bare) > 3 else ''}.\n"
            "  An adapter trained without words cannot be called by its trigger.\n"
            "  Put a .txt file with one line beside each image, or rebuild the dataset."
        )


def find_trigger(captions: Sequence[str]) -> str:
    """The words with which every caption begins: "nella woman" of "nella woman, ..."."""
    heads = [caption.split(",")[0].split() for caption in captions]
    shared = 0
    while heads and all(len(head) > shared for head in heads):
        if len({head[shared] for head in heads}) > 1:
            break
        shared += 1
    return " ".join(heads[0][:shared]) if heads else ""


def order_tags(caption: str, orders: int, kept: int, rng: np.random.Generator) -> list[str]:
    """A caption in several orders of its comma-separated parts: first as it is, then shuffled.

    The first `kept` parts, such as the trigger, stay where they are.
    """
    parts = [part.strip() for part in caption.split(",")]
    head, rest = parts[:kept], parts[kept:]
    shuffled = [[rest[i] for i in rng.permutation(len(rest))] for _ in range(orders - 1)]
    return [caption, *(", ".join(head + one) for one in shuffled)]


def fit_image(image: TrainingImage, buckets: Sequence[tuple[int, int]]) -> Fitted:
    """Read one image and its mask, scale them to cover their bucket, cut the rest off evenly."""
    pixels = read_rgb(image.image)
    height, width = pixels.shape[:2]
    mask = None
    if image.mask is not None:
        mask = read_rgb(image.mask)[..., 0]
        if mask.shape != (height, width):
            raise CineloraError(
                f"{image.mask} is {mask.shape[1]}x{mask.shape[0]} px, its image {width}x{height}."
                f" {_say_repack(image.mask, 'Make both the same size.')}"
            )
        if not mask.any():
            raise CineloraError(
                f"{image.mask} is black everywhere: white is learned, so nothing of\n"
                f"  {image.image} would be. {_say_repack(image.mask, 'Paint it, or delete it.')}"
            )
    size = choose_bucket(width, height, buckets)
    scale = max(size[0] / width, size[1] / height)
    lost = max(0.0, 1 - size[0] * size[1] / (width * height * scale**2))
    cut, corner = _cover(pixels, size, scale)
    fitted_mask = None if mask is None else _cover(mask, size, scale)[0].astype(np.float32) / 255
    return Fitted(cut, fitted_mask, lost, scale > 1, (height, width), corner)


def _cover(
    image: np.ndarray, size: tuple[int, int], scale: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """The middle (width, height) of the scaled image, and the row and column where it begins."""
    width, height = size
    scaled = (max(width, round(image.shape[1] * scale)), max(height, round(image.shape[0] * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    image = cv2.resize(image, scaled, interpolation=method)
    left, top = (scaled[0] - width) // 2, (scaled[1] - height) // 2
    return image[top : top + height, left : left + width], (top, left)


def plan_batches(
    sizes: Sequence[tuple[int, ...]],
    repeats: Sequence[int],
    batch_size: int,
    generator: np.random.Generator,
) -> list[list[int]]:
    """One epoch: every image `repeats` times, shuffled, batches of one size each, shuffled.

    The number of batches does not depend on the shuffle, so a step finds its epoch by division.
    """
    batches = []
    for size in sorted(set(sizes)):
        members = [i for i, other in enumerate(sizes) if other == size for _ in range(repeats[i])]
        members = [members[i] for i in generator.permutation(len(members))]
        batches += [members[i : i + batch_size] for i in range(0, len(members), batch_size)]
    return [batches[i] for i in generator.permutation(len(batches))]


def subsample_evenly(images: Sequence[TrainingImage], most: int) -> list[TrainingImage]:
    """At most so many images, evenly spread over the film; the same ones each time."""
    if len(images) <= most:
        return list(images)
    return [images[i * len(images) // most] for i in range(most)]


def name_files(
    dataset: str | Path, images: Sequence[TrainingImage], known: Collection[str]
) -> list[str]:
    """The file of each image as dataset.parquet names it; `known` are those that it names."""
    files = [Path(os.path.relpath(image.image, dataset)).as_posix() for image in images]
    if strays := [file for file in files if file not in known]:
        raise CineloraError(
            f"{dataset}/dataset.parquet does not know {', '.join(strays[:3])}.\n"
            "  An image was put into the folder. Take it out, or pack the dataset again."
        )
    return files


def find_shots(dataset: str | Path, images: Sequence[TrainingImage]) -> np.ndarray:
    """Number (N,) of the shot that each image is of, as the dataset's own table says."""
    rows = read_manifest(Path(dataset) / "dataset.parquet", ["file", "shot_id"])
    shots = dict(zip(rows["file"], rows["shot_id"], strict=True))
    return np.array([shots[file] for file in name_files(dataset, images, shots)], int)


def shuffle_captions(
    images: Sequence[TrainingImage], rng: np.random.Generator
) -> list[TrainingImage]:
    """The same images, each with the caption of another one; every caption is used once."""
    order = rng.permutation(len(images))
    captions = dict(zip(order, (images[n].caption for n in np.roll(order, 1)), strict=True))
    return [replace(image, caption=captions[n]) for n, image in enumerate(images)]


def count_tags(images: Sequence[TrainingImage]) -> dict[str, dict[str, int]]:
    """How often each comma-separated part of a caption occurs, by concept."""
    counts: dict[str, Counter] = {}
    for image in images:
        parts = (part.strip() for part in image.caption.split(","))
        counts.setdefault(image.concept, Counter()).update(filter(None, parts))
    return {concept: dict(tags.most_common()) for concept, tags in sorted(counts.items())}


def read_class_images(files: Sequence[Path], caption: str) -> list[TrainingImage]:
    """Images that say what the base knows already, each with its .txt or else with `caption`."""
    if not files:
        raise CineloraError(
            "adapter prior_loss_weight asks for class images, but there is none.\n"
            "  Put some into the folder of adapter class_images (.txt files beside them are their\n"
            "  captions), leave that option empty and the base draws them, or set the weight to 0."
        )
    texts = [path.with_suffix(".txt") for path in files]
    said = [read_text(text).split("\n")[0].strip() if text.is_file() else "" for text in texts]
    return [
        TrainingImage(path.stem, path, own or caption, "class")
        for path, own in zip(files, said, strict=True)
    ]
