"""SAM 2's memory: which track a detection belongs to, who is added, what is corrected.

The model's answers are put in place of its own, so that they are known.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.masks import as_found, square  # noqa: E402
from tests.factories.role_models import loaded, noise, opened, weights_of  # noqa: E402
from workflow_scripts.film.people.segmentation import detect_ahead, segment_shot  # noqa: E402
from workflow_scripts.lib.images import read_rgb, write_image  # noqa: E402
from workflow_scripts.models.detections import suppress_masks  # noqa: E402
from workflow_scripts.models.loaders import sam2_memory  # noqa: E402
from workflow_scripts.models.loaders.sam2_bank import Seen  # noqa: E402
from workflow_scripts.models.loaders.sam2_memory import Follower, match  # noqa: E402

NO_POINTER, YES = torch.zeros(1), torch.tensor(True)


class KnownBank:
    """A memory bank that sees the `answers` (N, H, W), and lists what it is told."""

    def __init__(self):
        self.answers: list[np.ndarray] = []
        self.prompted: list[int] = []  # masks of a frame
        self.stored: list[int] = []

    def recall(self, frame, memories):
        assert len(memories) == len(self.answers)
        masks = [torch.from_numpy(np.array(mask, bool)) for mask in self.answers]
        return [Seen(torch.where(mask, 5.0, -5.0), NO_POINTER, YES) for mask in masks]

    def prompt(self, frame, masks):
        self.prompted.append(len(masks))
        return [Seen(torch.from_numpy(mask), NO_POINTER, YES) for mask in masks]

    def store(self, frame, people):
        self.stored.append(len(people))


@pytest.fixture
def follow():
    """follow(found, masks of the tracks) -> Detections; `follow.bank` lists what was told."""
    bank = KnownBank()
    follower = Follower(bank)

    def step(found, *propagated):
        bank.answers = propagated
        return follower(found, {})

    step.bank, step.follower = bank, follower
    return step


def test_the_detector_starts_a_track_and_corrects_it_only_where_they_differ(follow):
    assert follow(as_found(square(10))).tracks.tolist() == [0]
    assert follow(as_found(square(12)), square(12)).tracks.tolist() == [0]
    assert follow(as_found(square(20)), square(14)).tracks.tolist() == [0]
    assert follow.bank.prompted == [1, 0, 1]
    assert follow.bank.stored == [1, 1, 1]


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


def test_nobody_is_there_twice_whatever_is_found_and_propagated(follow):
    rng, overlaps, propagated = np.random.default_rng(2), 0, []
    for _ in range(60):
        found = as_found(*(square(left) for left in rng.integers(0, 80, rng.integers(0, 4))))
        scores = rng.uniform(0.3, 0.9, len(found)).astype(np.float32)
        overlaps += len(found) - len(suppress_masks(found.masks, scores))
        people = follow(replace(found, scores=scores), *propagated)
        assert sorted(suppress_masks(people.masks, people.scores)) == list(range(len(people)))
        assert len(set(people.tracks)) == len(people)
        tracks = follow.follower.tracks
        propagated = [square(left) for left in rng.integers(0, 80, len(tracks))]
    assert overlaps >= 10


def test_nobody_yet(follow):
    assert len(follow(as_found())) == 0
    assert match(np.zeros((0, 4, 1), np.uint8), np.zeros((2, 4, 1), np.uint8)) == ([], [])
    assert match(np.ones((1, 4, 1), np.uint8), np.zeros((0, 4, 1), np.uint8)) == ([-1], [0.0])


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
    (kept,) = segmenter.bank.prompt(codes, square(10)[None])
    single, best = (point_at(segmenter.video, codes, square(10), many) for many in (False, True))
    assert (single - best).norm() > 0.01 * single.norm()
    torch.testing.assert_close(kept.pointer[None], single, atol=1e-6, rtol=0.001)
    assert kept.there


@torch.inference_mode()
def test_a_mask_too_thin_for_the_model_is_nobody():
    segmenter = opened("sam2 random")
    mask = np.zeros((2, 900, 1200), bool)
    mask[0, 300, 400:800] = True  # 256 rows have no place for one of 900
    mask[1, 300:400, 400:800] = True
    thin, seen = segmenter.bank.prompt(segmenter.encode([noise(90, 120)]), mask)
    assert (bool(thin.there), bool(seen.there)) == (False, True)
    torch.testing.assert_close(thin.pointer[None], segmenter.video.no_object_pointer)
    assert thin.logits.max() == -torch.inf and seen.logits.max() == torch.inf


def test_what_is_propagated_has_no_small_holes(follow, monkeypatch):
    follow(as_found(square(10)))
    holed = square(10)
    holed[40:42, 20:24] = False  # eight pixels
    assert follow(as_found(), holed).masks[0].sum() == square(10).sum()
    monkeypatch.setattr(sam2_memory, "fill_holes", lambda logits: logits)
    assert follow(as_found(), holed).masks[0].sum() == holed.sum()


def test_the_phase_keeps_the_numbers_of_the_memory(tmp_path):
    files = [f"{number}.png" for number in range(3)]
    for number, file in enumerate(files):
        write_image(tmp_path / file, noise(90, 120, number))
    shot = pd.DataFrame({"file": files, "time_s": [0.0, 0.1, 0.2], "shot_id": 4})
    shot["frame_id"] = [f"s0004_f{number:06d}" for number in range(3)]
    detect = lambda images: [as_found(square(20)) for _ in images]  # noqa: E731
    rows = segment_shot(
        shot,
        tmp_path,
        detect_ahead((read_rgb(tmp_path / file) for file in files), detect),
        detect,
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
    assert follow.bank.stored == [1, 1, 1, 0, 1]  # nothing is stored of who is gone
