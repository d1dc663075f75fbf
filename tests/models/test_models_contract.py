"""What every model of a role promises, light and full tier through the same checks."""

import cv2
import numpy as np
import pytest
import torch
from rtmlib import RTMPose

from workflow_scripts.lib.images import mask_box
from workflow_scripts.models.detections import Detections
from workflow_scripts.models.loaders import sam2_boxes
from workflow_scripts.models.loaders.rtm_joints import load_pose
from workflow_scripts.models.registry import choose_model

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import onnx_in_code as nets  # noqa: E402
from tests.factories.full_tier_in_code import OPTIONS  # noqa: E402
from tests.factories.masks import as_found, square
from tests.factories.role_models import ODD_SIZES, names, noise, opened, read_figure  # noqa: E402


@pytest.fixture
def figure() -> np.ndarray:
    return read_figure()


def on_canvas(figure: np.ndarray, x: int, y: int) -> np.ndarray:
    canvas = np.full((620, 900, 3), 120, np.uint8)
    canvas[y : y + figure.shape[0], x : x + figure.shape[1]] = figure
    return canvas


def check_boxes(boxes: np.ndarray, scores: np.ndarray) -> None:
    assert boxes.dtype == scores.dtype == np.float32
    assert boxes.shape == (len(scores), 4)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores) <= 0).all()  # best first
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.mark.parametrize("name", names("detect"))
def test_detect_any_size_and_the_same_twice(figure, name):
    detect, images = opened(name), [figure, *(noise(*size) for size in ODD_SIZES)]
    together = detect(images)
    assert len(together) == len(images) == 4 and detect([]) == []
    for found, again, image in zip(together, detect(images), images, strict=True):
        check_boxes(found.boxes, found.scores)
        np.testing.assert_array_equal(found.boxes, again.boxes)
        (alone,) = detect([image])
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)
        height, width = image.shape[:2]
        if not name.startswith("light"):  # its boxes follow bodies that leave the image
            assert found.boxes.min(initial=0) >= 0
            assert (found.boxes[:, 2:] <= [width, height]).all()


@pytest.mark.parametrize("name", ["light detect", "yolox-nano real"])
def test_detected_boxes_are_where_the_figure_is(figure, name):
    canvases = [on_canvas(figure, *at) for at in ((60, 40), (540, 60))]
    first, second = (found.boxes[0] for found in opened(name)(canvases))
    middles = [(box[:2] + box[2:]) / 2 for box in (first, second)]
    np.testing.assert_allclose(middles[1] - middles[0], [480, 20], atol=40)
    assert 60 <= middles[0][0] <= 60 + figure.shape[1]


@pytest.mark.parametrize("name", names("segment"))
def test_segment_gives_masks_that_fit_their_boxes(figure, name):
    segment, (seen,) = opened(name), opened("light detect")([figure])
    found_before = seen.take([0])
    found = segment(figure, found_before)
    assert len(found) == 1
    assert found.masks.dtype == bool and found.masks.shape == (1, *figure.shape[:2])
    assert found.boxes[0].tolist() == list(mask_box(found.masks[0]))
    np.testing.assert_array_equal(found.masks, segment(figure, found_before).masks)
    nobody = segment(figure, found_before.take([]))
    assert nobody.masks.shape == (0, *figure.shape[:2]) and len(nobody) == 0


def boxes_of(*rows: tuple) -> Detections:
    return Detections(np.array(rows, np.float32), np.linspace(0.9, 0.5, len(rows)).astype("f4"))


@pytest.mark.parametrize("size", ODD_SIZES)
def test_sam2_stays_near_its_boxes_and_shares_no_pixel(size):
    segment = opened("sam2 random")
    height, width = size
    found = segment(noise(*size), boxes_of((5, 5, width / 2, height - 5), (20, 8, width, height)))
    assert found.masks.sum(0).max(initial=0) <= 1
    alone = segment(noise(*size), boxes_of((30, 20, 40, 30)))
    assert not alone.masks[:, :, :28].any() and not alone.masks[:, :, 42:].any()


def test_sam2_sees_the_same_in_an_image_of_twice_the_size(monkeypatch):
    # logits of random weights lie far below the one that holes are filled with
    monkeypatch.setattr(sam2_boxes, "fill_holes", lambda logits: logits)
    segment = opened("sam2 random")
    large = cv2.normalize(cv2.GaussianBlur(noise(400, 600), (0, 0), 25), None, 0, 255, 32)
    small = cv2.resize(large, (300, 200), interpolation=cv2.INTER_AREA)
    box = np.array([[40, 20, 120, 100]], np.float32)
    logits = (
        segment.predict_logits(small, box)[0],
        segment.predict_logits(large, 2 * box)[0],
    )
    assert np.corrcoef(logits[0].ravel(), logits[1].ravel())[0, 1] > 0.95


