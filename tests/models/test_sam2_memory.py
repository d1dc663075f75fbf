"""SAM 2's memory: which track a detection belongs to, who is added, what is corrected.

The model's answers are put in place of its own, so that they are known.
"""

import numpy as np
import pandas as pd
import pytest
import torch

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.masks import as_found, square  # noqa: E402
from tests.factories.role_models import loaded, noise, opened, weights_of  # noqa: E402
from workflow_scripts.film.segment_instances import segment_shot  # noqa: E402
from workflow_scripts.lib.images import read_rgb, write_image  # noqa: E402
from workflow_scripts.models.loaders import sam2_memory  # noqa: E402
from workflow_scripts.models.loaders.sam2_holes import fill_holes  # noqa: E402
from workflow_scripts.models.loaders.sam2_memory import Follower, match  # noqa: E402


@pytest.fixture
def follow(monkeypatch):
    """follow(found, propagated masks) -> Detections; `follow.corrected` lists (frame, track)."""
    segmenter = opened("sam2 random")
    codes = segmenter.encode([noise(90, 120)])
    follower = Follower(segmenter.video, segmenter.side_px)
    corrected = []

    def correct(self, masks):
        if masks:
            corrected.append((self.frame, [track for track, _ in masks]))

    monkeypatch.setattr(Follower, "correct", correct)

    def step(found, *propagated):
        stack = np.array(propagated, bool).reshape(-1, 90, 120)
        monkeypatch.setattr(Follower, "propagate", lambda *_: stack)
        return follower(found, codes)

    step.corrected = corrected
    return step


def test_the_detector_starts_a_track_and_corrects_it_only_where_they_differ(follow):
    assert follow(as_found(square(10))).tracks.tolist() == [0]
    assert follow(as_found(square(12)), square(12)).tracks.tolist() == [0]
    assert follow(as_found(square(20)), square(14)).tracks.tolist() == [0]
    assert follow.corrected == [(0, [0]), (2, [0])]


def test_who_is_not_detected_is_propagated_with_the_score_of_the_last_time(follow):
    follow(as_found(square(10), score=0.7))
    found = follow(as_found(), square(14))
    assert found.tracks.tolist() == [0]
    assert found.scores.tolist() == pytest.approx([0.7])
    assert found.boxes.tolist() == [[14, 30, 44, 60]]
    assert follow(as_found(), np.zeros((90, 120))).tracks.tolist() == []  # gone, or hidden
    assert follow(as_found(square(60)), square(62)).tracks.tolist() == [0]  # and back again


def test_two_who_cross_keep_their_numbers(follow):
    follow(as_found(square(10), square(70)))
    found = follow(as_found(square(40), square(74)), square(72), square(38))
    assert found.tracks.tolist() == [1, 0]


def test_a_memory_that_lies_on_somebody_found_is_nobody(follow):
    follow(as_found(square(10)))
    wide = np.zeros((90, 120), bool)
    wide[:, 5:60] = True
    found = follow(as_found(wide), square(10))  # another size: a track of its own
    assert found.tracks.tolist() == [1]


def test_nobody_yet(follow):
    assert len(follow(as_found())) == 0
    assert match(np.zeros((0, 4, 4), bool), np.zeros((2, 4, 4), bool)) == ([], [])


def test_a_corrected_mask_is_what_the_model_then_knows():
    segmenter = opened("sam2 random")
    follower = Follower(segmenter.video, segmenter.side_px)
    follower(as_found(square(10)), segmenter.encode([noise(90, 120)]))
    # the model is random: only that the memory holds the mask can be checked, not what it does
    kept = follower.tracks[0].session.output_dict_per_obj[0]["cond_frame_outputs"][0]
    small = torch.nn.functional.interpolate(kept["pred_masks"], (90, 120))[0, 0] > 0
    assert (small.numpy() & square(10)).sum() / (small.numpy() | square(10)).sum() > 0.9
    assert "high_res_masks" not in kept


