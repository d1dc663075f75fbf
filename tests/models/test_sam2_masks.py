"""SAM 2's masks on the device: holes, sizes and owners of pixels as OpenCV and numpy have them."""

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import sam2_in_turn  # noqa: E402
from tests.factories.role_models import noise, opened, read_figure  # noqa: E402
from workflow_scripts.lib.images import mask_box  # noqa: E402
from workflow_scripts.models.detections import Detections  # noqa: E402
from workflow_scripts.models.loaders import sam2_boxes  # noqa: E402
from workflow_scripts.models.loaders.sam2_holes import fill_holes  # noqa: E402
from workflow_scripts.models.loaders.sam2_masks import (  # noqa: E402
    assign_pixels,
    bits_box,
    copy_bits,
    enlarge,
    pack_bits,
    unpack_bits,
)

SIZES = [(1080, 1920), (61, 83), (40, 200), (300, 64)]
BOXES = np.array([[0.1, 0.2, 0.5, 0.9], [0.3, -0.2, 0.8, 0.6], [0.7, 0.1, 1.3, 0.5]], np.float32)


def smooth_logits(count: int, side: int = 64, sigma: float = 4, seed: int = 0) -> np.ndarray:
    """Logits (N, side, side) with islands and holes of many sizes."""
    rough = np.random.default_rng(seed).normal(size=(count, side, side))
    return np.stack([50 * cv2.GaussianBlur(one, (0, 0), sigma) for one in rough]).astype("f4")


@pytest.mark.parametrize(
    ("pixels", "is_filled"),
    [(8, True), (9, False)],
    ids=["eight pixels are no hole", "nine are one"],  # fill_hole_area of sam2/build_sam.py
)
def test_small_holes_are_filled(pixels, is_filled):
    logits = torch.full((2, 32, 32), 5.0)
    logits[0, 0, :] = -5  # the background around
    logits[1, range(4, 4 + pixels), range(4, 4 + pixels)] = -3  # corners touch: one hole
    filled = fill_holes(logits)
    torch.testing.assert_close(filled[0], logits[0])
    assert (filled[1] > 0).all() == is_filled
    assert (logits[1] < 0).sum() == pixels  # what was given is as it was


def test_holes_of_one_person_do_not_depend_on_who_comes_next():
    logits = torch.full((2, 16, 16), 5.0)
    logits[0, 15, 15] = -3  # the last pixel of the first, beside the first of the second
    torch.testing.assert_close(fill_holes(logits)[:1], fill_holes(logits[:1]))
    assert (fill_holes(logits) > 0).all()


@pytest.mark.parametrize("sigma", [0.3, 0.6, 0.9, 2])
def test_holes_are_those_of_opencv(sigma):
    logits = smooth_logits(6, 128, sigma) + 6 * np.arange(-1, 5, dtype="f4")[:, None, None]
    expected = sam2_in_turn.fill_holes(logits)
    assert (expected != logits).any()
    np.testing.assert_array_equal(fill_holes(torch.from_numpy(logits)).numpy(), expected)


def test_long_and_crooked_holes_are_followed_to_their_ends():
    logits = torch.full((3, 20, 300), 5.0)
    logits[0, 10, 20:280] = -1  # a line that is longer than any label travels
    logits[1, ::2, :150] = logits[1, 5, :150] = -1  # a comb
    logits[2, 3, [0, 1, 2, 4, 5, 6, 8, 299]] = -1  # at the edge
    expected = sam2_in_turn.fill_holes(logits.numpy())
    np.testing.assert_array_equal(fill_holes(logits).numpy(), expected)
    assert (expected[:2] == logits[:2].numpy()).all() and (expected[2] > 0).all()


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_enlarged_as_opencv_and_torch_do(size):
    height, width = size
    logits = smooth_logits(1)[0]
    ours = enlarge(torch.from_numpy(logits), size, (0, height), (0, width)).numpy()
    np.testing.assert_allclose(ours, cv2.resize(logits, (width, height)), atol=2e-3)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(logits)[None, None], size, mode="bilinear", align_corners=False
    )
    np.testing.assert_allclose(ours, theirs[0, 0].numpy(), atol=1e-4)
    part = enlarge(torch.from_numpy(logits), size, (7, height - 2), (5, width - 9))
    np.testing.assert_array_equal(part.numpy(), ours[7:-2, 5:-9])


