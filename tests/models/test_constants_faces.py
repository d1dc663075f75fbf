"""What nets of faces are shown, and how their maps are read, number by number.

Numbers stand here as upstream has them, and are not read from the code that is tested.
resources/constants.md names the upstream file of each.
"""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.shown_nets import IMAGENET, PAINT, open_with, paint, row_of  # noqa: E402
from workflow_scripts.lib.emotions import EMOTIONS  # noqa: E402
from workflow_scripts.models.loaders import emotion_onnx, face_mesh, retina_face  # noqa: E402

HSEMOTION = ["Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise"]
ANCHORS = {
    32: [[-248, -248, 263, 263], [-120, -120, 135, 135]],
    16: [[-56, -56, 71, 71], [-24, -24, 39, 39]],
    8: [[-8, -8, 23, 23], [0, 0, 15, 15]],
}


def make_maps(height: int, width: int) -> dict[int, list[np.ndarray]]:
    """Scores, boxes and points (1, h, w, C) of RetinaFace at each stride, with no face."""
    cells = {stride: (height // stride, width // stride) for stride in ANCHORS}
    return {
        s: [np.zeros((1, *cell, n), np.float32) for n in (4, 8, 20)] for s, cell in cells.items()
    }


def open_retinaface(monkeypatch, maps: dict[int, list[np.ndarray]]):
    outputs = [one for stride in ANCHORS for one in maps[stride]]
    return open_with(monkeypatch, retina_face, "face", outputs, {"min_score": 0.5})


def test_retinaface_sees_rgb_bytes_and_no_more_than_the_image(monkeypatch):
    maps = make_maps(160, 320)
    maps[8][0][0, 10, 20] = [1, 1, 0, 0.9]  # no face; a face
    face, session = open_retinaface(monkeypatch, maps)
    ((boxes, _, _),) = face([paint(160, 320)])
    assert boxes.tolist() == [(np.array(ANCHORS[8][1]) + [160, 80, 160, 80]).tolist()]
    (seen,) = session.seen
    assert seen.shape == (1, 160, 320, 3) and seen.dtype == np.float32
    assert (seen == np.float32(PAINT)).all()


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("stride", ANCHORS)
def test_retinaface_has_two_anchors_around_each_cell(monkeypatch, stride, place):
    maps = make_maps(640, 640)
    row, column = 320 // stride, 352 // stride
    maps[stride][0][0, row, column] = [1, 1, *(0.9 * np.eye(2)[place])]  # no face, twice; a face
    face, _ = open_retinaface(monkeypatch, maps)
    ((boxes, scores, _),) = face([paint(640, 640)])
    expected = np.array(ANCHORS[stride][place]) + [352, 320, 352, 320]
    assert boxes.tolist() == [expected.tolist()]
    assert scores.tolist() == pytest.approx([0.9])


@pytest.mark.parametrize(("shared", "count"), [(0.39, 2), (0.41, 1)])
def test_retinaface_boxes_that_share_more_are_one_face(monkeypatch, shared, count):
    maps = make_maps(640, 640)
    scores, deltas, _ = maps[16]
    shift = 128 * (1 - shared) / (1 + shared)  # of boxes 128 pixels wide
    scores[0, 20, 20:22, 2] = 0.9, 0.8
    deltas[0, 20, 21, 0] = (shift - 16) / 128
    face, _ = open_retinaface(monkeypatch, maps)
    ((boxes, _, _),) = face([paint(640, 640)])
    assert len(boxes) == count


def test_hsemotion_sees_rgb_less_the_mean_of_imagenet():
    options = row_of("expression", "hsemotion-b0")
    seen = emotion_onnx.prepare(paint(90, 60), options["side_px"], options["mean"], options["std"])
    expected = (np.float32(PAINT) / 255 - IMAGENET[0]) / IMAGENET[1]
    assert seen.shape == (3, 224, 224)
    np.testing.assert_allclose(seen[:, 50, 50], expected, atol=1e-5)


@pytest.mark.parametrize("place", range(len(HSEMOTION)))
def test_hsemotion_numbers_emotions_as_it_was_trained(monkeypatch, place):
    logits = 5 * np.eye(8, dtype=np.float32)[place : place + 1]
    options = row_of("expression", "hsemotion-b0")
    expression, _ = open_with(monkeypatch, emotion_onnx, "expression", [logits], options)
    (chances,) = expression([paint(224, 224)])
    ours = {"Anger": "angry", "Happiness": "happy", "Sadness": "sad", "Surprise": "surprised"}
    name = ours.get(HSEMOTION[place], HSEMOTION[place].lower())
    if name == "contempt":
        np.testing.assert_allclose(chances, 1 / 7, atol=1e-6)
    else:
        expected = np.exp(5) / (np.exp(5) + 6)  # logits, of which contempt is left out
        assert chances[EMOTIONS.index(name)] == pytest.approx(expected, abs=1e-5)


def test_a_mesh_is_looked_for_in_rgb_from_0_to_1():
    seen = []

    def run(view):
        seen.append(view)
        return np.zeros((1, 1404), np.float32), np.zeros((1, 1), np.float32)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(face_mesh, "open_tflite", lambda path: run)
        mesh = face_mesh.load_face_mesh({"face_landmark.tflite": Path("net")}, device="cpu")
    mesh(paint(200, 200), np.array([60.0, 60, 140, 140]), np.array([[80.0, 90], [120, 90]]))
    assert len(seen) == 2 and seen[0].shape == (1, 192, 192, 3)
    np.testing.assert_allclose(seen[0][0, 96, 96], np.array(PAINT) / 255, atol=1e-5)
