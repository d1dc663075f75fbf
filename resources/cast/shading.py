"""The color of every pixel from what it sees (numba): sun with shadow, sky, lamps, fog."""

import math
from typing import NamedTuple

import numba as nb
import numpy as np

from cast.kernels import FAR_M, find_light, find_weights, step_light

WRAP_FLOOR = 0.25  # meters above the ground up to which feet darken it


class Surfaces(NamedTuple):
    """All meshes of an image as one, float32 and int32."""

    points: np.ndarray  # (n, 3) in camera space
    normals: np.ndarray  # (n, 3) in the world
    colors: np.ndarray  # (n, 3) linear
    quads: np.ndarray  # (m, 4)
    ids: np.ndarray  # (m,) uint16, person x 256 + part
    glow: np.ndarray  # (m,) share of the color that shines by itself


class View(NamedTuple):
    """A camera as the loops want it."""

    eye: np.ndarray  # (3,)
    axes: np.ndarray  # (3, 3) rows right, up, ahead
    focal: float  # pixels


class Lighting(NamedTuple):
    """A light as the loops want it, colors linear."""

    direction: np.ndarray  # (3,) towards the light
    color: np.ndarray
    sky: np.ndarray
    ground: np.ndarray
    fog: np.ndarray
    fog_per_m: float
    toon_steps: int
    wrap: float
    rim: float
    outline: float
    wet: float
    shadow: float  # strength
    bias_m: float
    lamps: np.ndarray  # (k, 7) place, color, reach
    contacts: np.ndarray  # (k, 3) x, y, radius of what stands on the ground


@nb.njit(cache=True, fastmath=True, inline="always")
def find_sun(x, y, z, n, is_person, light, shadow, sun):
    """Light of the sun on a point, 0 to 1, after wrap, shadow and steps."""
    facing = n[0] * light.direction[0] + n[1] * light.direction[1] + n[2] * light.direction[2]
    facing = max(0.0, (facing + light.wrap * is_person) / (1 + light.wrap * is_person))
    if facing > 0 and light.shadow > 0:
        # a look a little above the surface: else it would lie in its own shadow
        off = light.bias_m * (1.5 + is_person)
        lit = find_light(
            x + off * n[0], y + off * n[1], z + off * n[2],
            shadow, sun.axes, sun.eye, sun.focal, light.bias_m,
        )  # fmt: skip
        facing *= 1 - light.shadow * (1 - lit)
    return step_light(facing, light.toon_steps if is_person else 0)


@nb.njit(cache=True, fastmath=True, inline="always")
def find_contact(x, y, z, contacts):
    """Share of the sky's light that feet leave to the ground around them."""
    left = 1.0
    for k in range(len(contacts)):
        dx, dy = (x - contacts[k, 0]) / contacts[k, 2], (y - contacts[k, 1]) / contacts[k, 2]
        left *= 1 - 0.6 * math.exp(-(dx * dx + dy * dy)) * max(0.0, 1 - abs(z) / WRAP_FLOOR)
    return left


@nb.njit(cache=True, fastmath=True, inline="always")
def add_lamps(x, y, z, n, lamps, out):
    """Add the light of lamps to the three channels of `out`."""
    for k in range(len(lamps)):
        dx, dy, dz = lamps[k, 0] - x, lamps[k, 1] - y, lamps[k, 2] - z
        d2 = dx * dx + dy * dy + dz * dz + 1e-4
        facing = (n[0] * dx + n[1] * dy + n[2] * dz) / math.sqrt(d2)
        share = max(0.0, 0.3 + 0.7 * facing) / (1 + d2 / (lamps[k, 6] * lamps[k, 6]))
        for c in range(3):
            out[c] += share * lamps[k, 3 + c]


@nb.njit(cache=True, fastmath=True, inline="always")
def is_edge(ids, depth, y, x, size):
    """Whether a person's pixel borders on something behind it."""
    near = depth[y, x]
    for k in range(4):
        j, i = y + (k == 0) - (k == 1), x + (k == 2) - (k == 3)
        if 0 <= i < size and 0 <= j < size:
            gap = depth[j, i] - near
            if gap > 0.06 * near or (gap > 0 and ids[j, i] >> 8 != ids[y, x] >> 8):
                return True
    return False


@nb.njit(cache=True, fastmath=True, inline="always")
def mix(values, corners, weights, out):
    """Three channels at a sample from those of a triangle's corners."""
    for c in range(3):
        out[c] = (
            weights[0] * values[corners[0], c]
            + weights[1] * values[corners[1], c]
            + weights[2] * values[corners[2], c]
        )


