"""Draws the settings with Cycles, in the film maker's environment (Blender Python).

    PYTHONPATH=.:resources/demo_film <python with bpy> \
        -m resources.light_models.recipe.lighting.draw folder --seed 1 --images 1200

leaves folder/<name>.npz: linear light (H, W, 3) float16, depth in metres (H, W) float16, people
(H, W) bool, fog (3,), exposure, and the truth as JSON. Finished ones are skipped.
"""

import argparse
import json
import math
import pathlib
import random
import time

import bpy
import numpy as np
from maker import scene, sets
from maker.camera import Camera, sideways, stand_off
from maker.light import add_sky, add_sun
from maker.props import add_lamp, material, put

from resources.light_models.recipe.lighting.outdoors import PLACES
from resources.light_models.recipe.lighting.palettes import draw_color
from resources.light_models.recipe.lighting.rooms import build_room
from resources.light_models.recipe.lighting.settings import FILM_MM, Setting, choose

SIZE = (192, 108)  # pixels in which light is measured
SKINS = [(0.62, 0.36, 0.25), (0.30, 0.15, 0.08), (0.70, 0.45, 0.32), (0.45, 0.25, 0.15)]


def stand_in(rng: random.Random, x: float, y: float) -> None:
    """A person of simple solids; people are left out of the measures, their shadows are not."""
    tall = rng.uniform(0.8, 1.08)
    skin, top, bottom = material(rng.choice(SKINS), 0.5), draw_color(rng, 0.9), draw_color(rng, 0.7)
    hair = material(draw_color(rng, 0.8, (0.02, 0.5)), 0.5)
    parts = [
        put("ball", (x, y, 1.55 * tall), (0.19, 0.21, 0.25), skin, smooth=True),
        put("ball", (x, y + 0.02, 1.61 * tall), (0.22, 0.23, 0.2), hair, smooth=True),
        put("cyl", (x, y, 1.38 * tall), (0.1, 0.1, 0.2), skin),
        put(
            "ball", (x, y, 1.12 * tall), (0.42, 0.28, 0.62 * tall), material(top, 0.9), smooth=True
        ),
        put("cyl", (x, y, 0.46 * tall), (0.3, 0.22, 0.92 * tall), material(bottom, 0.9)),
    ]
    for side in (-1, 1):
        at = x + side * 0.25, y, 1.05 * tall
        parts.append(put("cyl", at, (0.09, 0.09, 0.6), material(top, 0.9), (0, side * -0.15, 0)))
    for part in parts:
        part.pass_index = 1


def build(setting: Setting) -> None:
    """Place, people and light of a setting."""
    rng, dark = random.Random(setting.place_seed), setting.time_of_day in ("evening", "night")
    if setting.indoor:
        build_room(setting.kind, rng, dark, setting.lamps)
    else:
        PLACES[setting.kind](rng, setting.lamps)
    own = random.Random(setting.seed)
    right = sideways(setting.azimuth)
    for n in range(setting.people):
        along = 0 if n == 0 else (-1) ** n * own.uniform(0.35, 0.5 + 0.3 * setting.height_m)
        at = right * (along + own.gauss(0, 0.1 * setting.height_m))
        stand_in(own, at[0], at[1] + own.uniform(-0.3, 0.5) * (n > 0))
    if setting.snow_lies:
        sets.cover_with_snow()
    if setting.lamp_near:
        warm = (1, own.uniform(0.5, 0.75), own.uniform(0.22, 0.45))
        add_lamp((own.uniform(-1.5, 1.5), -1.6, 2.2), own.uniform(30, 80), warm)
    add_sun(setting.light)
    add_sky(setting.light)
    sample_sky()


def sample_sky() -> None:
    """A small map of where the sky is bright: it is smooth, and the usual map costs a second."""
    world = bpy.context.scene.world.cycles
    world.sampling_method, world.sample_map_resolution = "MANUAL", 64


def aim(setting: Setting) -> Camera:
    target = np.array([0.0, 0.0, setting.target_z])
    distance = setting.height_m * setting.lens_mm / (FILM_MM * 9 / 16)
    if setting.indoor:  # the open front of a room is 6 metres deep
        distance = min(distance, 6.0)
    elevation = min(max(setting.elevation, -12), 25)
    loc = target + distance * stand_off(setting.azimuth, elevation)
    loc[2] = max(loc[2], 0.25)
    lens = distance * FILM_MM * 9 / 16 / setting.height_m
    return Camera(loc, target, lens, SIZE)


def draw(blender, setting: Setting, exr: pathlib.Path) -> dict[str, np.ndarray]:
    scene.clear()
    build(setting)
    scene.set_bounces(blender, setting.indoor)
    layers = scene.shoot(blender, aim(setting), exr)
    fog = setting.light.horizon if setting.weather == "fog" else (math.nan,) * 3
    return {
        "rgb": np.minimum(layers["rgb"], 6e4).astype(np.float16),
        "depth": np.minimum(layers["depth"], 1000).astype(np.float16),
        "people": layers["index"] > 0,
        "fog": np.array(fog, np.float32),
        "exposure": np.float32(setting.exposure),
        "truth": np.array(json.dumps(setting.truth | {"renderer": "cycles"})),
    }


def main(
    folder: pathlib.Path, seed: int, images: int, per_place: int, part: str, samples: int
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    index, parts = map(int, part.split("/"))
    blender, exr = scene.start(SIZE, 1, samples), folder / f"last_{index}.exr"
    started, made = time.process_time(), 0
    for n in range(index, images, parts):
        setting = choose(seed, n, per_place)
        path = folder / f"{setting.name}.npz"
        if path.exists():
            continue
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez_compressed(file, **draw(blender, setting, exr))
        partial.replace(path)
        made += 1
        if made % 20 == 0:
            print(f"{made} images, {time.process_time() - started:.0f} CPU-seconds", flush=True)
    exr.unlink(missing_ok=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--per-place", type=int, default=4)
    parser.add_argument("--part", default="0/1", help="0/2 and 1/2: two processes share the work")
    parser.add_argument("--samples", type=int, default=4, help="light paths a pixel")
    main(**vars(parser.parse_args()))