def test_sam2_fills_what_is_no_hole_in_the_mask_of_a_box(monkeypatch):
    monkeypatch.setattr(sam2_boxes, "fill_holes", lambda logits: torch.full_like(logits, 0.1))
    found = opened("sam2 random")(noise(60, 90), boxes_of((10, 10, 50, 50)))
    assert found.boxes.tolist() == [[6, 6, 54, 54]]  # the box and its margin, without a hole


def test_sam2_codes_of_one_are_those_of_many():
    segment = opened("sam2 random")
    images = [noise(60, 80, seed) for seed in range(3)]
    alone = [segment.encode([image])["vision_feats"] for image in images]
    together = segment.encode(images)["vision_feats"]
    assert len(together) == 3  # levels
    for many, *ones in zip(together, *alone, strict=True):
        np.testing.assert_allclose(many.numpy(), torch.cat(ones, 1).numpy(), atol=1e-4)


def test_sam2_finds_the_same_in_images_that_were_encoded_together():
    segment, found = opened("sam2 random"), boxes_of((5, 5, 50, 50), (20, 8, 80, 55))
    images = [noise(60, 90, seed) for seed in range(5)]
    alone = [segment(image, found).masks for image in images]
    segment.prepare(images)
    encoded = list(segment.seen)
    assert len(encoded) == len(images)
    for image, masks in zip(images, alone, strict=True):
        assert (segment(image, found).masks == masks).mean() > 0.999
    # none was encoded again: that would have taken the place of the others
    assert all(now is then for now, then in zip(segment.seen, encoded, strict=True))


