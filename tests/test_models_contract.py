"""What every model of a role promises, light and full tier through the same checks.

Real weights: the light tier's; YOLOX nano, RetinaFace MobileNet and face-api's net from the shared
test weights. All others are the production classes built small with random weights, opened by the
production loaders from the real format on disk.
"""

import importlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import mask_box, read_rgb
from workflow_scripts.lib.models.detections import Detections
from workflow_scripts.lib.models.devices import check_provider, run_in_batches
from workflow_scripts.lib.models.registry import choose_model, load_model, weight_files

onnx = pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests import models_in_code as build  # noqa: E402
from tests import onnx_in_code as nets  # noqa: E402
from tests.full_tier_in_code import EMOTIONS as LABELS  # noqa: E402
from tests.full_tier_in_code import OPTIONS  # noqa: E402

REAL = build.SHARED
HSEMOTION = {
    **{"side_px": 32, "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
    **{"labels": ["contempt", *LABELS], "logits": True},
}
# name: role, loader, what makes its file or folder (a path: real weights), options
FULL = {
    "yolox-nano real": ("detect", "rtm_boxes", REAL / "detection/yolox_nano.onnx", {}),
    "owlv2 random": (
        "detect",
        "open_vocabulary",
        build.build_owlv2,
        {"prompts": ["cartoon character", "animal character"], "min_score": 0.05},
    ),
    "sam2 random": ("segment", "sam2_boxes", build.build_sam2, {}),
    "lama random": ("inpaint", "lama", build.build_lama, {}),
    "brightest point, 17": ("pose", "rtm_joints", nets.build_brightest_point, {}),
    "retinaface real": ("face", "retina_face", REAL / "face/retinaface_mbnet0.25.onnx", {}),
    "face-api real": (
        "expression",
        "emotion_onnx",
        REAL / "emotion/face_expression_net_fp32.onnx",
        {},
    ),
    "hsemotion's layout random": (
        "expression",
        "emotion_onnx",
        nets.build_random_emotions,
        HSEMOTION,
    ),
    "openclip random": ("embed", "openclip", build.build_openclip, {}),
    "dinov2 random": ("scene", "dinov2", build.build_dinov2, {}),
}
LIGHT_ROLES = ["detect", "segment", "inpaint", "pose", "face", "expression", "embed", "scene"]
PICTURES = sorted(Path("config/rosters/demo").glob("*/*.jpg"))
ODD_SIZES = [(61, 83), (120, 67), (96, 160)]  # height, width


def names(role: str) -> list[str]:
    return [f"light {role}", *(name for name, row in FULL.items() if row[0] == role)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("weights")


@pytest.fixture
def opened(folder):
    """open(name) -> the model, opened once by its production loader."""
    return lambda name: open_model(name, folder)


@cache
def open_model(name: str, folder: Path):
    if name.startswith("light "):
        model = choose_model(name.removeprefix("light "), {"tier": "light", "device": "cpu"})
        if missing := [path for path in weight_files(model) if not Path(path).exists()]:
            pytest.skip(f"weights not fetched: {', '.join(missing)}")
        return load_model(model, weight_files(model))
    role, loader, source, options = FULL[name]
    path = make_weights(source, folder / name.replace(" ", "_"))
    module = importlib.import_module(f"workflow_scripts.lib.models.{loader}")
    options = options or OPTIONS.get(role, {})
    return getattr(module, f"load_{role}")({path.name: path}, device="cpu", **options)


def make_weights(source, path: Path) -> Path:
    if not isinstance(source, Path):
        return build.build_with_seed(source, path)
    if not source.is_file():
        pytest.skip(f"the shared test weights are not there: {source.name}")
    if "retinaface" in source.name:  # in the layout that the package retina-face reads
        return nets.build_retinaface(source, path.with_suffix(".onnx"))
    return source


@pytest.fixture(scope="module")
def figure() -> np.ndarray:
    """A frontal figure of the roster, (540, 248, 3)."""
    if not PICTURES:
        pytest.skip("no reference pictures in config/rosters/demo")
    return read_rgb(PICTURES[0])


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def on_canvas(figure: np.ndarray, x: int, y: int) -> np.ndarray:
    canvas = np.full((620, 900, 3), 120, np.uint8)
    canvas[y : y + figure.shape[0], x : x + figure.shape[1]] = figure
    return canvas


def check_boxes(boxes: np.ndarray, scores: np.ndarray, height: int, width: int) -> None:
    assert boxes.dtype == scores.dtype == np.float32
    assert boxes.shape == (len(scores), 4)
    assert ((scores >= 0) & (scores <= 1)).all()
    assert (np.diff(scores) <= 0).all()  # best first
    assert (boxes[:, 2:] > boxes[:, :2]).all()


@pytest.mark.parametrize("name", names("detect"))
def test_detect_any_size_and_the_same_twice(opened, figure, name):
    detect = opened(name)
    for image in [figure, *(noise(*size) for size in ODD_SIZES)]:
        found = detect(image)
        check_boxes(found.boxes, found.scores, *image.shape[:2])
        np.testing.assert_array_equal(found.boxes, detect(image).boxes)
    if not name.startswith("light"):
        assert found.boxes.min(initial=0) >= 0 and found.boxes[:, 2].max(initial=0) <= 160


@pytest.mark.parametrize("name", ["light detect", "yolox-nano real"])
def test_detected_boxes_are_where_the_figure_is(opened, figure, name):
    detect = opened(name)
    first, second = (detect(on_canvas(figure, *at)).boxes[0] for at in ((60, 40), (540, 60)))
    middles = [(box[:2] + box[2:]) / 2 for box in (first, second)]
    np.testing.assert_allclose(middles[1] - middles[0], [480, 20], atol=25)
    assert 60 <= middles[0][0] <= 60 + figure.shape[1]


@pytest.mark.parametrize("name", names("segment"))
def test_segment_gives_masks_that_fit_their_boxes(opened, figure, name):
    segment, detect = opened(name), opened("light detect")
    found = segment(figure, detect(figure))
    assert len(found) == 1
    assert found.masks.dtype == bool and found.masks.shape == (1, *figure.shape[:2])
    assert found.boxes[0].tolist() == list(mask_box(found.masks[0]))
    again = segment(figure, detect(figure))
    np.testing.assert_array_equal(found.masks, again.masks)
    nobody = segment(figure, detect(figure).take([]))
    assert nobody.masks.shape == (0, *figure.shape[:2]) and len(nobody) == 0


def boxes_of(*rows: tuple) -> Detections:
    return Detections(np.array(rows, np.float32), np.linspace(0.9, 0.5, len(rows)).astype("f4"))


@pytest.mark.parametrize("size", ODD_SIZES)
def test_sam2_stays_near_its_boxes_and_shares_no_pixel(opened, size):
    segment = opened("sam2 random")
    height, width = size
    found = segment(noise(*size), boxes_of((5, 5, width / 2, height - 5), (20, 8, width, height)))
    assert found.masks.sum(0).max(initial=0) <= 1
    assert not found.masks[:, :, :1].any() or found.boxes[:, 0].min() >= 0
    alone = segment(noise(*size), boxes_of((30, 20, 40, 30)))
    assert not alone.masks[:, :18].any() and not alone.masks[:, :, 42:].any()


def test_sam2_sees_the_same_in_a_picture_of_twice_the_size(opened):
    segment, image = opened("sam2 random"), noise(120, 200)
    image = np.repeat(np.repeat(image[::8, ::8], 8, 0), 8, 1)  # smooth enough to outlast scaling
    large = np.repeat(np.repeat(image, 2, 0), 2, 1)
    box = np.array([[40, 20, 120, 100]], np.float32)
    small_mask = segment.cut_out(image, box)[0] > 0
    large_mask = segment.cut_out(large, 2 * box)[0][::2, ::2] > 0
    assert (small_mask & large_mask).sum() / (small_mask | large_mask).sum() > 0.85


def test_sam2_codes_of_one_are_those_of_many(opened):
    segment = opened("sam2 random")
    images = [noise(60, 80, seed) for seed in range(3)]
    for many, *ones in zip(segment.encode(images), *(segment.encode([i]) for i in images)):
        np.testing.assert_allclose(many.numpy(), torch.cat(ones).numpy(), atol=1e-4)


@pytest.mark.parametrize("size", [*ODD_SIZES, (400, 300)])
@pytest.mark.parametrize("name", names("inpaint"))
def test_inpaint_changes_the_hole_and_nothing_else(opened, name, size):
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
def test_pose_of_many_is_that_of_each(opened, figure, name):
    pose = opened(name)
    boxes = np.array([[40, 30, 210, 520], [0, 0, 248, 540]], np.float32)
    both = pose(figure, boxes, None)
    assert both.shape == (2, 17, 3) and both.dtype == np.float32
    assert ((both[..., 2] >= 0) & (both[..., 2] <= 1)).all()
    np.testing.assert_allclose(both[:1], pose(figure, boxes[:1], None), atol=1e-3)
    assert pose(figure, boxes[:0], None).shape == (0, 17, 3)


@pytest.mark.parametrize("points", [17, 133])
@pytest.mark.parametrize("size", [(301, 403), (500, 177), (96, 160)])
def test_points_are_where_the_picture_says(folder, points, size):
    path = nets.build_brightest_point(folder / f"point{points}.onnx", points=points)
    module = importlib.import_module("workflow_scripts.lib.models.rtm_joints")
    pose = module.load_pose({path.name: path}, device="cpu", input_px=[192, 256])
    image = np.zeros((*size, 3), np.uint8)
    x, y = size[1] // 3, size[0] // 2
    image[y - 2 : y + 3, x - 2 : x + 3] = 255
    found = pose(image, np.array([[x - 40, y - 30, x + 30, y + 45]], np.float32), None)
    assert found.shape == (1, 17, 3)
    np.testing.assert_allclose(found[0, :, :2], np.tile([x, y], (17, 1)), atol=1.5)


@pytest.mark.parametrize("name", names("face"))
def test_faces_are_where_the_figure_has_its_face(opened, figure, name):
    face = opened(name)
    boxes, scores, points = face(figure)
    check_boxes(boxes, scores, *figure.shape[:2])
    assert points.shape == (len(boxes), 5, 2) and len(boxes) == 1
    np.testing.assert_allclose(boxes[0], [102, 53, 141, 104], atol=6)  # by eye
    assert ((points[0] >= boxes[0, :2]) & (points[0] <= boxes[0, 2:])).all()
    left, right = points[0, 0], points[0, 1]
    assert left[0] < right[0] and points[0, 3, 1] > points[0, 2, 1] > left[1]  # mouth, nose, eyes
    for found, again in zip(face(figure), (boxes, scores, points), strict=True):
        np.testing.assert_array_equal(found, again)


@pytest.mark.parametrize("size", [(20, 31), *ODD_SIZES])
@pytest.mark.parametrize("name", names("face"))
def test_no_face_in_a_plain_picture(opened, name, size):
    boxes, scores, points = opened(name)(np.full((*size, 3), 110, np.uint8))
    assert boxes.shape == (0, 4) and scores.shape == (0,) and points.shape == (0, 5, 2)


@pytest.mark.parametrize("name", names("expression"))
def test_expressions_are_probabilities(opened, figure, name):
    expression = opened(name)
    crops = [figure[40:110, 95:150], noise(61, 40), noise(200, 200)]
    chances = expression(crops)
    assert chances.shape == (3, 7) and chances.dtype == np.float32
    assert (chances >= 0).all()
    np.testing.assert_allclose(chances.sum(1), 1, atol=2e-3)
    np.testing.assert_allclose(expression(crops[:1]), chances[:1], atol=1e-5)
    assert expression([]).shape == (0, 7)


@pytest.mark.parametrize("name", [*names("embed"), *names("scene")])
def test_vectors_have_length_one_and_depend_on_their_picture_alone(opened, figure, name):
    embed = opened(name)
    images = [figure, *(noise(*size) for size in ODD_SIZES)]
    vectors = embed(images)
    assert vectors.dtype == np.float32 and len(vectors) == 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([embed([i]) for i in images]), vectors, atol=1e-4)
    np.testing.assert_array_equal(embed(images), vectors)
    assert embed([]).shape == (0, vectors.shape[1])


def test_openclip_puts_texts_beside_pictures(opened, figure):
    clip = opened("openclip random")
    texts = clip.embed_texts(["a girl", "a kite in the sky"])
    assert texts.shape == (2, clip([figure]).shape[1])
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(clip.embed_texts(["a girl"]), texts[:1], atol=1e-5)


@pytest.mark.parametrize("name", [n for n, row in FULL.items() if not n.startswith("owl")])
def test_corrupt_weights_are_refused(tmp_path, name):
    role, loader, _, options = FULL[name]
    path = tmp_path / ("net" if loader in ("sam2_boxes", "openclip", "dinov2") else "net.onnx")
    if path.suffix:
        path.write_bytes(b"no weights at all")
    else:
        path.mkdir()
    module = importlib.import_module(f"workflow_scripts.lib.models.{loader}")
    with pytest.raises(CineloraError, match=r"net.* (is no|holds no)"):
        getattr(module, f"load_{role}")(
            {path.name: path}, device="cpu", **(options or OPTIONS.get(role, {}))
        )


@pytest.mark.parametrize(
    ("role", "loader", "wrong", "words"),
    [
        ("segment", "sam2_boxes", build.build_dinov2, "model of type 'dinov2'"),
        ("scene", "dinov2", build.build_sam2, "model of type 'sam2'"),
        ("pose", "rtm_joints", nets.build_random_emotions, "not an RTMPose net"),
        ("face", "retina_face", nets.build_random_emotions, "1 outputs; RetinaFace has 9"),
        ("expression", "emotion_onnx", nets.build_brightest_point, "its row lists 7 labels"),
    ],
)
def test_the_wrong_model_for_a_role_is_refused(tmp_path, role, loader, wrong, words):
    path = wrong(tmp_path / "net.onnx")
    module = importlib.import_module(f"workflow_scripts.lib.models.{loader}")
    with pytest.raises(CineloraError, match=words):
        getattr(module, f"load_{role}")({path.name: path}, device="cpu", **OPTIONS.get(role, {}))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("name", [n for n, row in FULL.items() if not n.startswith("owl")])
def test_a_gpu_that_is_not_there_is_an_error(folder, name):
    role, loader, source, options = FULL[name]
    open_model(name, folder)  # builds or finds the weights
    path = make_weights(source, folder / f"{name.replace(' ', '_')}_gpu")
    module = importlib.import_module(f"workflow_scripts.lib.models.{loader}")
    with pytest.raises(CineloraError, match=r"models\.device is cuda, but"):
        getattr(module, f"load_{role}")(
            {path.name: path}, device="cuda", **(options or OPTIONS.get(role, {}))
        )


def test_a_session_that_fell_back_to_the_cpu_is_an_error():
    class Session:
        def get_providers(self):
            return ["CPUExecutionProvider"]

    with pytest.raises(CineloraError, match="onnxruntime runs on CPUExecutionProvider"):
        check_provider(Session(), "cuda")


def test_too_little_memory_halves_the_batch_once(caplog):
    def run(batch: list) -> int:
        if len(batch) > 4:
            raise torch.cuda.OutOfMemoryError
        return len(batch)

    assert run_in_batches(run, list(range(10)), 8) == [4, 4, 2]
    assert "going on with batches of 4" in caplog.text
    with pytest.raises(CineloraError, match="does not hold 8 pictures"):
        run_in_batches(run, list(range(20)), 16)
