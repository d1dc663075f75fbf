"""What binds a phase on a card, with figures worked out by hand; nothing is run on a GPU."""

from dataclasses import fields

import pandas as pd
import pytest
import torch

from benchmarks import full_nets
from benchmarks.bounds import Step, bound_film, bound_phase, describe_steps
from benchmarks.cards import CARDS, Card
from benchmarks.counted_nets import Nets, most_at_once
from benchmarks.counts import FilmCounts
from benchmarks.film_shapes import Shapes
from benchmarks.gpu_rules import read_gpu_rules
from benchmarks.roofline import format_time, list_steps, write_card, write_page
from benchmarks.work import Work, count_parameters, count_work
from workflow_scripts.lib.errors import CineloraError

# 100 operations a second in bfloat16, 50 in TF32; 10 bytes a second; 1,000 bytes; 5 bytes of bus,
# of which copies reach four fifths
CARD = Card("a card", 100.0, 50.0, 10.0, 1000.0, 5.0, "made up")


def make_step(phase, work, **more):
    step = {"what": "a net", "items": 10.0, "precision": "bf16", "weight_bytes": 0.0}
    return Step(phase, work=work, grade="counted", **step | more)


def test_a_phase_waits_for_its_products():
    steps = [make_step("one", Work(300.0, 20.0)), make_step("other", Work(9e9, 0.0))]
    bound = bound_phase("one", steps, CARD)
    assert bound.by_limit == {"matrices": 30.0, "memory": 20.0, "reading": 0.0, "bus": 0.0}
    assert (bound.seconds, bound.binds) == (30.0, "matrices")


def test_tf32_has_its_own_rate():
    (bound,), _ = bound_film(["one"], [make_step("one", Work(300.0, 20.0), precision="tf32")], CARD)
    assert (bound.seconds, bound.binds) == (60.0, "matrices")


def test_a_batch_shares_the_reading_of_the_weights():
    alone = make_step("one", Work(10.0, 0.0, peak=100.0), weight_bytes=400.0)
    together = make_step("one", Work(10.0, 0.0, peak=100.0), weight_bytes=400.0, most=64)
    assert (alone.choose_batch(CARD), together.choose_batch(CARD)) == (1, 4)  # (800 - 400) / 100
    assert alone.time(CARD)["memory"] == 10 * 400 / 10
    assert bound_phase("one", [together], CARD).seconds == 10 * 400 / 4 / 10
    assert bound_phase("one", [together], CARD).binds == "memory"


def test_nets_follow_each_other_and_readers_work_beside_them():
    """30 s of products, then 40 s of memory; reading is shared by eight cores, the bus is slow."""
    nets = [make_step("one", Work(300.0, 0.0)), make_step("one", Work(0.0, 40.0))]
    assert bound_phase("one", nets, CARD).seconds == 70.0
    assert bound_phase("one", nets, CARD).binds == "memory"
    slow = [*nets, make_step("one", Work(0.0, 0.0), read_s=80.0)]
    assert (bound_phase("one", slow, CARD).seconds, bound_phase("one", slow, CARD).binds) == (
        10 * 80 / 8,
        "reading",
    )
    full = [*slow, make_step("one", Work(0.0, 0.0), copied=80.0)]
    assert (bound_phase("one", full, CARD).seconds, bound_phase("one", full, CARD).binds) == (
        10 * 80 / 4,
        "bus",
    )


def test_only_products_are_slower_than_the_card_promises():
    """30 s of products become 50 s; 40 s of memory, of another net, stay as they are."""
    nets = [make_step("one", Work(300.0, 0.0)), make_step("one", Work(0.0, 40.0))]
    assert bound_phase("one", nets, CARD).find_seconds(0.6) == 90.0
    read = [*nets, make_step("one", Work(0.0, 0.0), read_s=80.0)]  # 100 s, beside them
    assert bound_phase("one", read, CARD).find_seconds(0.6) == 100.0
    assert "0.03 at 60%" in write_card(CARD, *bound_film(["one"], nets, CARD), nets)  # 90 s


