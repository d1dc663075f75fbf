"""SAM 2.1's memory: who was found once is followed through a shot, and the detector corrects it.

A mask of the detector starts a track, or renews the memory of the track that it lies on; where the
detector sees nobody, the memory says who is still there. Forward in time only.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from transformers import Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from workflow_scripts.lib.images import mask_box
from workflow_scripts.models.detections import Detections, suppress_masks
from workflow_scripts.models.loaders.sam2_holes import fill_holes

SAME = 0.5  # IoU from which a detection is the propagated person
AGREES = 0.8  # IoU from which the memory needs no correction
NOBODY = -20.0  # logit
LATER = "non_cond_frame_outputs"  # where transformers keeps what the memory itself saw
MAX_COVERED = 0.5  # share of a propagated mask on detected people: more is one of them
KEPT_FRAMES = 16  # the memory looks back no farther (6 masks, 16 pointers); unseen as long: gone


@dataclass
class Track:
    """One person's memory; a session of one, so that it can be forgotten alone."""

    session: Sam2VideoInferenceSession
    score: float = 0.0  # of the last detection
    seen: int = 0  # frame in which the detector or the memory last saw them


class Follower:
    """`follower(found, image_embeddings)` for each frame of one shot, in order of time."""

    def __init__(self, model: Sam2VideoModel, side_px: int):
        self.model, self.side_px = model, side_px
        self.frame, self.started = -1, 0
        self.image_embeddings: dict[str, list[torch.Tensor]] = {}
        self.tracks: dict[int, Track] = {}

    @torch.inference_mode()
    def __call__(
        self, found: Detections, image_embeddings: dict[str, list[torch.Tensor]]
    ) -> Detections:
        """`found` with the number of each one's track, and who is propagated but was not found."""
        self.frame, self.image_embeddings = self.frame + 1, image_embeddings
        found = found.take(suppress_masks(found.masks, found.scores))
        numbers = list(self.tracks)
        propagated = self.propagate(*found.masks.shape[1:])
        rows, overlaps = match(found.masks, propagated)
        known = [self.start() if row < 0 else numbers[row] for row in rows]
        differ = zip(known, found.masks, overlaps, strict=True)
        self.correct([(track, mask) for track, mask, overlap in differ if overlap < AGREES])
        for track, score in zip(known, found.scores, strict=True):
            self.tracks[track].score, self.tracks[track].seen = float(score), self.frame
        found = Detections(found.boxes, found.scores, None, found.masks, np.array(known, int))
        found = found.join(self.add_missing(found, numbers, propagated))
        self.evict()
        return found

    def propagate(self, height: int, width: int) -> np.ndarray:
        """Masks (T, H, W) of all tracks where the memory sees them in this frame; empty if not."""
        if not self.tracks:
            return np.zeros((0, height, width), bool)
        logits = torch.stack([self._predict(track.session) for track in self.tracks.values()])
        logits = torch.from_numpy(fill_holes(logits.cpu().numpy())).to(logits.device)
        logits = torch.nn.functional.interpolate(logits[:, None], (height, width), mode="bilinear")
        logits = logits[:, 0]
        surest = torch.arange(len(logits), device=logits.device) == logits.argmax(0)[..., None]
        return ((logits > 0) & surest.permute(2, 0, 1)).cpu().numpy()

    def _predict(self, session: Sam2VideoInferenceSession) -> torch.Tensor:
        """Logits (h, w) of one track in this frame; far below 0 where the memory sees nobody."""
        session.cache.cache_vision_features(self.frame, self.image_embeddings)
        image = torch.zeros(1, 1, 1, device=self.model.device)  # not needed beside its embeddings
        found = self.model(session, frame_idx=self.frame, frame=image)
        there = found.object_score_logits.reshape(()) > 0
        return torch.where(there, found.pred_masks[0, 0].float(), NOBODY)

    def start(self) -> int:
        """The number of a new track."""
        device, number = self.model.device, self.started
        session = Sam2VideoInferenceSession(
            inference_device=device, inference_state_device=device, dtype=torch.float32
        )
        session.obj_id_to_idx(0)  # its only person
        self.tracks[number], self.started = Track(session), number + 1
        return number

    def correct(self, masks: list[tuple[int, np.ndarray]]) -> None:
        """Put (track, mask) into the memory of this frame."""
        size = (self.side_px, self.side_px)
        for track, mask in masks:
            pixels = torch.from_numpy(mask[None, None].astype(np.float32))
            pixels = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
            session = self.tracks[track].session
            session.add_mask_inputs(0, self.frame, (pixels >= 0.5).float())
            session.obj_with_new_inputs = [0]
            with single_mask(self.model):
                self._predict(session)

    def evict(self) -> None:
        """Drop who is long gone, and what no later frame asks for: a long shot has many of both."""
        gone = [n for n, track in self.tracks.items() if self.frame - track.seen > KEPT_FRAMES]
        for number in gone:
            del self.tracks[number]
        for track in self.tracks.values():
            session, outputs = track.session, track.session.output_dict_per_obj[0]
            session.processed_frames = None
            session.mask_inputs_per_obj[0].clear()
            for frame in [*outputs["cond_frame_outputs"].values(), *outputs[LATER].values()]:
                frame.pop("high_res_masks", None)
            outputs[LATER].pop(self.frame - KEPT_FRAMES, None)

    def add_missing(
        self, found: Detections, numbers: list[int], propagated: np.ndarray
    ) -> Detections:
        """Who is propagated in this frame, and was not found; nobody stands on somebody found."""
        taken = found.masks.any(0)
        rows = [
            row
            for row, mask in enumerate(propagated)
            if numbers[row] not in found.tracks and mask.any() and taken[mask].mean() <= MAX_COVERED
        ]
        tracks = [numbers[row] for row in rows]
        for track in tracks:
            self.tracks[track].seen = self.frame
        masks = propagated[rows] & ~taken
        boxes = np.array([mask_box(mask) for mask in masks], np.float32).reshape(-1, 4)
        scores = np.array([self.tracks[track].score for track in tracks], np.float32)
        return Detections(boxes, scores, None, masks, np.array(tracks, int))


@contextmanager
def single_mask(model: Sam2VideoModel) -> Iterator[None]:
    """Meanwhile the decoder gives its single mask, and the token of it as the object pointer.

    So it is where a mask is the prompt in _use_mask_as_output of sam2/modeling/sam2_base.py
    (facebookresearch/sam2); transformers takes the token of the best of three masks.
    """
    decoder = model.mask_decoder
    hook = decoder.register_forward_pre_hook(
        lambda _, args, options: (args, options | {"multimask_output": False}), with_kwargs=True
    )
    try:
        yield
    finally:
        hook.remove()


def match(masks: np.ndarray, propagated: np.ndarray) -> tuple[list[int], list[float]]:
    """Per found mask (N, H, W) the track it lies on, or -1, and their IoU."""
    tracks, overlaps = [-1] * len(masks), [0.0] * len(masks)
    table = np.array([[find_iou(one, other) for other in propagated] for one in masks])
    if table.size:
        for row, track in zip(*linear_sum_assignment(table, maximize=True), strict=True):
            if table[row, track] >= SAME:
                tracks[row], overlaps[row] = int(track), float(table[row, track])
    return tracks, overlaps


def find_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Shared share of two masks (H, W)."""
    return float((one & other).sum() / max(1, (one | other).sum()))
