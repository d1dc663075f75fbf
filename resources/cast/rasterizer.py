"""Draws meshes: a z-buffer with shadow map, toon steps, outline, fog and an exact id buffer.

The world is in meters, z up, the ground at z = 0; people look along -y. Images are square. Colors
are linear (not sRGB); `light.develop` makes the 8-bit image.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cast.kernels import FAR_M, find_normals, find_visible
from cast.shading import Lighting, Surfaces, View, paint

SHADOW_PX = 192
SUN_M = 60.0  # how far away the camera of the shadow map stands
UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Mesh:
    """A surface. Vertices that quads share are shaded smooth; a triangle repeats its last corner.

    `parts` say what a quad is, 0 to 255; `person` is 0 for places, else 1 to 255.
    """

    points: np.ndarray  # (n, 3) meters
    quads: np.ndarray  # (m, 4) of vertices
    colors: np.ndarray  # (n, 3) linear RGB, 0 to 1
    parts: np.ndarray  # (m,) uint8
    person: int = 0
    glow: float | np.ndarray = 0.0  # how bright the color shines by itself; (m,) or one for all
    casts: bool = True  # whether it throws a shadow


@dataclass(frozen=True)
class Camera:
    """A pinhole camera at `eye` that looks at `target`, both (3,) meters; square field of view."""

    eye: np.ndarray
    target: np.ndarray
    fov_degrees: float

    @cached_property
    def axes(self) -> np.ndarray:
        """Rows right, up, ahead (3, 3) in the world."""
        ahead = np.asarray(self.target, float) - self.eye
        ahead /= np.linalg.norm(ahead)
        # seen from straight above, "up" of the image is the world's y
        side = np.cross(ahead, UP if abs(ahead[2]) < 0.999 else np.array([0.0, 1.0, 0.0]))
        right = side / np.linalg.norm(side)
        return np.stack([right, np.cross(right, ahead), ahead])

    def focal(self, size_px: int) -> float:
        return size_px / 2 / math.tan(math.radians(self.fov_degrees) / 2)

    def project(self, points: np.ndarray, size_px: int) -> np.ndarray:
        """Pixels from the top left and depth in meters, (n, 3), of points (n, 3).

        Pixels of points with a depth of 0 or less mean nothing.
        """
        inside = (np.asarray(points, float) - self.eye) @ self.axes.T
        scale = self.focal(size_px) / np.maximum(inside[:, 2], 1e-6)
        x, y = size_px / 2 + scale * inside[:, 0], size_px / 2 - scale * inside[:, 1]
        return np.stack([x, y, inside[:, 2]], 1)


@dataclass(frozen=True)
class Light:
    """What shines: sun or moon, sky from above, the ground's reflection, lamps, and the air."""

    direction: tuple = (-0.4, -0.7, 0.6)  # towards the sun
    color: tuple = (1.0, 0.96, 0.9)
    sky: tuple = (0.35, 0.4, 0.5)
    ground: tuple = (0.2, 0.18, 0.15)
    fog: tuple = (0.6, 0.65, 0.7)
    fog_per_m: float = 0.0
    toon_steps: int = 0  # of people; 0: smooth
    wrap: float = 0.25  # how far the sun reaches around people
    rim: float = 0.3
    outline: float = 0.0  # how dark the line around people is, 0 to 1
    wet: float = 0.0  # how much the ground mirrors the sky, 0 to 1
    shadow: float = 0.85  # how much of the sun a shadow takes
    lamps: tuple = ()  # of (place, color, reach in meters)


@dataclass(frozen=True)
class Drawing:
    """A drawn image and what each of its samples shows; R = S x supersampling."""

    image: np.ndarray  # (S, S, 3) float32, linear RGB, may exceed 1
    ids: np.ndarray  # (R, R) uint16, person x 256 + part; 0: nothing
    depth: np.ndarray  # (R, R) float32, meters along the view; inf: nothing


def rasterize(
    meshes: Sequence[Mesh],
    camera: Camera,
    light: Light,
    size_px: int,
    supersampling: int = 2,
    background: np.ndarray | None = None,
) -> Drawing:
    """Draw meshes as the camera sees them; `background` (S, S, 3) linear stands for the sky."""
    if background is None:
        background = np.broadcast_to(np.asarray(light.sky, np.float32), (size_px, size_px, 3))
    if background.shape != (size_px, size_px, 3):
        raise ValueError(f"background is {background.shape}, not ({size_px}, {size_px}, 3).")
    samples = size_px * supersampling
    points, quads, surfaces = merge(meshes)
    view = View(
        np.asarray(camera.eye, np.float64), camera.axes.astype(np.float64), camera.focal(samples)
    )
    seen, depth, hits = look(points, quads, view, samples)
    shadow, sun, texel_m = look_from_sun(meshes, camera, light)
    lighting = pack_light(light, meshes, texel_m)
    image, ids = paint(
        surfaces._replace(points=seen), view, lighting, hits, depth, shadow, sun,
        np.ascontiguousarray(background, np.float32), size_px,
    )  # fmt: skip
    return Drawing(image, ids, depth)


