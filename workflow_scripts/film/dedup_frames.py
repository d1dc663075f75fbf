"""Group near-duplicate frames. Reads hashes and small copies, leaves one row per sampled frame.

Leader clustering: the sharpest frame becomes a leader and takes every free frame near it, then the
sharpest of the rest, and so on. So each frame of a group looks like its keeper; chains of frames
that only look like their neighbors never form, as they do with connected components. Near means:
hashes within a radius (smaller across shots than within one), and no place of the image changed
much. The second condition is needed because a hash sees the whole: somebody who crosses a square
hardly changes it. A mirror image is near when the image that it mirrors is: drawings are reused
so. Held frames join the group of the image that they repeat.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.decoding.hashes import distances, mirror_hash
from workflow_scripts.film.decoding.measures import LUMA_THUMBNAIL
from workflow_scripts.film.near_hashes import find_pairs
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, progress, run_phase

GROUPS = pa.schema(
    [
        ("frame_id", pa.string()),
        ("group", pa.string()),  # frame_id of its keeper; the frame itself where it has no image
        ("is_keeper", pa.bool_()),
        ("distance", pa.int32()),  # bits between the hashes of the two, as they are near
    ]
)
COLUMNS = ["frame_id", "shot_id", "file", "held_of", "phash", "sharpness", "luma_thumbnail"]


class Neighbors:
    """Which images have hashes within a radius; equal hashes are searched only once."""

    def __init__(self, hashes: np.ndarray, radius: int):
        codes, self._code_of = np.unique(hashes, return_inverse=True)
        left, right = find_pairs(codes, radius)
        everyone = np.arange(len(codes))
        ones = np.concatenate([left, right, everyone])
        others = np.concatenate([right, left, everyone])
        self._codes_near = _Lists(ones, others, len(codes))
        self._images_with = _Lists(self._code_of, np.arange(len(hashes)), len(codes))

    def of(self, image: int) -> np.ndarray:
        """Numbers of the images near one, itself among them."""
        near = self._codes_near.get(self._code_of[image])
        return np.concatenate([self._images_with.get(code) for code in near])


class _Lists:
    """Values by key, for many small lists: two flat arrays."""

    def __init__(self, keys: np.ndarray, values: np.ndarray, count: int):
        order = np.argsort(keys, kind="stable")
        self._values = values[order]
        self._bounds = np.searchsorted(keys[order], np.arange(count + 1))

    def get(self, key: int) -> np.ndarray:
        return self._values[self._bounds[key] : self._bounds[key + 1]]


class Thumbnails:
    """Images as they are, numbers 0 to N - 1, and their mirror images, N to 2 N - 1."""

    def __init__(self, images: pd.DataFrame):
        self.count = len(images)
        self._shots = images["shot_id"].to_numpy()
        cards = np.stack([np.frombuffer(card, np.uint8) for card in images["luma_thumbnail"]])
        self._cards = cards.reshape(-1, *LUMA_THUMBNAIL[::-1])
        hashes = images["phash"].to_numpy(np.uint64)
        pairs = zip(hashes.tolist(), self._cards, strict=True)
        mirrored = np.array([mirror_hash(code, card) for code, card in pairs], np.uint64)
        self.hashes = np.concatenate([hashes, mirrored])

    def compare(self, near: np.ndarray, image: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """By number: bits from an image, whether in its shot, greatest change of any place."""
        bits = distances(self.hashes[near], self.hashes[image]).astype(int)
        mirrored, images = np.divmod(near, self.count)
        cards = self._cards[images]
        cards[mirrored == 1] = cards[mirrored == 1, :, ::-1]
        changes = measure_change(cards, self._cards[image])
        return bits, self._shots[images] == self._shots[image], changes


def find_leaders(
    images: pd.DataFrame, within: int, across: int, max_change: int
) -> tuple[np.ndarray, np.ndarray]:
    """Row number (N,) of each image's leader, and the bits (N,) between them.

    `images` has shot_id, phash, sharpness and luma_thumbnail.
    """
    thumbnails = Thumbnails(images)
    neighbors = Neighbors(thumbnails.hashes, max(within, across))
    leaders, distance = np.full(thumbnails.count, -1), np.zeros(thumbnails.count, int)
    sharpest_first = np.argsort(-images["sharpness"].to_numpy(), kind="stable")
    for image in progress(sharpest_first, "frames", total=thumbnails.count):
        if leaders[image] >= 0:
            continue
        near = -np.sort(-neighbors.of(image))  # mirror images first: the others overwrite them
        near = near[leaders[near % thumbnails.count] < 0]
        bits, is_same_shot, changes = thumbnails.compare(near, image)
        chosen = (bits <= np.where(is_same_shot, within, across)) & (changes <= max_change)
        leaders[near[chosen] % thumbnails.count] = image
        distance[near[chosen] % thumbnails.count] = bits[chosen]
    return leaders, distance


def measure_change(luma_thumbnails: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Greatest difference (N,) in gray levels of small copies (N, h, w) from another one."""
    return (np.maximum(luma_thumbnails, other) - np.minimum(luma_thumbnails, other)).max(
        axis=(1, 2)
    )


def group_frames(frames: pd.DataFrame, within: int, across: int, max_change: int) -> pd.DataFrame:
    """One row per frame: its group, whether it is the keeper, its distance to the keeper."""
    groups = frames[["frame_id"]].assign(group=frames["frame_id"], is_keeper=False, distance=0)
    has_image = (frames["file"] != "").to_numpy()
    if has_image.any():
        images = frames[has_image].reset_index(drop=True)
        leaders, distance = find_leaders(images, within, across, max_change)
        groups.loc[has_image, "group"] = images["frame_id"].to_numpy()[leaders]
        groups.loc[has_image, "is_keeper"] = leaders == np.arange(len(images))
        groups.loc[has_image, "distance"] = distance
    return join_held(groups, frames["held_of"])


def join_held(groups: pd.DataFrame, held_of: pd.Series) -> pd.DataFrame:
    """Put held frames into the group of the image that they repeat."""
    held = (held_of != "").to_numpy()
    originals = groups.set_index("frame_id").loc[held_of[held]]
    for name in ("group", "distance"):
        groups.loc[held, name] = originals[name].to_numpy()
    return groups


def find_reasons(groups: pd.DataFrame, frames: pd.DataFrame) -> pd.Series:
    """What is counted: "" for keepers, else why a frame is none."""
    reasons = pd.Series("duplicate", index=groups.index)
    reasons[groups["is_keeper"]] = ""
    reasons[(frames["file"] == "").to_numpy()] = "unreadable"
    reasons[(frames["held_of"] != "").to_numpy()] = "held"
    return reasons


def main(
    frames: str,
    groups: str,
    *,
    max_distance_within_shot: int,
    max_distance_across_shots: int,
    max_change: int,
) -> Counts:
    rows = read_manifest(frames, COLUMNS)
    result = group_frames(rows, max_distance_within_shot, max_distance_across_shots, max_change)
    write_manifest(result, groups, GROUPS)
    return Counts.of("frames", find_reasons(result, rows), groups=int(result["is_keeper"].sum()))


if __name__ == "__main__":
    run_phase(main, snakemake)
