"""What nets are shown, number by number: colors, means, scales, letterboxes, pooling, templates.

Numbers stand here as upstream has them, and are not read from the code that is tested.
resources/constants.md names the upstream file of each.
"""

import json
from pathlib import Path

import cv2
import numpy as np
import open_clip
import pytest
import torch
from transformers import Dinov2Model

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories import models_in_code as build  # noqa: E402
from tests.factories.role_models import FOLDER, loaded, noise, opened, weights_of  # noqa: E402
from tests.factories.shown_nets import IMAGENET, PAINT, open_with, paint, row_of  # noqa: E402
from workflow_scripts.models import diffusion  # noqa: E402
from workflow_scripts.models.loaders import (  # noqa: E402
    lama,
    openclip,
    pixels,
    qwen_vl,
    rtm_boxes,
    rtm_joints,
)
from workflow_scripts.models.loaders.sam2_bank import Memory  # noqa: E402


def test_yolox_sees_bgr_bytes_in_the_corner_of_a_gray_square(monkeypatch):
    options = row_of("detect", "yolox-m-humanart")
    rows = np.zeros((1, 3, 5), np.float32)
    rows[0, :2] = [[64, 32, 128, 96, 0.31], [64, 32, 128, 96, 0.29]]
    detect, session = open_with(monkeypatch, rtm_boxes, "detect", [rows], options)
    (found,) = detect([paint(100, 200)])
    (seen,) = session.seen[0]
    assert seen.shape == (3, 640, 640) and seen.dtype == np.float32
    assert seen[:, 100, 100].tolist() == [*PAINT[::-1]]  # no mean, no scale
    assert (seen[:, :320] == np.float32(PAINT[::-1])[:, None, None]).all()
    assert (seen[:, 320:] == 114).all()
    assert found.boxes.tolist() == [[20, 10, 40, 30]]  # of the input, at 3.2 times its size


@pytest.mark.parametrize(("shared", "count"), [(0.44, 2), (0.46, 1)])
def test_yolox_boxes_that_share_more_are_one_person(shared, count):
    output = np.zeros((1, 8400, 85), np.float32)
    width = 100 / 8
    shift = width * (1 - shared) / (1 + shared)
    for cell, x in ((0, 20.0), (1, 20.0 + shift - 1)):
        output[0, cell] = np.eye(85)[5] * 0.9
        output[0, cell, :5] = [x, 30, np.log(width), np.log(width), 1]
    boxes, scores = rtm_boxes.decode([output], 640, 0.3)
    assert len(boxes) == len(scores) == count
    np.testing.assert_allclose(boxes[0, 2:] - boxes[0, :2], 100, rtol=1e-4)


def joints_of(monkeypatch, image: np.ndarray, box: tuple) -> np.ndarray:
    """The input (3, 256, 192) that RTMPose is shown of a person."""
    outputs = [np.zeros((1, 17, 384), np.float32), np.zeros((1, 17, 512), np.float32)]
    options = row_of("pose", "rtmpose-m")
    pose, session = open_with(monkeypatch, rtm_joints, "pose", outputs, options)
    pose([image], np.array([box], np.float32), None)
    ((seen,),) = session.seen
    return seen


def test_rtmpose_sees_rgb_less_its_mean(monkeypatch):
    seen = joints_of(monkeypatch, paint(300, 300), (100, 100, 175, 200))
    mean, std = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
    assert seen.shape == (3, 256, 192)
    np.testing.assert_allclose(seen[:, 128, 96], (np.array(PAINT) - mean) / std, atol=1e-5)


def test_rtmpose_sees_a_quarter_more_than_the_box(monkeypatch):
    ramp = np.tile(np.arange(250, dtype=np.uint8)[None, :, None], (300, 1, 3))
    seen = joints_of(monkeypatch, ramp, (100, 100, 175, 200))  # of the input's shape, 3 : 4
    across = (seen[0, 128, -1] - seen[0, 128, 0]) * 58.395
    assert across == pytest.approx(1.25 * 75 * 191 / 192, abs=1.5)


def show(image: np.ndarray, mean: np.ndarray, std: np.ndarray) -> torch.Tensor:
    """(1, 3, H, W) of an RGB image."""
    values = (image / np.float32(255) - np.float32(mean)) / np.float32(std)
    return torch.from_numpy(values.transpose(2, 0, 1)[None].copy())


@torch.inference_mode()
def test_dinov2_is_its_class_token_of_an_image_less_imagenets_mean():
    image = noise(56, 56)
    model = Dinov2Model.from_pretrained(weights_of("dinov2 random")).eval()
    token = model(show(image, *IMAGENET)).last_hidden_state[:, 0]
    expected = torch.nn.functional.normalize(token, dim=1).numpy()
    np.testing.assert_allclose(opened("dinov2 random")([image]), expected, atol=1e-5)


