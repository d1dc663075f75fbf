"""What candidates look like, and how far apart two of them are: by pixels, embedding and pose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.manifest import read_vectors

# Images whose vectors lie nearer than this share of the median are near-repeats, whatever their
# pixels say: a slow pan moves all of them. Frames of other shots lie at 0.7 and more. Of figures it
# says nothing: their vectors know who they are, less what they do.
SAME_ANGLE = {"frame": 0.3, "plate": 0.0, "body": 0.0, "face": 0.0}
SAMPLE = 64  # images from which the scales are taken: all pairs of these
EMBEDDED_AS = {"frame": "frame", "plate": "background", "body": "instance", "face": "instance"}


@dataclass(frozen=True)
class Looks:
    """Of N candidates; row i of each is the same image."""

    thumbnails: np.ndarray  # (N, P) uint8 luma
    vectors: np.ndarray  # (N, D) float32 of length 1
    poses: np.ndarray  # (N, 34) float32 in torso lengths, nan where it is unknown; (N, 0): none
    same_angle: float = 0.0  # of SAME_ANGLE

    def __len__(self) -> int:
        return len(self.thumbnails)

    def measure_change(self, image: int) -> np.ndarray:
        """Mean difference (N,) in gray levels of all thumbnails from that of one image."""
        own = self.thumbnails[image]
        levels = np.maximum(self.thumbnails, own) - np.minimum(self.thumbnails, own)
        return levels.sum(1, dtype=np.int32) / self.thumbnails.shape[1]

    def measure_angle(self, image: int) -> np.ndarray:
        """Euclidean distance (N,) of all vectors from that of one image."""
        return np.sqrt(np.maximum(0, 2 - 2 * (self.vectors @ self.vectors[image])))

    def measure_move(self, image: int) -> np.ndarray:
        """Mean move (N,) of the joints, in torso lengths; nan where a pose is unknown."""
        moves = (self.poses - self.poses[image]).reshape(len(self), -1, 2)
        return np.linalg.norm(moves, axis=2).mean(1)


class Comparison:
    """How far apart images lie, and which nearly repeat each other.

    The distance is the sum of the measures of Looks, each in units of its median between images of
    the sample. Each is a metric, and so is their sum: what farthest-first asks for. Measures that
    do not differ at all say nothing.
    """

    def __init__(self, looks: Looks, min_change: float):
        measures = [looks.measure_change, looks.measure_angle]
        measures += [looks.measure_move] if looks.poses.shape[1] else []
        self._scaled = [(measure, _find_scale(measure, len(looks))) for measure in measures]
        self._min_change = min_change
        self._min_angle = looks.same_angle * self._scaled[1][1]

    def from_image(self, image: int) -> tuple[np.ndarray, np.ndarray]:
        """Of all images (N,): their distance from one, an unknown pose as far as the median; and
        whether they nearly repeat it."""
        values = [measure(image) for measure, _ in self._scaled]
        total = np.zeros(len(values[0]))
        for value, (_, scale) in zip(values, self._scaled, strict=True):
            total += np.nan_to_num(value / scale, nan=1.0) if scale else 0.0
        near = (values[0] < self._min_change) | (values[1] < self._min_angle)
        return total, near & (self._min_change > 0)


def _find_scale(measure, count: int) -> float:
    """Median between different images of an even sample; 0 where there is no difference."""
    sample = np.unique(np.linspace(0, count - 1, min(count, SAMPLE)).astype(int))
    pairs = [measure(image)[sample[n + 1 :]] for n, image in enumerate(sample)]
    values = np.concatenate(pairs) if pairs else np.zeros(0)
    values = values[np.isfinite(values)]
    return float(np.median(values)) if len(values) else 0.0


def read_looks(kind: Kind, rows: pd.DataFrame, embeddings: Sequence[str]) -> Looks:
    """Looks of the rows, in their order, from the tables of embed_images; faces bring their own
    thumbnails, bodies their poses."""
    seen_as, ids = EMBEDDED_AS[kind.shows], rows["image_id"]
    vectors, known = read_vectors(embeddings, seen_as, ids)
    if not known.all():
        raise CineloraError(
            f"{(~known).sum()} of {len(ids)} images have no embedding, the first is"
            f" {ids[~known].iloc[0]} ({seen_as}).\n"
            f"  embed_images leaves one for every image: {', '.join(map(str, embeddings))}.\n"
            "  Make them again: snakemake --cores 4 --forcerun embed_images"
        )
    if kind.shows == "face":
        thumbnails = np.stack(rows["face_thumbnail"].to_list())
    else:
        thumbnails, _ = read_vectors(embeddings, seen_as, ids, "thumbnail")
    poses = _stack_poses(rows)
    return Looks(thumbnails.astype(np.uint8), vectors, poses, SAME_ANGLE[kind.shows])


def _stack_poses(rows: pd.DataFrame) -> np.ndarray:
    if "normalized" not in rows:
        return np.zeros((len(rows), 0), np.float32)
    unknown = np.full(34, np.nan, np.float32)
    poses = [
        unknown if pose is None or np.size(pose) != 34 else pose for pose in rows["normalized"]
    ]
    return np.array(poses, np.float32).reshape(len(rows), 34)
