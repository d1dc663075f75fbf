"""What is called damage, and what is not: memory that is full, a package that is missing."""

from pathlib import Path

import onnxruntime
import pytest
import torch

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.damage import explain_damage
from workflow_scripts.models.loaders import (
    centerface,
    devices,
    dinov2,
    fer,
    lama,
    mobilenet,
    rtm_boxes,
    stable_diffusion,
)

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.role_models import loaded, weights_of  # noqa: E402


class Fail(Exception):
    """As onnxruntime says that memory is full."""

    __module__ = "onnxruntime.capi.onnxruntime_pybind11_state"


FULL = Fail("BFCArena::AllocateRawInternal Failed to allocate memory for requested buffer")
OTHERS = [torch.cuda.OutOfMemoryError("CUDA out of memory"), FULL, ImportError("no package x")]


@pytest.mark.parametrize("error", OTHERS, ids=["torch's memory", "onnxruntime's", "a package"])
def test_what_is_no_damage_is_not_called_so(tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(onnxruntime, "InferenceSession", fail)
    monkeypatch.setattr(lama, "SimpleLama", fail)
    for open_file in (devices.open_onnx, lama.open_lama):
        with pytest.raises(type(error)) as raised:
            open_file(tmp_path / "net", "cpu")
        assert raised.value is error


@pytest.mark.parametrize("error", [Fail("No graph was found"), RuntimeError("PytorchStreamReader")])
def test_what_a_library_cannot_read_is_damage(tmp_path, error):
    told = pytest.raises(CineloraError, match=r"(?s)net cannot be opened: .*Delete it and run")
    with told, explain_damage(tmp_path / "net"):
        raise error


@pytest.mark.parametrize("name", ["yolox-nano real", "brightest point, 17"])
def test_rtmlib_computes_with_the_one_session_that_is_ours(monkeypatch, name):
    real, asked = onnxruntime.InferenceSession, []

    def open_counted(path_or_bytes, sess_options=None, providers=None):
        asked.append((getattr(sess_options, "log_severity_level", None), providers))
        return real(path_or_bytes, sess_options, providers=providers)

    path = weights_of(name)
    monkeypatch.setattr(onnxruntime, "InferenceSession", open_counted)
    monkeypatch.setattr(devices, "name_provider", lambda device: ("CPUExecutionProvider", {}))
    loaded(name, path)
    assert asked == [(3, [("CPUExecutionProvider", {})])]


def test_a_net_that_rtmlib_does_not_have_is_no_damage(tmp_path):
    with pytest.raises(
        CineloraError, match=r"net is 'yolo', expected one of yolox, rtmdet"
    ) as told:
        files = {"a.onnx": tmp_path / "a.onnx"}
        rtm_boxes.load_detect(files, device="cpu", net="yolo", input_px=416, min_score=0.3)
    assert "Delete" not in str(told.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_the_shipped_base_says_as_much_of_a_missing_gpu_as_other_models(tmp_path):
    (tmp_path / "model_index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CineloraError, match="sees no GPU") as told:
        files = {"model_index.json": tmp_path / "model_index.json"}
        said = {"architecture": "", "version": "", "is_random": False}
        stable_diffusion.load_base(files, device="cuda", **said)
    with pytest.raises(CineloraError) as others:
        devices.open_device("cuda")
    assert str(told.value) == str(others.value)


@pytest.mark.parametrize("files", [{}, {"a": Path("a"), "b": Path("b")}], ids=["none", "two"])
@pytest.mark.parametrize(
    ("load", "options"),
    [
        (mobilenet.load_embed, {}),
        (dinov2.load_embed, {"side_px": 224, "batch_size": 1}),
        (lama.load_inpaint, {"max_side_px": 64}),
    ],
    ids=["mobilenet", "dinov2", "lama"],
)
def test_a_row_with_too_few_or_too_many_files_is_named(load, options, files):
    named = "a, b" if files else "none"
    with pytest.raises(CineloraError, match=rf"was given {len(files)}: {named}\.\n.* row"):
        load(files, device="cpu", **options)


@pytest.mark.parametrize("load", [fer.load_expression, centerface.load_face])
def test_a_row_without_the_file_that_a_loader_needs_is_named(load):
    with pytest.raises(CineloraError, match=r"opens \S+\.(tflite|onnx), and was given a\."):
        load({"a": Path("a")}, device="cpu")
