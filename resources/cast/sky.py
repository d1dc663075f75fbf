"""The sky behind everything: gradient, clouds, sun, moon, stars."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from cast.rasterizer import Camera


@dataclass(frozen=True)
class Sky:
    """Colors linear; what is 0 is not there."""

    zenith: tuple
    horizon: tuple
    sun: tuple = (0.0, 0.0, 1.0)  # direction towards it, unit
    sun_color: tuple = (0.0, 0.0, 0.0)
    sun_radius: float = 0.03  # radians
    halo: float = 0.0  # how far the sun's color reaches around it, 0 to 1
    clouds: float = 0.0  # share of the sky that they cover
    cloud_color: tuple = (1.0, 1.0, 1.0)
    stars: float = 0.0  # how bright
    seed: int = 0


def find_rays(camera: Camera, size_px: int) -> np.ndarray:
    """Unit direction of every pixel's middle, (S, S, 3)."""
    middle, focal = size_px / 2, camera.focal(size_px)
    u = (np.arange(size_px) + 0.5 - middle) / focal
    right, up, ahead = camera.axes
    rays = u[None, :, None] * right - u[:, None, None] * up + ahead
    return (rays / np.linalg.norm(rays, axis=2, keepdims=True)).astype(np.float32)


CLOUDSCAPES = 24  # different ones; making one takes longer than an image


@lru_cache(CLOUDSCAPES)
def make_clouds(seed: int) -> np.ndarray:
    """A texture (256, 256) of noise at four scales, 0 to 1, evenly spread."""
    rng, total = np.random.default_rng(seed), np.zeros((256, 256), np.float32)
    for k, cells in enumerate((4, 8, 20, 48)):
        noise = rng.random((cells, cells)).astype(np.float32)
        noise = np.pad(noise, ((0, 1), (0, 1)), mode="wrap")  # the texture repeats
        grown = cv2.resize(
            noise, None, fx=256 / cells, fy=256 / cells, interpolation=cv2.INTER_CUBIC
        )
        total += grown[:256, :256] * 0.55**k
    ranks = np.argsort(np.argsort(total, axis=None), kind="stable").reshape(256, 256)
    return (ranks / ranks.size).astype(np.float32)


def paint_sky(sky: Sky, camera: Camera, size_px: int) -> np.ndarray:
    """The sky as a camera sees it, (S, S, 3) float32 linear; below the horizon its color.

    It is painted at half the size: nothing in it has sharp edges.
    """
    rays = find_rays(camera, size_px // 2)
    rise = np.clip(rays[..., 2:], 0, 1)
    share = np.sqrt(rise)  # the gradient is steepest at the horizon
    image = np.array(sky.horizon) * (1 - share) + np.array(sky.zenith) * share
    image = image.astype(np.float32)
    angle = np.arccos(np.clip(rays @ np.array(sky.sun, np.float32), -1, 1))[..., None]
    if sky.halo:
        image += np.array(sky.sun_color, np.float32) * sky.halo * np.exp(-angle * 4)
    edge = np.clip((sky.sun_radius - angle) / 0.006 + 0.5, 0, 1) * (rays[..., 2:] > 0)
    image = image * (1 - edge) + np.array(sky.sun_color, np.float32) * edge
    if sky.clouds:
        image = lay_clouds(image, sky, rays)
    image = cv2.resize(image.astype(np.float32), (size_px, size_px))
    return add_stars(image, sky, camera) if sky.stars else image


def lay_clouds(image: np.ndarray, sky: Sky, rays: np.ndarray) -> np.ndarray:
    """Clouds lie in a plane overhead, so that they shrink towards the horizon."""
    rise = np.maximum(rays[..., 2], 0)
    x, y = (rays[..., k] / (rise + 0.22) * 70 for k in (0, 1))
    noise = cv2.remap(
        make_clouds(sky.seed % CLOUDSCAPES), np.mod(x, 255), np.mod(y, 255), cv2.INTER_LINEAR
    )  # fmt: skip
    cover = np.clip((noise - (1 - sky.clouds)) / 0.22, 0, 1)[..., None]
    cover *= np.clip(rise * 9, 0, 1)[..., None]
    # thick middles are darker below
    shade = 1 - 0.25 * np.clip((noise - (1 - 0.5 * sky.clouds)) / 0.4, 0, 1)[..., None]
    return image * (1 - cover) + np.array(sky.cloud_color, np.float32) * shade * cover


def add_stars(image: np.ndarray, sky: Sky, camera: Camera) -> np.ndarray:
    """Stars of one pixel each, some hundred over the whole sky, where no cloud is."""
    rng, size = np.random.default_rng(sky.seed), len(image)
    stars = rng.normal(size=(700, 3))
    stars[:, 2] = np.abs(stars[:, 2]) * 0.7 + 0.04
    bright = rng.uniform(0.1, 1, len(stars)).astype(np.float32) ** 2 * sky.stars
    x, y, depth = camera.project(stars * 1e4, size).T
    shown = (depth > 0) & (x >= 0) & (x < size) & (y >= 0) & (y < size)
    rows, columns = y[shown].astype(int), x[shown].astype(int)
    image[rows, columns] += bright[shown, None] * (image[rows, columns, :1] < 0.12)
    return image
