"""Role segment, full tier: SAM 2.1 cuts out what stands in each box of the detector.

The classes are those of transformers, not of the package sam2: they take a shot frame by frame,
read safetensors, need no hydra, and are about as fast on a CPU (benchmarks/sam2_either.md).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import Sam2Model, Sam2VideoModel

from workflow_scripts.models.detections import Detections, no_detections
from workflow_scripts.models.loaders.devices import Batches, autocast, open_device, pick_dtype
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.folders import check_folder, open_pretrained
from workflow_scripts.models.loaders.pixels import IMAGENET_MEAN, IMAGENET_STD, stack_images
from workflow_scripts.models.loaders.sam2_bank import MemoryBank, as_map
from workflow_scripts.models.loaders.sam2_holes import fill_holes
from workflow_scripts.models.loaders.sam2_masks import (
    assign_pixels,
    bits_box,
    copy_bits,
    unpack_bits,
)
from workflow_scripts.models.loaders.sam2_memory import Follower

BOX_MARGIN = 0.1  # of the box's size: a mask beyond it is not what the box was about


class BoxSegmenter:
    """`segmenter(image, detections)` -> the same things with masks; those without one are left out.

    The embeddings of an image are kept until other images come: boxes, a second look at small
    people and the memory of a shot ask for them in turn, and only the small decoder runs again.
    """

    def __init__(self, folder: Path, device: str, batch_size: int):
        check_folder(folder, "model.safetensors", {"sam2_video"})
        self.device = open_device(device)
        self.dtype = pick_dtype(self.device)
        video = open_pretrained(Sam2VideoModel, folder)
        model = open_pretrained(Sam2Model, folder, is_part=True)
        model.vision_encoder = video.vision_encoder  # the large part, once
        self.video, self.model = video.eval().to(self.device), model.eval().to(self.device)
        self.side_px = int(model.config.prompt_encoder_config.image_size)
        self.bank = MemoryBank(self.video)
        self.batch_size, self.batches = batch_size, Batches(self.encode, batch_size)
        self.seen: list[tuple[np.ndarray, dict]] = []  # images and their image_embeddings

    @torch.inference_mode()
    def encode(self, images: Sequence[np.ndarray]) -> dict[str, list[torch.Tensor]]:
        """Codes of N images of any size: one tensor (h * w, N, C) per level, and their places."""
        pixels = stack_images(images, self.side_px, IMAGENET_MEAN, IMAGENET_STD, self.device)
        with autocast(self.device, self.dtype):
            found = self.video.get_image_features(pixels)
        return {
            "vision_feats": [code.float() for code in found.fpn_hidden_states],
            "vision_pos_embeds": [code.float() for code in found.fpn_position_encoding],
        }

    def _encode_once(self, image: np.ndarray) -> dict[str, list[torch.Tensor]]:
        for other, image_embeddings in self.seen:
            if other is image:
                return image_embeddings
        self.prepare([image])
        return self.seen[0][1]

    def prepare(self, images: Sequence[np.ndarray]) -> None:
        """Encode the images that come next, in batches; their image_embeddings wait for them."""
        self.seen = []  # first: a GPU may not hold these and the next
        image_embeddings = [one for part in self.batches(images) for one in split_embeddings(part)]
        self.seen = list(zip(images, image_embeddings, strict=True))

    def _as_maps(self, image_embeddings: dict[str, list[torch.Tensor]]) -> list[torch.Tensor]:
        """The embeddings as the box decoder takes them: (N, C, h, w), the last without a memory."""
        *fine, coarse = image_embeddings["vision_feats"]
        levels = [*fine, coarse + self.video.no_memory_embedding]
        return [
            as_map(level, size)
            for level, size in zip(levels, self.video.backbone_feature_sizes, strict=True)
        ]

    @torch.inference_mode()
    def predict_logits(self, image: np.ndarray, boxes: np.ndarray) -> torch.Tensor:
        """Logits (N, h, w) float32, of SAM's size and on its device, of what is in each box (N, 4).

        Above 0 is the mask, of which small holes are filled.
        """
        height, width = image.shape[:2]
        scale = self.side_px / np.array([width, height] * 2, np.float32)
        prompts = torch.from_numpy(boxes.astype(np.float32) * scale)[None].to(self.device)
        image_embeddings = self._as_maps(self._encode_once(image))
        with autocast(self.device, self.dtype):  # encoder and decoder alike: README.md of sam2
            found = self.model(
                image_embeddings=image_embeddings, input_boxes=prompts, multimask_output=False
            )
        return fill_holes(found.pred_masks[0, :, 0].float())

    def __call__(self, image: np.ndarray, detections: Detections) -> Detections:
        height, width = image.shape[:2]
        if not len(detections):
            return no_detections(height, width, regions=False)
        logits = self.predict_logits(image, detections.boxes)
        bits = copy_bits(assign_pixels(logits, height, width, widen_boxes(detections.boxes)))
        rows = np.flatnonzero(bits.any((1, 2)))
        boxes = np.array([bits_box(bits[row]) for row in rows], np.float32).reshape(-1, 4)
        return Detections(boxes, detections.scores[rows], None, unpack_bits(bits[rows], width))

    def follow_shot(self) -> Callable[[np.ndarray, Detections], Detections]:
        """Return follow(image, found) -> Detections with tracks, for one shot, frame by frame."""
        follower = Follower(self.bank)
        return lambda image, found: follower(found, self._encode_once(image))


def split_embeddings(
    image_embeddings: dict[str, list[torch.Tensor]],
) -> list[dict[str, list[torch.Tensor]]]:
    """Codes of N images, (h * w, N, C) a level, as those of each."""
    count = image_embeddings["vision_feats"][0].shape[1]
    return [
        {
            name: [level[:, n : n + 1] for level in levels]
            for name, levels in image_embeddings.items()
        }
        for n in range(count)
    ]


def widen_boxes(boxes: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) with a margin on each side."""
    margins = BOX_MARGIN * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate([boxes[:, :2] - margins, boxes[:, 2:] + margins], 1)


def load_segment(
    files: dict[str, Path], *, device: str, batch_size: int
) -> Callable[[np.ndarray, Detections], Detections]:
    """Return segment(image, detections) -> what stands in the boxes, with masks."""
    folder = only_file(files)
    return BoxSegmenter(folder, device, batch_size)
