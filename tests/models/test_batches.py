"""How many images each graph sees at once, and how often a job opens it: counted on a CPU."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from rtmlib import YOLOX  # noqa: E402

from tests.factories import onnx_in_code as nets  # noqa: E402
from tests.factories.full_tier_in_code import OPTIONS  # noqa: E402
from tests.factories.role_models import (  # noqa: E402
    FULL,
    REAL,
    loaded,
    noise,
    read_figure,
    weights_of,
)
from workflow_scripts.lib.errors import CineloraError  # noqa: E402
from workflow_scripts.models.loaders import rtm_boxes, rtm_joints  # noqa: E402

YOLOX_NANO = REAL / "detection/yolox_nano.onnx"
RETINAFACE = REAL / "face/retinaface_mbnet0.25.onnx"
ONNX = ("rtm_boxes", "rtm_joints", "retina_face", "emotion_onnx")


@dataclass
class Seen:
    """Files that were opened, and how many images each call of a graph took."""

    opened: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)


@pytest.fixture
def seen(monkeypatch) -> Seen:
    found, real = Seen(), onnxruntime.InferenceSession

    class Counted(real):
        def __init__(self, path: str, *args, **options):
            found.opened.append(Path(path).name)
            super().__init__(path, *args, **options)

        def run(self, names, inputs, *args):
            found.calls.append(len(next(iter(inputs.values()))))
            return super().run(names, inputs, *args)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Counted)
    return found


def need(path: Path) -> Path:
    if not path.is_file():
        pytest.skip(f"the shared test weights are not there: {path.name}")
    return path


def walk(count: int) -> list[np.ndarray]:
    """Images of a figure that comes nearer, on gray; all of other sizes."""
    figure = read_figure()
    images = []
    for number in range(count):
        image = np.full((560 + number, 700 + 20 * number, 3), 120, np.uint8)
        image[10:550, 30 * number : 30 * number + figure.shape[1]] = figure
        images.append(image)
    return images


@pytest.mark.parametrize("name", [name for name, row in FULL.items() if row[1] in ONNX])
def test_a_graph_is_opened_once(seen, name):
    path = weights_of(name)
    loaded(name, path)
    assert seen.opened == [path.name]


def detect_with(path: Path) -> Callable:
    return rtm_boxes.load_detect({path.name: path}, device="cpu", **OPTIONS["detect"])


@pytest.mark.parametrize(
    ("images", "calls"), [("n", [8, 2]), (1, [1] * 10)], ids=["any number", "one by one"]
)
def test_frames_go_through_the_detector_together(seen, tmp_path, images, calls):
    path = nets.free_batch(need(YOLOX_NANO), tmp_path / "nano.onnx", images=images)
    assert len(detect_with(path)(walk(10))) == 10
    assert seen.calls == calls


def test_people_found_together_are_those_of_rtmlibs_own_call(tmp_path):
    own = YOLOX(str(need(YOLOX_NANO)), (416, 416), score_thr=OPTIONS["detect"]["min_score"])
    images = walk(9)
    path = nets.free_batch(YOLOX_NANO, tmp_path / "nano.onnx")
    together, alone = detect_with(path)(images), detect_with(YOLOX_NANO)(images)
    assert len(together) == len(alone) == 9
    for found, one, image in zip(together, alone, images, strict=True):
        assert len(found) == len(one) >= 1
        np.testing.assert_allclose(found.boxes, one.boxes, atol=0.05)
        np.testing.assert_allclose(found.scores, one.scores, atol=1e-4)
        theirs = own(np.ascontiguousarray(image[..., ::-1]))[0]
        height, width = image.shape[:2]
        np.testing.assert_allclose(
            found.boxes[0], np.clip(theirs, 0, [width, height, width, height]), atol=0.05
        )


@pytest.mark.parametrize(
    ("people", "calls"), [("n", [64, 64, 64]), (1, [1] * 192)], ids=["any number", "one by one"]
)
def test_people_of_many_frames_go_through_the_pose_net_together(seen, tmp_path, people, calls):
    path = nets.build_brightest_point(tmp_path / "point.onnx", people=people)
    pose = rtm_joints.load_pose({path.name: path}, device="cpu", **OPTIONS["pose"])
    frames = [noise(60, 90, seed) for seed in range(64)]
    shown = [frame for frame in frames for _ in range(3)]
    assert len(pose(shown, np.tile(np.float32([5, 5, 60, 50]), (192, 1)), None)) == 192
    assert seen.calls == calls


@pytest.mark.parametrize(
    ("images", "calls"),
    [("n", [3, 8, 1]), (1, [1] * 12)],
    ids=["those of one shape together", "one by one"],
)
def test_faces_are_looked_for_in_images_of_one_shape(seen, tmp_path, images, calls):
    path = nets.build_retinaface(need(RETINAFACE), tmp_path / "net.onnx", images=images)
    look = loaded("retinaface real", path)
    sizes = [(150, 100 + n) for n in range(3)] + [(200 + n, 120) for n in range(9)]
    assert len(look([noise(*size) for size in sizes])) == 12
    assert seen.calls == calls


def test_views_of_many_faces_are_shown_together(seen):
    expression = loaded("face-api real", weights_of("face-api real"))
    views = [noise(112, 112, seed) for seed in range(5 * 16)]
    assert expression(views).shape == (80, 7)
    assert seen.calls == [64, 16]


def test_a_graph_for_another_number_of_images_is_refused(tmp_path):
    path = nets.build_brightest_point(tmp_path / "point.onnx", people=4)
    with pytest.raises(CineloraError, match=r"point\.onnx takes exactly 4 images at once"):
        rtm_joints.load_pose({path.name: path}, device="cpu", **OPTIONS["pose"])
