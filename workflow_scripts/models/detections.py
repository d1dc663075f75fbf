"""What detectors, segmenters and nets of faces hand on: boxes, scores, regions, masks, points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Detections:
    """N things found in one image (H, W); row i of every array is the same thing."""

    boxes: np.ndarray  # (N, 4) float32: x0, y0, x1, y1 in pixels, end excluded
    scores: np.ndarray  # (N,) float32, 0 to 1
    regions: np.ndarray | None = None  # (N, 4) float32: center x, center y, side, angle in radians
    masks: np.ndarray | None = None  # (N, H, W) bool
    tracks: np.ndarray | None = None  # (N,) int: the same number is the same person in a shot

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, rows: np.ndarray | list[int]) -> "Detections":
        """The same things in another order, or fewer of them."""
        rows = np.asarray(rows, int)
        fields = (self.boxes, self.scores, self.regions, self.masks, self.tracks)
        return Detections(*(None if field is None else field[rows] for field in fields))

    def join(self, other: "Detections") -> "Detections":
        """These things, then the others; both must bring the same fields."""
        pairs = zip(
            (self.boxes, self.scores, self.regions, self.masks, self.tracks),
            (other.boxes, other.scores, other.regions, other.masks, other.tracks),
            strict=True,
        )
        return Detections(
            *(None if a is None or b is None else np.concatenate([a, b]) for a, b in pairs)
        )


# Roles detect and face: RGB images of any size in, what is in each of them out, in their order
Detect = Callable[[Sequence[np.ndarray]], list[Detections]]
Faces = tuple[np.ndarray, np.ndarray, np.ndarray]  # boxes (M, 4), scores (M,), points (M, 5, 2)
FindFaces = Callable[[Sequence[np.ndarray]], list[Faces]]


def no_detections(height: int, width: int, *, regions: bool) -> Detections:
    """Nobody found in an image of this size."""
    empty = np.zeros((0, 4), np.float32)
    masks = np.zeros((0, height, width), bool)
    return Detections(empty, np.zeros(0, np.float32), empty if regions else None, masks)


def suppress_masks(masks: np.ndarray, scores: np.ndarray, max_overlap: float = 0.5) -> list[int]:
    """Rows to keep, best first: drop a mask that shares half of the smaller with a better one."""
    keep: list[int] = []
    shared = count_shared(*[np.packbits(masks, axis=2)] * 2)
    areas = shared.diagonal()
    for row in np.argsort(-scores, kind="stable"):
        smaller = np.maximum(1, np.minimum(areas[row], areas[keep]))
        if areas[row] and (shared[row, keep] <= max_overlap * smaller).all():
            keep.append(int(row))
    return keep


def count_shared(masks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Pixels (N, M) that masks have in common; both packed, (N, H, W / 8) by np.packbits."""
    table = [[np.bitwise_count(one & other).sum() for other in others] for one in masks]
    return np.array(table, np.int64).reshape(len(masks), len(others))
