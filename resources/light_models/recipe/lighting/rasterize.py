"""Draws the settings with the cast's rasterizer: other places, other shading, the same light.

    PYTHONPATH=.:resources:resources/demo_film <python of resources/cast/README.md> \
        -m resources.light_models.recipe.lighting.rasterize folder --seed 2 --images 4000

leaves what `draw` leaves. The sun, sky and lamps are those of the setting, in the cast's places.
"""

import argparse
import json
import math
import pathlib
import time
from dataclasses import replace

import cv2
import numpy as np
from cast.light import Setting as CastSetting
from cast.light import light_lamps
from cast.places import INDOORS, OUTDOORS, Place, make_place
from cast.rasterizer import Camera, Light, rasterize
from cast.sky import Sky, paint_sky
from cast.weather import dress_place
from maker.camera import stand_off
from maker.hours import sun_ray

from resources.light_models.recipe.lighting.settings import FILM_MM, Setting, choose

SIDE_PX = 160
KINDS = tuple(OUTDOORS), tuple(INDOORS)
FULL_SKY = 0.85  # share of the sky that a thing in the open sees
BOUNCE = 0.3  # how much of the light the ground gives back


def light_place(setting: Setting, place: Place, rng: np.random.Generator) -> CastSetting:
    """Sun, sky and lamps of the setting, as the rasterizer wants them."""
    light, toward = setting.light, tuple(-c for c in sun_ray(setting.light))
    sun = np.array(light.color) * light.sun / math.pi
    zenith, horizon = (np.array(c) * light.sky for c in (light.zenith, light.horizon))
    sky = FULL_SKY * (0.6 * zenith + 0.4 * horizon)
    ground = BOUNCE * (sky + sun * max(toward[2], 0.2)) * rng.uniform(0.6, 1.2, 3)
    shine = Light(
        toward, tuple(sun), tuple(sky), tuple(ground), fog_per_m=0.0,
        shadow=0.35 if light.height > 60 else 0.85,
    )  # fmt: skip
    if setting.lamps:
        shine = replace(shine, lamps=light_lamps(place))
    air = Sky(tuple(zenith), tuple(horizon), stars=float(rng.choice([0, 0, 0.3])))
    dark = setting.time_of_day in ("evening", "night")
    pane = (0.03, 0.05, 0.12) if dark else (0.55, 0.78, 1.0)
    weather = setting.weather if setting.weather != "snow" or setting.snow_lies else "overcast"
    return CastSetting(
        setting.time_of_day, weather, shine, air, setting.exposure, pane, 0.2 if dark else 1.1,
        0.3 if setting.lamps else 0.0, setting.lamps,
    )  # fmt: skip


def aim(setting: Setting) -> Camera:
    """The setting's camera; indoors no farther away than the open front of a room."""
    distance = setting.height_m * setting.lens_mm / (FILM_MM * 9 / 16)
    distance = min(distance, 4.8 if setting.indoor else 12)
    target = np.array([0.0, 0.0, setting.target_z])
    eye = target + distance * stand_off(setting.azimuth, min(max(setting.elevation, -10), 25))
    eye[2] = max(eye[2], 0.3)
    wide = setting.height_m * 16 / 9
    return Camera(eye, target, math.degrees(2 * math.atan(wide / 2 / distance)))


def lay_people(image: np.ndarray, setting: Setting, light: Light) -> np.ndarray:
    """Paint people of two ellipses into `image` (H, W, 3), lit as a wall would be; their mask."""
    height, width = image.shape[:2]
    rng, people = np.random.default_rng(setting.seed), np.zeros((height, width), np.uint8)
    shine = np.array(light.sky) + 0.5 * np.array(light.color)
    px_per_m = height / setting.height_m
    for n in range(setting.people):
        body, x = np.zeros_like(people), width / 2 + (n > 0) * rng.normal(0, width / 4)
        up = height / 2 - (1.5 - setting.target_z) * px_per_m  # of a face
        face, chest = (int(x), int(up)), (int(x), int(up + 0.75 * px_per_m))
        cv2.ellipse(body, chest, (int(0.24 * px_per_m), int(0.62 * px_per_m)), 0, 0, 360, 1, -1)
        cv2.ellipse(body, face, (int(0.1 * px_per_m), int(0.13 * px_per_m)), 0, 0, 360, 2, -1)
        image[body == 1] = rng.uniform(0.03, 0.7, 3) * shine
        image[body == 2] = np.array([0.55, 0.33, 0.22]) * rng.uniform(0.5, 1.2) * shine
        people |= body
    return people > 0


def draw(setting: Setting, place: Place) -> dict[str, np.ndarray]:
    rng, camera = np.random.default_rng(setting.seed), aim(setting)
    lit = light_place(setting, place, rng)
    background = paint_sky(lit.sky, camera, SIDE_PX)
    drawing = rasterize(dress_place(place, lit, rng), camera, lit.light, SIDE_PX, 1, background)
    rows = slice((SIDE_PX - SIDE_PX * 9 // 16) // 2, (SIDE_PX + SIDE_PX * 9 // 16) // 2)
    image, depth = drawing.image[rows].copy(), np.minimum(drawing.depth[rows], 1000)
    people = lay_people(image, setting, lit.light)
    depth[people] = np.linalg.norm(camera.eye - camera.target)
    fog = setting.light.horizon if setting.weather == "fog" else (math.nan,) * 3
    return {
        "rgb": np.minimum(image, 6e4).astype(np.float16),
        "depth": depth.astype(np.float16),
        "people": people,
        "fog": np.array(fog, np.float32),
        "exposure": np.float32(setting.exposure),
        "truth": np.array(json.dumps(setting.truth | {"renderer": "rasterizer"})),
    }


def main(folder: pathlib.Path, seed: int, images: int, per_place: int, part: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    index, parts = map(int, part.split("/"))
    started, built, place = time.process_time(), None, None
    for n in range(index * images // parts, (index + 1) * images // parts):
        setting = choose(seed, n, per_place, KINDS)
        path = folder / f"{setting.name}.npz"
        if path.exists():
            continue
        if built != (setting.kind, setting.place_seed):
            built = setting.kind, setting.place_seed
            place = make_place(*built)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, **draw(setting, place))
        partial.replace(path)
        if n % 100 == 99:
            print(f"{n + 1}: {time.process_time() - started:.0f} CPU-seconds", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--per-place", type=int, default=3)
    parser.add_argument("--part", default="0/1", help="0/2 and 1/2: two processes share the work")
    main(**vars(parser.parse_args()))
