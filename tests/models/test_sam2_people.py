"""SAM 2's memory bank: all people of a frame at once, equal to one after the other."""

import cv2
import numpy as np
import pytest
import torch

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.masks import as_found, square  # noqa: E402
from tests.factories.role_models import loaded, noise, weights_of  # noqa: E402
from tests.factories.sam2_in_turn import FollowerInTurn  # noqa: E402
from workflow_scripts.models.detections import Detections  # noqa: E402
from workflow_scripts.models.loaders import sam2_bank, sam2_memory  # noqa: E402
from workflow_scripts.models.loaders.sam2_bank import Memory  # noqa: E402
from workflow_scripts.models.loaders.sam2_masks import pack_bits  # noqa: E402
from workflow_scripts.models.loaders.sam2_memory import Follower  # noqa: E402

SIZE = (90, 120)
PARTS = ("memory_attention", "mask_decoder", "memory_encoder")
NOBODY = np.zeros(SIZE, bool)


@pytest.fixture
def segmenter():
    """SAM 2 with weights so large that each person's masks are their own."""
    segmenter = loaded("sam2 random", weights_of("sam2 random"))
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weights in segmenter.video.named_parameters():
            if weights.ndim > 1 and not name.startswith("vision_encoder"):
                width = weights[0].numel() ** 0.5 if "proj" in name or "layers" in name else 1
                weights.copy_(1.5 * torch.randn(weights.shape, generator=rng) / width)
    return segmenter


