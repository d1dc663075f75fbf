"""Which frames of a shot are taken."""

import weakref

import pytest

from workflow_scripts.film.decoding.sampling import Sampler


def sample(times_s, cuts=(), *, per_second, per_shot):
    """Numbers of the frames taken from a film with frames at these times."""
    sampler = Sampler(per_second, per_shot)
    taken = []
    for number, time_s in enumerate(times_s):
        if number in cuts:
            taken += sampler.split(number)
        taken += sampler.offer(number, time_s, None)
    taken += sampler.split(len(times_s))
    return [candidate.frame_no for candidate in taken]


class Frame:
    """An image as far as memory goes."""


def new_frame(held):
    """A frame that is counted in `held` for as long as somebody keeps it."""
    frame = Frame()
    held.add(frame)
    return frame


def at_rate(rate, count):
    return [number / rate for number in range(count)]


@pytest.mark.parametrize(
    ("times_s", "cuts", "per_second", "per_shot", "taken"),
    [
        (at_rate(24, 24), (), 6, 0, [0, 4, 8, 12, 16, 20]),
        (at_rate(24000 / 1001, 24), (), 8, 0, [0, 3, 6, 9, 12, 15, 18, 21]),
        (at_rate(25, 25), (), 8, 0, [0, 4, 7, 10, 13, 16, 19, 22]),
        (at_rate(24, 24), (10,), 6, 0, [0, 4, 8, 10, 14, 18, 22]),
        ([0, 0.01, 0.02, 0.9, 1.0, 1.1, 2.5], (), 2, 0, [0, 3, 4, 6]),
        (at_rate(24, 3), (), 99, 0, [0, 1, 2]),
        (at_rate(24, 12), (9,), 6, 3, [0, 4, 8, 9, 10, 11]),
        (at_rate(24, 2), (), 6, 5, [0, 1]),
        (at_rate(24, 9), (), 0, 1, [4]),
        (at_rate(24, 9), (), 0, 3, [0, 4, 8]),
        (at_rate(24, 6), (1, 2), 0, 1, [0, 1, 3]),
    ],
    ids=[
        "every fourth frame",
        "NTSC time stamps do not drift",
        "a rate that does not divide: the frame after each tick",
        "the clock starts anew at a cut",
        "variable frame rate: by time, not by number",
        "no more than there are",
        "a short shot is filled up to its minimum",
        "a shot shorter than its minimum gives all",
        "one a shot: the middle",
        "three a shot: spread over it",
        "one of each of three shots",
    ],
)
def test_sampling(times_s, cuts, per_second, per_shot, taken):
    assert sample(times_s, cuts, per_second=per_second, per_shot=per_shot) == taken


@pytest.mark.parametrize("count", [10, 100, 1000, 5000])
def test_per_shot_sampling_spreads_over_long_shots_and_holds_few_frames(count):
    sampler, held = Sampler(0, 4), weakref.WeakSet()
    most = 0
    for number in range(count):
        assert sampler.offer(number, number / 24, new_frame(held)) == []
        most = max(most, len(held))
    taken = [candidate.frame_no for candidate in sampler.split(count)]
    gaps = [b - a for a, b in zip(taken, taken[1:], strict=False)]
    assert len(taken) == 4
    assert most <= 18
    assert min(gaps) > count / 8


def test_a_shot_that_is_found_late_still_gets_its_frames():
    sampler = Sampler(0, 2)
    for number in range(20):
        sampler.offer(number, number / 24, None)
    before = [candidate.frame_no for candidate in sampler.split(12)]
    for number in range(20, 30):
        sampler.offer(number, number / 24, None)
    after = [candidate.frame_no for candidate in sampler.split(30)]
    assert len(before) == len(after) == 2
    assert max(before) < 12 <= min(after)
