"""Shapes laid on surfaces, and meshes that are cut."""

import numpy as np
import pytest
from cast import surfaces

POINTS = np.array(
    [[0, 0, 0], [1, 0, 0], [1, 0, 1], [0, 0, 1], [0, -1, 0], [1, -1, 0], [1, -2, 1], [0, -2, 1]],
    float,
)
QUADS = np.array([[0, 1, 2, 3], [4, 5, 6, 7]])  # the second lies before the first


def lay(x, z, side=-1.0, quads=QUADS):
    front = surfaces.Front(POINTS, surfaces.split_quads(quads), side)
    return front.lay(np.array([[x, z]]))


def test_a_place_lies_on_the_foremost_surface():
    point, mixture = lay(0.25, 0.5)
    np.testing.assert_allclose(point, [[0.25, -1.5, 0.5]])
    assert mixture.shape == (1, 8)
    np.testing.assert_allclose(mixture @ POINTS, point)
    assert mixture[:, :4].sum() == 0


def test_from_behind_the_other_surface_is_the_foremost():
    np.testing.assert_allclose(lay(0.25, 0.5, side=1.0)[0], [[0.25, 0, 0.5]])


def test_a_place_beside_the_mesh_stays_at_its_edge():
    point, mixture = lay(1.4, 0.5, quads=QUADS[:1])
    assert 0.9 <= point[0, 0] <= 1.0
    assert mixture.sum() == pytest.approx(1) and mixture.min() >= 0


def test_a_mesh_is_cut_between_its_vertices():
    keep = np.where(POINTS[:, 2] > 0.5, 0.25, -0.75)
    used, quads, mixture = surfaces.cut_mesh(QUADS[:1], keep)
    points = mixture @ POINTS
    assert sorted(used) == [0, 1, 2, 3] and quads.shape == (1, 4)
    np.testing.assert_allclose(sorted(points[:, 2]), [0.75, 0.75, 1, 1])
    np.testing.assert_allclose(mixture.sum(1), 1)


def test_a_mesh_that_is_kept_whole_is_the_mesh():
    used, quads, mixture = surfaces.cut_mesh(QUADS, np.ones(8))
    np.testing.assert_array_equal(used[quads], QUADS)
    np.testing.assert_array_equal(mixture @ POINTS, POINTS[used])


def test_a_ribbon_is_as_wide_as_asked():
    line = np.stack([np.linspace(0, 1, 5), np.zeros(5)], 1)
    places = surfaces.ribbon_places(line, np.full(5, 0.1)).reshape(5, 3, 2)
    np.testing.assert_allclose(places[:, 1], line)
    np.testing.assert_allclose(np.ptp(places[..., 1], 1), 0.2)


def test_a_tube_keeps_its_distance_from_its_line():
    line = np.stack([np.zeros(6), np.zeros(6), np.linspace(0, 1, 6)], 1)
    out = np.tile([0.0, -1, 0], (6, 1))
    tube = surfaces.sweep(line, np.full(6, 0.2), np.full(6, 0.1), out, 8)
    assert tube.shape == (6, 8, 3)
    np.testing.assert_allclose(np.abs(tube[..., 0]).max(1), 0.2)
    np.testing.assert_allclose(np.abs(tube[..., 1]).max(1), 0.1)
    quads = surfaces.sweep_quads(2, 6, 8)
    assert quads.shape == (80, 4) and quads.max() == 2 * 48 - 1


def test_a_ball_has_its_radii():
    points, quads = surfaces.make_ball((1, 2, 3), (0.1, 0.2, 0.3), 9, 16)
    np.testing.assert_allclose(np.ptp(points, axis=0), [0.2, 0.4, 0.6])
    assert quads.max() == len(points) - 1


def test_a_disc_is_round():
    places = surfaces.disc_places((2, 3), 0.5)
    np.testing.assert_allclose(np.linalg.norm(places[:-1] - [2, 3], axis=1), 0.5)
    assert np.unique(surfaces.disc_quads()).size == len(places)