@pytest.mark.parametrize("size", [*ODD_SIZES, (400, 300)])
@pytest.mark.parametrize("name", names("inpaint"))
def test_inpaint_changes_the_hole_and_nothing_else(name, size):
    inpaint = opened(name)
    image = np.full((*size, 3), (40, 90, 60), np.uint8)
    mask = np.zeros(size, bool)
    mask[size[0] // 4 : size[0] // 2, size[1] // 4 : -5] = True
    image[mask] = (255, 0, 0)
    before = image.copy()
    painted = inpaint(image, mask)
    assert painted.shape == image.shape and painted.dtype == np.uint8
    np.testing.assert_array_equal(painted[~mask], image[~mask])
    np.testing.assert_array_equal(image, before)
    assert not (painted[mask] == (255, 0, 0)).all(1).any()  # of what stood there nothing is left
    np.testing.assert_array_equal(painted, inpaint(image, mask))
    np.testing.assert_array_equal(inpaint(image, np.zeros(size, bool)), image)


@pytest.mark.parametrize("name", names("pose"))
def test_pose_of_many_is_that_of_each(figure, name):
    pose, mirrored = opened(name), np.ascontiguousarray(figure[:, ::-1])
    boxes = np.array([[40, 30, 210, 520], [0, 0, 248, 540], [30, 20, 200, 500]], np.float32)
    images = [figure, figure, mirrored]
    together = pose(images, boxes, None)
    assert together.shape == (3, 17, 3) and together.dtype == np.float32
    assert ((together[..., 2] >= 0) & (together[..., 2] <= 1)).all()
    alone = [pose([image], box[None], None) for image, box in zip(images, boxes, strict=True)]
    np.testing.assert_allclose(together, np.concatenate(alone), atol=1e-3)
    regions = np.array([[124, 270, 600, 0.0], [120, 260, 500, 0.1], [130, 280, 550, 0.2]], "f4")
    prompted = pose(images, boxes, regions)
    np.testing.assert_allclose(prompted[2:], pose(images[2:], boxes[2:], regions[2:]), atol=1e-3)
    assert pose([], boxes[:0], None).shape == (0, 17, 3)


@pytest.mark.parametrize("first", ["n", 1], ids=["any batch", "batches of one"])
def test_rtmpose_sees_people_together_as_rtmlib_sees_each(tmp_path, figure, first):
    path = nets.build_brightest_point(tmp_path / "point.onnx", people=first)
    boxes = np.array([[5, 5, 60, 90], [40, 20, 110, 70], [0, 0, 30, 30.5]], np.float32)
    joints = load_pose({path.name: path}, device="cpu", **OPTIONS["pose"])(
        [figure] * 3, boxes, None
    )
    points, scores = RTMPose(str(path), (192, 256))(figure, boxes)
    np.testing.assert_allclose(joints[..., :2], points, atol=1e-3)
    np.testing.assert_allclose(joints[..., 2], np.clip(scores, 0, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "peaks", "confidence"),
    [
        ("rtmpose-m", (0.9, 0.3), 0.3),
        ("rtmpose-m", (0.3, 0.9), 0.3),
        ("rtmw-x-l", (9.0, 4.0), 0.4),
        ("rtmw-x-l", (9.5, 9.0), 0.9),
    ],
)
def test_a_joint_is_as_sure_as_the_less_sure_of_its_axes(tmp_path, name, peaks, confidence):
    # mmpose: codecs/utils/post_processing.py; label_beta of the loss in the configs of RTMW
    path = nets.build_standing_figure(tmp_path / "figure.onnx", peaks=peaks)
    row = choose_model("pose", {"tier": "full", "pose": name})
    pose = load_pose({path.name: path}, device="cpu", **row["options"])
    found = pose([noise(90, 60)], np.array([[0, 0, 60, 90]], np.float32), None)
    np.testing.assert_allclose(found[..., 2], np.full((1, 17), confidence), atol=1e-6)


@pytest.mark.parametrize("points", [17, 133])
@pytest.mark.parametrize("size", [(301, 403), (500, 177), (96, 160)])
def test_points_are_where_the_image_says(tmp_path, points, size):
    path = nets.build_brightest_point(tmp_path / "point.onnx", points=points)
    pose = load_pose({path.name: path}, device="cpu", **OPTIONS["pose"])
    x, y = size[1] // 3, size[0] // 2
    rows, columns = np.mgrid[: size[0], : size[1]]
    lamp = np.maximum(0, 255 - 20 * np.hypot(columns - x, rows - y))
    image = np.repeat(lamp[..., None].astype(np.uint8), 3, 2)
    found = pose([image], np.array([[x - 40, y - 30, x + 30, y + 45]], np.float32), None)
    assert found.shape == (1, 17, 3)
    np.testing.assert_allclose(found[0, :, :2], np.tile([x, y], (17, 1)), atol=1)


@pytest.mark.parametrize("name", names("face"))
def test_faces_are_where_the_figure_has_its_face(figure, name):
    face = opened(name)
    ((boxes, scores, points),) = face([figure])
    check_boxes(boxes, scores)
    assert points.shape == (len(boxes), 5, 2) and len(boxes) == 1
    np.testing.assert_allclose(boxes[0], [102, 53, 141, 104], atol=8)  # by eye
    assert ((points[0] >= boxes[0, :2]) & (points[0] <= boxes[0, 2:])).all()
    left, right = points[0, 0], points[0, 1]
    assert left[0] < right[0] and points[0, 3, 1] > points[0, 2, 1] > left[1]  # mouth, nose, eyes
    for found, again in zip(*face([figure]), (boxes, scores, points), strict=True):
        np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("name", names("face"))
def test_faces_of_many_images_are_those_of_each(figure, name):
    face, flat = opened(name), np.full((61, 83, 3), 110, np.uint8)
    wide = on_canvas(figure, 200, 40)
    images = [figure, flat, wide, np.ascontiguousarray(figure[:, ::-1]), wide[:600, :640]]
    together = face(images)
    assert [len(boxes) for boxes, _, _ in together] == [1, 0, 1, 1, 1] and face([]) == []
    for found, image in zip(together, images, strict=True):
        for array, alone in zip(found, *face([image]), strict=True):
            np.testing.assert_allclose(array, alone, atol=0.05)


@pytest.mark.parametrize("size", [(20, 31), *ODD_SIZES])
@pytest.mark.parametrize("name", names("face"))
def test_no_face_in_a_plain_image(name, size):
    ((boxes, scores, points),) = opened(name)([np.full((*size, 3), 110, np.uint8)])
    assert boxes.shape == (0, 4) and scores.shape == (0,) and points.shape == (0, 5, 2)


def test_a_shot_is_followed_with_a_memory_of_its_own():
    follow = opened("sam2 random").follow_shot()
    first = follow(noise(90, 120), as_found(square(10), square(70)))
    assert first.tracks.tolist() == [0, 1]
    assert follow(noise(90, 120, 1), as_found()).masks.shape[1:] == (90, 120)
    for seed in (2, 3):
        found = follow(noise(90, 120, seed), as_found(square(10 + seed)))
        assert found.tracks[0] >= 0 and len(set(found.tracks.tolist())) == len(found)
        assert found.masks.sum(0).max() <= 1
    other = opened("sam2 random").follow_shot()
    assert other(noise(90, 120), as_found(square(40))).tracks.tolist() == [0]
