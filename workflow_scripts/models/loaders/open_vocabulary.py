"""Role detect, full tier: OWLv2 finds what words name, animals and robots too."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import AutoProcessor, Owlv2ForObjectDetection
from transformers.models.owlv2.modeling_owlv2 import Owlv2ObjectDetectionOutput

from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.detections import Detect, Detections
from workflow_scripts.models.loaders.centerface import suppress_boxes
from workflow_scripts.models.loaders.devices import Batches, open_device
from workflow_scripts.models.loaders.files import only_file
from workflow_scripts.models.loaders.folders import check_folder, open_pretrained

# It learned from captions: a bare noun is none (the examples of transformers'
# models/owlv2/modeling_owlv2.py ask so)
PHRASE = "a photo of"
MAX_AT_ONCE = 4  # images; each is looked at in 3,601 places


def load_detect(
    files: dict[str, Path], *, device: str, prompts: list[str], min_score: float
) -> Detect:
    """Return detect(images) -> boxes of what any of the prompts names in each, best first."""
    folder = only_file(files)
    check_folder(folder, "model.safetensors", {"owlv2"})
    place = open_device(device)
    with explain_damage(folder):
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
    model = open_pretrained(Owlv2ForObjectDetection, folder).eval().to(place)
    asked = encode_prompts(processor, model, prompts)

    @torch.inference_mode()
    def find(images: Sequence[np.ndarray]) -> list[Detections]:
        sizes = [image.shape[:2] for image in images]
        pixels = processor(images=list(images), return_tensors="pt")["pixel_values"].to(place)
        found = processor.post_process_grounded_object_detection(
            compare(model, pixels, asked), threshold=min_score, target_sizes=sizes
        )
        return [_place(*pair) for pair in zip(found, sizes, strict=True)]

    batches = Batches(find, MAX_AT_ONCE, place)
    return lambda images: [found for part in batches(images) for found in part]


def _place(found: dict[str, torch.Tensor], size: tuple[int, int]) -> Detections:
    """What was found in one image of this height and width, each thing once, best first."""
    height, width = size
    boxes, scores = (found[name].float().cpu().numpy() for name in ("boxes", "scores"))
    boxes = np.clip(boxes, 0, [width, height, width, height]).astype(np.float32)
    keep = [row for row in suppress_boxes(boxes, scores) if _has_area(boxes[row])]
    return Detections(boxes[keep].reshape(-1, 4), scores[keep].astype(np.float32))


def write_prompt(thing: str) -> str:
    """What the net is asked: "a photo of an animal character". A whole phrase stays as it is."""
    if thing.startswith(PHRASE):
        return thing
    if thing.startswith(("a ", "an ", "the ")):
        return f"{PHRASE} {thing}"
    return f"{PHRASE} {'an' if thing[:1].lower() in 'aeiou' else 'a'} {thing}"


@torch.inference_mode()
def encode_prompts(
    processor: AutoProcessor, model: Owlv2ForObjectDetection, prompts: Sequence[str]
) -> torch.Tensor:
    """Vectors (1, prompts, D) of length 1: the same for every image."""
    tokens = processor(text=[list(map(write_prompt, prompts))], return_tensors="pt")
    tokens = tokens.to(model.device)
    vectors = model.owlv2.get_text_features(**tokens).pooler_output
    return torch.nn.functional.normalize(vectors, dim=-1)[None]


def compare(
    model: Owlv2ForObjectDetection, pixels: torch.Tensor, asked: torch.Tensor
) -> Owlv2ObjectDetectionOutput:
    """How well each place of each image (N, 3, H, W) fits each of the prompts, and its box."""
    cells, _ = model.image_embedder(pixels)
    features = cells.flatten(1, 2)
    logits, _ = model.class_predictor(features, asked)
    return Owlv2ObjectDetectionOutput(
        logits=logits, pred_boxes=model.box_predictor(features, cells)
    )


def _has_area(box: np.ndarray) -> bool:
    return bool((box[2:] - box[:2] >= 1).all())
