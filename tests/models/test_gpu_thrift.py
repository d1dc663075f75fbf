"""What a GPU is spared, counted on a CPU: shapes, batches, searches, precision."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.datasets_in_code import open_base  # noqa: E402
from tests.factories.role_models import noise, opened, read_figure, weights_of  # noqa: E402
from workflow_scripts.models import diffusion  # noqa: E402
from workflow_scripts.models.loaders import devices, lama, qwen_vl, retina_face  # noqa: E402

GPU = torch.device("cuda")
SIZES = [(h, w) for h in range(40, 641, 40) for w in range(33, 641, 57)]  # 176 looks at people


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of 100 bytes, of which each item of the largest batch so far keeps 5."""
    held = [0]

    def run(batch: list) -> int:
        held[0] = max(held[0], len(batch))
        if held[0] > 20:
            raise torch.cuda.OutOfMemoryError
        return len(batch)

    monkeypatch.setattr(devices, "free_memory", lambda place: 100 - 5 * held[0])
    return run


@pytest.mark.parametrize(
    ("most", "count", "expected"),
    [(64, 40, [4, 16, 16, 4]), (8, 20, [4, 8, 8]), (2, 4, [2, 2]), (64, 3, [3])],
    ids=["what fits", "no more than asked for", "a small batch", "too few to measure"],
)
def test_free_memory_says_how_large_a_batch_is(gpu, most, count, expected):
    assert devices.Batches(gpu, most, GPU)(range(count)) == expected


def test_on_a_cpu_a_batch_is_what_was_asked_for(gpu):
    assert devices.Batches(gpu, 8, torch.device("cpu"))(range(20)) == [8, 8, 4]


def test_convolutions_are_looked_up_not_searched_for(monkeypatch):
    class Session:
        def __init__(self, path, options, providers):
            self.asked = providers

        def get_providers(self):
            return [name for name, _ in self.asked]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    (asked,) = devices.open_onnx("a.onnx", "cuda").asked
    assert asked == ("CUDAExecutionProvider", {"cudnn_conv_algo_search": "HEURISTIC"})


