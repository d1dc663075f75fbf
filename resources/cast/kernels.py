"""The loops of the rasterizer, compiled by numba: normals, what each pixel sees, its color.

Camera space is right, up, ahead, in meters. A pixel's ray is (u, v, 1); the weights of a triangle's
corners at that ray are the triple products of the ray with two corners each. Their signs say inside
or outside even where a corner lies behind the camera, so nothing has to be clipped (Olano and
Greer, "Triangle scan conversion using 2D homogeneous coordinates", 1997).
"""

import math

import numba as nb
import numpy as np

NEAR_M = 0.05
FAR_M = 1e6  # depth where nothing is hit


@nb.njit(cache=True, fastmath=True)
def find_normals(points: np.ndarray, quads: np.ndarray) -> np.ndarray:
    """Unit normals (n, 3) of vertices, the mean of their quads' by area."""
    normals = np.zeros_like(points)
    for q in range(len(quads)):
        a, b, c, d = quads[q, 0], quads[q, 1], quads[q, 2], quads[q, 3]
        x0, x1 = points[c, 0] - points[a, 0], points[d, 0] - points[b, 0]
        y0, y1 = points[c, 1] - points[a, 1], points[d, 1] - points[b, 1]
        z0, z1 = points[c, 2] - points[a, 2], points[d, 2] - points[b, 2]
        nx, ny, nz = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
        for k in range(4):
            corner = quads[q, k]
            normals[corner, 0] += nx
            normals[corner, 1] += ny
            normals[corner, 2] += nz
    for i in range(len(points)):
        x, y, z = normals[i, 0], normals[i, 1], normals[i, 2]
        scale = 1 / max(math.sqrt(x * x + y * y + z * z), 1e-12)
        normals[i, 0], normals[i, 1], normals[i, 2] = x * scale, y * scale, z * scale
    return normals


@nb.njit(cache=True, fastmath=True, inline="always")
def widen(bounds, x, y, z, focal):
    """Bounds (left, right, top, bottom) around the middle, in pixels, with a projected point."""
    scale = focal / z
    column, row = scale * x, -scale * y
    return (
        min(bounds[0], column),
        max(bounds[1], column),
        min(bounds[2], row),
        max(bounds[3], row),
    )


@nb.njit(cache=True, fastmath=True, inline="always")
def widen_by_edge(bounds, xa, ya, za, xb, yb, zb, focal):
    """Bounds with an edge's first corner, and with where it meets the plane just ahead."""
    if za >= NEAR_M:
        bounds = widen(bounds, xa, ya, za, focal)
    if (za >= NEAR_M) != (zb >= NEAR_M):
        t = (NEAR_M - za) / (zb - za)
        bounds = widen(bounds, xa + t * (xb - xa), ya + t * (yb - ya), NEAR_M, focal)
    return bounds


@nb.njit(cache=True, fastmath=True, inline="always")
def find_bounds(x0, y0, z0, x1, y1, z1, x2, y2, z2, focal, size):
    """First and end column and row of the pixels whose middles a triangle may cover."""
    bounds = (1e9, -1e9, 1e9, -1e9)
    bounds = widen_by_edge(bounds, x0, y0, z0, x1, y1, z1, focal)
    bounds = widen_by_edge(bounds, x1, y1, z1, x2, y2, z2, focal)
    bounds = widen_by_edge(bounds, x2, y2, z2, x0, y0, z0, focal)
    off = size / 2 - 0.5
    left, right = max(bounds[0] + off, 0.0), min(bounds[1] + off, size - 1.0)
    top, bottom = max(bounds[2] + off, 0.0), min(bounds[3] + off, size - 1.0)
    # clamped before they become integers: near the camera the bounds are huge
    return math.ceil(left), math.floor(right) + 1, math.ceil(top), math.floor(bottom) + 1


