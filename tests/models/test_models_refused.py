"""What is wrong with a model is said, never worked around: weights, device, memory."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError, format_error
from workflow_scripts.models.loaders import rtm_boxes, telea
from workflow_scripts.models.loaders.devices import Batches, check_provider
from workflow_scripts.models.loaders.folders import check_folder
from workflow_scripts.models.registry import choose_model, load_model, weight_files

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import models_in_code as build  # noqa: E402
from tests.factories import onnx_in_code as nets  # noqa: E402
from tests.factories.role_models import FULL, loaded, weights_of  # noqa: E402

BASES = ("stable_diffusion", "stable_diffusion_xl", "flux2_klein")
FOLDERS = ("sam2_boxes", "openclip", "dinov2", "open_vocabulary", *BASES)


@pytest.mark.parametrize("role", ["segment", "detect"])
def test_missing_weights_are_named(role):
    model = choose_model(role, {"tier": "full", "device": "cpu"})
    with pytest.raises(CineloraError, match=f"model {model['name']}: weights are not there") as hit:
        load_model(model, [f"no/such/{Path(path).name}" for path in weight_files(model)])
    assert "offline, copy them to that path" in str(hit.value)


@pytest.mark.parametrize("name", FULL)
def test_corrupt_weights_are_refused(tmp_path, name):
    path = tmp_path / ("net" if FULL[name][1] in FOLDERS else "net.onnx")
    if path.suffix:
        path.write_bytes(b"no weights at all")
    else:
        path.mkdir()
    with pytest.raises(CineloraError, match=r"net.* (cannot be opened|holds no)"):
        loaded(name, path)


@pytest.mark.parametrize("name", ["sam2 random", "dinov2 random", "openclip random"])
def test_half_a_file_of_weights_is_refused(tmp_path, name):
    for file in weights_of(name).iterdir():
        data = file.read_bytes()
        half = file.suffix == ".safetensors"
        (tmp_path / file.name).write_bytes(data[: len(data) // 2] if half else data)
    with pytest.raises(CineloraError, match=r"(?s)is damaged.*Delete the folder"):
        loaded(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "wrong", "words"),
    [
        ("sam2 random", build.build_dinov2, "model of type 'dinov2'"),
        ("dinov2 random", build.build_sam2, "model of type 'sam2_video'"),
        ("owlv2 random", build.build_dinov2, "model of type 'dinov2'"),
        ("openclip random", build.build_dinov2, "holds no open_clip_config.json"),
        ("brightest point, 17", nets.build_random_emotions, "not an RTMPose net"),
        ("yolox-nano real", nets.build_random_emotions, "not a YOLOX or RTMDet net"),
        ("retinaface real", nets.build_random_emotions, "1 outputs; RetinaFace has 9"),
        ("face-api real", nets.build_brightest_point, "its row lists 7 labels"),
    ],
)
def test_the_wrong_model_for_a_role_is_refused(tmp_path, name, wrong, words):
    with pytest.raises(CineloraError, match=words):
        loaded(name, wrong(tmp_path / "net.onnx"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.filterwarnings("ignore:Specified provider")
@pytest.mark.parametrize("name", FULL)
def test_a_gpu_that_is_not_there_is_an_error(name):
    with pytest.raises(CineloraError, match=r"models\.device is cuda, but"):
        loaded(name, weights_of(name), device="cuda")


def test_a_session_that_fell_back_to_the_cpu_is_an_error():
    class Session:
        def get_providers(self):
            return ["CPUExecutionProvider"]

    with pytest.raises(CineloraError, match="onnxruntime runs on CPUExecutionProvider"):
        check_provider(Session(), "cuda")


def test_too_little_memory_halves_the_batch_until_it_fits(caplog):
    def run(batch: list) -> int:
        if len(batch) > 4:
            raise torch.cuda.OutOfMemoryError
        return len(batch)

    batches = Batches(run, 8)
    assert batches(list(range(10))) == [4, 4, 2]
    assert batches(list(range(10))) == [4, 4, 2]
    assert caplog.text.count("going on with batches of 4") == 1  # the second call knew it
    assert Batches(run, 64)(list(range(8))) == [4, 4]
    assert caplog.text.count("going on with batches of") == 1 + 4


def test_one_item_that_does_not_fit_is_an_error():
    def run(batch: list) -> None:
        raise torch.cuda.OutOfMemoryError

    with pytest.raises(CineloraError, match="does not hold one item"):
        Batches(run, 8)([1, 2])


def test_onnxruntime_says_in_words_that_memory_is_full():
    class Fail(Exception):
        __module__ = "onnxruntime.capi.onnxruntime_pybind11_state"

    def run(batch: list) -> int:
        if len(batch) > 1:
            raise Fail("BFCArena::AllocateRawInternal Failed to allocate memory for buffer of 9")
        return len(batch)

    assert Batches(run, 2)([1, 2]) == [1, 1]


def test_other_errors_are_not_taken_for_full_memory():
    with pytest.raises(ZeroDivisionError):
        Batches(lambda batch: 1 // 0, 8)([1])


def test_full_memory_outside_of_batches_is_said_plainly():
    assert "choose a smaller model" in format_error(
        torch.cuda.OutOfMemoryError("CUDA out of memory")
    )


def test_a_part_that_is_not_there_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2_5_vl"}', encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    listed = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(listed), encoding="utf-8")
    with pytest.raises(CineloraError, match="holds no model-00001-of-00002"):
        check_folder(tmp_path, "tokenizer_config.json", {"qwen2_5_vl"})


@pytest.mark.parametrize("net", ["with classes", "of one class"])
def test_boxes_of_other_classes_are_nobody(net):
    boxes = np.array([[[10, 10, 50, 90, 0.9], [60, 10, 90, 90, 0.8], [5, 5, 9, 9, 0.1]]], "f4")
    classes = [np.array([[16, 0, 0]])] if net == "with classes" else []
    found, scores = rtm_boxes.decode([boxes, *classes], 416, 0.3)
    expected = [0.8] if classes else [0.9, 0.8]
    np.testing.assert_allclose(scores, expected)
    assert found.shape == (len(expected), 4)


def copy_weights(name: str, folder: Path) -> Path:
    shutil.copytree(weights_of(name), folder)
    return folder


def change_config(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    change(config)
    path.write_text(json.dumps(config), encoding="utf-8")


JSONS = {
    "a list": b"[1]",
    "empty": b"",
    "cut off": b'{"model_type": "dinov2"',
    "no UTF-8": b'{"model_type": "dinov2\xe9"}',
    "a mark of order before it": b"\xef\xbb\xbf{}",
    "UTF-16": '{"model_type": "dinov2"}'.encode("utf-16"),
    "brackets without end": b"[" * 100_000,
    "NaN": b'{"model_type": "dinov2", "hidden_size": NaN}',
    "infinity": b'{"model_type": "dinov2", "hidden_size": 1e999}',
    "a number of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("data", JSONS.values(), ids=JSONS)
def test_damaged_json_of_a_folder_is_named(tmp_path, data):
    folder = copy_weights("dinov2 random", tmp_path / "net")
    (folder / "config.json").write_bytes(data)
    with pytest.raises(
        CineloraError, match=r"(?s)net/config\.json is damaged: .*Delete the folder"
    ):
        loaded("dinov2 random", folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(num_hidden_layers=3), r"lacks \d+ tensors"),
        (lambda c: c.update(hidden_size=64), r"lacks \d+ tensors"),
        (lambda c: c.update(hidden_size="many"), "cannot be opened"),
        (lambda c: c.update(hidden_act="nosuch"), "cannot be opened"),
    ],
    ids=["more layers", "wider", "text for a number", "an unknown function"],
)
def test_a_config_of_another_net_is_not_filled_up_at_random(tmp_path, change, words):
    folder = copy_weights("dinov2 random", tmp_path / "net")
    change_config(folder, change)
    with pytest.raises(CineloraError, match=rf"(?s)net {words}.*Delete"):
        loaded("dinov2 random", folder)


FEWER = {
    "num_hidden_layers": 1,
    "out_features": ["stage1"],
    "out_indices": [1],
    "stage_names": ["stem", "stage1"],
}


def test_weights_that_no_layer_takes_are_told(tmp_path, caplog):
    folder = copy_weights("dinov2 random", tmp_path / "net")
    change_config(folder, lambda config: config.update(FEWER))
    loaded("dinov2 random", folder)
    assert "tensors that the net of its config.json does not use" in caplog.text


@pytest.mark.parametrize("name", ["sam2 random", "owlv2 random", "dinov2 random"])
def test_whole_weights_are_taken_without_a_word(name, caplog):
    loaded(name, weights_of(name))
    assert [record for record in caplog.records if record.name == "cinelora"] == []


@pytest.mark.parametrize(
    ("index", "words"),
    [
        ("{}", "it names no parts"),
        ('{"weight_map": ["a"]}', "it names no parts"),
        ('{"weight_map": {"a": 7}}', "it names no parts"),
        ('{"weight_map": {"a": "../../etc/passwd"}}', "which is not in its folder"),
        ('{"weight_map": {"a": "/etc/passwd"}}', "which is not in its folder"),
        ("[", "is damaged"),
    ],
)
def test_a_list_of_parts_is_checked(tmp_path, index, words):
    folder = copy_weights("dinov2 random", tmp_path / "net")
    (folder / "model.safetensors.index.json").write_text(index, encoding="utf-8")
    with pytest.raises(CineloraError, match=words):
        loaded("dinov2 random", folder)


@pytest.mark.parametrize("looks", [{}, {"mean": [0.5] * 3}, {"mean": [1], "std": [1]}, [], None])
def test_openclip_does_not_guess_how_images_look(tmp_path, looks):
    folder = copy_weights("openclip random", tmp_path / "net")
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "preprocess_cfg": looks}), encoding="utf-8")
    with pytest.raises(CineloraError, match="does not say mean and std of the pixels"):
        loaded("openclip random", folder)


def test_openclip_looks_as_its_folder_says():
    clip = loaded("openclip random", weights_of("openclip random"))
    assert [*clip.mean, *clip.std] == [0.5] * 6


@pytest.mark.parametrize("role", ["detect", "embed", "face", "expression", "text"])
@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"\x80\x02}q\x00."], ids=["empty", "page", "pickle"]
)
def test_garbage_in_the_light_tiers_files_is_told(tmp_path, role, data):
    model = choose_model(role, {"tier": "light", "device": "cpu"}) | {"sums": {}}
    files = [tmp_path / Path(path).name for path in weight_files(model)]
    for file in files:
        file.write_bytes(data)
    with pytest.raises(CineloraError, match=rf"(?s){tmp_path}/.*cannot be opened"):
        load_model(model, files)


def test_weights_that_change_while_they_are_opened_are_noticed(tmp_path, monkeypatch):
    path = tmp_path / "net.bin"
    path.write_bytes(b"12345")
    model = choose_model("inpaint", {"tier": "light", "device": "cpu"})
    model |= {"sums": {"net.bin": hash_file(path)}}

    def open_slowly(files, *, device):
        path.write_bytes(b"54321")

    monkeypatch.setattr(telea, "load_inpaint", open_slowly)
    with pytest.raises(CineloraError, match=r"net\.bin is not what the table of models names"):
        load_model(model, [path])
