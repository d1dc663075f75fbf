"""The cast as arrays: shards of images and truth in, decoded once, then read as they are needed.

A folder of the cast holds Parquet shards, in the schema of resources/cast/shards.py: the bytes of
each image, captions, what the place shows, and `people`, of whom the first is who the image is of.
Decoding costs more than any other part of a batch, so it is done once, into one array on disk that
the system's page cache keeps.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from resources.light_models.recipe.words import UNSEEN, Words, known_columns, read_words
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.models.loaders.pixels import fit_square

SCENE = ("place", "indoor", "time_of_day", "weather", "shot_type")  # attributes of an image
ACTING = ("view", "action", "expression")  # of a person, beside those that are `visible`
NEEDED = ("image_id", "image", "captions", "place_shown", "people", *SCENE)
UNKNOWN = "unknown"
CROP = 0.94  # smallest share of a side that a random crop keeps: the shot type must stay true
CONTEXT = (0.10, 0.25)  # around the box of a person that is cut out, as a share of its longer side
HIDDEN_IN_CROPS = ("shot_type", "people", "place")  # what an image of one person alone cannot tell
DOMINANT = 2.0  # times the pixels of anybody else: then the image is of this person


@dataclass(frozen=True)
class Cast:
    """Images and what they show."""

    images: np.ndarray  # (N, side, side, 3) uint8 RGB, memory-mapped
    table: pd.DataFrame  # image_id, person_id, box, captions and the attributes
    words: Words
    codes: np.ndarray  # (N, attributes) int16
    sha256: str  # of the shards

    def __len__(self) -> int:
        return len(self.images)

    @property
    def side_px(self) -> int:
        return self.images.shape[1]


def open_cast(folder: str | Path, *, side_px: int, words: Words | None = None) -> Cast:
    """Open a folder of shards; the first time its images are decoded into `.decoded/` beside it.

    `words`: those of the cast that a model was trained on, where this one is only judged.
    """
    folder = Path(folder)
    shards = sorted(folder.glob("*.parquet"))
    if not shards:
        raise CineloraError(
            f"{folder} holds no shards (*.parquet) of a cast.\n"
            "  `make light-models` makes them first; or name the folder that holds them."
        )
    sums = {shard.name: hash_file(shard) for shard in shards}
    table = read_truth(shards)
    truth = {name: [str(v) for v in table[name]] for name in known_columns() if name in table}
    words = words or read_words(truth)
    images = _decode_once(folder, shards, sums, len(table), side_px)
    total = "".join(f"{name} {text}\n" for name, text in sums.items())
    return Cast(images, table, words, words.encode(truth), total)


def read_truth(shards: list[Path]) -> pd.DataFrame:
    """What the images show, one row each, in the order of the files; attributes by name."""
    rows = []
    for shard in shards:
        names = pq.read_schema(shard).names
        if missing := [name for name in NEEDED if name not in names]:
            raise CineloraError(
                f"{shard} has no column {', '.join(missing)}: not a shard of a cast.\n"
                f"  It has: {', '.join(names)}."
            )
        columns = [name for name in NEEDED if name != "image"]
        rows += [flatten(row) for row in pq.read_table(shard, columns=columns).to_pylist()]
    return pd.DataFrame(rows)


def flatten(row: dict[str, Any]) -> dict[str, Any]:
    """One row of the truth: the scene, and of the people the first, as far as they show.

    Of several people an attribute is kept where all of whom it shows agree, or where the first
    outweighs everybody else: "glasses" of an image in which one of two wears some is no truth.
    """
    person, others = row["people"][0], row["people"][1:]
    scene = {name: row[name] for name in SCENE}
    if not row["place_shown"]:
        scene["place"] = UNKNOWN
    return {
        "image_id": row["image_id"],
        "person_id": person["seed"],
        "box": person["box"],
        "captions": row["captions"],
        **scene,
        **keep_agreed(person, others),
        "people": str(len(row["people"])),
    }


def keep_agreed(person: dict[str, Any], others: list[dict[str, Any]]) -> dict[str, str]:
    """The attributes of a person that an image with these others shows."""
    found = read_attributes(person)
    largest = max((other["visible_px"] for other in others), default=0)
    if not others or person["visible_px"] >= DOMINANT * largest:
        return found
    theirs = [read_attributes(other) for other in others]
    return {
        name: value if all(other[name] in (value, UNKNOWN) for other in theirs) else UNKNOWN
        for name, value in found.items()
    }


def read_attributes(person: dict[str, Any]) -> dict[str, str]:
    looks = {name: value for name, value in person["visible"].items() if isinstance(value, str)}
    return {**{name: person[name] for name in ACTING}, **looks}


def _decode_once(
    folder: Path, shards: list[Path], sums: dict[str, str], count: int, side_px: int
) -> np.ndarray:
    kept = folder / ".decoded"
    pixels, note = kept / f"{side_px}.npy", kept / f"{side_px}.json"
    if not note.is_file() or json.loads(note.read_text(encoding="utf-8")) != sums:
        kept.mkdir(exist_ok=True)
        note.unlink(missing_ok=True)
        with replace_when_done(pixels) as partial:
            _decode(shards, partial, (count, side_px, side_px, 3))
        with replace_when_done(note) as partial:
            partial.write_text(json.dumps(sums), encoding="utf-8")
    return np.load(pixels, mmap_mode="r")


def _decode(shards: list[Path], path: Path, shape: tuple[int, ...]) -> None:
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    number = 0
    for shard in shards:
        for batch in pq.ParquetFile(shard).iter_batches(256, columns=["image_id", "image"]):
            names, blobs = (batch.column(n).to_pylist() for n in ("image_id", "image"))
            for name, blob in zip(names, blobs, strict=True):
                array[number] = decode_image(blob, f"{shard}: {name}", shape[1])
                number += 1
    array.flush()


def decode_image(blob: bytes, name: str, side_px: int) -> np.ndarray:
    """RGB uint8 (side, side, 3) of the bytes of an image; larger ones are scaled down."""
    image = cv2.imdecode(np.frombuffer(blob, np.uint8), cv2.IMREAD_COLOR) if blob else None
    if image is None or image.shape[0] != image.shape[1] or image.shape[0] < side_px:
        found = "bytes of no image" if image is None else f"{image.shape[1]} x {image.shape[0]} px"
        raise CineloraError(
            f"{name} is {found}; the recipe needs squares of at least {side_px} px."
        )
    if image.shape[0] > side_px:
        image = cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def rng_for(seed: int, purpose: str, step: int) -> np.random.Generator:
    """The random numbers of one purpose of one step: nothing else is drawn from."""
    return np.random.default_rng([seed, step, *purpose.encode()])


def choose_batch(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """Sorted numbers of the images of a batch, none twice where there are enough of them."""
    return np.sort(rng.choice(count, size, replace=size > count))


def augment(images: np.ndarray, rng: np.random.Generator, side_px: int) -> np.ndarray:
    """Mirror half of the images (B, S, S, 3) uint8, and crop each a little; as large as asked."""
    side = images.shape[1]
    kept = np.rint(side * rng.uniform(CROP, 1, len(images))).astype(int)
    starts = [rng.integers(side - length + 1, size=2) for length in kept]
    mirrored = rng.random(len(images)) < 0.5
    out = np.empty((len(images), side_px, side_px, 3), np.uint8)
    for number, (length, (top, left)) in enumerate(zip(kept, starts, strict=True)):
        part = images[number, top : top + length, left : left + length]
        part = part[:, ::-1] if mirrored[number] else part
        way = cv2.INTER_AREA if side_px < length else cv2.INTER_LINEAR
        out[number] = cv2.resize(part, (side_px, side_px), interpolation=way)
    return out


def crop_person(image: np.ndarray, box: np.ndarray, context: float) -> np.ndarray:
    """The part of an image (S, S, 3) around a box (4,) of pixels, at its own scale."""
    box = np.asarray(box, float)
    pad = context * max(box[2] - box[0], box[3] - box[1])
    side = image.shape[0]
    low = np.clip(np.floor(box[:2] - pad), 0, side - 2).astype(int)
    high = np.clip(np.ceil(box[2:] + pad), low + 2, side).astype(int)
    return np.ascontiguousarray(image[low[1] : high[1], low[0] : high[0]])


def cut_people(
    cast: Cast, chosen: np.ndarray, cropped: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Images (B, S, S, 3) uint8 and codes (B, attributes), some cut to the person they are of.

    Cut out and stretched as the workflow embeds its characters, so that both look alike to the
    net. `cropped` (B,) bool says which.
    """
    images, codes = np.array(cast.images[chosen]), cast.codes[chosen].copy()
    for place in np.flatnonzero(cropped):
        box = cast.table["box"].iloc[chosen[place]]
        crop = crop_person(images[place], box, rng.uniform(*CONTEXT))
        images[place] = fit_square(crop, cast.side_px)
    names = [attribute.name for attribute in cast.words.attributes]
    hidden = [names.index(name) for name in HIDDEN_IN_CROPS if name in names]
    codes[np.ix_(cropped, hidden)] = UNSEEN
    return images, codes


