"""Chooses places, hours, weathers and cameras to learn light from; draws them with the rasterizer.

Nothing may hang on one renderer's taste: sun, sky, air and exposure of a setting are scattered, in
a share of the shots so widely that only the order of the hours is left (a day is brighter than an
evening, an evening bluer than a day). A place kind is either trained on or held out, never both.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from cast.light import Setting, make_setting
from cast.places import INDOORS, OUTDOORS, Place, make_place
from cast.rasterizer import Camera, Mesh, rasterize
from cast.sky import paint_sky
from cast.weather import dress_place

HELD_OUT = ("harbor", "garden", "mountains", "field", "café", "bedroom", "shop")
SIZE_PX = 192
SHOTS_PER_PLACE = 2  # building a place costs as much as an image
INDOOR_SHARE = 0.4
SNOW_LIES = 0.6  # share of snowy shots in which it lies already
OUTDOORS_OFTEN = {  # how often an hour and a weather are drawn: all weathers and hours are common
    ("day", "clear"): 3, ("day", "overcast"): 3, ("day", "fog"): 2, ("day", "rain"): 2,
    ("day", "snow"): 2, ("sunset", "clear"): 5, ("evening", "clear"): 3, ("evening", "fog"): 1,
    ("evening", "rain"): 1, ("evening", "snow"): 1, ("night", "clear"): 3, ("night", "fog"): 1,
    ("night", "rain"): 1, ("night", "snow"): 1,
}  # fmt: skip
ROOMS_OFTEN = {("day", "unknown"): 1, ("evening", "unknown"): 1, ("night", "unknown"): 1}
OPEN_SKY = 0.4  # share of rain and snow after dusk that falls from a sky as colored as a clear one


@dataclass(frozen=True)
class Scene:
    """A place under a light, before a camera; the truth of a shot."""

    shot: str
    place: Place
    meshes: tuple[Mesh, ...]
    setting: Setting
    camera: Camera

    @property
    def truth(self) -> dict[str, str]:
        return {
            "kind": self.place.kind,
            "time_of_day": self.setting.time_of_day,
            "weather": self.setting.weather,
            "indoor": "indoor" if self.place.indoor else "outdoor",
        }


def list_kinds(held_out: bool) -> tuple[list[str], list[str]]:
    """Kinds outdoors and indoors, trained or held out."""
    return tuple([kind for kind in kinds if (kind in HELD_OUT) == held_out]
                 for kinds in (OUTDOORS, INDOORS))  # fmt: skip


def choose_scenes(shots: int, seed: int, held_out: bool) -> Iterator[Scene]:
    """Scenes by seed: a new place every few shots, each under another light."""
    kinds = list_kinds(held_out)
    for n in range(shots):
        rng = np.random.default_rng([seed, n])
        if n % SHOTS_PER_PLACE == 0:
            indoor = rng.random() < INDOOR_SHARE
            place = make_place(str(rng.choice(kinds[int(indoor)])), seed * 100_000 + n)
        setting = scatter_setting(choose_setting(place, rng), rng)
        lies = setting.weather != "snow" or rng.random() < SNOW_LIES
        dressed = setting if lies else replace(setting, weather="overcast")
        meshes = tuple(dress_place(place, dressed, rng))
        yield Scene(f"{seed}-{n:05d}", place, meshes, setting, aim_camera(place, rng))


def choose_setting(place: Place, rng: np.random.Generator) -> Setting:
    """An hour and a weather; films rarely gray a night because it rains."""
    often = ROOMS_OFTEN if place.indoor else OUTDOORS_OFTEN
    shares = np.array(list(often.values()), float)
    hour, weather = list(often)[rng.choice(len(often), p=shares / shares.sum())]
    if weather in ("rain", "snow") and hour != "day" and rng.random() < OPEN_SKY:
        return replace(make_setting(place, hour, "clear", rng), weather=weather)
    return make_setting(place, hour, weather, rng)


def aim_camera(place: Place, rng: np.random.Generator) -> Camera:
    """From a close-up to a long shot, from a child's to a crane's height, looking up or down."""
    away, turn = rng.uniform(2.0, 6.5), rng.uniform(-0.8, 0.8)
    if place.indoor:  # no farther than the open front of a room
        away, turn = rng.uniform(1.8, 4.8), rng.uniform(-0.6, 0.6)
    high = rng.uniform(0.8, 2.1 if place.indoor else 2.6)
    eye = np.array([away * np.sin(turn), -away * np.cos(turn), high])
    target = np.array([rng.normal(0, 0.8), rng.uniform(0, 2.5), rng.uniform(0.8, 2.0)])
    return Camera(eye, target, float(rng.uniform(32, 75)))


def scatter(color: tuple, rng: np.random.Generator, strength: float, hue: float) -> tuple:
    """A color, brighter or darker and of another hue, by natural logarithms of 1 sigma."""
    factor = np.exp(rng.normal(0, strength) + rng.normal(0, hue, 3))
    return tuple(float(c) for c in np.asarray(color) * factor)


def scatter_setting(setting: Setting, rng: np.random.Generator) -> Setting:
    """The same hour and weather as another film would light them."""
    wide = rng.random() < 0.5
    amount = (0.22, 0.10) if wide else (0.1, 0.04)
    half = (amount[0] / 2, amount[1])
    light, sky = setting.light, setting.sky
    air = np.exp(rng.normal(0, 0.4 if setting.weather == "fog" else 0.8))
    light = replace(
        light,
        color=scatter(light.color, rng, *amount),
        ground=scatter(light.ground, rng, *amount),
        sky=scatter(light.sky, rng, *amount),
        fog=scatter(light.fog, rng, *half),
        fog_per_m=light.fog_per_m * air,
        shadow=light.shadow * rng.uniform(0.6, 1),
        wet=light.wet * rng.choice([0.0, 0.5, 1.0]),
    )
    pale = rng.uniform(0, 0.5 if wide else 0.15)  # how much of the horizon's haze the zenith takes
    zenith = np.asarray(sky.zenith) * (1 - pale) + np.asarray(sky.horizon) * pale
    sky = replace(
        sky,
        zenith=scatter(tuple(zenith), rng, *amount),
        clouds=sky.clouds * rng.uniform(0, 1.5),
        horizon=scatter(sky.horizon, rng, *amount),
        stars=sky.stars * rng.choice([0.0, 0.5, 1.0]),
    )
    exposure = setting.exposure * float(np.exp(rng.normal(0, 0.1)))
    if setting.time_of_day == "night" and rng.random() < 0.5:
        light = replace(light, lamps=())
    return replace(setting, light=light, sky=sky, exposure=exposure)


def draw_scene(scene: Scene, size_px: int = SIZE_PX) -> np.ndarray:
    """The developed-to-be image, (S, S, 3) float32 linear light, exposed."""
    background = paint_sky(scene.setting.sky, scene.camera, size_px)
    drawing = rasterize(scene.meshes, scene.camera, scene.setting.light, size_px, 1, background)
    return drawing.image * np.float32(scene.setting.exposure)
