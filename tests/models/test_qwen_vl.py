"""The local caption model: images and questions in, answers out; what it refuses."""

from pathlib import Path

import pytest

from workflow_scripts.lib.errors import CineloraError

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import models_in_code as build  # noqa: E402
from tests.factories.full_tier_in_code import OPTIONS  # noqa: E402
from tests.factories.role_models import FOLDER, noise  # noqa: E402


@pytest.fixture(scope="module")
def qwen():
    """ask() of a Qwen2.5-VL of two random layers with the real tokenizer and image processor."""
    if not (build.SHARED / "tokenizers/qwen2_5_vl").is_dir():
        pytest.skip("the shared test weights are not there: tokenizers/qwen2_5_vl")
    from workflow_scripts.models.loaders.qwen_vl import load_caption

    folder = build.build_with_seed(build.build_qwen, Path(FOLDER.name) / "qwen")
    options = OPTIONS["caption"] | {"batch_size": 3, "max_new_tokens": 5}
    return load_caption({"qwen": folder}, device="cpu", **options)


def test_qwen_answers_each_image_alike_whatever_its_batch(qwen):
    images = [noise(60, 90), noise(111, 50, 1), noise(64, 64, 2), noise(30, 200, 3)]
    questions = ["What is this?", "And this, in many more words?", "?", "Describe it."]
    system = "Answer in one word."
    together = qwen(images, questions, system)
    alone = [qwen([i], [q], system)[0] for i, q in zip(images, questions, strict=True)]
    assert together == alone
    assert qwen([], []) == []


@pytest.mark.parametrize("system", ["", "be brief"], ids=["nobody", "somebody"])
def test_a_chat_says_who_answers_where_that_is_said(system):
    from workflow_scripts.models.loaders.qwen_vl import write_chat

    class Processor:
        def apply_chat_template(self, turns, **_):
            return turns

    *before, turn = write_chat(Processor(), system, "What?")
    assert [one["content"] for one in before] == ([system] if system else [])
    assert [part["type"] for part in turn["content"]] == ["image", "text"]
    assert turn["content"][1]["text"] == "What?"


def test_qwen_refuses_another_model(tmp_path):
    from workflow_scripts.models.loaders.qwen_vl import load_caption

    folder = build.build_dinov2(tmp_path / "net")
    (folder / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(CineloraError, match="model of type 'dinov2'"):
        load_caption({"net": folder}, device="cpu", **OPTIONS["caption"])


def test_four_bits_need_a_gpu(tmp_path):
    import torch

    from workflow_scripts.models.loaders.qwen_vl import open_net

    with pytest.raises(CineloraError, match="four_bit needs a GPU"):
        open_net(tmp_path, torch.device("cpu"), four_bit=True)