def test_weights_that_a_step_does_not_read_take_memory_alone():
    part = make_step("one", Work(10.0, 0.0, peak=100.0), weight_bytes=100.0, most=64)
    whole = make_step(
        "one", Work(10.0, 0.0, peak=100.0), weight_bytes=100.0, held_bytes=600.0, most=64
    )
    assert (part.choose_batch(CARD), whole.choose_batch(CARD)) == (7, 2)
    assert whole.time(CARD)["memory"] == 10 * 100 / 2 / 10


def test_nets_of_a_phase_that_wait_for_different_things_are_told_apart():
    read = make_step("one", Work(300.0, 0.0), what="a question")
    said = make_step("one", Work(0.0, 40.0), what="an answer")
    assert describe_steps([read, said], CARD) == [
        ("a question", 30.0, "matrices"),
        ("an answer", 40.0, "memory"),
    ]
    assert describe_steps([read, read], CARD) == []
    page = write_card(CARD, *bound_film(["one"], [read, said], CARD), [read, said])
    assert "- `one`: a question: 30.0 s, matrices; an answer: 40.0 s, memory." in page


def test_a_phase_without_steps_is_an_error():
    steps = [make_step("one", Work(1.0, 1.0))]
    with pytest.raises(CineloraError, match="two holds a GPU, but nobody says what it does"):
        bound_film(["one", "two"], steps, CARD)
    with pytest.raises(CineloraError, match="one: no rule of this name holds a GPU"):
        bound_film([], steps, CARD)


def test_what_does_not_fit_is_named_and_left_out():
    large = make_step("one", Work(1.0, 1.0), weight_bytes=900.0)
    small = make_step("two", Work(300.0, 1.0))
    bounds, misfits = bound_film(["one", "two"], [large, small], CARD)
    assert misfits == ["one: a net"]
    assert [bound.phase for bound in bounds] == ["two"]
    page = write_card(CARD, bounds, misfits, [large, small])
    assert "**does not fit**: one: a net. Not in the total." in page
    assert "| `two` | 30.0 s | 1.0 s | 0.0 s | 0.0 s | 30.0 s | matrices |" in page
    assert "at least **0.01 GPU-hours**; 0.01 at 60%" in page
    with pytest.raises(CineloraError, match="does not fit into a card"):
        large.time(CARD)


def test_rules_that_hold_a_gpu_are_read_from_their_files():
    texts = {
        "score": 'output:\n "{shard}"\nlog:\n gpu=int(MODELS["a"]),\n weights=WEIGHTS["a"],',
        "train": 'output:\n "{dataset}/a"\nlog:\n "x"\n gpu=1,\n model=MODELS["base"],',
        "look": 'output:\n "{film}/a"\nlog:\n "{shard}"\n gpu=1,\n weights=WEIGHTS["a"],',
        "plan": 'output:\n "{shard}"\nlog:\n mem_mb=1,\n weights=WEIGHTS["a"],',
    }
    rules = read_gpu_rules(texts)
    found = {name: (rule.per, rule.roles, rule.count_jobs(17, 8)) for name, rule in rules.items()}
    assert found == {
        "score": ("shard", ("a",), 17),
        "train": ("dataset", ("base",), 8),
        "look": ("film", ("a",), 1),
    }
    assert {"segment_instances", "score_expressions", "describe_images"} <= set(read_gpu_rules())


def test_lama_has_as_many_parameters_as_its_file_has_numbers():
    assert full_nets.count_lama(1.0).parameters == pytest.approx(205_803_670 / 4, rel=0.02)
    # 7 x 7 from four channels to 64, at the image's own size
    assert full_nets.list_lama_layers()[0] == (4, 64, 7, 1.0)


