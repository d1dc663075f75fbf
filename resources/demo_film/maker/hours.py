"""What shines at every time of day and in every weather: numbers only."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Light:
    """Sun strength, color and place (height, azimuth in degrees); sky colors and strength."""

    sun: float
    color: tuple[float, float, float]
    height: float
    azimuth: float
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    sky: float


LIGHTS = {
    "day": Light(3.1, (1, 0.92, 0.80), 46, -35, (0.22, 0.42, 0.82), (0.66, 0.78, 0.90), 0.62),
    "overcast": Light(0.6, (0.95, 0.97, 1), 65, 20, (0.58, 0.60, 0.63), (0.67, 0.69, 0.71), 1.0),
    "sunset": Light(3.0, (1, 0.46, 0.16), 16, -50, (0.22, 0.22, 0.50), (0.98, 0.46, 0.20), 0.50),
    "evening": Light(0.7, (0.75, 0.62, 0.9), 22, -40, (0.10, 0.13, 0.32), (0.36, 0.26, 0.36), 0.75),
    "night": Light(
        0.70, (0.45, 0.60, 1.0), 45, -30, (0.014, 0.026, 0.08), (0.05, 0.075, 0.17), 1.2
    ),
    "indoor day": Light(1.3, (1, 0.96, 0.88), 52, -25, (0.75, 0.80, 0.85), (0.80,) * 3, 0.62),
    "indoor evening": Light(
        0.15, (0.6, 0.7, 1), 50, 30, (0.30, 0.22, 0.18), (0.30, 0.22, 0.18), 0.7
    ),
}


def pick_light(shot: dict) -> Light:
    if shot["indoor"]:
        return LIGHTS["indoor " + shot["time_of_day"]]
    gray = shot["weather"] != "clear" and shot["time_of_day"] == "day"
    return LIGHTS["overcast" if gray else shot["time_of_day"]]


def sun_ray(light: Light) -> tuple[float, float, float]:
    """Unit direction the sunlight travels in."""
    up, around = math.radians(light.height), math.radians(light.azimuth)
    return -math.sin(around) * math.cos(up), math.cos(around) * math.cos(up), -math.sin(up)
