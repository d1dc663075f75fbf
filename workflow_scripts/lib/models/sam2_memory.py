"""SAM 2.1's memory: who was found once is followed through a shot, and the detector corrects it.

A mask of the detector starts a track, or renews the memory of the track that it lies on; where the
detector sees nobody, the memory says who is still there. Forward in time only.
"""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from transformers import Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

from workflow_scripts.lib.images import mask_box
from workflow_scripts.lib.models.detections import Detections, suppress_masks

SAME = 0.5  # IoU from which a detection is the remembered person
AGREES = 0.8  # IoU from which the memory needs no correction
MAX_COVERED = 0.5  # share of a remembered mask on detected people: more is one of them
KEPT_FRAMES = 16  # the memory looks back no farther (6 masks, 16 pointers)


class Follower:
    """`follower(image, found, codes)` for each frame of one shot, in order of time."""

    def __init__(self, model: Sam2VideoModel, side_px: int):
        self.model, self.side_px = model, side_px
        device = model.device
        self.session = Sam2VideoInferenceSession(
            inference_device=device, inference_state_device=device, dtype=torch.float32
        )
        self.frame = -1
        self.scores: list[float] = []  # per track, of its last detection

    @torch.inference_mode()
    def __call__(self, found: Detections, codes: dict) -> Detections:
        """`found` with the number of each one's track, and who is remembered but was not found."""
        self.frame += 1
        self.session.cache.cache_vision_features(self.frame, codes)
        found = found.take(suppress_masks(found.masks, found.scores))
        remembered = self.remember(*found.masks.shape[1:])
        tracks, overlaps = match(found.masks, remembered)
        unsure = [row for row in range(len(found)) if overlaps[row] < AGREES]
        tracks = self.start(tracks)
        if unsure:
            self.correct([(tracks[row], found.masks[row]) for row in unsure])
        for row, track in enumerate(tracks):
            self.scores[track] = float(found.scores[row])
        self.forget()
        found = Detections(found.boxes, found.scores, None, found.masks, np.array(tracks, int))
        return found.join(self.add_missing(found, remembered))

    def remember(self, height: int, width: int) -> np.ndarray:
        """Masks (T, H, W) of all tracks where the memory sees them in this frame; empty if not."""
        if not self.scores:
            return np.zeros((0, height, width), bool)
        found = self._look()
        size = (height, width)
        logits = torch.nn.functional.interpolate(found.pred_masks.float(), size, mode="bilinear")
        seen = found.object_score_logits.reshape(-1, 1, 1) > 0
        logits = torch.where(seen, logits[:, 0], -torch.inf)
        surest = torch.arange(len(logits), device=logits.device) == logits.argmax(0)[..., None]
        return ((logits > 0) & surest.permute(2, 0, 1)).cpu().numpy()

    def _look(self):
        """Run the model on this frame; its picture is not needed, the codes are in the cache."""
        nothing = torch.zeros(1, 1, 1, device=self.model.device)
        return self.model(self.session, frame_idx=self.frame, frame=nothing)

    def start(self, tracks: list[int]) -> list[int]:
        """Give those without a track (-1) the next numbers."""
        numbers = []
        for track in tracks:
            if track < 0:
                track = len(self.scores)
                self.scores.append(0.0)
            numbers.append(track)
        return numbers

    def correct(self, masks: list[tuple[int, np.ndarray]]) -> None:
        """Put (track, mask) into the memory of this frame."""
        for track, mask in masks:
            pixels = torch.from_numpy(mask[None, None].astype(np.float32))
            size = (self.side_px, self.side_px)
            pixels = torch.nn.functional.interpolate(pixels, size, mode="bilinear", antialias=True)
            row = self.session.obj_id_to_idx(track)
            self.session.add_mask_inputs(row, self.frame, (pixels >= 0.5).float())
        self.session.obj_with_new_inputs = [track for track, _ in masks]
        self._look()

    def forget(self) -> None:
        """Drop what no later frame asks for, or a long shot would fill the memory."""
        self.session.processed_frames = None
        for row, outputs in self.session.output_dict_per_obj.items():
            self.session.mask_inputs_per_obj[row].pop(self.frame, None)
            for kind in outputs.values():
                for frame in kind.values():
                    frame.pop("high_res_masks", None)
            outputs["non_cond_frame_outputs"].pop(self.frame - KEPT_FRAMES, None)

    def add_missing(self, found: Detections, remembered: np.ndarray) -> Detections:
        """Who is remembered in this frame, and was not found; nobody stands on somebody found."""
        taken = found.masks.any(0)
        rows = [
            row
            for row, mask in enumerate(remembered)
            if row not in found.tracks and mask.any() and taken[mask].mean() <= MAX_COVERED
        ]
        masks = remembered[rows] & ~taken
        boxes = np.array([mask_box(mask) for mask in masks], np.float32).reshape(-1, 4)
        scores = np.array([self.scores[row] for row in rows], np.float32)
        return Detections(boxes, scores, None, masks, np.array(rows, int))


def match(masks: np.ndarray, remembered: np.ndarray) -> tuple[list[int], list[float]]:
    """Per found mask (N, H, W) the track it lies on, or -1, and their IoU."""
    tracks, overlaps = [-1] * len(masks), [0.0] * len(masks)
    table = np.array([[find_iou(one, other) for other in remembered] for one in masks])
    if table.size:
        for row, track in zip(*linear_sum_assignment(table, maximize=True), strict=True):
            if table[row, track] >= SAME:
                tracks[row], overlaps[row] = int(track), float(table[row, track])
    return tracks, overlaps


def find_iou(one: np.ndarray, other: np.ndarray) -> float:
    """Shared share of two masks (H, W)."""
    return float((one & other).sum() / max(1, (one | other).sum()))
