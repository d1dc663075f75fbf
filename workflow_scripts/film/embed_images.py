"""Describe each image by numbers that are near for images that look alike.

Reads frames, instances, their joints and clean backgrounds of one shard; leaves a vector for each
frame, each instance (cut out, on gray, in a square) and each background, and a thumbnail of what is
seen there (of an instance: its box, surroundings and all); of instances also what colors they have.
Where a frame shows nobody its background is the frame, and so is the vector. Backgrounds may have a
model of their own (the role scene). Nothing is judged here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.fitting import Fit, find_fit, shrink
from workflow_scripts.film.people.bodies import find_region, is_guess
from workflow_scripts.film.people.colors import describe_colors
from workflow_scripts.film.people.crops import crop_box, crop_instance
from workflow_scripts.lib.images import decode_rle, make_thumbnail, mask_box, read_rgb
from workflow_scripts.lib.manifest import read_manifest, select_shard, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.models.registry import load_model

EMBEDDINGS = pa.schema(
    [
        ("image_id", pa.string()),  # a frame_id, or an instance_id
        ("kind", pa.string()),  # frame, instance or background
        ("vector", pa.list_(pa.float32())),  # of length 1
        ("colors", pa.list_(pa.float32())),  # film/people/colors.py; empty but for instances
        ("thumbnail", pa.list_(pa.uint8())),  # lib/images.py
    ]
)
BOX = ["x0", "y0", "x1", "y1"]
MASKS = ["instance_id", "frame_id", "mask", "height_px", "width_px", "region", *BOX]
NO_COLORS = np.zeros(0, np.float32)  # who is who is seen by colors; what a place is, is not

Embed = Callable[[list[np.ndarray]], np.ndarray]
Row = tuple[str, str, np.ndarray, np.ndarray, np.ndarray]  # of EMBEDDINGS


@dataclass(frozen=True)
class Image:
    """One image that waits to be embedded."""

    image_id: str
    kind: str
    pixels: np.ndarray  # (H, W, 3) RGB uint8, of the size that its net takes
    colors: np.ndarray
    thumbnail: np.ndarray


def read_images(
    frame_id: str,
    file: Path,
    people: pd.DataFrame,
    background: Path | None,
    padding: float,
    fit: Fit,
    fit_scene: Fit,
) -> list[Image]:
    """All images of one frame: itself, who is in it, its clean background (the frame's own file
    where nobody is in it, or None for none)."""
    image = read_rgb(file)
    images = [_describe_whole(frame_id, "frame", image, fit)]
    if background is not None:
        images.append(_describe_whole(frame_id, "background", read_rgb(background), fit_scene))
    for row in people.itertuples():
        mask = decode_rle(row.mask, row.height_px, row.width_px)
        figure = fit(shrink(crop_instance(image, mask, padding)))
        box = np.array([getattr(row, side) for side in BOX])
        colors = describe_colors(image, mask, find_region(row.region, row.keypoints, box))
        around = make_thumbnail(crop_box(image, mask_box(mask), padding))
        images.append(Image(row.instance_id, "instance", figure, colors, around))
    return images


def _describe_whole(frame_id: str, kind: str, image: np.ndarray, fit: Fit) -> Image:
    small = shrink(image)
    return Image(frame_id, kind, fit(small), NO_COLORS, make_thumbnail(small))


def embed_images(
    frames: Iterable[list[Image]], embed: Embed, batch_size: int, scene: Embed | None = None
) -> Iterator[Row]:
    """Rows of the table, in full batches across frames; `scene` embeds the backgrounds."""
    batch: list[Image] = []
    for images in frames:
        batch += images
        while len(batch) >= batch_size:
            yield from embed_batch(batch[:batch_size], embed, scene)
            batch = batch[batch_size:]
    if batch:
        yield from embed_batch(batch, embed, scene)


def embed_batch(batch: list[Image], embed: Embed, scene: Embed | None) -> Iterator[Row]:
    places = [scene is not None and image.kind == "background" for image in batch]
    vectors = {}
    for place, net in ((False, embed), (True, scene)):
        numbers = [n for n, is_place in enumerate(places) if is_place == place]
        if numbers:
            found = net([batch[n].pixels for n in numbers])
            vectors |= dict(zip(numbers, found, strict=True))
    for number, image in enumerate(batch):
        yield image.image_id, image.kind, vectors[number], image.colors, image.thumbnail


def read_people(instances: str, keypoints: str | list[str]) -> pd.DataFrame:
    """Columns MASKS of the people of a shard, and their joints (17, 3).

    No joints, [] in place of their table, are as good as none that are seen.
    """
    people = read_manifest(instances, MASKS)
    if keypoints:
        joints = read_manifest(keypoints, ["instance_id", "keypoints"])
        people = people.merge(joints, "left", on="instance_id", validate="one_to_one")
        people["keypoints"] = [np.reshape(points, (17, 3)) for points in people["keypoints"]]
    else:
        people["keypoints"] = [np.zeros((17, 3))] * len(people)
    guessed = sum(map(is_guess, people["region"], people["keypoints"]))
    log.info("%d bodies show no joints: their boxes tell head from legs", guessed)
    return people


def add_empty_frames(rows: pd.DataFrame, empty: set[str]) -> pd.DataFrame:
    """Where nobody is in a frame, its background has the frame's own numbers."""
    same = rows[(rows["kind"] == "frame") & rows["image_id"].isin(empty)]
    return pd.concat([rows, same.assign(kind="background")], ignore_index=True)


