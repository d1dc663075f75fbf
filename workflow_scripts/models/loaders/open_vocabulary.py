"""Role detect, full tier: OWLv2 or Grounding DINO finds what words name, animals and robots too."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.detections import Detections
from workflow_scripts.models.loaders.centerface import suppress_boxes
from workflow_scripts.models.loaders.devices import open_device
from workflow_scripts.models.loaders.folders import check_folder, open_pretrained


def load_detect(
    files: dict[str, Path], *, device: str, prompts: list[str], min_score: float
) -> Callable[[np.ndarray], Detections]:
    """Return detect(image) -> boxes of what any of the prompts names, best first."""
    (folder,) = files.values()
    check_folder(folder, "model.safetensors", {"owlv2", "grounding-dino"})
    place = open_device(device)
    with explain_damage(folder):
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    model = open_pretrained(AutoModelForZeroShotObjectDetection, folder).eval().to(place)

    @torch.inference_mode()
    def detect(image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        inputs = processor(text=[prompts], images=[image], return_tensors="pt").to(place)
        (found,) = read_boxes(processor, model(**inputs), inputs, min_score, (height, width))
        boxes, scores = (found[name].float().cpu().numpy() for name in ("boxes", "scores"))
        boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
        keep = [row for row in suppress_boxes(boxes, scores) if _has_area(boxes[row])]
        return Detections(boxes[keep].reshape(-1, 4), scores[keep].astype(np.float32))

    return detect


def read_boxes(processor, outputs, inputs, min_score: float, size: tuple[int, int]) -> list[dict]:
    """Boxes in pixels of one image (height, width); the families differ."""
    if hasattr(processor, "post_process_grounded_object_detection"):
        options = {"threshold": min_score, "target_sizes": [size]}
        if "input_ids" in inputs and type(processor).__name__.startswith("GroundingDino"):
            options["input_ids"] = inputs["input_ids"]
        return processor.post_process_grounded_object_detection(outputs, **options)
    return processor.post_process_object_detection(
        outputs, threshold=min_score, target_sizes=[size]
    )


def _has_area(box: np.ndarray) -> bool:
    return bool((box[2:] - box[:2] >= 1).all())