@nb.njit(cache=True, fastmath=True)
def find_visible(
    points: np.ndarray, quads: np.ndarray, focal: float, depth: np.ndarray, hits: np.ndarray
) -> None:
    """Write the nearest surface of every pixel: its depth, and 2 x quad + half (-1: none).

    `points` (n, 3) are in camera space, `focal` in pixels; `depth` float32 and `hits` int32 are
    (S, S) and hold FAR_M and -1, or what an earlier call found.
    """
    size = depth.shape[0]
    middle = size / 2
    for q in range(len(quads)):
        for half in range(2):
            a, b, c = quads[q, 0], quads[q, 1 + half], quads[q, 2 + half]
            x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
            x1, y1, z1 = points[b, 0], points[b, 1], points[b, 2]
            x2, y2, z2 = points[c, 0], points[c, 1], points[c, 2]
            if max(z0, z1, z2) < NEAR_M:
                continue
            left, right, top, bottom = find_bounds(x0, y0, z0, x1, y1, z1, x2, y2, z2, focal, size)
            if left >= right or top >= bottom:
                continue
            # weight of corner i at ray (u, v, 1): u * ai + v * bi + ci, over the determinant
            a0, b0, c0 = y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2
            a1, b1, c1 = y2 * z0 - z2 * y0, z2 * x0 - x2 * z0, x2 * y0 - y2 * x0
            a2, b2, c2 = y0 * z1 - z0 * y1, z0 * x1 - x0 * z1, x0 * y1 - y0 * x1
            volume = x0 * a0 + y0 * b0 + z0 * c0
            if abs(volume) < 1e-14:
                continue
            s = 1 / volume
            step0, step1, step2 = a0 * s / focal, a1 * s / focal, a2 * s / focal
            u = (left + 0.5 - middle) / focal
            for y in range(top, bottom):
                v = (middle - y - 0.5) / focal
                w0 = (a0 * u + b0 * v + c0) * s
                w1 = (a1 * u + b1 * v + c1) * s
                w2 = (a2 * u + b2 * v + c2) * s
                for x in range(left, right):
                    if w0 >= 0 and w1 >= 0 and w2 >= 0:
                        inverse = w0 + w1 + w2
                        if inverse * depth[y, x] > 1 and inverse * NEAR_M < 1:
                            depth[y, x] = 1 / inverse
                            hits[y, x] = 2 * q + half
                    w0 += step0
                    w1 += step1
                    w2 += step2


@nb.njit(cache=True, fastmath=True, inline="always")
def find_weights(points, a, b, c, u, v):
    """Perspective-true weights of corners a, b, c at ray (u, v, 1)."""
    x0, y0, z0 = points[a, 0], points[a, 1], points[a, 2]
    x1, y1, z1 = points[b, 0], points[b, 1], points[b, 2]
    x2, y2, z2 = points[c, 0], points[c, 1], points[c, 2]
    w0 = u * (y1 * z2 - z1 * y2) + v * (z1 * x2 - x1 * z2) + (x1 * y2 - y1 * x2)
    w1 = u * (y2 * z0 - z2 * y0) + v * (z2 * x0 - x2 * z0) + (x2 * y0 - y2 * x0)
    w2 = u * (y0 * z1 - z0 * y1) + v * (z0 * x1 - x0 * z1) + (x0 * y1 - y0 * x1)
    scale = 1 / (w0 + w1 + w2)
    return w0 * scale, w1 * scale, w2 * scale


@nb.njit(cache=True, fastmath=True, inline="always")
def find_light(x, y, z, shadow, from_world, center, focal, bias):
    """Share of the sun's light, 0 to 1, that reaches a point: four looks into the shadow map."""
    size = shadow.shape[0]
    x, y, z = x - center[0], y - center[1], z - center[2]
    right = from_world[0, 0] * x + from_world[0, 1] * y + from_world[0, 2] * z
    up = from_world[1, 0] * x + from_world[1, 1] * y + from_world[1, 2] * z
    away = from_world[2, 0] * x + from_world[2, 1] * y + from_world[2, 2] * z
    column, row = size / 2 + focal * right / away - 0.5, size / 2 - focal * up / away - 0.5
    j, i = math.floor(column), math.floor(row)
    if j < 0 or i < 0 or j >= size - 1 or i >= size - 1:
        return 1.0
    fx, fy = column - j, row - i
    near = away - bias
    upper = (1 - fx) * (shadow[i, j] >= near) + fx * (shadow[i, j + 1] >= near)
    lower = (1 - fx) * (shadow[i + 1, j] >= near) + fx * (shadow[i + 1, j + 1] >= near)
    return (1 - fy) * upper + fy * lower


@nb.njit(cache=True, fastmath=True, inline="always")
def step_light(value, steps):
    """Quantize 0..1 into steps with soft borders, as drawn animation shades; 0: leave it smooth."""
    if steps == 0:
        return value
    scaled = value * steps
    whole = math.floor(scaled)
    soft = min(max((scaled - whole - 0.42) / 0.16, 0.0), 1.0)
    return (whole + soft) / steps
