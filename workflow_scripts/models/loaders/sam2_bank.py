"""SAM 2.1's memory bank, read and written for all people of a frame at once.

As track_step of sam2/modeling/sam2_base.py (facebookresearch/sam2) does it for one person, by the
parts of transformers' Sam2VideoModel; its own session takes the people of a frame in turn.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn.functional import interpolate
from transformers import Sam2VideoModel
from transformers.models.sam2_video.modeling_sam2_video import get_1d_sine_pe

from workflow_scripts.models.loaders.devices import Batches, autocast, pick_dtype

NO_OBJECT = -1024.0  # logit: NO_OBJ_SCORE of sam2/modeling/sam2_base.py
# Each takes some 0.2 GB in the memory attention at 1024 px; where that is too much, batches halve
PEOPLE_AT_ONCE = 8

Frame = dict[str, list[torch.Tensor]]  # the image_embeddings of one image


@dataclass
class Memory:
    """What is known of one person: of the frame of the first mask, then of the latest ones."""

    features: list[torch.Tensor] = field(default_factory=list)  # (h * w, M) bfloat16 each
    pointers: list[torch.Tensor] = field(default_factory=list)  # (C,) float32 each
    age: int = 0  # frames since that of the first mask


@dataclass
class Seen:
    """One person in one frame; what the memory bank makes its entry of."""

    logits: torch.Tensor  # (h, w); a mask that was given: (side, side), infinite, as it is certain
    pointer: torch.Tensor  # (C,) the object pointer
    there: torch.Tensor  # () bool


class MemoryBank:
    """Recalls people in a frame, takes masks of them from outside, and stores what was seen."""

    def __init__(self, model: Sam2VideoModel):
        self.model, self.config = model, model.config
        self.dtype = pick_dtype(model.device)
        self.recalls, self.prompts, self.stores = (
            Batches(run, PEOPLE_AT_ONCE, model.device)
            for run in (self._recall, self._prompt, self._store)
        )

    @torch.inference_mode()
    def recall(self, frame: Frame, memories: Sequence[Memory]) -> list[Seen]:
        """Where people are in this frame, by what is known of them."""
        parts = self.recalls([(frame, memory) for memory in memories])
        return [one for part in parts for one in part]

    @torch.inference_mode()
    def prompt(self, frame: Frame, masks: np.ndarray) -> list[Seen]:
        """What masks (N, H, W) bool say of people in this frame."""
        parts = self.prompts([(frame, mask) for mask in masks])
        return [one for part in parts for one in part]

    @torch.inference_mode()
    def store(self, frame: Frame, people: Sequence[tuple[Memory, Seen]]) -> None:
        """Add what was seen in this frame to the memories."""
        self.stores([(frame, *one) for one in people])

    def _autocast(self) -> torch.autocast:
        return autocast(self.model.device, self.dtype)

    def _recall(self, items: Sequence[tuple[Frame, Memory]]) -> list[Seen]:
        frame, config = items[0][0], self.config
        is_allowed = config.multimask_output_in_sam and config.multimask_output_for_tracking
        many_masks = is_allowed and config.multimask_min_pt_num <= 0  # no point is given
        with self._autocast():
            attended = self._attend(frame, [memory for _, memory in items])
            return self._decode(frame, attended, None, many_masks)

    def _attend(self, frame: Frame, memories: list[Memory]) -> torch.Tensor:
        """The features of the frame (N, C, h, w) as each one's memory colors them.

        A call for all who are known from equally many frames; whoever comes later is in one of
        their own until their memory is as full, after 16. Memories of unequal length would need a
        mask, which the fast attention does not take.
        """
        alike = defaultdict(list)
        for row, memory in enumerate(memories):
            alike[len(memory.features), len(memory.pointers)].append(row)
        attended = {
            row: one
            for rows in alike.values()
            for row, one in zip(
                rows, self._attend_alike(frame, [memories[r] for r in rows]), strict=True
            )
        }
        return torch.stack([attended[row] for row in range(len(memories))])

    def _attend_alike(self, frame: Frame, memories: list[Memory]) -> torch.Tensor:
        slots = zip(*(memory.features for memory in memories), strict=True)
        features = torch.cat([torch.stack(slot, 1) for slot in slots]).float()
        pointers, pointer_places = self._split_pointers(memories)
        places = self._place(len(memories[0].features)).expand(-1, len(memories), -1)
        coarse, where = (frame[name][-1] for name in ("vision_feats", "vision_pos_embeds"))
        attended = self.model.memory_attention(
            current_vision_features=coarse.expand(-1, len(memories), -1),
            current_vision_position_embeddings=where.expand(-1, len(memories), -1),
            memory=torch.cat([features, pointers]),
            memory_posision_embeddings=torch.cat([places, pointer_places]),  # transformers' name
            num_object_pointer_tokens=len(pointers),
        )
        return as_map(attended[0].transpose(0, 1), self.model.backbone_feature_sizes[-1])

    def _place(self, count: int) -> torch.Tensor:
        """Encoded places and times of the features of so many frames: (count * h * w, 1, M)."""
        shape = (1, self.model.mem_dim, *self.model.backbone_feature_sizes[-1])
        encode = self.model.memory_encoder.position_encoding
        places = encode(shape, self.model.device, torch.float32).flatten(2).permute(2, 0, 1)
        # the last is for the frame of the first mask; the others count back from this frame
        times = self.model.memory_temporal_positional_encoding
        return torch.cat([places + times[back] for back in (-1, *range(count - 2, -1, -1))])

    def _split_pointers(self, memories: list[Memory]) -> tuple[torch.Tensor, torch.Tensor]:
        """Object pointers as tokens (L, N, M) of the memory's width, and their encoded times."""
        model, width = self.model, self.model.mem_dim
        pointers = torch.stack([torch.stack(memory.pointers) for memory in memories], 1)
        tokens = pointers.unflatten(2, (-1, width)).transpose(1, 2).flatten(0, 1)
        if not self.config.enable_temporal_pos_encoding_for_object_pointers:  # SAM 2.0
            return tokens, torch.zeros_like(tokens)
        backs = [[memory.age, *range(len(pointers) - 1, 0, -1)] for memory in memories]
        times = torch.tensor(backs, dtype=torch.float32, device=model.device).T
        times = times / (self.config.max_object_pointers_in_encoder - 1)
        encoded = get_1d_sine_pe(times, dim=pointers.shape[2])
        encoded = model.temporal_positional_encoding_projection_layer(encoded)
        return tokens, encoded.repeat_interleave(pointers.shape[2] // width, 0)

    def _prompt(self, items: Sequence[tuple[Frame, np.ndarray]]) -> list[Seen]:
        """As _use_mask_as_output of sam2/modeling/sam2_base.py: the token of the single mask."""
        frame, model = items[0][0], self.model
        masks = torch.from_numpy(np.stack([mask for _, mask in items])[:, None]).to(model.device)
        size = (model.image_size, model.image_size)
        shown = interpolate(masks.float(), size, mode="bilinear", antialias=True) >= 0.5
        coarse = as_map(frame["vision_feats"][-1], model.backbone_feature_sizes[-1])
        with self._autocast():
            small = model.mask_downsample(shown.float())
            seen = self._decode(frame, coarse.expand(len(items), -1, -1, -1), small, False)
        certain = torch.where(shown, torch.inf, -torch.inf)
        is_any = shown.flatten(1).any(1)  # a mask may be too thin for this size
        pointers = torch.where(
            is_any[:, None], torch.stack([one.pointer for one in seen]), model.no_object_pointer
        )
        return [Seen(*one) for one in zip(certain[:, 0], pointers, is_any, strict=True)]

    def _decode(
        self, frame: Frame, coarse: torch.Tensor, masks: torch.Tensor | None, many_masks: bool
    ) -> list[Seen]:
        """People from features (N, C, h, w), by the best of three masks or by the single one."""
        model, rows = self.model, torch.arange(len(coarse), device=coarse.device)
        points = torch.zeros(len(coarse), 1, 1, 2, device=coarse.device)
        no_point = -torch.ones_like(points[..., 0]).int()
        sparse, dense = model.prompt_encoder(points, no_point, None, masks)
        fine = zip(frame["vision_feats"][:-1], model.backbone_feature_sizes, strict=False)
        places = model.get_image_wide_positional_embeddings().expand(len(coarse), -1, -1, -1)
        logits, ious, tokens, there = model.mask_decoder(
            coarse,
            places,
            sparse,
            dense,
            many_masks,
            high_resolution_features=[as_map(*level) for level in fine],
        )
        best = ious[:, 0].argmax(1)
        there = there.flatten() > 0
        pointers = model.object_pointer_proj(tokens[rows, 0, best]).float()
        pointers = torch.where(there[:, None], pointers, model.no_object_pointer)
        logits = torch.where(there[:, None, None], logits[rows, 0, best].float(), NO_OBJECT)
        return [Seen(*one) for one in zip(logits, pointers, there, strict=True)]

    def _store(self, items: Sequence[tuple[Frame, Memory, Seen]]) -> None:
        model, frame = self.model, items[0][0]
        coarse = as_map(frame["vision_feats"][-1], model.backbone_feature_sizes[-1])
        shown = torch.cat([self._show(seen.logits) for _, _, seen in items])
        shown = shown * self.config.sigmoid_scale_for_mem_enc + self.config.sigmoid_bias_for_mem_enc
        with self._autocast():
            features, _ = model.memory_encoder(coarse.expand(len(items), -1, -1, -1), shown)
        if model.occlusion_spatial_embedding_parameter is not None:
            gone = ~torch.stack([seen.there for _, _, seen in items])
            marks = model.occlusion_spatial_embedding_parameter[..., None, None]
            features = features + gone[:, None, None, None] * marks
        features = features.to(torch.bfloat16).flatten(2).transpose(1, 2)  # stored as upstream does
        # not parts of all people's; and made before any is added: out of memory, this is repeated
        entries = [entry.clone() for entry in features]
        pointers = [seen.pointer.clone() for _, _, seen in items]
        for (_, memory, _), *entry in zip(items, entries, pointers, strict=True):
            self._add(memory, *entry)

    def _show(self, logits: torch.Tensor) -> torch.Tensor:
        """How sure each pixel is: (1, 1, side, side), 0 to 1."""
        side = self.model.image_size
        if len(logits) != side:
            logits = interpolate(logits[None, None], (side, side), mode="bilinear")[0, 0]
        return logits.sigmoid()[None, None]

    def _add(self, memory: Memory, features: torch.Tensor, pointer: torch.Tensor) -> None:
        """The first entry stays; of the others only the latest are ever read."""
        memory.age += 1
        memory.features.append(features)
        memory.pointers.append(pointer)
        del memory.features[1 : -(self.model.num_maskmem - 1)]
        del memory.pointers[1 : -(self.config.max_object_pointers_in_encoder - 1)]


def as_map(level: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Features (h * w, N, C) as maps (N, C, h, w)."""
    return level.permute(1, 2, 0).unflatten(2, size)
