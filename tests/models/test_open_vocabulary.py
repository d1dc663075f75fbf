"""OWLv2: what it is asked, how often, and that it answers as transformers' own call does."""

import numpy as np
import pytest
import torch
from transformers import AutoProcessor, Owlv2ForObjectDetection
from transformers.models.owlv2.modeling_owlv2 import (
    Owlv2TextTransformer,
    Owlv2VisionTransformer,
)

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.role_models import OWL, loaded, noise, weights_of  # noqa: E402
from workflow_scripts.models.loaders.open_vocabulary import write_prompt  # noqa: E402

NAME = "owlv2 random"
ASKED = ["a photo of a cartoon character", "a photo of an animal character"]


@pytest.mark.parametrize(
    ("thing", "prompt"),
    [
        ("cartoon character", ASKED[0]),
        ("animal character", ASKED[1]),
        ("Old robot", "a photo of an Old robot"),
        ("the moon", "a photo of the moon"),
        ("a fox", "a photo of a fox"),
        ("a photo of two foxes", "a photo of two foxes"),
    ],
)
def test_a_thing_is_asked_for_as_a_caption_names_it(thing, prompt):
    assert write_prompt(thing) == prompt  # as in transformers' models/owlv2/modeling_owlv2.py


@torch.inference_mode()
def test_the_surest_boxes_are_those_of_transformers_own_call():
    image = noise(90, 120)
    processor = AutoProcessor.from_pretrained(weights_of(NAME))
    model = Owlv2ForObjectDetection.from_pretrained(weights_of(NAME)).eval()
    inputs = processor(text=[ASKED], images=[image], return_tensors="pt")
    (theirs,) = processor.post_process_grounded_object_detection(
        model(**inputs), threshold=OWL["min_score"], target_sizes=[image.shape[:2]]
    )
    boxes = np.clip(theirs["boxes"].numpy(), 0, [120, 90, 120, 90])
    scores = np.where((boxes[:, 2:] - boxes[:, :2] >= 1).all(1), theirs["scores"].numpy(), 0)
    (ours,) = loaded(NAME, weights_of(NAME))([image])
    assert len(ours) >= 1
    assert ours.scores[0] == pytest.approx(scores.max(), abs=1e-5)
    np.testing.assert_allclose(ours.boxes[0], boxes[scores.argmax()], atol=1e-3)


def test_prompts_are_encoded_once_for_all_images(monkeypatch):
    calls, forward = [], Owlv2TextTransformer.forward
    monkeypatch.setattr(
        Owlv2TextTransformer, "forward", lambda *a, **o: calls.append(1) or forward(*a, **o)
    )
    detect = loaded(NAME, weights_of(NAME))
    found = [len(detect([noise(90, 120, seed)] * 2)) for seed in range(3)]
    assert found == [2, 2, 2] and calls == [1]


def test_images_are_looked_at_together(monkeypatch):
    looks, look = [], Owlv2VisionTransformer.forward

    def count(self, pixel_values, *args, **options):
        looks.append(len(pixel_values))
        return look(self, pixel_values, *args, **options)

    monkeypatch.setattr(Owlv2VisionTransformer, "forward", count)
    images = [noise(90 + seed, 120, seed) for seed in range(9)]
    images[1] = noise(60, 200)  # of another shape than its neighbors
    detect = loaded(NAME, weights_of(NAME))
    together = detect(images)
    assert looks == [4, 4, 1]
    assert len(together) == 9
    assert sum(map(len, together[:3])) > 0  # the weights are random: an image may show nothing
    for image, found in zip(images[:3], together, strict=False):
        (alone,) = detect([image])
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-5)