def test_faces_are_looked_for_in_few_shapes(monkeypatch):
    shapes = []

    def look(images):
        shapes.append({image.shape for image in images})
        cells = [(images[0].shape[0] // s, images[0].shape[1] // s) for s in (32, 16, 8)]
        maps = [np.zeros((*cell, n), np.float32) for cell in cells for n in (4, 8, 20)]
        return [maps] * len(images)

    assert len(SIZES) == 176
    found = retina_face.find_faces([noise(*size) for size in SIZES], look, 0.5)
    assert [len(boxes) for boxes, _, _ in found] == [0] * 176
    assert all(len(together) == 1 for together in shapes)  # images of one shape
    assert len(shapes) == len(set.union(*shapes)) <= 16
    sides = [retina_face.fit_steps(noise(*size))[0].shape for size in SIZES]
    assert all(s[0] >= h and s[1] >= w for s, (h, w) in zip(sides, SIZES, strict=True))


@pytest.mark.parametrize(
    ("size", "sides", "scale"),
    [
        ((100, 170), (160, 320), 1),
        ((160, 320), (160, 320), 1),
        ((1024, 1980), (1120, 2080), 1),
        ((1536, 1024), (1600, 1120), 1),
        ((2048, 2560), (1120, 1280), 0.5),
        ((600, 3960), (320, 2080), 0.5),
    ],
    ids=["a border", "none", "the largest", "as wide", "half as large", "a wide one"],
)
def test_an_image_for_the_face_net_is_as_large_as_it_was_beside_a_black_border(size, sides, scale):
    # scales of commons/preprocess.py (serengil/retinaface); no image of crop_faces is that large
    padded, smaller = retina_face.fit_steps(np.full((*size, 3), 77, np.uint8))
    height, width = (round(side * scale) for side in size)
    assert (padded.shape, smaller) == ((*sides, 3), scale)
    assert (padded[:height, :width] == 77).all()
    assert padded.sum() == 77 * 3 * height * width


def test_a_face_is_found_where_it_is_whatever_stands_beside_it(monkeypatch):
    face, figure = opened("retinaface real"), read_figure()
    (whole,) = face([figure])
    monkeypatch.setattr(retina_face, "SIDE_STEP_PX", 32)  # the least that the net takes
    (least,) = face([figure])
    assert len(whole[0]) == len(least[0]) == 1
    for found, expected in zip(whole, least, strict=True):
        np.testing.assert_allclose(found, expected, atol=1)


def test_holes_are_painted_in_few_shapes(monkeypatch):
    shapes, rng = [], np.random.default_rng(0)

    def net(image, mask):
        assert image.shape[:2] == mask.shape
        shapes.append(mask.shape)
        return np.where(mask[..., None] > 0, np.uint8(200), image)

    monkeypatch.setattr(lama, "open_lama", lambda path, device: net)
    inpaint = lama.load_inpaint({"lama": None}, device="cpu", max_side_px=1024)
    image = np.full((1080, 1920, 3), 90, np.uint8)
    for _ in range(60):
        mask = np.zeros(image.shape[:2], bool)
        y, x = rng.integers(0, 1000), rng.integers(0, 1900)
        mask[y : y + rng.integers(9, 600), x : x + rng.integers(9, 600)] = True
        painted = inpaint(image, mask)
        assert (painted[mask] >= 150).all() and (painted[~mask] == 90).all()
    assert len(shapes) == 60 and len(set(shapes)) <= 16
    assert max(max(shape) for shape in shapes) <= 1024


@pytest.mark.parametrize(
    ("span", "length", "expected"),
    [
        ((300, 400), 1000, (222, 478)),
        ((0, 100), 1000, (0, 256)),
        ((950, 1000), 1000, (744, 1000)),
        ((10, 60), 90, (0, 90)),
        ((0, 256), 1000, (0, 256)),
    ],
    ids=["both sides", "at the start", "at the end", "a small image", "whole steps already"],
)
def test_a_span_is_widened_within_the_image(span, length, expected):
    assert lama.widen(*span, length) == expected


def test_torchscript_plans_one_net_for_all_shapes():
    lama.open_lama(weights_of("lama random"), "cpu")
    assert torch.jit.set_fusion_strategy([("DYNAMIC", 1)]) == [("DYNAMIC", 1)]


@pytest.mark.parametrize(
    ("place", "package", "expected"),
    [
        ("cuda", object(), "flash_attention_2"),
        ("cuda", None, "sdpa"),
        ("cpu", object(), "sdpa"),
    ],
)
def test_flash_attention_is_taken_where_it_is(monkeypatch, place, package, expected):
    monkeypatch.setattr(qwen_vl, "find_spec", lambda name: package)
    assert qwen_vl.pick_attention(torch.device(place)) == expected


@pytest.mark.parametrize(("device", "kind"), [("cuda", torch.bfloat16), ("cpu", torch.float32)])
def test_a_gpu_draws_in_bfloat16_and_a_cpu_as_before(monkeypatch, device, kind):
    base, seen, autocast = open_base(), set(), torch.autocast

    def on_cpu(where, dtype, enabled):
        assert where == device
        return autocast("cpu", dtype) if enabled else nullcontext()

    monkeypatch.setattr(diffusion.torch, "autocast", on_cpu)
    hook = base.pipeline.unet.conv_in.register_forward_hook(lambda *args: seen.add(args[2].dtype))
    how = {"steps": 1, "guidance": 3.0, "side_px": base.resolution_px}
    drawn = diffusion.draw_images(replace(base, device=device), ["a"], [1], **how)
    hook.remove()
    assert seen == {kind} and drawn.shape[0] == 1


def test_float32_is_multiplied_in_tf32_on_a_gpu(monkeypatch):
    before, asked = torch.get_float32_matmul_precision(), []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "set_float32_matmul_precision", asked.append)
    assert (devices.open_device("cpu").type, asked) == ("cpu", [])
    assert (devices.open_device("cuda").type, asked) == ("cuda", ["high"])
    assert torch.get_float32_matmul_precision() == before
