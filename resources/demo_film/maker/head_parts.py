"""Hair and brows: meshes laid over the head of a character (characters.Figure)."""

import math

import numpy as np

from maker.geometry import grid_faces

COLS, ROWS = 96, 22  # of the hair cap


def shell_point(figure, azimuth: float, elevation: float) -> tuple[np.ndarray, float]:
    """Direction from the head's center and the skin's distance there; azimuth 0 = face, radians."""
    flat = math.cos(elevation)
    direction = np.array([math.sin(azimuth) * flat, -math.cos(azimuth) * flat, math.sin(elevation)])
    rays = figure.rest[figure.head] - figure.center
    length = np.linalg.norm(rays, axis=1)
    angle = np.arccos(np.clip(rays @ direction / length, -1, 1))
    weight = np.exp(-((angle / 0.09) ** 2)) * (length > 0.05 * figure.scale) + 1e-12
    return direction, float((weight * length).sum() / weight.sum())


def hair_cap(figure, hair: dict) -> np.ndarray:
    """Points (ROWS, COLS, 3) of a cap from the crown to the hairline, which dips into the skin."""
    edge, scale = np.array(hair["edge"], float), figure.scale
    points = np.zeros((ROWS, COLS, 3))
    for c in range(COLS):
        azimuth = 2 * math.pi * c / COLS
        side = abs((math.degrees(azimuth) + 180) % 360 - 180)
        around = [max(side - 6, 0), side, min(side + 6, 180)]
        low = np.interp(around, edge[:, 0], edge[:, 1]).mean()
        for r in range(ROWS):
            t = r / (ROWS - 1)
            direction, radius = shell_point(figure, azimuth, math.radians(89 - t * (89 - low)))
            # the last rows sink below the skin: a rim above it looks like a bathing cap
            thick = hair["volume"] * (1 - t**4) ** 0.7 + 0.004 - 0.010 * t**10
            waves = hair.get("strand_count", 15) * azimuth + 2.2 * t
            curl = 1 + hair.get("strands", 0.12) * math.sin(waves) * min(1, 2 * t)
            points[r, c] = figure.center + direction * (
                radius + thick * scale * (curl if thick > 0 else 1)
            )
    return points


def hair_curtain(figure, hair: dict, cap: np.ndarray) -> np.ndarray:
    """Points (rows, columns, 3) of long hair that hangs from the cap behind the face."""
    angle = np.abs((360 * np.arange(COLS) / COLS + 180) % 360 - 180)
    keep = np.where(angle > hair["open"])[0]
    top, rim = cap[-9, keep], cap[-2, keep]
    outward = (rim - figure.center) * [1, 1, 0]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    strands = 0.004 * np.sin(keep * 1.1)[:, None]
    rows = []
    for t in np.linspace(0, 1, 12):
        # the upper edge starts under the cap: above it, it would stand off like a horn
        bulge = (min(1, 2.5 * t) * (0.026 + strands) - 0.012) * figure.scale
        row = top * (1 - min(1, 3 * t)) + rim * min(1, 3 * t) + outward * bulge
        tips = figure.eye_height - (hair["length"] + 0.010 * np.cos(keep * 0.55)) * figure.scale
        row[:, 2] = top[:, 2] * (1 - t) + tips * t
        rows.append(row)
    return np.array(rows)


def add_hair(figure, hair: dict, material: int) -> None:
    cap, color = hair_cap(figure, hair), np.array(hair["color"])
    streaks = 1 + 0.16 * np.sin(np.arange(COLS) * 2.3)[None, :, None] * np.ones((ROWS, 1, 1))
    figure.add_rigid(
        cap.reshape(-1, 3),
        grid_faces(ROWS, COLS)[:, ::-1],
        (color * streaks).reshape(-1, 3),
        material,
    )
    if "length" in hair:
        curtain = hair_curtain(figure, hair, cap)
        rows, cols = curtain.shape[:2]
        shade = 0.85 + 0.14 * np.sin(np.arange(cols) * 1.7)[None, :, None] * np.ones((rows, 1, 1))
        faces = grid_faces(rows, cols, wrap=False)
        figure.add_rigid(curtain.reshape(-1, 3), faces, (color * shade).reshape(-1, 3), material)


def brow_points(figure, eye: np.ndarray, thick: float) -> np.ndarray:
    """Points (17 * 6, 3) of a tapering tube over one eye, laid on a smoothed forehead."""
    rest, scale, steps = figure.rest, figure.scale, 17
    front = figure.head[rest[figure.head, 1] < figure.center[1] - 0.04 * scale]
    u = np.linspace(-0.021, 0.025, steps)
    x = eye[0] + np.sign(eye[0]) * u * scale
    arch = 0.0035 * np.sin((u + 0.021) / 0.046 * 2.4) - 3.0 * np.maximum(u - 0.012, 0) ** 1.3
    z = eye[2] + scale * (0.0265 + arch)
    gap = (rest[front][:, None, [0, 2]] - np.stack([x, z], -1)[None]) / (0.005 * scale)
    weight = np.exp(-(gap**2).sum(-1)) + 1e-9
    y = (weight * rest[front][:, 1:2]).sum(0) / weight.sum(0)
    y = np.polyval(np.polyfit(u, y, 3), u) - 0.0015 * scale
    half = thick * scale * np.sin(0.42 + 2.4 * np.arange(steps) / (steps - 1)) ** 0.8
    turn = np.linspace(0, 2 * math.pi, 6, endpoint=False)
    depth = y[:, None] - 0.0032 * scale * np.cos(turn) * (half / half.max())[:, None]
    return np.stack(
        [x[:, None] + 0 * turn, depth, z[:, None] + half[:, None] * np.sin(turn)], -1
    ).reshape(-1, 3)


def add_brows(figure, thick: float, color, material: int) -> None:
    """Brows that move with the skin: each point follows many vertices, so that none juts out."""
    for eye in figure.eyes:
        points = brow_points(figure, eye, thick)
        gap = ((figure.rest[figure.head][None] - points[:, None]) ** 2).sum(-1)
        near = np.argsort(gap, axis=1)[:, :40]
        weight = np.exp(-np.take_along_axis(gap, near, 1) / (0.009 * figure.scale) ** 2) + 1e-9
        weight /= weight.sum(1, keepdims=True)
        near = figure.head[near]
        offset = points - (weight[..., None] * figure.rest[near]).sum(1)

        def follow(now, near=near, weight=weight, offset=offset):
            return (weight[..., None] * now["v"][near]).sum(1) + offset @ now["R"].T

        figure.add(follow, grid_faces(17, 6), color, material, len(points))
