from pathlib import Path

import numpy as np
import pytest
import yaml
from cast import light, weather
from cast.places import INDOORS, OUTDOORS, make_place
from cast.rasterizer import Camera, rasterize
from cast.sky import paint_sky
from cast.solids import PlacePart

from workflow_scripts.film.light.measures import measure_image

CAMERA = Camera(np.array([0.5, -5.0, 1.5]), np.array([0.0, 0.0, 1.6]), 42)
PLACES = ["park", "street", "field", "village"]
VOCABULARY = yaml.safe_load(
    (Path(__file__).parents[2] / "resources/vocabularies/captions.yaml").read_text(encoding="utf-8")
)["words"]


def draw(kind: str, hour: str, sky: str, seed: int) -> tuple[np.ndarray, light.Setting]:
    place, rng = make_place(kind, seed), np.random.default_rng(seed)
    setting = light.make_setting(place, hour, sky, rng)
    meshes = weather.dress_place(place, setting, rng)
    background = None if place.indoor else paint_sky(setting.sky, CAMERA, 72)
    drawing = rasterize(meshes, CAMERA, setting.light, 72, background=background)
    return weather.add_falling(light.develop(drawing.image, setting.exposure), sky, rng), setting


def measure(kind: str, hour: str, sky: str, seed: int) -> dict[str, float]:
    image = draw(kind, hour, sky, seed)[0]
    return measure_image(image, np.zeros(image.shape[:2], bool))


def test_hours_and_weathers_are_those_of_the_workflow():
    assert set(light.OUTDOOR) == set(VOCABULARY["time_of_day"])
    assert {sky for _, skies in light.OUTDOOR.values() for sky in skies} == set(
        VOCABULARY["weather"]
    )
    assert set(light.INDOOR_HOURS) <= set(VOCABULARY["time_of_day"])


@pytest.mark.parametrize("kind", PLACES)
@pytest.mark.parametrize("seed", [1, 2])
def test_an_image_shows_its_hour(kind, seed):
    day, sunset, evening, night = (
        measure(kind, hour, "clear", seed) for hour in ("day", "sunset", "evening", "night")
    )
    assert sunset["warm"] > day["warm"] + 0.7
    assert evening["warm"] < day["warm"] - 0.15
    assert day["middle"] > evening["middle"] + 0.12
    assert evening["middle"] > night["middle"] + 0.05


@pytest.mark.parametrize("sky", ["fog", "rain", "snow"])
def test_the_evening_is_brighter_than_the_night_in_every_weather(sky):
    evenings = [measure("park", "evening", sky, seed)["middle"] for seed in range(4)]
    nights = [measure("park", "night", sky, seed)["middle"] for seed in range(4)]
    assert min(evenings) > max(nights) + 0.05


@pytest.mark.parametrize("kind", PLACES)
def test_an_image_shows_its_weather(kind):
    clear, overcast, fog, rain, snow = (
        measure(kind, "day", sky, 3) for sky in ("clear", "overcast", "fog", "rain", "snow")
    )
    assert fog["bright"] - fog["dark"] < 0.75 * (clear["bright"] - clear["dark"])
    assert fog["dark_channel"] > clear["dark_channel"]
    assert overcast["middle"] < clear["middle"]
    assert rain["bright"] < overcast["bright"] - 0.01 and rain["color"] < overcast["color"]
    assert snow["color"] < 0.7 * overcast["color"]


def test_indoors_lamps_are_warm_and_moonlight_is_not():
    day, evening, night = (
        measure("living room", hour, "unknown", 1) for hour in ("day", "evening", "night")
    )
    assert evening["warm"] > day["warm"] + 0.4 > night["warm"] + 0.4
    assert day["middle"] > evening["middle"] > night["middle"] + 0.1


def test_a_sun_that_is_hidden_throws_no_hard_shadow():
    place, rng = make_place("park", 0), np.random.default_rng(0)
    clear, overcast = (light.make_setting(place, "day", sky, rng) for sky in ("clear", "overcast"))
    assert clear.light.shadow > 0.7 > overcast.light.shadow
    assert sum(overcast.light.color) < 0.2 * sum(clear.light.color)


@pytest.mark.parametrize(
    ("kind", "hour", "sky"),
    [("park", "sunset", "rain"), ("park", "noon", "clear"), ("park", "day", "unknown"),
     ("kitchen", "sunset", "unknown"), ("kitchen", "day", "rain")],
)  # fmt: skip
def test_what_could_not_be_told_from_an_image_is_refused(kind, hour, sky):
    with pytest.raises(LookupError, match=f"'{hour}' with '{sky}'"):
        light.make_setting(make_place(kind, 0), hour, sky, np.random.default_rng(0))


@pytest.mark.parametrize("kind", [*OUTDOORS, *INDOORS])
def test_every_hour_that_is_chosen_can_be_made(kind):
    place, rng = make_place(kind, 0), np.random.default_rng(0)
    chosen = {light.choose_hour(place, rng) for _ in range(300)}
    settings = [light.make_setting(place, *pair, rng) for pair in sorted(chosen)]
    assert {(s.time_of_day, s.weather) for s in settings} == chosen
    assert len(chosen) >= (3 if place.indoor else 5)
    assert not {sky for _, sky in chosen} & set(light.ODD.get(kind, ()))


def test_panes_and_lamps_shine_only_at_their_hours():
    place, rng = make_place("street", 0), np.random.default_rng(0)
    glows = {}
    for hour in ("day", "night"):
        meshes = weather.dress_place(place, light.make_setting(place, hour, "clear", rng), rng)
        parts = np.concatenate([mesh.parts for mesh in meshes])
        glow = np.concatenate([mesh.glow for mesh in meshes])
        glows[hour] = (glow[parts == PlacePart.LAMP].max(), glow[parts == PlacePart.WINDOW].max())
    assert glows["day"][0] == 0 < glows["night"][0]
    assert glows["day"][1] < glows["night"][1]


def test_snow_lies_on_what_looks_up_and_not_on_walls():
    place, rng = make_place("street", 0), np.random.default_rng(0)
    setting = light.make_setting(place, "day", "snow", rng)
    plain = [weather.light_up(mesh, setting, np.random.default_rng(1)) for mesh in place.meshes]
    snowy = weather.dress_place(place, setting, np.random.default_rng(1))
    ground = np.concatenate([m.colors[m.quads[m.parts == PlacePart.GROUND]] for m in snowy])
    assert np.median(ground) > 0.6
    unchanged = [
        np.isclose(a.colors, b.colors).all(1).mean() for a, b in zip(plain, snowy, strict=True)
    ]
    assert min(unchanged) > 0.2


def test_rain_streaks_are_high_and_flakes_round():
    gray = np.full((128, 128, 3), 70, np.uint8)
    spans = {}
    for sky in ("rain", "snow"):
        image = weather.add_falling(gray, sky, np.random.default_rng(0)).astype(float)[..., 0]
        down, across = np.abs(np.diff(image, axis=0)).sum(), np.abs(np.diff(image, axis=1)).sum()
        assert image.max() > 85 and image.min() >= 69
        spans[sky] = across / down
    assert spans["rain"] > 2.5 > 1.4 > spans["snow"]
    assert weather.add_falling(gray, "clear", np.random.default_rng(0)) is gray


def test_developing_keeps_order_and_range():
    levels = np.linspace(0, 30, 200)[:, None, None] * np.ones(3)
    image = light.develop(levels, 1.2)
    assert image[0].max() == 0 and image[-1].min() == 255
    assert (np.diff(image[..., 0].astype(int), axis=0) >= 0).all()
