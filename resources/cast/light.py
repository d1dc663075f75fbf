"""Hours and weathers, by the words of the workflow: what they do to sun, sky, lamps and air.

Between neighbors (day, sunset, evening, night; clear, overcast, fog) the values leave gaps, so that
an image shows which it is. Indoors is no weather and no sunset: warm lamps are the evening.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from cast.chances import draw
from cast.places import Place
from cast.rasterizer import Light
from cast.sky import Sky

OUTDOOR = {  # how often an hour is drawn, and which weathers can be told then
    "day": (0.43, ("clear", "overcast", "fog", "rain", "snow")),
    "sunset": (0.21, ("clear",)),
    "evening": (0.18, ("clear", "fog", "rain", "snow")),
    "night": (0.18, ("clear", "fog", "rain", "snow")),
}
CLEAR_SHARE = 2.0  # clear weather, to one of each other: most films are fair
ODD = {"snowfield": ("rain",), "desert": ("rain", "snow", "fog"), "beach": ("snow",)}
INDOOR_HOURS = {"day": 0.5, "evening": 0.3, "night": 0.2}
CLOUDED_NIGHT = 0.55  # no moon: else it would pass for an evening
MAX_LAMPS = 3  # the nearest; each costs every pixel


@dataclass(frozen=True)
class Setting:
    """The hour and weather of an image, and all that follows from them."""

    time_of_day: str  # day | sunset | evening | night
    weather: str  # clear | overcast | fog | rain | snow | unknown (indoors)
    light: Light
    sky: Sky
    exposure: float
    window: tuple  # what panes show
    window_glow: float
    lit_windows: float  # share of the panes behind which a lamp burns
    lamps_lit: bool


def choose_hour(place: Place, rng: np.random.Generator) -> tuple[str, str]:
    """Time of day and weather that can be told at a place."""
    if place.indoor:
        return draw(INDOOR_HOURS, rng), "unknown"
    hour = draw({name: share for name, (share, _) in OUTDOOR.items()}, rng)
    odd = ODD.get(place.kind, ())
    weathers = [weather for weather in OUTDOOR[hour][1] if weather not in odd]
    return hour, draw({w: CLEAR_SHARE if w == "clear" else 1.0 for w in weathers}, rng)


def scale(color: Sequence[float], by: float) -> tuple:
    return tuple(float(channel) * by for channel in color)


def aim_sun(low: float, high: float, sides: float, rng: np.random.Generator) -> tuple:
    """Unit direction to a sun that stands low..high degrees up, within `sides` of the camera."""
    rise, turn = np.radians(rng.uniform(low, high)), np.radians(rng.uniform(-sides, sides))
    flat = np.cos(rise)
    return (float(np.sin(turn) * flat), float(-np.cos(turn) * flat), float(np.sin(rise)))


def make_day(rng: np.random.Generator) -> Setting:
    strength = rng.uniform(0.85, 1.15)
    sun = aim_sun(28, 62, 115, rng)
    light = Light(
        sun, scale((1.75, 1.62, 1.42), strength), (0.52, 0.62, 0.80), (0.34, 0.30, 0.25),
        fog=(0.70, 0.82, 0.95), fog_per_m=0.004,
    )  # fmt: skip
    sky = Sky(
        (0.12, 0.34, 0.85), (0.66, 0.82, 1.05), sun, (3.0, 2.8, 2.4), halo=0.12,
        clouds=float(rng.choice([0.0, 0.25, 0.4])), cloud_color=(1.35, 1.36, 1.4),
    )  # fmt: skip
    return Setting("day", "clear", light, sky, 1.15, (0.30, 0.48, 0.72), 0.15, 0.0, False)


def make_sunset(rng: np.random.Generator) -> Setting:
    behind = rng.random() < 0.4  # the sun itself is in the image, people stand against it
    x, y, z = aim_sun(5, 13, 25 if behind else 100, rng)
    sun = (x, -y if behind else y, z)
    light = Light(
        sun, (2.3, 0.92, 0.30), (0.62, 0.36, 0.33), (0.34, 0.19, 0.12),
        fog=(1.15, 0.55, 0.25), fog_per_m=0.009, rim=0.9,
    )  # fmt: skip
    sky = Sky(
        (0.22, 0.17, 0.36), (1.45, 0.62, 0.22), sun, (3.2, 1.7, 0.7), 0.045, 0.5,
        clouds=float(rng.choice([0.0, 0.3, 0.45])), cloud_color=(1.2, 0.52, 0.36),
    )  # fmt: skip
    exposure = 1.25 * rng.uniform(0.9, 1.1)
    return Setting("sunset", "clear", light, sky, exposure, (1.0, 0.5, 0.2), 0.5, 0.1, False)


def make_evening(rng: np.random.Generator) -> Setting:
    """The blue hour: no sun, a pale band at the horizon, the first lamps."""
    strength = rng.uniform(0.85, 1.15)
    light = Light(
        aim_sun(25, 55, 110, rng), (0.10, 0.11, 0.17), scale((0.15, 0.21, 0.40), strength),
        scale((0.07, 0.09, 0.15), strength), fog=(0.20, 0.25, 0.42), fog_per_m=0.008, shadow=0.3,
    )  # fmt: skip
    sky = Sky(
        (0.035, 0.07, 0.22), (0.34, 0.30, 0.42), stars=0.12,
        clouds=float(rng.choice([0.0, 0.3])), cloud_color=(0.13, 0.14, 0.25),
    )  # fmt: skip
    return Setting("evening", "clear", light, sky, 1.35, (0.10, 0.14, 0.28), 0.3, 0.5, True)


def make_night(rng: np.random.Generator) -> Setting:
    moon = aim_sun(25, 50, 110, rng)
    behind = rng.random() < 0.4
    hung = (moon[0] * 0.4, 0.85, 0.25) if behind else moon  # the moon shows, its light is the same
    strength = rng.uniform(0.85, 1.15)
    light = Light(
        moon, scale((0.125, 0.17, 0.30), strength), scale((0.034, 0.050, 0.105), strength),
        (0.018, 0.024, 0.044), fog=(0.012, 0.018, 0.045), fog_per_m=0.012, shadow=0.7, rim=0.8,
    )  # fmt: skip
    sky = Sky(
        (0.004, 0.007, 0.026), (0.018, 0.026, 0.065),
        tuple(np.array(hung) / np.linalg.norm(hung)), (0.9, 0.92, 0.85), 0.045, 0.03,
        clouds=float(rng.choice([0.0, 0.2])), cloud_color=(0.022, 0.028, 0.055), stars=0.8,
    )  # fmt: skip
    return Setting("night", "clear", light, sky, 1.75, (0.02, 0.03, 0.07), 0.3, 0.45, True)


HOURS = {"day": make_day, "sunset": make_sunset, "evening": make_evening, "night": make_night}


def cover_sky(setting: Setting, gray: float, sun_left: float) -> Setting:
    """Hide the sun behind clouds: light from everywhere, a gray sky as bright as it was."""
    light, sky = setting.light, setting.sky
    gray *= CLOUDED_NIGHT if setting.time_of_day == "night" else 1.0
    ambient = (np.array(light.sky) + 0.30 * np.array(light.color)) * gray
    ambient = 0.35 * ambient + 0.65 * ambient.mean() * np.array([0.97, 1.0, 1.05])
    light = replace(
        light, color=scale(light.color, sun_left), sky=tuple(ambient),
        ground=tuple(0.5 * ambient), shadow=0.3, fog=tuple(0.95 * ambient), rim=0.15,
    )  # fmt: skip
    sky = replace(
        sky, zenith=tuple(0.8 * ambient), horizon=tuple(1.05 * ambient), sun_radius=0.0, halo=0.0,
        clouds=0.5, cloud_color=tuple(0.68 * ambient), stars=0.0,
    )  # fmt: skip
    window = tuple(0.7 * ambient)
    return replace(setting, light=light, sky=sky, window=window)


def make_overcast(setting: Setting, rng: np.random.Generator) -> Setting:
    return cover_sky(setting, rng.uniform(0.62, 0.75), 0.08)


def make_fog(setting: Setting, rng: np.random.Generator) -> Setting:
    setting = cover_sky(setting, 0.95, 0.03)
    color = tuple(0.98 * np.array(setting.light.sky))
    light = replace(setting.light, fog=color, fog_per_m=rng.uniform(0.075, 0.13), shadow=0.0)
    sky = replace(setting.sky, zenith=color, horizon=color, clouds=0.0)
    return replace(setting, light=light, sky=sky)


def make_rain(setting: Setting, rng: np.random.Generator) -> Setting:
    setting = cover_sky(setting, rng.uniform(0.5, 0.6), 0.03)
    light = replace(setting.light, wet=0.9, fog_per_m=0.012)
    return replace(setting, light=light)


def make_snow(setting: Setting, rng: np.random.Generator) -> Setting:
    setting = cover_sky(setting, rng.uniform(0.6, 0.7), 0.05)
    return replace(setting, light=replace(setting.light, fog_per_m=0.02))


WEATHERS = {"overcast": make_overcast, "fog": make_fog, "rain": make_rain, "snow": make_snow}


def make_room_day(rng: np.random.Generator) -> Setting:
    strength, side = rng.uniform(0.85, 1.15), rng.choice([-1, 1])
    light = Light(
        (side * 0.75, -0.55, 0.65), scale((0.95, 0.92, 0.84), strength), (0.46, 0.46, 0.46),
        (0.33, 0.31, 0.28), shadow=0.55, fog_per_m=0.0,
    )  # fmt: skip
    sky = Sky((0.6, 0.8, 1.1), (0.8, 0.9, 1.1))
    return Setting("day", "unknown", light, sky, 1.15, (0.75, 0.92, 1.0), 1.3, 0.0, False)


def make_room_evening(rng: np.random.Generator) -> Setting:
    """Lamps burn, the panes are dark blue."""
    strength = rng.uniform(0.85, 1.15)
    light = Light(
        (float(rng.uniform(-0.5, 0.5)), -0.5, 0.9), scale((0.62, 0.36, 0.14), strength),
        (0.26, 0.16, 0.075), (0.15, 0.085, 0.04), shadow=0.6, rim=0.2,
    )  # fmt: skip
    sky = Sky((0.01, 0.02, 0.06), (0.02, 0.03, 0.08))
    return Setting("evening", "unknown", light, sky, 1.35, (0.03, 0.05, 0.13), 0.6, 0.0, True)


def make_room_night(rng: np.random.Generator) -> Setting:
    """No lamp burns; the moon looks in."""
    strength, side = rng.uniform(0.85, 1.15), rng.choice([-1, 1])
    light = Light(
        (side * 0.8, -0.35, 0.6), scale((0.125, 0.17, 0.30), strength), (0.022, 0.031, 0.066),
        (0.013, 0.018, 0.036), shadow=0.7, rim=0.8,
    )  # fmt: skip
    sky = Sky((0.01, 0.02, 0.06), (0.02, 0.03, 0.08))
    return Setting("night", "unknown", light, sky, 1.75, (0.05, 0.09, 0.22), 0.9, 0.0, False)


ROOM_HOURS = {"day": make_room_day, "evening": make_room_evening, "night": make_room_night}


def make_setting(place: Place, time_of_day: str, weather: str, rng: np.random.Generator) -> Setting:
    """Light a place; LookupError where the hour or the weather is none that shows there."""
    allowed = ("unknown",) if place.indoor else OUTDOOR.get(time_of_day, (0, ()))[1]
    if time_of_day not in (ROOM_HOURS if place.indoor else OUTDOOR) or weather not in allowed:
        where = "indoors" if place.indoor else "outdoors"
        raise LookupError(f"No {time_of_day!r} with {weather!r} {where}.")
    setting = (ROOM_HOURS if place.indoor else HOURS)[time_of_day](rng)
    if weather in WEATHERS:
        setting = replace(WEATHERS[weather](setting, rng), weather=weather)
    # a style of its own that tells nothing of the hour: smooth or in steps, with a line or without
    steps, line = int(rng.choice([0, 0, 2, 3])), float(rng.choice([0.0, 0.0, 0.35, 0.7]))
    light = replace(setting.light, toon_steps=steps, outline=line)
    if setting.lamps_lit:
        light = replace(light, lamps=light_lamps(place))
    sky = replace(setting.sky, seed=int(rng.integers(1 << 16)))
    return replace(setting, light=light, sky=sky)


def light_lamps(place: Place) -> tuple:
    """The lamps of a place that are nearest to people, lit."""
    nearest = sorted(place.lamps, key=lambda at: float(np.hypot(at[0], at[1])))[:MAX_LAMPS]
    strength, reach = (0.6, 1.8) if place.indoor else (0.4, 1.3)
    return tuple((tuple(at), scale((1.0, 0.60, 0.26), strength), reach) for at in nearest)


def develop(image: np.ndarray, exposure: float) -> np.ndarray:
    """Linear light (H, W, 3) to RGB uint8, with a soft shoulder: bright lamps stay colored."""
    shown = (1 - np.exp(-exposure * np.maximum(image, 0))) ** (1 / 2.2)
    return (np.clip(shown, 0, 1) * 255 + 0.5).astype(np.uint8)