def cut_pieces(images: np.ndarray, side_px: int, rng: np.random.Generator) -> np.ndarray:
    """A random square of each image, at its own scale: (B, side, side, 3) of (B, S, S, 3)."""
    corners = rng.integers(images.shape[1] - side_px + 1, size=(len(images), 2))
    pieces = [
        image[top : top + side_px, left : left + side_px]
        for image, (top, left) in zip(images, corners, strict=True)
    ]
    return np.stack(pieces)


def cover_boxes(
    boxes: np.ndarray, side_px: int, mirrored: np.ndarray, shape: Sequence[int]
) -> np.ndarray:
    """The share of each latent (B, h, w) float32 that lies in the box of its image.

    `boxes` (B, 4) are x0, y0, x1, y1 of images of this side, some of which (B,) are mirrored.
    """
    x0, y0, x1, y1 = (boxes / side_px).T
    x0, x1 = np.where(mirrored, 1 - x1, x0), np.where(mirrored, 1 - x0, x1)
    rows, columns = (
        cover_intervals(*ends, count)
        for ends, count in zip(((y0, y1), (x0, x1)), shape, strict=True)
    )
    return (rows[:, :, None] * columns[:, None, :]).astype(np.float32)


def cover_intervals(low: np.ndarray, high: np.ndarray, count: int) -> np.ndarray:
    """The share (B, count) of each of `count` equal parts of 0..1 that lies between two ends."""
    starts = np.arange(count) / count
    inside = np.minimum(high[:, None], starts + 1 / count) - np.maximum(low[:, None], starts)
    return np.clip(inside * count, 0, 1)