def main(
    frames: str,
    images: str,
    instances: str,
    keypoints: str | list[str],
    backgrounds: str,
    background_images: str,
    weights: list[str],
    embeddings: str,
    *,
    shard: str,
    model: dict,
    batch_size: int,
    padding: float,
    scene_weights: Sequence[str] = (),
    scene_model: dict | None = None,
) -> Counts:
    everything = read_manifest(frames, ["frame_id", "shot_id", "file"])
    shown = select_shard(everything, shard).query("file != ''").sort_values("frame_id")
    people = read_people(instances, keypoints)
    groups, nobody = dict(list(people.groupby("frame_id"))), people.iloc[:0]
    clean = read_manifest(backgrounds, ["frame_id", "file"]).set_index("frame_id")["file"]
    own = scene_model is not None and scene_model["name"] != model["name"]
    names = [model["name"]] + ([scene_model["name"]] if own else [])
    log.info("%d frames, %d instances; %s", len(shown), len(people), ", ".join(names))

    def read(frame: tuple, *fits: Fit) -> list[Image]:
        file = clean.get(frame.frame_id)
        background = Path(background_images) / file if file else None
        if own and file == "":  # nobody there: the frame is its background
            background = Path(images) / frame.file
        who = groups.get(frame.frame_id, nobody)
        own_file = Path(images) / frame.file
        return read_images(frame.frame_id, own_file, who, background, padding, *fits)

    rows: list[tuple] = []
    if len(shown):
        embed = load_model(model, weights)
        scene = load_model(scene_model, scene_weights) if own else None
        fits = find_fit(embed), find_fit(scene or embed)
        frames_read = read_ahead(shown.itertuples(), lambda frame: read(frame, *fits))
        reader = progress(frames_read, "embedding frames", total=len(shown))
        rows = list(embed_images(reader, embed, batch_size, scene))
    table = pd.DataFrame(rows, columns=EMBEDDINGS.names)
    if not own:
        table = add_empty_frames(table, set(clean.index[clean == ""]))
    write_manifest(table, embeddings, EMBEDDINGS)
    found = {f"{kind}s": int((table["kind"] == kind).sum()) for kind in ("instance", "background")}
    return Counts("frames", len(shown), len(shown), found=found)


if __name__ == "__main__":
    run_phase(main, snakemake)