@pytest.mark.parametrize("size", SIZES)
def test_pixels_are_assigned_as_in_full(size):
    height, width = size
    logits, boxes = smooth_logits(3), BOXES * np.array([width, height] * 2, np.float32)
    expected = sam2_in_turn.cut_out(logits, boxes, height, width)
    filled = fill_holes(torch.from_numpy(logits))
    masks = assign_pixels(filled, height, width, sam2_boxes.widen_boxes(boxes)).numpy()
    assert expected.any((1, 2)).all() and masks.sum(0).max() == 1
    assert (masks != expected).sum() <= 1e-5 * masks.size  # where a logit is nearly 0
    large = np.stack([cv2.resize(one, (width, height)) for one in filled.numpy()])
    everywhere = (large > 0) & (large.argmax(0) == np.arange(3)[:, None, None])
    assert (assign_pixels(filled, height, width).numpy() != everywhere).sum() <= 1e-5 * masks.size


@pytest.mark.parametrize("size", [(64, 64), (640, 320), (33, 50)])
def test_a_mask_of_one_cell_is_not_cut(size):
    logits = torch.full((4, 64, 64), -0.01)
    for row, place in enumerate([(0, 0), (63, 63), (30, 0), (31, 40)]):
        logits[row][place] = 9
    masks = np.concatenate([assign_pixels(one[None], *size).numpy() for one in logits])
    large = np.stack([cv2.resize(one.numpy(), size[::-1]) > 0 for one in logits])
    np.testing.assert_array_equal(masks, large)


def test_who_has_no_pixel_or_no_place_has_no_mask():
    logits = torch.full((3, 8, 8), 5.0)
    logits[0] = -5
    boxes = np.array([[0, 0, 9, 9], [-20, -20, -10, -10], [4, 4, 4.4, 30]], np.float32)
    assert not assign_pixels(logits, 16, 16, boxes).any()
    assert assign_pixels(logits[:0], 16, 16).shape == (0, 16, 16)
    boxes[2, 2] = 4.5
    assert assign_pixels(logits, 16, 16, boxes).sum((1, 2)).tolist() == [0, 0, 12]


def test_the_first_of_equally_sure_ones_has_a_pixel_and_nobody_one_of_0():
    logits = torch.stack([torch.zeros(8, 8), torch.full((8, 8), 5.0), torch.full((8, 8), 5.0)])
    assert assign_pixels(logits, 16, 16).sum((1, 2)).tolist() == [0, 256, 0]
    assert not assign_pixels(logits[:1], 16, 16).any()


@pytest.mark.parametrize("width", [8, 61, 96])
def test_bits_are_packed_as_numpy_packs_them(width):
    masks = np.random.default_rng(0).random((3, 20, width)) < 0.01
    masks[:, 7, width - 1] = True
    bits = pack_bits(torch.from_numpy(masks)).numpy()
    np.testing.assert_array_equal(bits, np.packbits(masks, axis=2))
    np.testing.assert_array_equal(copy_bits(torch.from_numpy(masks)), bits)
    np.testing.assert_array_equal(unpack_bits(bits, width), masks)
    assert [bits_box(one) for one in bits] == [mask_box(one) for one in masks]


@pytest.mark.parametrize("size", [(1080, 1920), (540, 248)])
def test_sam2_cuts_out_of_a_figure_what_it_did_in_full(size, monkeypatch):
    image = cv2.resize(read_figure(), size[::-1])
    height, width = size
    boxes = BOXES.clip(0, 1) * np.array([width, height] * 2, np.float32)
    segment, kept = opened("sam2 random"), []

    def keep(logits):
        # random logits lie far below the one that holes are filled with
        kept.append(50 * (logits - logits.mean()) / logits.std())
        return fill_holes(kept[-1])

    monkeypatch.setattr(sam2_boxes, "fill_holes", keep)
    found = segment(image, Detections(boxes, np.array([0.9, 0.8, 0.7], np.float32)))
    expected = sam2_in_turn.cut_out(kept[0].numpy(), boxes, height, width)
    rows = np.flatnonzero(expected.any((1, 2)))
    assert len(found) == len(rows) >= 2
    assert (found.masks != expected[rows]).sum() <= 1e-5 * expected.size
    assert found.boxes.tolist() == [list(mask_box(mask)) for mask in found.masks]


def test_a_box_given_twice_is_one_person():
    segment, boxes = opened("sam2 random"), np.array([[10, 10, 60, 50]] * 2, np.float32)
    found = segment(noise(60, 90), Detections(boxes, np.array([0.9, 0.8], np.float32)))
    assert found.scores.tolist() == pytest.approx([0.9])
