from dataclasses import replace

import numpy as np
import pytest
from cast.rasterizer import Camera, Light, Mesh, rasterize

AHEAD = Camera(np.array([0.0, -4.0, 0.0]), np.zeros(3), 90.0)  # sees x and z from -4 to 4 at y = 0
PLAIN = Light(color=(0, 0, 0), sky=(1, 1, 1), ground=(1, 1, 1), rim=0, shadow=0)


def make_panel(corners, color=(0.5, 0.5, 0.5), part=1, **options) -> Mesh:
    points = np.array(corners, np.float32)
    quad = np.array([[0, 1, 2, len(points) - 1]])
    return Mesh(points, quad, np.tile(color, (len(points), 1)), np.uint8([part]), **options)


def make_wall(y: float, x0=-9.0, x1=9.0, **options) -> Mesh:
    return make_panel([[x0, y, -9], [x1, y, -9], [x1, y, 9], [x0, y, 9]], **options)


def test_a_triangle_covers_the_pixels_that_lie_inside():
    triangle = make_panel([[-4, 0, -4], [4, 0, -4], [-4, 0, 4]], part=7, person=3)
    ids = rasterize([triangle], AHEAD, PLAIN, 8, supersampling=1).ids
    below = np.add.outer(np.arange(8), np.arange(8)[::-1]) > 7  # strictly under the diagonal
    on_it = np.add.outer(np.arange(8), np.arange(8)[::-1]) == 7
    assert (ids[below] == 3 * 256 + 7).all()
    assert (ids[~below & ~on_it] == 0).all()


def test_depth_is_in_meters_along_the_view():
    slanted = make_panel([[-4, 0, -4], [4, 2, -4], [4, 2, 4], [-4, 0, 4]])
    depth = rasterize([slanted], AHEAD, PLAIN, 64, supersampling=1).depth
    # the ray through x/y = u meets the plane y = (x + 4) / 4 at y + 4 = 5 / (1 - u / 4)
    u = (np.arange(64) + 0.5) / 32 - 1
    expected = 5 / (1 - u / 4)
    seen = np.isfinite(depth[32])
    np.testing.assert_allclose(depth[32][seen], expected[seen], rtol=1e-4)
    assert seen.sum() > 40


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["near first", "near last"])
def test_what_is_nearer_hides_what_is_behind(order):
    walls = [make_wall(1.0, part=1), make_wall(0.0, x0=0, part=2)]
    ids = rasterize([walls[k] for k in order], AHEAD, PLAIN, 16, supersampling=1).ids
    assert set(ids[:, :8].ravel()) == {1}
    assert set(ids[:, 8:].ravel()) == {2}


def test_a_floor_that_reaches_behind_the_camera_is_drawn_to_the_lower_edge():
    floor = make_panel([[-50, -50, -1], [50, -50, -1], [50, 50, -1], [-50, 50, -1]], part=5)
    drawing = rasterize([floor], AHEAD, PLAIN, 16, supersampling=1)
    assert (drawing.ids[9:] == 5).all()
    assert (drawing.ids[:8] == 0).all()
    np.testing.assert_allclose(drawing.depth[15], 16 / 15, rtol=1e-3)  # 1 m below, at 15 of 16


def test_what_lies_behind_the_camera_is_not_drawn():
    assert not rasterize([make_wall(-6.0)], AHEAD, PLAIN, 16).ids.any()


def test_light_from_everywhere_shows_the_color_itself():
    drawing = rasterize([make_wall(0.0, color=(0.2, 0.4, 0.6))], AHEAD, PLAIN, 8)
    np.testing.assert_allclose(drawing.image, np.tile([0.2, 0.4, 0.6], (8, 8, 1)), rtol=1e-5)


def test_the_sun_lights_what_faces_it():
    light = Light((0, -1, 0), (1, 1, 1), (0, 0, 0), (0, 0, 0), wrap=0, rim=0, shadow=0)
    facing = rasterize([make_wall(0.0)], AHEAD, light, 8).image.mean()
    tilted = rasterize([make_wall(0.0)], AHEAD, replace(light, direction=(0, -1, 1)), 8).image
    away = rasterize([make_wall(0.0)], AHEAD, replace(light, direction=(0, 1, 0)), 8).image
    assert facing == pytest.approx(0.5, rel=1e-4)
    assert tilted.mean() == pytest.approx(0.5 / 2**0.5, rel=1e-4)
    assert away.max() == 0