def merge(meshes: Sequence[Mesh]) -> tuple[np.ndarray, np.ndarray, Surfaces]:
    """Points in the world, quads, and the surfaces of all meshes, whose points are the world's."""
    starts = np.cumsum([0] + [len(mesh.points) for mesh in meshes])
    points = np.concatenate([mesh.points for mesh in meshes]).astype(np.float32)
    quads = np.concatenate(
        [mesh.quads + start for mesh, start in zip(meshes, starts, strict=False)]
    ).astype(np.int32)
    colors = np.concatenate([mesh.colors for mesh in meshes]).astype(np.float32)
    ids = np.concatenate([mesh.parts + np.uint16(mesh.person * 256) for mesh in meshes])
    glow = np.concatenate(
        [np.broadcast_to(np.float32(mesh.glow), len(mesh.quads)) for mesh in meshes]
    )
    normals = find_normals(points, quads)
    return points, quads, Surfaces(points, normals, colors, quads, ids.astype(np.uint16), glow)


def look(
    points: np.ndarray, quads: np.ndarray, view: View, samples: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points in camera space, and depth and hits (R, R) of what the view sees."""
    axes, eye = view.axes.astype(np.float32), view.eye.astype(np.float32)
    seen = np.ascontiguousarray((points - eye) @ axes.T)
    depth = np.full((samples, samples), FAR_M, np.float32)
    hits = np.full((samples, samples), -1, np.int32)
    find_visible(seen, quads, view.focal, depth, hits)
    return seen, depth, hits


def look_from_sun(
    meshes: Sequence[Mesh], camera: Camera, light: Light
) -> tuple[np.ndarray, View, float]:
    """The shadow map around what the camera looks at, its view, and the width of its texels."""
    target, eye = np.asarray(camera.target, float), np.asarray(camera.eye, float)
    reach = np.linalg.norm(target - eye) * math.tan(math.radians(camera.fov_degrees) / 2)
    radius = min(max(1.6 * reach, 0.7), 9.0)
    direction = np.asarray(light.direction, float) / np.linalg.norm(light.direction)
    fov = math.degrees(2 * math.atan(radius / SUN_M))
    distant = Camera(target + SUN_M * direction, target, fov)
    view = View(distant.eye, distant.axes, distant.focal(SHADOW_PX))
    casters = [mesh for mesh in meshes if mesh.casts]
    if light.shadow == 0 or not casters:
        return np.full((1, 1), FAR_M, np.float32), view, 0.0
    starts = np.cumsum([0] + [len(mesh.points) for mesh in casters])
    quads = [mesh.quads + start for mesh, start in zip(casters, starts, strict=False)]
    points = np.concatenate([mesh.points for mesh in casters]).astype(np.float32)
    depth = look(points, np.concatenate(quads).astype(np.int32), view, SHADOW_PX)[1]
    return depth, view, 2 * radius / SHADOW_PX


def pack_light(light: Light, meshes: Sequence[Mesh], texel_m: float) -> Lighting:
    """A light as the loops want it; feet of people darken the ground around them."""
    contacts = [find_contact(mesh.points) for mesh in meshes if mesh.person]
    lamps = [[*place, *color, reach] for place, color, reach in light.lamps]
    direction = np.asarray(light.direction, float)
    return Lighting(
        direction / np.linalg.norm(direction),
        *(np.asarray(color, float) for color in (light.color, light.sky, light.ground, light.fog)),
        float(light.fog_per_m), int(light.toon_steps), float(light.wrap), float(light.rim),
        float(light.outline), float(light.wet), float(light.shadow), 1.2 * texel_m + 0.004,
        np.array(lamps, float).reshape(-1, 7), np.array(contacts, float).reshape(-1, 3),
    )  # fmt: skip


def find_contact(points: np.ndarray) -> tuple[float, float, float]:
    """Middle and radius, meters, of what of a mesh is near the ground."""
    low = points[points[:, 2] < points[:, 2].min() + 0.1]
    middle = (low.min(0) + low.max(0)) / 2
    return middle[0], middle[1], 0.16 + 0.5 * float(np.ptp(low[:, :2], axis=0).max())
