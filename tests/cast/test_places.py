import numpy as np
import pytest
from cast.light import make_setting
from cast.places import INDOORS, KINDS, OUTDOORS, make_place
from cast.rasterizer import Camera, rasterize
from cast.solids import PlacePart

STANDING = Camera(np.array([0.0, -4.5, 1.3]), np.array([0.0, 0.0, 1.2]), 38)


def look_at(place, azimuth: float):
    a = np.radians(azimuth)
    camera = Camera(np.array([4 * np.sin(a), -4 * np.cos(a), 1.3]), np.array([0, 0, 1.2]), 38)
    weather = "unknown" if place.indoor else "clear"
    light = make_setting(place, "day", weather, np.random.default_rng(0)).light
    return rasterize(place.meshes, camera, light, 48)


def test_there_are_places_outdoors_and_indoors():
    assert len(OUTDOORS) >= 9 and len(INDOORS) >= 6
    assert not set(OUTDOORS) & set(INDOORS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_is_a_place_another_seed_another(kind):
    first, again, other = (make_place(kind, seed) for seed in (1, 1, 2))
    assert [m.points.tobytes() for m in first.meshes] == [m.points.tobytes() for m in again.meshes]
    assert [m.colors.tobytes() for m in first.meshes] == [m.colors.tobytes() for m in again.meshes]
    assert [m.colors.tobytes() for m in first.meshes] != [m.colors.tobytes() for m in other.meshes]
    assert first.indoor == (kind in INDOORS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_tells_the_place_shows_from_every_camera(kind):
    shares = []
    for seed in range(2):
        place = make_place(kind, seed)
        drawings = [look_at(place, azimuth) for azimuth in (-45, 0, 45)]
        shares += [np.isin(d.ids, (PlacePart.MARK, PlacePart.LAMP)).mean() for d in drawings]
    assert np.median(shares) > 0.08 and min(shares) > 0.02


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_stands_where_people_and_cameras_do(kind, seed):
    points = np.concatenate([mesh.points for mesh in make_place(kind, seed).meshes])
    tall = points[points[:, 2] > 0.25]
    assert np.hypot(*tall[:, :2].T).min() > 0.9
    before = tall[(tall[:, 1] < -1) & (tall[:, 2] < 2)]  # where cameras are
    assert np.abs(before[:, 0]).min(initial=9) > 2.3


def test_an_unknown_kind_is_named():
    with pytest.raises(LookupError, match="No kind of place 'moon'. Known: beach"):
        make_place("moon", 0)
