"""The light models of people: geometry exactly, and on one real image what they promise."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from workflow_scripts.lib.images import mask_box, read_rgb
from workflow_scripts.models.detections import Detections, no_detections, suppress_masks
from workflow_scripts.models.loaders import blazepose, centerface
from workflow_scripts.models.loaders.blazepose_people import TRUNK, Body, separate_people
from workflow_scripts.models.loaders.blazepose_regions import (
    boxes_to_regions,
    crop_region,
    make_anchors,
    points_to_regions,
    region_matrix,
    sharpen_edges,
    uncrop_map,
)
from workflow_scripts.models.registry import choose_model, load_model, weight_files

IMAGES = sorted(Path("config/rosters/demo").glob("*/*.jpg"))
LIGHT = {"tier": "light", "device": "cpu"}


def load_light(role: str):
    """The light model of a role; skips where its weights were not fetched."""
    model = choose_model(role, LIGHT)
    missing = [path for path in weight_files(model) if not Path(path).is_file()]
    if missing:
        pytest.skip(f"weights not fetched: {', '.join(missing)}")
    return load_model(model, weight_files(model))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """A frontal figure of the roster, 960 x 540."""
    if not IMAGES:
        pytest.skip("no reference images in config/rosters/demo")
    return read_rgb(IMAGES[0])


def test_anchors_fill_the_input():
    anchors = make_anchors()
    assert anchors.shape == (2254, 2)
    assert anchors[0].tolist() == [4, 4]
    assert anchors.max() < blazepose.DETECT_PX


@pytest.mark.parametrize(
    ("rim", "angle"),
    [((50, 10), 0), ((90, 50), np.pi / 2), ((50, 90), np.pi), ((10, 50), -np.pi / 2)],
    ids=["upright", "lies to the right", "upside down", "lies to the left"],
)
def test_region_of_two_points(rim, angle):
    region = points_to_regions(np.array([[50, 50]]), np.array([rim]))[0]
    np.testing.assert_allclose(region, [50, 50, 100, angle], atol=1e-5)
    top = region_matrix(region, 256) @ [128, 128 - 256 * 0.4, 1]  # 40 of 100 px up from the middle
    np.testing.assert_allclose(top, rim, atol=1e-4)


@pytest.mark.parametrize("side", [120, 700], ids=["enlarged", "shrunk"])
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_a_cropped_shape_comes_back_to_its_place(side, angle):
    image = np.zeros((400, 600, 3), np.uint8)
    cv2.circle(image, (310, 190), 40, (255, 255, 255), -1)
    region = np.array([300, 200, side, angle])
    crop = crop_region(image, region, 256)
    back = uncrop_map(crop[..., 0].astype(np.float32), region, 600, 400, 0) > 127
    true = image[..., 0] > 0
    assert (back & true).sum() / (back | true).sum() > 0.94
    assert np.abs(np.array(mask_box(back)) - mask_box(true)).max() <= 2


def test_region_of_a_box_holds_it():
    x, y, side, angle = boxes_to_regions(np.array([[10, 20, 50, 120]]))[0]
    assert (x, y, angle) == (30, 70, 0)
    assert side >= 100


def test_regions_of_the_same_body_are_one():
    regions = np.array([[50, 50, 100, 0], [55, 52, 110, 0], [50, 50, 300, 0], [200, 50, 100, 0]])
    keep = blazepose.suppress_regions(regions, np.array([0.8, 0.9, 0.7, 0.6]))
    assert keep.tolist() == [1, 2, 3]


def test_tiles_cover_the_image():
    covered = np.zeros((540, 960), bool)
    tiles = blazepose.make_tiles(960, 540)
    for x, y, side in tiles[1:]:
        covered[y : y + side, x : x + side] = True
        assert x + side <= 960
        assert y + side <= 540
    assert covered.all()
    assert tiles[0] == (0, 0, 960)
    assert blazepose.make_tiles(300, 300) == [(0, 0, 300)]


RED, GREEN = (200, 0, 0), (0, 200, 0)


def slip(image: np.ndarray, region: np.ndarray) -> Body:
    """A landmark net that sees the green body only where no red one shows."""
    crop = crop_region(image, region, 256)
    masks = [np.abs(crop.astype(int) - color).max(2) < 60 for color in (RED, GREEN)]
    mask = masks[0] if masks[0].mean() > 0.01 else masks[1]
    points = np.tile(region[:2].astype(float), (39, 1))
    points[TRUNK, 1] += np.array([-30, -20, -20, 20, 20])
    presence = 1.0 if mask.any() else 0.0
    logits = np.where(mask, 8, -8).astype(np.float32)
    return Body(points, np.ones(39), presence, logits, region, region)


def test_the_one_behind_is_found_when_the_one_in_front_is_painted_over():
    image = np.full((200, 300, 3), 90, np.uint8)
    image[40:160, 130:200] = GREEN
    image[40:160, 100:150] = RED
    regions = np.array([[125, 100, 150, 0], [165, 100, 150, 0]], np.float32)
    people = separate_people(image, regions, np.array([0.9, 0.8]), slip)
    boxes = [mask_box(person.logits > 0) for person in people]
    np.testing.assert_allclose(boxes, [(100, 40, 150, 160), (150, 40, 200, 160)], atol=2)


def test_two_looks_at_one_body_are_one_person():
    image = np.full((200, 300, 3), 90, np.uint8)
    image[40:160, 100:150] = RED
    regions = np.array([[125, 100, 150, 0], [128, 101, 160, 0]], np.float32)
    assert len(separate_people(image, regions, np.array([0.9, 0.8]), slip)) == 1


def test_an_edge_that_is_off_goes_to_the_edge_of_the_image():
    image = np.full((120, 120, 3), 40, np.uint8)
    image[30:90, 30:90] = 220
    true = image[..., 0] > 100
    blurred = cv2.GaussianBlur(np.roll(true, 3, axis=1).astype(np.float32), (0, 0), 4)
    rough = 10 * (blurred - 0.5)
    sharp = sharpen_edges(rough, image, 8)

    def iou(mask: np.ndarray) -> float:
        return (mask & true).sum() / (mask | true).sum()

    assert iou(sharp > 0) > iou(rough > 0) + 0.02
    assert (sharp[:10] == rough[:10]).all()


def test_suppress_masks_drops_the_lesser_of_two_that_share():
    masks = np.zeros((3, 10, 10), bool)
    masks[0, :, :6] = masks[1, :, :4] = masks[2, :, 7:] = True
    assert suppress_masks(masks, np.array([0.8, 0.9, 0.7])) == [1, 2]
    assert suppress_masks(masks[:0], np.zeros(0)) == []


def test_detections_are_taken_and_joined():
    found = Detections(np.arange(8).reshape(2, 4), np.array([0.1, 0.9]))
    assert found.take([1]).scores.tolist() == [0.9]
    assert len(found.join(found)) == 4
    assert len(no_detections(5, 6, regions=True)) == 0
    assert no_detections(5, 6, regions=True).masks.shape == (0, 5, 6)


def test_centerface_maps_become_a_face():
    maps = [np.zeros((1, channels, 8, 8), np.float32) for channels in (1, 2, 2, 10)]
    heat, scale, offset, points = maps
    heat[0, 0, 3, 5] = 0.9
    scale[0, :, 3, 5] = np.log(4), np.log(2)  # 16 px high, 8 px wide
    points[0, ::2, 3, 5] = 0.25  # y
    points[0, 1::2, 3, 5] = 0.5  # x
    boxes, scores, marks = centerface.decode_maps(*maps)
    assert boxes.tolist() == [[18, 6, 26, 22]]
    assert scores.tolist() == pytest.approx([0.9])
    assert marks[0].tolist() == [[22, 10]] * 5


def test_the_surest_of_boxes_that_overlap_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [6, 0, 16, 10], [40, 40, 44, 44]], np.float32)
    scores = np.array([0.6, 0.9, 0.7, 0.1], np.float32)
    kept = centerface.suppress_boxes(boxes, scores)  # 5 of 15 columns shared: a third is too much
    assert kept == [1, 3]
    assert centerface.suppress_boxes(boxes[:0], scores[:0]) == []
    boxes[2, [0, 2]] = 7, 17  # 4 of 16 are not
    assert centerface.suppress_boxes(boxes, scores) == [1, 2, 3]


def test_light_models_find_and_cut_out_one_figure(image):
    detect, segment = load_light("detect"), load_light("segment")
    people = segment(image, *detect([image]))
    assert len(people) == 1
    assert people.masks.shape == (1, *image.shape[:2])
    assert people.boxes[0].tolist() == list(mask_box(people.masks[0]))
    again = segment(image, *detect([image]))
    np.testing.assert_array_equal(people.masks, again.masks)


def test_light_pose_of_two_is_that_of_each(image):
    detect, pose = load_light("detect"), load_light("pose")
    (found,) = detect([image])
    both = pose([image] * 2, np.tile(found.boxes[:1], (2, 1)), np.tile(found.regions[:1], (2, 1)))
    assert both.shape == (2, 17, 3)
    np.testing.assert_array_equal(both[0], both[1])
    assert both[0, 15, 1] > both[0, 11, 1] > both[0, 5, 1] > both[0, 0, 1]  # feet to nose
    assert pose([image], found.boxes[:1], None).shape == (1, 17, 3)


def test_light_face_lies_on_the_figure(image):
    ((boxes, scores, points),) = load_light("face")([image])
    assert len(boxes) == len(scores) == len(points) == 1
    assert ((points[0] >= boxes[0, :2]) & (points[0] <= boxes[0, 2:])).all()


def test_light_expression_gives_probabilities():
    expression = load_light("expression")
    crops = [np.full((50, 40, 3), 128, np.uint8), np.zeros((64, 64, 3), np.uint8)]
    chances = expression(crops)
    assert chances.shape == (2, 7)
    np.testing.assert_allclose(chances.sum(1), 1, atol=1e-3)
    np.testing.assert_array_equal(chances[:1], expression(crops[:1]))
    assert expression([]).shape == (0, 7)


def test_nobody_in_an_empty_image():
    image = np.full((270, 480, 3), 128, np.uint8)
    detect, segment = load_light("detect"), load_light("segment")
    assert len(segment(image, *detect([image]))) == 0
    assert len(load_light("face")([image])[0][0]) == 0