def point_at(model, codes, mask: np.ndarray, multimask: bool) -> torch.Tensor:
    """The object pointer of a mask prompt, by the parts of the model."""
    *fine, coarse = [
        level.permute(1, 2, 0).unflatten(2, size)
        for level, size in zip(codes["vision_feats"], model.backbone_feature_sizes, strict=True)
    ]
    side = (model.image_size, model.image_size)
    shown = torch.nn.functional.interpolate(
        torch.from_numpy(mask[None, None].astype("f4")), side, mode="bilinear", antialias=True
    )
    small = torch.nn.functional.interpolate(
        model.mask_downsample((shown >= 0.5).float()),
        model.prompt_encoder.mask_input_size,
        mode="bilinear",
        antialias=True,
    )
    sparse, dense = model.prompt_encoder(
        torch.zeros(1, 1, 1, 2), -torch.ones(1, 1, 1, dtype=torch.int32), None, small
    )
    places = model.get_image_wide_positional_embeddings()
    _, ious, tokens, there = model.mask_decoder(
        coarse, places, sparse, dense, multimask, high_resolution_features=fine
    )
    pointer = model.object_pointer_proj(tokens[0, :, ious.argmax()])
    return pointer if there > 0 else model.no_object_pointer


@torch.inference_mode()
def test_a_mask_is_pointed_at_by_the_token_of_the_single_mask():
    # as _forward_sam_heads does where _use_mask_as_output asks it: sam2/modeling/sam2_base.py
    segmenter = loaded("sam2 random", weights_of("sam2 random"))
    tokens, rng = segmenter.video.mask_decoder.mask_tokens, torch.Generator().manual_seed(3)
    torch.nn.init.normal_(tokens.weight, std=10, generator=rng)  # fresh ones are nearly the same
    codes = segmenter.encode([noise(90, 120)])
    follower = Follower(segmenter.video, segmenter.side_px)
    follower(as_found(square(10)), codes)
    kept = follower.tracks[0].session.output_dict_per_obj[0]["cond_frame_outputs"][0]
    single, best = (point_at(segmenter.video, codes, square(10), many) for many in (False, True))
    assert (single - best).norm() > 0.01 * single.norm()
    torch.testing.assert_close(kept["object_pointer"].reshape(1, -1), single, atol=1e-6, rtol=0.001)


@pytest.mark.parametrize(
    ("pixels", "is_filled"),
    [(8, True), (9, False)],
    ids=["eight pixels are no hole", "nine are one"],  # fill_hole_area of sam2/build_sam.py
)
def test_small_holes_are_filled(pixels, is_filled):
    logits = np.full((2, 32, 32), 5, np.float32)
    logits[0, 0, :] = -5  # the background around
    logits[1, range(4, 4 + pixels), range(4, 4 + pixels)] = -3  # corners touch: one hole
    filled = fill_holes(logits)
    np.testing.assert_array_equal(filled[0], logits[0])
    assert (filled[1] > 0).all() == is_filled
    assert (logits[1] < 0).sum() == pixels  # what was given is as it was


def test_what_is_propagated_has_no_small_holes(monkeypatch):
    segmenter = opened("sam2 random")
    follower = Follower(segmenter.video, segmenter.side_px)
    follower(as_found(square(10)), segmenter.encode([noise(90, 120)]))
    monkeypatch.setattr(sam2_memory, "fill_holes", lambda logits: np.full_like(logits, 0.1))
    follower.frame, follower.image_embeddings = 1, segmenter.encode([noise(90, 120, 1)])
    assert follower.propagate(90, 120).all()


def test_the_phase_keeps_the_numbers_of_the_memory(tmp_path):
    files = [f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        write_image(tmp_path / file, noise(90, 120, number))
    shot = pd.DataFrame({"file": files, "time_s": [0.0, 0.1, 0.2], "shot_id": 4})
    shot["frame_id"] = [f"s0004_f{number:06d}" for number in range(3)]
    rows = segment_shot(
        shot,
        tmp_path,
        (read_rgb(tmp_path / file) for file in files),
        lambda image: as_found(square(20)),
        opened("sam2 random"),
        tiling_interval=0,
        sure_score=0.5,
        max_gap_s=1.0,
    )
    assert rows[0]["frame_id"] == "s0004_f000000"
    tracks = pd.DataFrame(rows).groupby("frame_id")["track_id"]
    assert all(names.is_unique for _, names in tracks)
    assert all(name.startswith("s0004_t") for _, names in tracks for name in names)


def test_who_is_long_gone_is_forgotten(follow, monkeypatch):
    monkeypatch.setattr(sam2_memory, "KEPT_FRAMES", 2)
    follow(as_found(square(10)))
    for _ in range(3):
        assert len(follow(as_found(), np.zeros((90, 120)))) == 0
    assert follow(as_found(square(10))).tracks.tolist() == [1]
