"""SAM 2 written plainly, to compare with: people in turn, masks in full on the CPU.

A session of transformers for each person, OpenCV for holes and sizes, numpy for pixels.
"""

from contextlib import contextmanager

import cv2
import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from workflow_scripts.lib.images import mask_box
from workflow_scripts.models.detections import Detections
from workflow_scripts.models.loaders.sam2_boxes import BoxSegmenter


def fill_holes(logits: np.ndarray) -> np.ndarray:
    """Logits (N, h, w) with patches of background of at most 8 px at 0.1."""
    filled = logits.copy()
    for mask in filled:
        background = (mask <= 0).astype(np.uint8)
        _, labels, measures, _ = cv2.connectedComponentsWithStats(background, connectivity=8)
        is_small = measures[:, cv2.CC_STAT_AREA] <= 8
        is_small[0] = False
        mask[is_small[labels]] = 0.1
    return filled


def cut_out(logits: np.ndarray, boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Masks (N, H, W) of small logits: the surest within boxes a tenth wider on each side."""
    large = np.stack([cv2.resize(one, (width, height)) for one in fill_holes(logits)])
    x0, y0, x1, y1 = (boxes[:, [side]] for side in range(4))
    wide, high = 0.1 * (x1 - x0), 0.1 * (y1 - y0)
    columns, rows = np.arange(width) + 0.5, np.arange(height) + 0.5
    across = (columns >= x0 - wide) & (columns <= x1 + wide)
    down = (rows >= y0 - high) & (rows <= y1 + high)
    large = np.where(down[:, :, None] & across[:, None, :], large, -np.inf)
    return (large > 0) & (large == large.max(0))


def find_iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max(1, (one | other).sum()))


class FollowerInTurn:
    """`look(image_embeddings, size)`, then `answer(found)`, of masks that share no pixel."""

    def __init__(self, segmenter: BoxSegmenter, kept_frames: int = 16):
        self.model, self.side_px = segmenter.video, segmenter.side_px
        self.kept_frames = kept_frames
        self.frame, self.codes, self.started = -1, {}, 0
        self.sessions, self.scores, self.seen = {}, {}, {}
        self.shown: dict[int, np.ndarray] = {}
        self.corrected: list[int] = []

    @torch.inference_mode()
    def look(self, codes: dict, size: tuple[int, int]) -> dict[int, np.ndarray]:
        """Masks of the tracks in the next frame, by its number."""
        self.frame, self.codes = self.frame + 1, codes
        self.shown = dict(zip(self.sessions, self.propagate(*size), strict=True))
        return self.shown

    @torch.inference_mode()
    def answer(self, found: Detections) -> Detections:
        """Who is in the frame that was looked at."""
        numbers, taken = list(self.shown), found.masks.any(0)
        rows, overlaps = self.match(found.masks, list(self.shown.values()))
        known = [self.start() if row < 0 else numbers[row] for row in rows]
        self.corrected = [n for n, o in zip(known, overlaps, strict=True) if o < 0.8]
        self.correct(self.corrected, known, found)
        for number, score in zip(known, found.scores, strict=True):
            self.scores[number], self.seen[number] = float(score), self.frame
        left = {
            n: mask & ~taken
            for n, mask in self.shown.items()
            if n not in known and mask.any() and taken[mask].mean() <= 0.5
        }
        self.seen |= dict.fromkeys(left, self.frame)
        masks = [*found.masks, *left.values()]
        for number in [n for n in self.sessions if self.frame - self.seen[n] > self.kept_frames]:
            del self.sessions[number]
        return Detections(
            np.array([mask_box(mask) for mask in masks], np.float32).reshape(-1, 4),
            np.array([*found.scores, *(self.scores[n] for n in left)], np.float32),
            None,
            np.array(masks, bool).reshape(-1, *taken.shape),
            np.array([*known, *left], int),
        )

    def list_pointers(self) -> list[torch.Tensor]:
        """The object pointer (C,) of each track in the frame that was looked at."""
        outputs = [session.output_dict_per_obj[0] for session in self.sessions.values()]
        both = [one["cond_frame_outputs"] | one["non_cond_frame_outputs"] for one in outputs]
        return [one[self.frame]["object_pointer"].flatten() for one in both]

    def propagate(self, height: int, width: int) -> np.ndarray:
        small = [self.predict(session).numpy() for session in self.sessions.values()]
        if not small:
            return np.zeros((0, height, width), bool)
        large = np.stack([cv2.resize(one, (width, height)) for one in fill_holes(np.array(small))])
        return (large > 0) & (large.argmax(0) == np.arange(len(large))[:, None, None])

    def predict(self, session: Sam2VideoInferenceSession) -> torch.Tensor:
        session.cache.cache_vision_features(self.frame, self.codes)
        found = self.model(session, frame_idx=self.frame, frame=torch.zeros(1, 1, 1))
        return found.pred_masks[0, 0]

    def match(self, masks: np.ndarray, shown: list[np.ndarray]) -> tuple[list[int], list[float]]:
        tracks, overlaps = [-1] * len(masks), [0.0] * len(masks)
        table = np.array([[find_iou(one, other) for other in shown] for one in masks])
        pairs = zip(*linear_sum_assignment(table, maximize=True), strict=True) if table.size else ()
        for row, track in pairs:
            if table[row, track] >= 0.5:
                tracks[row], overlaps[row] = int(track), float(table[row, track])
        return tracks, overlaps

    def start(self) -> int:
        session = Sam2VideoInferenceSession(dtype=torch.float32)
        session.obj_id_to_idx(0)
        self.sessions[self.started] = session
        self.started += 1
        return self.started - 1

    def correct(self, wrong: list[int], known: list[int], found: Detections) -> None:
        size = (self.side_px, self.side_px)
        for number in wrong:
            pixels = torch.from_numpy(found.masks[known.index(number)][None, None]).float()
            pixels = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
            self.sessions[number].add_mask_inputs(0, self.frame, (pixels >= 0.5).float())
            self.sessions[number].obj_with_new_inputs = [0]
            with single_mask(self.model):
                self.predict(self.sessions[number])


@contextmanager
def single_mask(model: torch.nn.Module):
    """Meanwhile the decoder gives its single mask."""
    hook = model.mask_decoder.register_forward_pre_hook(
        lambda _, args, options: (args, options | {"multimask_output": False}), with_kwargs=True
    )
    yield
    hook.remove()
