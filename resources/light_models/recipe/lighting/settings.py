"""What is drawn to learn light from: places, hours, weathers, cameras and people, by seed.

Numbers only, so that choosing needs no renderer. A place is a kind (its builder in `outdoors` or
`rooms`) and a seed; each place is drawn several times, under another light and camera.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from maker.hours import LIGHTS, Light
from maker.look import EXPOSURE

OUTDOORS = ("street", "market", "park", "woods", "field", "desert", "harbor", "mountains",
            "courtyard", "schoolyard", "rooftop")  # fmt: skip
INDOORS = ("kitchen", "classroom", "office", "shop", "corridor", "bedroom", "library", "hall")
INDOOR_SHARE = 0.38
HOURS_OUTDOORS = {  # how often: all hours and weathers are common, which they are not in films
    ("day", "clear"): 5, ("day", "overcast"): 4, ("day", "fog"): 3, ("day", "rain"): 3,
    ("day", "snow"): 3, ("sunset", "clear"): 5, ("sunset", "rain"): 0.5, ("sunset", "snow"): 0.5,
    ("sunset", "fog"): 0.7, ("evening", "clear"): 4, ("evening", "fog"): 0.8,
    ("evening", "rain"): 0.8, ("evening", "snow"): 0.8, ("night", "clear"): 4,
    ("night", "fog"): 0.8, ("night", "rain"): 0.8, ("night", "snow"): 0.8,
}  # fmt: skip
HOURS_INDOORS = {("day", "unknown"): 5, ("evening", "unknown"): 4, ("night", "unknown"): 1}
FRAMINGS = {  # height of the image at the people, metres: (from, to), and how often
    "detail": (0.24, 0.38, 1), "close-up": (0.40, 0.62, 4), "medium": (0.8, 1.2, 3),
    "full": (1.8, 2.5, 3), "wide": (2.8, 4.5, 2), "establishing": (5, 7, 1),
}  # fmt: skip
WIDE_SHARE = 0.4  # of the images have a light that is far from the maker's
FILM_MM = 36


@dataclass(frozen=True)
class Setting:
    """One image to draw, with its truth."""

    name: str
    kind: str
    place_seed: int
    indoor: bool
    time_of_day: str
    weather: str
    light: Light
    exposure: float
    lamps: bool
    lamp_near: bool  # a lantern beside the camera
    snow_lies: bool
    azimuth: float  # of the camera, degrees
    elevation: float
    height_m: float
    lens_mm: float
    target_z: float
    people: int
    seed: int

    @property
    def truth(self) -> dict[str, str]:
        indoor = "indoor" if self.indoor else "outdoor"
        return {"kind": self.kind, "place": f"{self.kind} {self.place_seed}", "indoor": indoor,
                "time_of_day": self.time_of_day, "weather": self.weather}  # fmt: skip


def pick(chances: dict, rng: np.random.Generator):
    shares = np.array(list(chances.values()), float)
    return list(chances)[rng.choice(len(chances), p=shares / shares.sum())]


def choose(
    seed: int, n: int, per_place: int, kinds: tuple[Sequence, Sequence] = (OUTDOORS, INDOORS)
) -> Setting:
    """The n-th image of a seed; `per_place` images that follow each other show one place.

    `kinds`: those outdoors and those indoors.
    """
    place = np.random.default_rng([seed, n // per_place, 1])
    indoor = bool(place.random() < INDOOR_SHARE)
    kind = str(place.choice(kinds[int(indoor)]))
    rng = np.random.default_rng([seed, n, 2])
    hour, weather = pick(HOURS_INDOORS if indoor else HOURS_OUTDOORS, rng)
    dark = hour in ("evening", "night")
    low, high, _ = FRAMINGS[pick({name: often for name, (_, _, often) in FRAMINGS.items()}, rng)]
    height, turn = rng.uniform(low, high), 32 if indoor else 75
    wide = rng.random() < WIDE_SHARE
    return Setting(
        f"{seed:02d}_{n:05d}", kind, int(place.integers(1 << 30)), indoor, hour, weather,
        scatter_light(pick_light(indoor, hour, weather), rng, wide, indoor),
        EXPOSURE[hour] * float(np.exp(rng.normal(0, 0.15 if wide else 0.06))),
        # in a room, lamps make the evening: a night with a lamp would look the same
        lamps=bool(dark and (rng.random() < 0.5 or indoor) and not (indoor and hour == "night")),
        lamp_near=bool(dark and not indoor and rng.random() < 0.35),
        snow_lies=bool(weather == "snow" and rng.random() < 0.8),
        azimuth=float(rng.uniform(-turn, turn)), elevation=float(rng.normal(4, 5)),
        height_m=float(height), lens_mm=float(rng.uniform(28, 70)),
        target_z=float(aim_height(height, rng)),
        people=int(rng.choice([1, 1, 2, 3]) if height < 4.6 else rng.choice([0, 0, 1, 2])),
        seed=int(rng.integers(1 << 30)),
    )  # fmt: skip


def aim_height(height: float, rng: np.random.Generator) -> float:
    """How high the middle of the image is: faces in close-ups, bodies in wide shots."""
    return max(1.55 - 0.33 * height, 0.8) + rng.normal(0, 0.05 * height)


def pick_light(indoor: bool, hour: str, weather: str) -> Light:
    if indoor and hour == "night":
        dark = (0.020, 0.030, 0.065)
        return Light(0.25, (0.5, 0.65, 1.0), 45, -30, dark, dark, 1.0)
    if indoor:
        return LIGHTS[f"indoor {hour}"]
    return LIGHTS["overcast" if hour == "day" and weather != "clear" else hour]


def scatter(color: tuple, rng: np.random.Generator, strength: float, hue: float) -> tuple:
    """A color, brighter or darker and of another hue, by natural logarithms of 1 sigma."""
    factor = np.exp(rng.normal(0, strength) + rng.normal(0, hue, 3))
    return tuple(float(channel) for channel in np.asarray(color) * factor)


def scatter_light(light: Light, rng: np.random.Generator, wide: bool, indoor: bool) -> Light:
    """The same hour as another film would light it."""
    strength, hue = (0.35, 0.10) if wide else (0.10, 0.03)
    pale = rng.uniform(0, 0.5 if wide else 0.1)  # how much of the horizon the zenith takes
    zenith = np.asarray(light.zenith) * (1 - pale) + np.asarray(light.horizon) * pale
    color = np.asarray(scatter(light.color, rng, 0, hue))
    turn = 25 if indoor else 80 if wide else 40
    return Light(
        light.sun * float(np.exp(rng.normal(0, strength))),
        tuple(float(channel) for channel in color / color.max()),
        float(np.clip(light.height + rng.normal(0, 4 + 0.15 * light.height), 7, 85)),
        light.azimuth + float(rng.uniform(-turn, turn)),
        scatter(tuple(zenith), rng, strength / 2, hue),
        scatter(light.horizon, rng, strength / 2, hue),
        light.sky * float(np.exp(rng.normal(0, strength))),
    )