@nb.njit(cache=True, fastmath=True, inline="always")
def face_viewer(n, ray):
    """Scale a normal to length 1, turn it to the viewer; how much it faces the viewer, 0 to 1."""
    length = math.sqrt(n[0] * n[0] + n[1] * n[1] + n[2] * n[2]) + 1e-9
    facing = -(n[0] * ray[0] + n[1] * ray[1] + n[2] * ray[2])
    scale = math.copysign(1 / length, facing)
    for c in range(3):
        n[c] *= scale
    reach = math.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + ray[2] * ray[2])
    return abs(facing) / (length * reach)


@nb.njit(cache=True, fastmath=True, inline="always")
def shade_sample(surfaces, view, light, shadow, sun, hit, is_person, near, u, v, work):
    """Color of one sample, in work[3]; the rows before hold normal, light and color on the way."""
    n, lit, color, out = work[0], work[1], work[2], work[3]
    quad = surfaces.quads[hit >> 1]
    corners = (quad[0], quad[1 + (hit & 1)], quad[2 + (hit & 1)])
    weights = find_weights(surfaces.points, corners[0], corners[1], corners[2], u, v)
    ray = (
        u * view.axes[0, 0] + v * view.axes[1, 0] + view.axes[2, 0],
        u * view.axes[0, 1] + v * view.axes[1, 1] + view.axes[2, 1],
        u * view.axes[0, 2] + v * view.axes[1, 2] + view.axes[2, 2],
    )
    x, y = view.eye[0] + near * ray[0], view.eye[1] + near * ray[1]
    z = view.eye[2] + near * ray[2]
    mix(surfaces.normals, corners, weights, n)
    mix(surfaces.colors, corners, weights, color)
    facing = face_viewer(n, ray)
    sunny = find_sun(x, y, z, n, is_person, light, shadow, sun)
    open_sky = 1.0 if is_person else find_contact(x, y, z, light.contacts)
    up, rim = 0.5 + 0.5 * n[2], light.rim * is_person * (1 - facing) ** 3
    for c in range(3):
        ambient = up * light.sky[c] + (1 - up) * light.ground[c]
        lit[c] = sunny * light.color[c] + ambient * open_sky + rim * light.sky[c]
    add_lamps(x, y, z, n, light.lamps, lit)
    wet = light.wet * (n[2] > 0.7) * (not is_person)
    mirror = wet * (0.03 + 0.3 * (1 - facing) ** 3)
    clear, glow = math.exp(-light.fog_per_m * near), surfaces.glow[hit >> 1]
    for c in range(3):
        value = color[c] * ((1 - 0.5 * wet) * lit[c] + glow) + mirror * light.sky[c]
        out[c] = clear * value + (1 - clear) * light.fog[c]


@nb.njit(cache=True, fastmath=True)
def shade(surfaces, view, light, hits, depth, shadow, sun, background, ids, image):
    """Write the mean color of every pixel's samples, `hits` (R, R), into `image` (S, S, 3).

    `shadow` is the depth that `sun` sees; `background` (S, S, 3) shows where nothing was hit. The
    samples of a pixel that show the same quad, or the same part of a person, share one color: edges
    are smooth, and most pixels are shaded once.
    """
    size, s = depth.shape[0], depth.shape[0] // image.shape[0]
    share, middle, work = 1.0 / (s * s), size / 2, np.zeros((4, 3))
    total = np.zeros(3)
    for y in range(image.shape[0]):
        for x in range(image.shape[0]):
            last_hit, last_id, empty = -2, 0, 0
            total[:] = 0
            for row in range(y * s, y * s + s):
                for column in range(x * s, x * s + s):
                    hit, its_id = hits[row, column], ids[row, column]
                    if hit < 0:
                        empty += 1
                        continue
                    is_person = its_id >> 8 > 0
                    if hit >> 1 != last_hit and not (is_person and its_id == last_id):
                        u = (column + 0.5 - middle) / view.focal
                        v = (middle - row - 0.5) / view.focal
                        near = depth[row, column]
                        shade_sample(
                            surfaces, view, light, shadow, sun, hit, is_person, near, u, v, work
                        )
                        last_hit, last_id = hit >> 1, its_id
                    line = 1.0
                    if light.outline > 0 and is_person and is_edge(ids, depth, row, column, size):
                        line = 1 - light.outline
                    for c in range(3):
                        total[c] += line * work[3, c]
            for c in range(3):
                image[y, x, c] = share * (total[c] + empty * background[y, x, c])


def paint(surfaces, view, light, hits, depth, shadow, sun, background, size_px):
    """Image (S, S, 3) float32 linear and ids (R, R) uint16 of what was hit."""
    ids = np.where(hits < 0, np.uint16(0), surfaces.ids[hits >> 1])
    image = np.zeros((size_px, size_px, 3), np.float32)
    shade(surfaces, view, light, hits, depth, shadow, sun, background, ids, image)
    depth[depth >= FAR_M] = np.inf
    return image, ids