def make_shadow_scene(**options):
    floor = make_panel([[-9, -9, 0], [9, -9, 0], [9, 9, 0], [-9, 9, 0]], part=1, casts=False)
    lid = make_panel([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]], part=2, **options)
    camera = Camera(np.array([0, -6.0, 3.0]), np.array([0, 0, 0.3]), 40)
    light = Light((0, 0, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0), rim=0, shadow=1.0)
    return [floor, lid], camera, light


def test_a_lid_throws_its_shadow_on_the_floor_below():
    meshes, camera, light = make_shadow_scene()
    drawing = rasterize(meshes, camera, light, 64, supersampling=1)
    floor = drawing.ids == 1
    assert drawing.image[..., 0][floor].max() == pytest.approx(0.5, rel=1e-3)
    x, y, _ = camera.project(np.array([[0, -0.6, 0], [0, -2.0, 0]]), 64).T
    under, beside = drawing.image[y.astype(int), x.astype(int), 0]
    assert (under, beside) == (pytest.approx(0, abs=1e-6), pytest.approx(0.5, rel=1e-3))


def test_what_casts_no_shadow_leaves_the_floor_bright():
    meshes, camera, light = make_shadow_scene(casts=False)
    drawing = rasterize(meshes, camera, light, 64, supersampling=1)
    assert drawing.image[..., 0][drawing.ids == 1].min() == pytest.approx(0.5, rel=1e-3)


def test_fog_grows_with_the_distance():
    light = replace(PLAIN, fog=(1, 1, 1), fog_per_m=0.25)
    image = rasterize([make_wall(0.0, color=(0, 0, 0))], AHEAD, light, 8).image
    np.testing.assert_allclose(image, 1 - np.exp(-0.25 * 4), rtol=1e-5)


def test_toon_light_of_people_comes_in_steps():
    angle = np.linspace(0, np.pi, 65)
    ring = np.stack([2 * np.cos(angle), -2 * np.sin(angle)], 1)
    points = np.concatenate([np.c_[ring, np.full(65, z)] for z in (-3, 3)]).astype(np.float32)
    i = np.arange(64)
    quads = np.stack([i, i + 1, i + 66, i + 65], 1)
    pipe = Mesh(points, quads, np.ones((130, 3)), np.ones(64, np.uint8), person=1)
    light = Light((-1, -1, 0), (1, 1, 1), (0, 0, 0), (0, 0, 0), rim=0, shadow=0, wrap=0)
    shades = [
        np.unique(rasterize([pipe], AHEAD, replace(light, toon_steps=steps), 64).image[32].round(2))
        for steps in (0, 2)
    ]
    assert len(shades[1]) < len(shades[0]) / 2
    assert {0.0, 0.5, 1.0} <= set(shades[1].tolist())


def test_the_outline_darkens_the_rim_of_people_only():
    panel = make_panel([[-2, 0, -2], [2, 0, -2], [2, 0, 2], [-2, 0, 2]], (1, 1, 1), person=1)
    light = replace(PLAIN, outline=1.0)
    image = rasterize([panel, make_wall(3.0)], AHEAD, light, 32, supersampling=1).image[..., 0]
    assert image[16, 8] == 0
    assert image[16, 16] == pytest.approx(1.0)
    place = rasterize([replace(panel, person=0), make_wall(3.0)], AHEAD, light, 32, 1).image
    assert place[16, 8, 0] == pytest.approx(1.0)


def test_the_background_shows_where_nothing_is():
    background = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    half = make_wall(0.0, x0=0)
    drawing = rasterize([half], AHEAD, PLAIN, 8, background=background)
    np.testing.assert_allclose(drawing.image[:, :4], background[:, :4], rtol=1e-5)
    with pytest.raises(ValueError, match=r"\(4, 4, 3\), not \(8, 8, 3\)"):
        rasterize([half], AHEAD, PLAIN, 8, background=background[:4, :4])


def test_the_same_scene_gives_the_same_bytes():
    meshes, camera, light = make_shadow_scene()
    first, second = (rasterize(meshes, camera, light, 32) for _ in range(2))
    assert first.image.tobytes() == second.image.tobytes()
    assert first.ids.tobytes() == second.ids.tobytes()


def test_projection_and_drawing_agree():
    camera = Camera(np.array([1.0, -5.0, 2.0]), np.array([0.2, 0.0, 1.0]), 35)
    dot = np.array([0.5, 0.3, 1.2])
    spot = make_panel(dot + np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]]) * 0.02)
    ids = rasterize([spot], camera, PLAIN, 128).ids
    rows, columns = np.nonzero(ids)
    x, y, _ = camera.project(dot[None], 256)[0]
    assert len(rows) > 3
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], [x, y], atol=0.6)
