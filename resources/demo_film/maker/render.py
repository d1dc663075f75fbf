"""Draws a film with Blender's Cycles: work/<play>/frames, masks (u0001.png), plates (shot_03.jpg).

Finished drawings are skipped, so a stopped run goes on where it was. Fades, titles, subtitles and
the watermark come later (overlays.py): here a drawing is only what the camera sees.
"""

import argparse
import math
import pathlib
import random
import time

import numpy as np
from PIL import Image

from maker import camera, hours, look, notation, scene, sets
from maker.masks import write_mask

SHUTTER = 0.55  # part of the way between two drawings that a fast pan smears


def share_out(shots: list[dict], part: int, parts: int) -> list[dict]:
    """This process's shots, so that all processes have about the same number of drawings."""
    load, mine = [0] * parts, []
    for shot in sorted(shots, key=lambda shot: -shot["drawings"]):
        lightest = load.index(min(load))
        load[lightest] += shot["drawings"] + 4  # building a set costs about four drawings
        if lightest == part:
            mine.append(shot)
    return sorted(mine, key=lambda shot: shot["id"])


def pan_speeds(cameras: list[camera.Camera]) -> list[float]:
    """Pixels each drawing is smeared by the turning camera."""
    before = [cameras[min(1, len(cameras) - 1)], *cameras[:-1]]
    angles = [
        math.acos(min(1, float(a.ahead @ b.ahead))) for a, b in zip(cameras, before, strict=True)
    ]
    return [SHUTTER * c.focal_px * angle for c, angle in zip(cameras, angles, strict=True)]


def feather(size: tuple[int, int], region: tuple[int, int, int, int], px: int = 24) -> np.ndarray:
    """Weight (h, w, 1) of a redrawn region: 1 inside, 0 at its edges but not at the frame's."""
    w, h = size
    x0, y0, x1, y1 = region
    x, y = np.arange(w), np.arange(h)
    left, right = x - x0 if x0 else x + px, x1 - 1 - x if x1 < w else 0 * x + px
    top, low = y - y0 if y0 else y + px, y1 - 1 - y if y1 < h else 0 * y + px
    edge = np.minimum(np.minimum(left, right)[None], np.minimum(top, low)[:, None])
    return np.clip(edge / px, 0, 1)[..., None].astype("f4")


def redraw(blender, plate: dict, shot: dict, people, cam, k: int, tmp: pathlib.Path) -> dict:
    """The layers of one drawing. A still camera only redraws where people and their shadows are."""
    whole = shot["camera"]["move"] != "static" or sets.is_lit(shot)  # lamps throw shadows anywhere
    sun = hours.sun_ray(hours.pick_light(shot))
    region = camera.changed_region(people, cam, notation.moment(shot, k), k, sun)
    if region is None and not whole:
        return plate
    scene.set_region(blender, None if whole else region)
    layers = scene.shoot(blender, cam, tmp)
    scene.set_region(blender, None)
    if whole:
        return layers
    weight = feather(cam.size, region)
    rgb = weight * layers["rgb"] + (1 - weight) * plate["rgb"]
    depth = np.where(weight[..., 0] > 0, layers["depth"], plate["depth"])
    return {"rgb": rgb, "depth": depth, "index": layers["index"]}


def draw_shot(blender, film: dict, shot: dict, cache, work, tmp, first_only: bool) -> int:
    """Plate and drawings of one shot; the number of drawings made."""
    scene.clear()
    place_seed = film["seed"] * 1000 + sum(
        map(ord, shot["location"])
    )  # a place looks the same twice
    fog = sets.build(shot, random.Random(place_seed))
    people = camera.read_people(shot, cache)
    cameras = camera.cameras_of(shot, people, film["size"])
    speeds, names, made = pan_speeds(cameras), list(film["characters"]), 0
    scene.set_bounces(blender, shot["indoor"])
    plate = scene.shoot(blender, cameras[0], tmp)
    path = work / "plates" / f"shot_{shot['id']:02d}.jpg"
    Image.fromarray(look.develop(plate, shot, None, speeds[0], fog)).save(path, quality=90)
    things = [scene.add_character(blender, p, names.index(p["who"]["name"]) + 1) for p in people]
    for k in range(1 if first_only else shot["drawings"]):
        frame = work / "frames" / f"{notation.render_id(shot, k)}.png"
        if frame.exists():
            continue
        for person, thing in zip(people, things, strict=True):
            scene.move_character(thing, person, k, notation.moment(shot, k))
        layers = redraw(blender, plate, shot, people, cameras[k], k, tmp)
        write_mask(layers["index"], work / "masks" / frame.name)
        Image.fromarray(look.develop(layers, shot, k, speeds[k], fog)).save(frame)
        made += 1
    return made


def is_drawn(shot: dict, work: pathlib.Path) -> bool:
    frames = [f"{notation.render_id(shot, k)}.png" for k in range(shot["drawings"])]
    return all((work / "frames" / frame).exists() for frame in frames)


def main(play, cache, work, part, shots, first_only, threads, samples) -> None:
    film = notation.build(play)
    cache, work = cache / play, work / play
    for folder in ("frames", "masks", "plates"):
        (work / folder).mkdir(parents=True, exist_ok=True)
    todo = [
        s for s in notation.to_draw(film) if not s.get("title") and (not shots or s["id"] in shots)
    ]
    blender, started = scene.start(film["size"], threads, samples), time.time()
    for shot in share_out(todo, *part):
        if is_drawn(shot, work):
            continue
        begun = time.time()
        tmp = work / f"tmp_{part[0]}.exr"
        made = draw_shot(blender, film, shot, cache, work, tmp, first_only)
        now = time.time()
        print(f"shot {shot['id']:02d}: {made} drawings, {now - begun:.0f} s", end=" ")
        print(f"({now - started:.0f} s in all)", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("play", help="screenplay module: screenplay or reference")
    parser.add_argument("--cache", type=pathlib.Path, default="cache")
    parser.add_argument("--work", type=pathlib.Path, default="work")
    halves = {"default": (0, 1), "type": lambda text: tuple(map(int, text.split("/")))}
    parser.add_argument("--part", help="0/2 and 1/2: two processes share the work", **halves)
    parser.add_argument("--shots", type=lambda text: set(map(int, text.split(","))), default=())
    parser.add_argument("--first-only", action="store_true", help="one image a shot, to look at")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--samples", type=int, default=4, help="light paths a pixel")
    main(**vars(parser.parse_args()))
