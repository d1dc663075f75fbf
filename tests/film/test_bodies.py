"""Where bodies lie: as the segmenter says, else by joints, else by the box."""

import numpy as np
import pytest

from tests.factories.figures import make_pose
from tests.factories.role_models import names, opened, read_figure
from workflow_scripts.film.people.bodies import PARTS, SIDE, find_region, is_guess
from workflow_scripts.film.people.colors import find_bands

BOX = np.array([170, 0, 230, 420])  # of make_pose


def hide(*parts: str) -> np.ndarray:
    joints = make_pose()
    joints[[n for part in parts for n in PARTS[part]], 2] = 0.1
    return joints


def turn(joints: np.ndarray, degrees: float) -> np.ndarray:
    """The body, turned clockwise around its hips."""
    angle, hips = np.radians(degrees), joints[[11, 12], :2].mean(0)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.column_stack([(joints[:, :2] - hips) @ matrix + hips, joints[:, 2]])


def test_what_the_segmenter_says_stays():
    own = np.float32([1, 2, 3, 0.4])
    np.testing.assert_array_equal(find_region(own, make_pose(), BOX), own)


@pytest.mark.parametrize("hidden", [(), ("hips",), ("shoulders",), ("head",)])
def test_any_two_parts_place_the_hips_and_the_chin(hidden):
    region = find_region(None, hide(*hidden), BOX)
    np.testing.assert_allclose(region[:2], [200, 200], atol=35)  # of a torso of 100
    heights = np.array([55, 75, 120, 160, 250, 400])  # eyes, mouth; chest, belly; thighs, feet
    assert find_bands(np.full(6, 200), heights, region).tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize("degrees", [90, -30, 180])
def test_a_region_turns_with_its_body(degrees):
    upright, turned = (find_region(None, turn(make_pose(), d), BOX) for d in (0, degrees))
    np.testing.assert_allclose(turned[:3], upright[:3], rtol=1e-5)
    assert (np.degrees(turned[3] - upright[3]) - degrees) % 360 == pytest.approx(0, abs=1e-3)


def test_where_only_the_box_tells_it_is_called_a_guess():
    told = [is_guess(None, hide(*PARTS)), is_guess(None, hide("hips", "head"))]
    assert [*told, is_guess(np.zeros(4), hide(*PARTS))] == [True, False, False]


def test_a_head_alone_fills_its_box():
    joints = hide("shoulders", "hips")
    region = find_region(None, joints, np.array([180, 10, 220, 100]))
    assert find_bands(np.full(3, 200), np.array([12, 55, 98]), region).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    "joints",
    [hide(*PARTS), make_pose() * [1, 0, 1], make_pose() * [np.nan, np.nan, 0]],
    ids=["nothing is seen", "all in one line", "no numbers"],
)
def test_without_joints_an_upright_figure_stands_in_the_box(joints):
    x, y, side, angle = find_region(None, joints, np.array([100, 50, 180, 250]))
    assert (x, angle) == (140, 0) and 50 < y < 250
    assert side == pytest.approx(SIDE * 200)
    wide = find_region(None, joints, np.array([100, 50, 500, 250]))  # cut off by the frame
    assert wide[1] > 250 and wide[2] == pytest.approx(SIDE * 800)


@pytest.mark.parametrize("name", names("segment"))
def test_bodies_of_every_segmenter_have_their_chins_and_hips_in_one_place(name):
    figure = read_figure()
    found = opened("light detect")([figure])[0].take([0])
    cut = opened(name)(figure, found)
    (joints,) = opened("light pose")([figure], found.boxes, found.regions)
    region = find_region(None if cut.regions is None else cut.regions[0], joints, found.boxes[0])
    torso = np.linalg.norm(joints[[5, 6], :2].mean(0) - joints[[11, 12], :2].mean(0))
    np.testing.assert_allclose(region[:2], joints[[11, 12], :2].mean(0), atol=torso / 10)
    assert region[2] / torso == pytest.approx(4.6, abs=0.4)
