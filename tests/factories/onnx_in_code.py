"""ONNX files for tests: nets whose right answer is known, and RetinaFace's layout of outputs."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = [helper.make_opsetid("", 13)]
POINTS = 17


def save_onnx(path: Path, nodes: list, inputs: list, outputs: list, constants: dict) -> Path:
    """Write a graph; `inputs` and `outputs` are (name, shape)."""
    values = [[_value(*pair) for pair in side] for side in (inputs, outputs)]
    arrays = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "test", *values, arrays), opset_imports=OPSET
    )
    model.ir_version = 8
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(onnx.shape_inference.infer_shapes(model), path)
    return path


def _value(name: str, shape: list) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def build_brightest_point(
    path: Path, *, points: int = POINTS, size: tuple = (192, 256), people: int | str = "n"
) -> Path:
    """A file of RTMPose's shape: every point is where the image is brightest.

    `people` is how many it sees at once, "n" for any number.
    """
    width, height = size
    nodes = []
    for axis, others in (("x", [1, 2]), ("y", [1, 3])):
        nodes += [
            helper.make_node("ReduceMax", ["input"], [f"line_{axis}"], axes=others, keepdims=0),
            helper.make_node("Unsqueeze", [f"line_{axis}", "two"], [f"cells_{axis}"]),
            helper.make_node("Expand", [f"cells_{axis}", f"twice_{axis}"], [f"both_{axis}"]),
            helper.make_node("Reshape", [f"both_{axis}", f"flat_{axis}"], [f"row_{axis}"]),
            helper.make_node("Expand", [f"row_{axis}", f"all_{axis}"], [f"simcc_{axis}"]),
        ]
    constants = {"two": np.array([2])}
    for axis, length in (("x", width), ("y", height)):
        constants[f"twice_{axis}"] = np.array([1, length, 2])
        constants[f"flat_{axis}"] = np.array([-1, 1, 2 * length])
        constants[f"all_{axis}"] = np.array([1, points, 2 * length])
    outputs = [("simcc_x", [people, points, 2 * width]), ("simcc_y", [people, points, 2 * height])]
    return save_onnx(path, nodes, [("input", [people, 3, height, width])], outputs, constants)


# A standing figure, in shares of the net's input: COCO's 17 points.
STANDING = np.array(
    [[0.5, 0.14], [0.52, 0.12], [0.48, 0.12], [0.54, 0.13], [0.46, 0.13], [0.6, 0.27], [0.4, 0.27]]
    + [[0.63, 0.4], [0.37, 0.4], [0.64, 0.52], [0.36, 0.52], [0.57, 0.53], [0.43, 0.53]]
    + [[0.57, 0.7], [0.43, 0.7], [0.57, 0.87], [0.43, 0.87]]
)


def build_standing_figure(
    path: Path, *, size: tuple = (192, 256), peaks: tuple[float, float] = (0.9, 0.9)
) -> Path:
    """A file of RTMPose's shape without any knowledge: everybody stands upright in their box.

    `peaks` is how high the lines of both axes rise at each point.
    """
    nodes, constants, outputs = [], {"none": np.float32(0)}, []
    nodes.append(helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3]))
    nodes.append(helper.make_node("Reshape", ["mean", "column"], ["each"]))
    nodes.append(helper.make_node("Mul", ["each", "none"], ["zero"]))
    constants["column"] = np.array([-1, 1, 1])
    for axis, length, shares, peak in zip("xy", size, STANDING.T, peaks, strict=True):
        lines = np.zeros((1, POINTS, 2 * length), np.float32)
        lines[0, np.arange(POINTS), (shares * 2 * length).astype(int)] = peak
        constants[f"peaks_{axis}"] = lines
        nodes.append(helper.make_node("Add", ["zero", f"peaks_{axis}"], [f"simcc_{axis}"]))
        outputs.append((f"simcc_{axis}", ["n", POINTS, 2 * length]))
    return save_onnx(path, nodes, [("input", ["n", 3, size[1], size[0]])], outputs, constants)


def build_random_emotions(path: Path, *, classes: int = 8, side_px: int = 32) -> Path:
    """A classifier with random weights: mean of the image, one layer, logits."""
    weights = np.random.default_rng(3).normal(size=(3, classes)).astype(np.float32)
    nodes = [
        helper.make_node("ReduceMean", ["input"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["output"]),
    ]
    shape = [("input", ["n", 3, side_px, side_px])]
    return save_onnx(path, nodes, shape, [("output", ["n", classes])], {"weights": weights})


def build_retinaface(source: Path, path: Path, *, images: int | str = "n") -> Path:
    """The MobileNet RetinaFace with the inputs and nine outputs of the package retina-face.

    The small net has its anchors' sizes and centers otherwise; the differences are linear.
    """
    model = onnx.load(source)
    graph = model.graph
    maps = find_maps(graph)
    del graph.output[:]
    nodes, constants, outputs = [], {}, []
    for stride, (boxes, scores, points) in maps:
        names = [f"{kind}{stride}" for kind in ("scores", "boxes", "points")]
        nodes += _swap_anchors(scores, names[0] + "_pairs")
        nodes += _softmax_faces(names[0] + "_pairs", names[0])
        shift = (stride / 2 - 7.5) / np.array([stride * 4, stride * 2], np.float32)
        box = np.array([[s, s, 0, 0] for s in shift], np.float32).ravel()
        point = np.repeat(shift, 10)
        nodes += _swap_anchors(boxes, names[1] + "_own")
        nodes += _linear(names[1], np.tile(np.float32([0.1, 0.1, 0.2, 0.2]), 2), box, constants)
        nodes += _swap_anchors(points, names[2] + "_own")
        nodes += _linear(names[2], np.full(20, 0.1, np.float32), point, constants)
        outputs += [_value(name, None) for name in names]
    graph.node.extend(nodes)
    graph.output.extend(outputs)
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in constants.items())
    _take_images(graph, images)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


def free_batch(source: Path, path: Path, *, images: int | str = "n") -> Path:
    """YOLOX nano, which takes one image a call, with another first axis: "n" is any number."""
    model = onnx.load(source)
    for value in [*model.graph.input, *model.graph.output]:
        _, *sides = (axis.dim_value for axis in value.type.tensor_type.shape.dim)
        value.CopyFrom(_value(value.name, [images, *sides]))
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for constant in model.graph.initializer:
        if constant.name in shapes:  # 0 in place of 1: as many as come in
            shape = numpy_helper.to_array(constant).copy()
            shape[0] = 0
            constant.CopyFrom(numpy_helper.from_array(shape, constant.name))
    onnx.save(model, path)
    return path


def find_maps(graph: onnx.GraphProto) -> list[tuple[int, tuple[str, str, str]]]:
    """Per stride, largest first: names of the (1, h, w, C) maps of boxes, scores and points."""
    made_by = {name: node for node in graph.node for name in node.output}
    widths = {4: {}, 2: {}, 10: {}}
    for output, width in zip(graph.output, (4, 2, 10), strict=True):
        node = made_by[output.name]
        while node.op_type != "Concat":
            node = made_by[node.input[0]]
        for stride, name in zip((8, 16, 32), node.input, strict=True):
            while made_by[name].op_type != "Transpose":
                name = made_by[name].input[0]
            widths[width][stride] = name
    return [(s, tuple(widths[width][s] for width in (4, 2, 10))) for s in (32, 16, 8)]


def _swap_anchors(name: str, out: str) -> list:
    """Put the large anchor before the small one along the last axis."""
    parts = [f"{out}_small", f"{out}_large"]
    return [
        helper.make_node("Split", [name], parts, axis=3),
        helper.make_node("Concat", parts[::-1], [out], axis=3),
    ]


def _softmax_faces(name: str, out: str) -> list:
    """(other, face) logits of two anchors -> width 4 with the face scores in columns 2 and 3."""
    parts = [f"{out}_first", f"{out}_second"]
    chances = [f"{part}_chance" for part in parts]
    columns = [f"{out}_c{n}" for n in range(4)]
    return [
        helper.make_node("Split", [name], parts, axis=3),
        *(
            helper.make_node("Softmax", [part], [chance], axis=3)
            for part, chance in zip(parts, chances, strict=True)
        ),
        *(
            helper.make_node("Split", [chance], columns[2 * n : 2 * n + 2], axis=3)
            for n, chance in enumerate(chances)
        ),
        helper.make_node("Concat", [columns[k] for k in (0, 2, 1, 3)], [out], axis=3),
    ]


def _linear(name: str, scale: np.ndarray, shift: np.ndarray, constants: dict) -> list:
    constants |= {f"{name}_scale": scale, f"{name}_shift": shift}
    return [
        helper.make_node("Mul", [f"{name}_own", f"{name}_scale"], [f"{name}_scaled"]),
        helper.make_node("Add", [f"{name}_scaled", f"{name}_shift"], [name]),
    ]


def _take_images(graph: onnx.GraphProto, images: int | str) -> None:
    """Let the graph take (N, H, W, 3) RGB in place of (N, 3, H, W) BGR minus its means."""
    old = graph.input[0].name
    means = np.float32([104, 117, 123]).reshape(1, 3, 1, 1)
    graph.initializer.extend(
        [
            numpy_helper.from_array(means, "means"),
            numpy_helper.from_array(np.array([2, 1, 0]), "bgr"),
        ]
    )
    front = [
        helper.make_node("Transpose", ["images"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Gather", ["planes", "bgr"], ["swapped"], axis=1),
        helper.make_node("Sub", ["swapped", "means"], [old]),
    ]
    nodes = [*front, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input[0].CopyFrom(_value("images", [images, "H", "W", 3]))