@torch.inference_mode()
def test_openclip_sees_an_image_less_the_mean_of_its_folder_and_reads_with_its_tokenizer():
    image = noise(64, 64)
    clip = opened("openclip random")
    where = f"local-dir:{weights_of('openclip random')}"
    model = open_clip.create_model(where).eval()
    seen = model.encode_image(show(image, np.full(3, 0.5), np.full(3, 0.5)), normalize=True)
    read = model.encode_text(open_clip.get_tokenizer(where)(["a kite"]), normalize=True)
    np.testing.assert_allclose(clip([image]), seen.numpy(), atol=1e-5)
    np.testing.assert_allclose(clip.embed_texts(["a kite"]), read.numpy(), atol=1e-5)


def test_openclip_takes_mean_and_std_from_its_folder(tmp_path):
    config = tmp_path / "open_clip_config.json"
    looks = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}
    config.write_text(json.dumps({"preprocess_cfg": looks}), encoding="utf-8")
    mean, std = openclip.read_looks(config)
    np.testing.assert_allclose([mean, std], [looks["mean"], looks["std"]], atol=1e-6)


@torch.inference_mode()
def test_sam2_sees_an_image_less_the_mean_of_imagenet():
    segment = loaded("sam2 random", weights_of("sam2 random"))
    image = noise(build.SAM_PX, build.SAM_PX)
    expected = segment.video.get_image_features(show(image, *IMAGENET)).fpn_hidden_states
    found = segment.encode([image])["vision_feats"]
    assert len(found) == len(expected) == 3
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-4)


@torch.inference_mode()
def test_sam2_is_certain_where_nobody_is():
    segment = loaded("sam2 random", weights_of("sam2 random"))
    frame, memory = segment.encode([noise(90, 120)]), Memory()
    (seen,) = segment.bank.prompt(frame, np.ones((1, 90, 120), bool))
    segment.bank.store(frame, [(memory, seen)])
    segment.video.mask_decoder.pred_obj_score_head.proj_out.bias.fill_(-1e4)
    (gone,) = segment.bank.recall(frame, [memory])
    assert not gone.there and set(gone.logits.unique().tolist()) == {-1024}


def test_the_input_of_dinov2_is_whole_patches():
    side = row_of("scene", "dinov2-base")["side_px"]
    assert side == 16 * 14


def test_an_image_is_squeezed_whole_into_a_square():
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, :30], image[:, -30:] = (255, 0, 0), (0, 0, 255)
    small = pixels.fit_square(image, 50)
    assert small[25, 1].tolist() == [255, 0, 0] and small[25, -2].tolist() == [0, 0, 255]


def test_a_large_image_is_averaged_and_a_small_one_is_curved():
    checks = 255 * (np.indices((200, 200)).sum(0) % 2).astype(np.uint8)
    shrunk = pixels.fit_square(np.repeat(checks[..., None], 3, 2), 50)
    assert np.abs(shrunk.astype(int) - 128).max() <= 1
    small = noise(20, 20)
    curved = cv2.resize(small, (50, 50), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(pixels.fit_square(small, 50), curved)


def test_lama_sees_rgb_and_a_hole_of_255(monkeypatch):
    seen = []
    monkeypatch.setattr(lama, "open_lama", lambda *_: lambda *shown: seen.append(shown) or shown[0])
    mask = np.zeros((300, 300), bool)
    mask[100:200, 100:200] = True
    lama.load_inpaint({"net": Path("net")}, device="cpu", max_side_px=1024)(paint(300, 300), mask)
    ((image, hole),) = seen
    assert (image == PAINT).all() and image.dtype == hole.dtype == np.uint8
    assert image.shape == (512, 512, 3)  # whole steps, mirrored
    assert set(np.unique(hole)) == {0, 255} and ((hole[:300, :300] == 255) == mask).all()


@torch.inference_mode()
def test_latents_are_the_middle_of_what_the_encoder_says_times_its_scale():
    base, image = opened("tiny sd random"), noise(128, 128)[None]
    vae = base.pipeline.vae
    shown = torch.from_numpy(image).permute(0, 3, 1, 2).float() / 255 * 2 - 1
    expected = vae.encode(shown).latent_dist.mean * vae.config.scaling_factor
    assert vae.config.scaling_factor != 1
    np.testing.assert_allclose(diffusion.encode_images(base, image), expected, atol=1e-4)


def test_qwen_is_asked_in_its_own_markup():
    if not (build.SHARED / "tokenizers/qwen2_5_vl").is_dir():
        pytest.skip("the shared test weights are not there: tokenizers/qwen2_5_vl")
    folder = build.build_with_seed(build.build_qwen, Path(FOLDER.name) / "qwen-asked")
    processor = qwen_vl.open_processor(folder)
    chat = qwen_vl.write_chat(processor, "Be brief.", "What is this?")
    assert chat == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>What is this?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    inputs = processor(
        text=[chat, chat + "a b c"],
        images=[qwen_vl.shrink(paint(56, 56), 768)] * 2,
        padding=True,
        return_tensors="pt",
    )
    assert inputs["attention_mask"][0, 0] == 0 and inputs["attention_mask"][:, -1].tolist() == [
        1,
        1,
    ]
    clip = np.array([[0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]])
    seen = inputs["pixel_values"][0].reshape(3, 2, 14, 14)[:, 0, 0, 0]
    np.testing.assert_allclose(seen, (np.array(PAINT) / 255 - clip[0]) / clip[1], atol=1e-4)
