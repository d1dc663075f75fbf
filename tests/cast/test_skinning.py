"""Bones that turn, and points that follow them."""

import numpy as np
from cast.skinning import skin_points, turn_bones
from maker.poses import rotate

PARENTS = [-1, 0, 1]
HEADS = np.array([[0, 0, 0], [0, 0, 1], [0, 0, 2]], float)
REST = np.array([[0, 0, 0.5], [0, 0, 1.5], [0, 0, 3]], np.float32)


def follow(bones, weights, starts, turns):
    moved = turn_bones(PARENTS, HEADS, turns)
    arrays = np.array(starts, np.int32), np.array(bones, np.int32), np.array(weights, np.float32)
    return skin_points(REST, *arrays, moved)


def test_unturned_bones_leave_points_where_they_are():
    np.testing.assert_array_equal(follow([0, 1, 2], [1, 1, 1], [0, 1, 2, 3], {}), REST)


def test_children_go_with_their_parents_and_turn_on():
    quarter = rotate("x", 90)[:3, :3]
    points = follow([0, 1, 2], [1, 1, 1], [0, 1, 2, 3], {1: quarter, 2: quarter})
    # the second bone lies along -y from its head at z = 1, the third hangs from its end
    np.testing.assert_allclose(points, [[0, 0, 0.5], [0, -0.5, 1], [0, -1, 0]], atol=1e-6)


def test_a_point_between_two_bones_goes_halfway():
    shift = follow([0, 0, 1, 2], [1, 0.5, 0.5, 1], [0, 1, 3, 4], {1: rotate("x", 90)[:3, :3]})
    np.testing.assert_allclose(shift[1], [0, -0.25, 1.25], atol=1e-6)


def test_turns_are_in_the_frame_of_the_parent():
    turns = {0: rotate("z", 90)[:3, :3], 1: rotate("x", 90)[:3, :3]}
    points = follow([0, 1, 1], [1, 1, 1], [0, 1, 2, 3], turns)
    np.testing.assert_allclose(points[1], [0.5, 0, 1], atol=1e-6)
