"""SAM 2.1's memory: who was found once is followed through a shot, and the detector corrects it.

A mask of the detector starts a track, or renews the memory of the track that it lies on; where the
detector sees nobody, the memory says who is still there. Forward in time only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment

from workflow_scripts.models.detections import Detections, count_shared, suppress_masks
from workflow_scripts.models.loaders.sam2_bank import Frame, Memory, MemoryBank, Seen
from workflow_scripts.models.loaders.sam2_holes import fill_holes
from workflow_scripts.models.loaders.sam2_masks import (
    assign_pixels,
    bits_box,
    copy_bits,
    unpack_bits,
)

SAME = 0.5  # IoU from which a detection is the propagated person
AGREES = 0.8  # IoU from which the memory needs no correction
MAX_COVERED = 0.5  # share of a propagated mask on detected people: more is one of them
KEPT_FRAMES = 16  # the memory looks back no farther (6 masks, 16 pointers); unseen as long: gone


@dataclass
class Track:
    """One person of a shot."""

    memory: Memory = field(default_factory=Memory)
    score: float = 0.0  # of the last detection
    seen: int = 0  # frame in which the detector or the memory last saw them


class Follower:
    """`follower(found, image_embeddings)` for each frame of one shot, in order of time."""

    def __init__(self, bank: MemoryBank):
        self.bank = bank
        self.frame, self.started = -1, 0
        self.tracks: dict[int, Track] = {}

    def __call__(self, found: Detections, image_embeddings: Frame) -> Detections:
        """`found` with the number of each one's track, and who is propagated but was not found."""
        self.frame += 1
        found = found.take(suppress_masks(found.masks, found.scores))
        numbers, memories = list(self.tracks), [track.memory for track in self.tracks.values()]
        seen = dict(zip(numbers, self.bank.recall(image_embeddings, memories), strict=True))
        propagated = draw_masks(list(seen.values()), *found.masks.shape[1:])
        rows, overlaps = match(np.packbits(found.masks, axis=2), propagated)
        known = [self.start() if row < 0 else numbers[row] for row in rows]
        differ = [row for row, overlap in enumerate(overlaps) if overlap < AGREES]
        corrected = self.bank.prompt(image_embeddings, found.masks[differ])
        seen |= zip((known[row] for row in differ), corrected, strict=True)
        for track, score in zip(known, found.scores, strict=True):
            self.tracks[track].score, self.tracks[track].seen = float(score), self.frame
        found = Detections(found.boxes, found.scores, None, found.masks, np.array(known, int))
        found = found.join(self.add_missing(found, numbers, propagated))
        self.evict()
        left = [(track.memory, seen[number]) for number, track in self.tracks.items()]
        self.bank.store(image_embeddings, left)
        return found

    def start(self) -> int:
        """The number of a new track."""
        number = self.started
        self.tracks[number], self.started = Track(), number + 1
        return number

    def evict(self) -> None:
        """Drop who is long gone: a long shot has many of them."""
        gone = [n for n, track in self.tracks.items() if self.frame - track.seen > KEPT_FRAMES]
        for number in gone:
            del self.tracks[number]

    def add_missing(
        self, found: Detections, numbers: list[int], propagated: np.ndarray
    ) -> Detections:
        """Who is propagated in this frame, and was not found; nobody stands on somebody found."""
        taken = np.packbits(found.masks.any(0), axis=1)
        areas, covered = (
            np.bitwise_count(bits).sum((1, 2)) for bits in (propagated, propagated & taken)
        )
        is_new = ~np.isin(numbers, found.tracks) & (areas > 0) & (covered <= MAX_COVERED * areas)
        rows = np.flatnonzero(is_new)
        tracks = [numbers[row] for row in rows]
        for track in tracks:
            self.tracks[track].seen = self.frame
        bits = propagated[rows] & ~taken
        boxes = np.array([bits_box(one) for one in bits], np.float32).reshape(-1, 4)
        scores = np.array([self.tracks[track].score for track in tracks], np.float32)
        masks = unpack_bits(bits, found.masks.shape[2])
        return Detections(boxes, scores, None, masks, np.array(tracks, int))


def draw_masks(people: Sequence[Seen], height: int, width: int) -> np.ndarray:
    """Packed masks (N, H, W / 8) of people where they were recalled, empty ones included."""
    if not people:
        return np.zeros((0, height, -(-width // 8)), np.uint8)
    logits = fill_holes(torch.stack([one.logits for one in people]))
    return copy_bits(assign_pixels(logits, height, width))


def match(masks: np.ndarray, propagated: np.ndarray) -> tuple[list[int], list[float]]:
    """Per found mask the track it lies on, or -1, and their IoU; masks are packed (N, H, W / 8)."""
    tracks, overlaps = [-1] * len(masks), [0.0] * len(masks)
    areas, others = (np.bitwise_count(bits).sum((1, 2)) for bits in (masks, propagated))
    shared = count_shared(masks, propagated)
    table = shared / np.maximum(1, areas[:, None] + others - shared)
    if table.size:
        for row, track in zip(*linear_sum_assignment(table, maximize=True), strict=True):
            if table[row, track] >= SAME:
                tracks[row], overlaps[row] = int(track), float(table[row, track])
    return tracks, overlaps
