"""What models that judge an image promise: expression, face_mesh, embed, scene, base."""

import cv2
import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.full_tier_in_code import OPTIONS  # noqa: E402
from tests.factories.role_models import (  # noqa: E402
    HSEMOTION,
    ODD_SIZES,
    names,
    noise,
    opened,
    read_figure,
)
from workflow_scripts.models.registry import choose_model  # noqa: E402


def odd_images() -> list[np.ndarray]:
    return [read_figure(), *(noise(*size) for size in ODD_SIZES)]


@pytest.mark.parametrize("name", names("expression"))
def test_expressions_are_probabilities(name):
    expression = opened(name)
    crops = [read_figure()[40:110, 95:150], noise(61, 40), noise(200, 200)]
    chances = expression(crops)
    assert chances.shape == (3, 7) and chances.dtype == np.float32
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(1), 1, atol=2e-3)
    np.testing.assert_allclose(expression(crops[:1]), chances[:1], atol=1e-5)
    assert expression([]).shape == (0, 7)


def test_faces_are_shown_as_large_as_the_net_looks():
    # img_size of hsemotion_onnx/facial_emotions.py (av-savchenko/hsemotion-onnx) for this net
    row = choose_model("expression", {"tier": "full"})
    assert row["options"]["side_px"] == 224
    assert opened("hsemotion random").view_px == HSEMOTION["side_px"]
    assert opened("light expression").view_px == 128


def look_at_face(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """The face in an image as the detector has it: landmarks (5, 2), mesh (468, 3), its score."""
    ((boxes, _, landmarks),) = opened("light face")([image])
    assert len(boxes)
    points, score = opened("light face_mesh")(image, boxes[0], landmarks[0, :2])
    assert points.shape == (468, 3) and 0 <= score <= 1
    return landmarks[0], points, score


@pytest.mark.parametrize("mirrored", [False, True], ids=["as it is", "mirrored"])
def test_a_mesh_lies_on_the_face(mirrored):
    image = read_figure()[:, ::-1] if mirrored else read_figure()
    landmarks, points, score = look_at_face(np.ascontiguousarray(image))
    assert score > 0.9
    width = np.linalg.norm(points[263] - points[33])
    found = [
        points[[33, 133]].mean(0),
        points[[362, 263]].mean(0),
        points[1],
        points[61],
        points[291],
    ]
    away = np.linalg.norm(np.array(found)[:, :2] - landmarks, axis=1)
    assert (away < width / 4).all()


def test_a_mesh_follows_a_tilted_head():
    image = read_figure()
    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, 90), 25, 1)
    ((boxes, _, landmarks),) = opened("light face")([image])
    box, eyes, mesh = boxes[0], landmarks[0, :2], opened("light face_mesh")
    turned = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    middle = matrix[:, :2] @ ((box[:2] + box[2:]) / 2) + matrix[:, 2]
    half = (box[2:] - box[:2]) / 2
    points, _ = mesh(image, box, eyes)
    found, score = mesh(
        turned,
        np.concatenate([middle - half, middle + half]),
        eyes @ matrix[:, :2].T + matrix[:, 2],
    )
    expected = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    size = np.ptp(points[:, 1])
    assert score > 0.9
    assert np.linalg.norm(found[:, :2] - expected, axis=1).mean() < 0.03 * size


def test_where_no_face_is_the_mesh_says_so():
    mesh = opened("light face_mesh")
    box = np.array([10.0, 10, 70, 70])
    flat = np.full((90, 90, 3), 120, np.uint8)
    for image in (flat, noise(90, 90)):
        points, score = mesh(image, box, np.array([[25.0, 30], [55, 30]]))
        assert points.shape == (468, 3) and np.isfinite(points).all()
        assert score < 0.9


@pytest.mark.parametrize("name", [*names("embed"), *names("scene")])
def test_vectors_have_length_one_and_depend_on_their_image_alone(name):
    embed, images = opened(name), odd_images()
    vectors = embed(images)
    assert vectors.dtype == np.float32 and len(vectors) == 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([embed([i]) for i in images]), vectors, atol=1e-4)
    np.testing.assert_array_equal(embed(images), vectors)
    assert embed([]).shape == (0, vectors.shape[1])


def test_openclip_puts_texts_beside_images():
    clip = opened("openclip random")
    texts = clip.embed_texts(["a girl", "a kite in the sky"])
    assert texts.shape == (2, clip([read_figure()]).shape[1])
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(clip.embed_texts(["a girl"]), texts[:1], atol=1e-5)


@pytest.mark.parametrize("name", ["tiny sd random", "tiny sdxl random", "tiny flux2 random"])
def test_a_base_of_the_full_tier_says_what_it_is(name):
    base = opened(name)
    assert base.architecture == OPTIONS["base"]["architecture"]
    assert base.is_random