def test_nets_have_as_many_parameters_as_their_files_have_numbers():
    """Published: 16.6 GB in bfloat16; 3.44 GB in float32."""
    unet = full_nets.build(full_nets.make_unet)
    assert count_parameters(unet) == pytest.approx(3.44e9 / 4, rel=0.005)
    qwen = full_nets.build(full_nets.make_qwen)
    assert count_parameters(qwen) == pytest.approx(16.6e9 / 2, rel=0.005)


@pytest.mark.parametrize("value_bytes", [2, 4])
def test_attention_writes_no_scores(value_bytes):
    """Of 50 tokens of 8 channels: four products of 8 x 8, and one attention of 50 x 50."""
    with torch.device("meta"):
        net, tokens = torch.nn.MultiheadAttention(8, 2, batch_first=True), torch.zeros(1, 50, 8)
    run = lambda: net(tokens, tokens, tokens, need_weights=False)  # noqa: E731
    work = count_work(net, run, value_bytes)
    assert work.operations == 2 * 50 * 8 * 8 * 4 + 2 * 50 * 50 * 8 * 2
    # in: tokens read, three times as wide written; attention: three read, one written; out
    assert work.traffic == value_bytes * 50 * 8 * ((1 + 3) + (3 + 1) + (1 + 1))


def test_loaders_say_how_much_they_take_at_once():
    roles = ("detect", "pose", "face", "expression", "segment", "embed", "caption", "inpaint")
    assert {role: most_at_once(role) for role in roles} == {
        "detect": 8,
        "pose": 64,
        "face": 8,
        "expression": 64,
        "segment": 4,
        "embed": 64,
        "caption": 64,
        "inpaint": 1,
    }


def test_the_page_has_a_row_for_each_net_and_each_phase():
    """Of a film of ten frames that show a person each, six of them with a face."""
    shapes = Shapes([(90, 90)], [(100, 100)])
    questions = pd.DataFrame({"dataset": ["style"], "chosen": [4], "asked": [5], "letters": [400]})
    questions["candidates"] = 10
    film = FilmCounts(10, 10, 8, 10, 6, 3, [shapes, shapes], shapes, questions, 1)
    net = full_nets.Net(1e6, Work(1e9, 1e6, 1e6))
    known = Nets(*[net] * len(fields(Nets)))
    read_s = {"decode": 0.02, "fit_1024": 0.01, "fit_224": 0.005, "view": 0.001}
    steps = list_steps(film, known, read_s)
    items = {(step.phase, step.what): step.items for step in steps}
    assert len(items) == len(steps) == 29
    assert items["crop_faces", "RetinaFace, the first look at a person"] == 10
    assert items["crop_faces", "RetinaFace, a second look"] == 4
    assert items["score_expressions", "EfficientNet-B0, a view"] == 16 * 6
    assert items["describe_images", "Qwen2.5-VL-7B, a token of an answer"] == 96 * 5
    phases = list(read_gpu_rules())
    page = write_page(film, steps, phases)
    for step in steps:
        assert f"| `{step.phase}` | {step.what} | {step.items:,.0f} |" in page
    assert page.count("| at least | binds |") == len(CARDS)
    assert all(page.count(f"\n| `{phase}` | ") >= len(CARDS) for phase in phases)
    assert "A film here: 10 frames of 1920 x 1080 in 1 shards, 10 times a person" in page


def test_windows_of_the_image_tower():
    assert full_nets.list_windows((8, 20), 8) == [64, 64, 32]
    assert sum(full_nets.list_windows((30, 54), 8)) == 30 * 54


def test_times_are_told_in_seconds_and_minutes():
    assert (format_time(59.94), format_time(90.0)) == ("59.9 s", "1.5 min")


def test_cards_are_no_faster_than_their_bits_allow():
    assert len(CARDS) == 4
    for card in CARDS:
        assert card.tf32 == pytest.approx(card.bf16 / 2, rel=0.01)