def encode(segmenter, frame: int) -> dict:
    return segmenter.encode([cv2.GaussianBlur(noise(*SIZE, frame // 3), (0, 0), 6)])


def find_people(frame: int, shown: dict[int, np.ndarray]) -> Detections:
    """Three enter; then each is seen as the memory has them, otherwise, or not, in turn.

    From the 14th frame on, one hides the others.
    """
    found = {0: [square(5), square(60)], 4: [square(85)]}.get(frame, [])
    if frame in range(14, 19):
        found = [~NOBODY]
    for number, mask in shown.items():
        if mask.any() and frame < 14:
            left = np.quantile(np.nonzero(mask)[1], 0.3)
            cut = mask & (np.arange(SIZE[1]) >= left)
            found = [*found, *{0: [mask], 1: [cut]}.get((frame + number) % 4, [])]
    apart, taken = [], NOBODY
    for mask in found:
        if (mask & ~taken).sum() > 20:
            apart.append(mask & ~taken)
        taken = taken | mask
    return as_found(*apart)


def test_people_at_once_are_those_in_turn(segmenter, monkeypatch):
    monkeypatch.setattr(sam2_memory, "KEPT_FRAMES", 3)
    in_turn, follow = FollowerInTurn(segmenter, kept_frames=3), Follower(segmenter.bank)
    bias = segmenter.video.mask_decoder.pred_obj_score_head.proj_out.bias
    corrected, propagated, tracks = 0, 0, []
    for frame in range(23):
        bias.data.fill_(-1e4 if frame == 20 else 0)  # once nobody is there
        codes = encode(segmenter, frame)
        found = find_people(frame, in_turn.look(codes, SIZE))
        expected, got = in_turn.answer(found), follow(found, codes)
        assert got.tracks.tolist() == expected.tracks.tolist()
        assert (got.masks != expected.masks).sum() <= 30
        np.testing.assert_allclose(got.scores, expected.scores)
        assert list(follow.tracks) == list(in_turn.sessions)
        pointers = [track.memory.pointers[-1] for track in follow.tracks.values()]
        torch.testing.assert_close(pointers, in_turn.list_pointers(), atol=1e-3, rtol=0)
        corrected += len(set(in_turn.corrected) & set(in_turn.shown))
        propagated += len(got) - len(found)
        tracks.append(len(got))
    assert (follow.started, list(follow.tracks)) == (3, [2])  # two were hidden for too long
    assert (tracks[13], tracks[18], tracks[20], tracks[22]) == (3, 1, 0, 1)
    assert corrected >= 10 and propagated >= 10


@pytest.fixture
def recalled(segmenter):
    """What the memory attention reads in each call: entries of the memory, then their places."""
    read = []
    segmenter.video.memory_attention.register_forward_pre_hook(
        lambda module, args, options: read.append(
            torch.cat([options["memory"], options["memory_posision_embeddings"]], 2).clone()
        ),
        with_kwargs=True,
    )
    return read


def test_each_entry_of_a_memory_has_the_time_that_transformers_gives_it(segmenter, recalled):
    in_turn, follow = FollowerInTurn(segmenter), Follower(segmenter.bank)
    for frame in range(4):
        codes = encode(segmenter, 3 * frame)
        found = as_found(square(5)) if frame == 0 else as_found()
        in_turn.look(codes, SIZE)
        in_turn.answer(found)
        follow(found, codes)
    assert len(recalled) == 6  # both, in each frame but the first
    for theirs, ours in zip(recalled[::2], recalled[1::2], strict=True):
        assert ours.shape == theirs.shape and len(ours) > 1
        # of each entry to each, as their order does not matter; masks' are stored in bfloat16
        same = torch.isclose(ours, theirs[:, 0], atol=0.01, rtol=2**-7).all(2)
        assert same.any(0).all() and same.any(1).all()


def test_who_is_hidden_is_pointed_at_by_the_token_of_nobody(segmenter):
    # as _forward_sam_heads with fixed_no_obj_ptr does: sam2/modeling/sam2_base.py
    follow, nobody = Follower(segmenter.bank), segmenter.video.no_object_pointer[0]
    follow(as_found(square(5)), encode(segmenter, 0))
    (first,) = follow.tracks[0].memory.pointers
    assert not torch.equal(first, nobody)
    segmenter.video.mask_decoder.pred_obj_score_head.proj_out.bias.data.fill_(-1e4)
    assert len(follow(as_found(), encode(segmenter, 1))) == 0
    torch.testing.assert_close(follow.tracks[0].memory.pointers[1], nobody)


@pytest.fixture
def calls(segmenter):
    """Calls of the parts of the model, and how many people each was of."""
    made = {part: [] for part in PARTS}

    def count(part):
        def add(module, args, options, result):
            result = result[0] if isinstance(result, tuple) else result
            made[part].append(result.shape[1 if part == "memory_attention" else 0])

        return add

    for part in PARTS:
        module = getattr(segmenter.video, part)
        module.register_forward_hook(count(part), with_kwargs=True)
    return made


def test_a_frame_of_three_takes_one_call_of_each_part(segmenter, calls):
    follow = Follower(segmenter.bank)
    three = [square(5), square(45), square(85)]
    follow(as_found(*three), encode(segmenter, 0))
    assert calls == {"memory_attention": [], "mask_decoder": [3], "memory_encoder": [3]}
    for made in calls.values():
        made.clear()
    follow(as_found(), encode(segmenter, 1))
    assert calls == {"memory_attention": [3], "mask_decoder": [3], "memory_encoder": [3]}


def test_a_correction_takes_one_decoder_more_and_no_encoder(segmenter, calls, monkeypatch):
    monkeypatch.setattr(sam2_memory, "SAME", 0.0)  # whatever is found is someone known
    follow = Follower(segmenter.bank)
    three = [square(5), square(45), square(85)]
    follow(as_found(*three), encode(segmenter, 0))
    for made in calls.values():
        made.clear()
    assert sorted(follow(as_found(*three), encode(segmenter, 1)).tracks) == [0, 1, 2]
    assert calls == {"memory_attention": [3], "mask_decoder": [3, 3], "memory_encoder": [3]}


def test_who_came_later_is_attended_alone_until_all_memories_are_full(
    segmenter, calls, monkeypatch
):
    monkeypatch.setattr(sam2_memory, "KEPT_FRAMES", 30)
    follow = Follower(segmenter.bank)
    for frame in range(20):
        found = {0: [square(5), square(45)], 2: [square(85)]}.get(frame, [])
        follow(as_found(*found), encode(segmenter, 0))
    assert len(follow.tracks) == 3
    assert calls["memory_attention"] == [2, 2, *[2, 1] * 15, 3, 3]
    assert calls["mask_decoder"][-2:] == calls["memory_encoder"][-2:] == [3, 3]


def test_only_bits_of_masks_leave_the_device(segmenter, monkeypatch):
    follow, copied, copy = Follower(segmenter.bank), [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: copied.append(self.nbytes) or copy(self))
    monkeypatch.setattr(sam2_memory, "copy_bits", copy_as_on_a_gpu)
    follow(as_found(square(5), square(45), square(85)), encode(segmenter, 0))
    assert copied == []
    follow(as_found(), encode(segmenter, 1))
    spans, bits = 2 * 2 * 3 * 4, 3 * 90 * 120 // 8
    assert copied == [spans, bits]


def copy_as_on_a_gpu(masks: torch.Tensor) -> np.ndarray:
    return pack_bits(masks).cpu().numpy()


def test_a_gpu_remembers_in_bfloat16(segmenter, monkeypatch):
    seen, model = set(), segmenter.video
    inner = (
        model.memory_attention.layers[0].linear1,
        model.mask_decoder.upscale_conv1,
        model.memory_encoder.projection,
    )
    for module in inner:
        module.register_forward_hook(lambda module, args, result: seen.add(result.dtype))
    follow = Follower(segmenter.bank)
    three = as_found(square(5), square(45), square(85))
    exact = [follow(three, encode(segmenter, 0)), follow(as_found(), encode(segmenter, 1))]
    assert seen == {torch.float32}
    seen.clear()
    monkeypatch.setattr(sam2_bank, "pick_dtype", lambda place: torch.bfloat16)
    follow = Follower(sam2_bank.MemoryBank(model))
    rough = [follow(three, encode(segmenter, 0)), follow(as_found(), encode(segmenter, 1))]
    assert seen == {torch.bfloat16}
    memory = follow.tracks[0].memory
    assert {one.dtype for one in memory.pointers} == {torch.float32}
    for one, other in zip(exact, rough, strict=True):
        assert one.tracks.tolist() == other.tracks.tolist()
        shared = (one.masks & other.masks).sum((1, 2)) / (one.masks | other.masks).sum((1, 2))
        assert (shared > 0.8).all()  # of each person, not of the frame; the weights are random


def test_a_gpu_cuts_out_in_bfloat16(segmenter):
    decoder, seen = segmenter.model.mask_decoder, set()
    decoder.load_state_dict(segmenter.video.mask_decoder.state_dict(), strict=False)
    for module in (decoder.upscale_conv1, decoder.output_hypernetworks_mlps[0].proj_in):
        module.register_forward_hook(lambda module, args, result: seen.add(result.dtype))
    image, boxes = noise(*SIZE), np.array([[10, 10, 60, 50], [5, 5, 80, 30]], np.float32)
    exact = segmenter.predict_logits(image, boxes)
    assert (exact.dtype, seen) == (torch.float32, {torch.float32})
    seen.clear()
    segmenter.dtype = torch.bfloat16
    rough = segmenter.predict_logits(image, boxes)
    assert (rough.dtype, seen) == (torch.float32, {torch.bfloat16})
    assert not torch.equal(rough, exact)
    assert (rough - exact).std() < 0.1 * exact.std()


def test_too_many_people_for_the_memory_go_in_halves(segmenter, calls, monkeypatch):
    follow = Follower(segmenter.bank)
    strips = [NOBODY.copy() for _ in range(12)]
    for number, strip in enumerate(strips):
        strip[:, 10 * number : 10 * number + 10] = True
    follow(as_found(*strips), encode(segmenter, 0))
    assert calls["memory_encoder"] == [8, 4]
    attend = segmenter.video.memory_attention.forward

    def attend_to_few(current_vision_features, **options):
        if current_vision_features.shape[1] > 4:
            raise torch.cuda.OutOfMemoryError
        return attend(current_vision_features=current_vision_features, **options)

    monkeypatch.setattr(segmenter.video.memory_attention, "forward", attend_to_few)
    for frame in (1, 2):
        follow(as_found(), encode(segmenter, frame))
    assert len(follow.tracks) == 12
    assert calls["memory_attention"] == [4, 4, 4] * 2


def test_what_does_not_fit_is_not_half_remembered(segmenter, monkeypatch):
    codes, memories = encode(segmenter, 0), [Memory(), Memory()]
    seen = segmenter.bank.prompt(codes, np.stack([square(5), square(45)]))
    encode_memory = segmenter.video.memory_encoder.forward
    clone, clones = torch.Tensor.clone, []

    def clone_one(tensor: torch.Tensor, **options) -> torch.Tensor:
        clones.append(tensor)
        if len(clones) == 3:  # of the second person
            raise torch.cuda.OutOfMemoryError
        return clone(tensor, **options)

    def encode_and_fill_up(*args, **options):
        result = encode_memory(*args, **options)
        monkeypatch.setattr(torch.Tensor, "clone", clone_one)
        return result

    monkeypatch.setattr(segmenter.video.memory_encoder, "forward", encode_and_fill_up)
    segmenter.bank.store(codes, list(zip(memories, seen, strict=True)))
    assert [(one.age, len(one.features)) for one in memories] == [(1, 1), (1, 1)]


def test_a_memory_keeps_the_first_and_the_latest(segmenter):
    codes, memory = encode(segmenter, 0), Memory()
    seen = segmenter.bank.prompt(codes, square(5)[None])[0]
    for frame in range(20):
        seen.pointer = torch.full_like(seen.pointer, frame)
        segmenter.bank.store(codes, [(memory, seen)])
    # num_maskmem 7 and max_obj_ptrs_in_encoder 16 of sam2/modeling/sam2_base.py
    assert [int(pointer[0]) for pointer in memory.pointers] == [0, *range(5, 20)]
    assert (len(memory.features), memory.age) == (7, 20)
    assert memory.features[0].dtype == torch.bfloat16
