"""Fronts of two objectives under constraints."""

import math

import pytest

from workflow_scripts.adapter.fronts import (
    Point,
    dominates,
    find_front,
    measure_hypervolume,
    measure_space,
    rank_points,
)

FAILED = Point(0, 0, math.inf)


@pytest.mark.parametrize(
    ("first", "second", "better"),
    [
        (Point(2, 1), Point(1, 1), True),
        (Point(1, 1), Point(1, 2), True),
        (Point(1, 1), Point(1, 1), False),
        (Point(2, 2), Point(1, 1), False),
        (Point(0, 9), Point(9, 0, 0.1), True),
        (Point(9, 0, 0.2), Point(0, 9, 0.1), False),
        (Point(9, 9, 5), FAILED, True),
        (FAILED, FAILED, False),
    ],
    ids=[
        "more gain",
        "less cost",
        "the same",
        "more gain for more cost",
        "limits first",
        "the smaller violation",
        "anything beats a failure",
        "failures are alike",
    ],
)
def test_dominates(first, second, better):
    assert dominates(first, second) is better


def test_the_front_begins_with_the_largest_gain():
    points = [Point(1, 1), Point(3, 3), Point(2, 3), Point(9, 0, 1), Point(2, 2), FAILED]
    assert find_front(points) == [1, 4, 0]


def test_of_nothing_and_of_failures_there_is_no_front():
    assert find_front([]) == find_front([FAILED, Point(1, 1, 0.1)]) == []


def test_equal_points_share_the_front():
    assert find_front([Point(1, 1), Point(1, 1)]) == [0, 1]


def test_ranks_go_front_by_front_and_failures_come_last():
    points = [FAILED, Point(1, 1, 0.5), Point(1, 2), Point(5, 1), Point(9, 9)]
    assert rank_points(points) == [3, 4, 2, 1, 0]


def test_within_a_front_ends_come_first_then_the_loneliest():
    points = [Point(0, 0), Point(1, 1), Point(2, 2), Point(9, 9), Point(5, 5)]
    assert rank_points(points) == [0, 3, 4, 2, 1]
    assert measure_space([Point(1, 1)]) == [math.inf]


def test_hypervolume_is_the_area_that_is_dominated():
    worst = Point(0, 1)
    assert measure_hypervolume([Point(1, 0.5), Point(0.5, 0.25)], worst) == pytest.approx(0.625)
    assert measure_hypervolume([Point(1, 0.5), Point(0.9, 0.6)], worst) == pytest.approx(0.5)
    outside = [Point(1, 0, 0.1), Point(-1, 0), Point(1, 2)]
    assert measure_hypervolume(outside, worst) == 0
