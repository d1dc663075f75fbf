"""What weather does to a place and before the camera: snow that lies, rain and flakes that fall."""

from dataclasses import replace

import cv2
import numpy as np

from cast.kernels import find_normals
from cast.light import Setting
from cast.places import Place
from cast.rasterizer import Mesh
from cast.solids import PlacePart, rgb

WARM_ROOM = np.array([1.0, 0.62, 0.26])
SNOW = rgb("#e9eef5")


def dress_place(place: Place, setting: Setting, rng: np.random.Generator) -> list[Mesh]:
    """The place's meshes as the hour and the weather show them."""
    meshes = [light_up(mesh, setting, rng) for mesh in place.meshes]
    return [cover_with_snow(mesh) for mesh in meshes] if setting.weather == "snow" else meshes


def light_up(mesh: Mesh, setting: Setting, rng: np.random.Generator) -> Mesh:
    """Panes show the sky or a lit room; lamps shine when lit."""
    panes = np.flatnonzero(mesh.parts == PlacePart.WINDOW)
    lamps = mesh.parts == PlacePart.LAMP
    if not len(panes) and not lamps.any():
        return mesh
    colors, glow = mesh.colors.copy(), np.array(mesh.glow)
    for quad in panes:
        is_lit = rng.random() < setting.lit_windows
        colors[mesh.quads[quad]] = WARM_ROOM if is_lit else setting.window
        glow[quad] = 0.9 if is_lit else setting.window_glow
    glow[lamps] = 1.6 if setting.lamps_lit else 0.0
    return replace(mesh, colors=colors, glow=glow)


def cover_with_snow(mesh: Mesh) -> Mesh:
    """White on all that looks upwards."""
    up = find_normals(mesh.points, mesh.quads)[:, 2]
    share = np.clip((np.abs(up) - 0.35) / 0.3, 0, 1)[:, None]
    shining = mesh.quads[np.isin(mesh.parts, (PlacePart.WINDOW, PlacePart.LAMP))]
    share[shining.ravel()] = 0
    return replace(mesh, colors=(mesh.colors * (1 - share) + SNOW * share).astype(np.float32))


def add_falling(image: np.ndarray, weather: str, rng: np.random.Generator) -> np.ndarray:
    """Lay rain or snowflakes over an image (S, S, 3) uint8; other weathers change nothing."""
    draw = {"rain": draw_rain, "snow": draw_flakes}.get(weather)
    if draw is None:
        return image
    size = len(image)
    cover = draw(2 * size, rng)
    cover = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA)[..., None]
    cover = cover.astype(np.float32) / 255
    # water and ice shine with the light that is there: dim at night
    bright = np.percentile(image, 90) * (0.9 if weather == "rain" else 1.05) + 45
    tint = np.clip(bright * np.array([0.95, 0.98, 1.03]), 0, 255)
    return (image * (1 - cover) + tint * cover + 0.5).astype(np.uint8)


def draw_rain(size: int, rng: np.random.Generator) -> np.ndarray:
    """Slanted streaks, how opaque (size, size) uint8."""
    cover, slant = np.zeros((size, size), np.uint8), rng.uniform(-0.22, 0.22)
    for x, y, near in rng.random((int(rng.integers(70, 120)), 3)):
        length = (0.05 + 0.08 * near) * size
        start = (int(x * size), int(y * size))
        end = (int(start[0] + slant * length), int(start[1] + length))
        cv2.line(cover, start, end, int(70 + 110 * near), max(1, size // 200), cv2.LINE_AA)
    return cover


def draw_flakes(size: int, rng: np.random.Generator) -> np.ndarray:
    """Round flakes, near ones larger, how opaque (size, size) uint8."""
    cover = np.zeros((size, size), np.uint8)
    for x, y, near in rng.random((int(rng.integers(90, 150)), 3)):
        radius = size * (0.004 + 0.009 * near**3)
        at = (int(x * size * 16), int(y * size * 16))
        cv2.circle(cover, at, int(radius * 16), int(170 + 85 * near), -1, cv2.LINE_AA, 4)
    return cover
