"""The head as hair sees it: a shell around the skull, and the trunk that long hair falls upon."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree

from cast.sculpting import Sculpture, smooth_step

AZIMUTHS, ELEVATIONS = 48, 25  # of the measured shell
LOWEST = -75.0  # degrees


def aim(azimuth: np.ndarray, elevation: np.ndarray) -> np.ndarray:
    """Unit vectors (..., 3); azimuth 0 is the face, 90 the character's left; degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.stack([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e) + 0 * a], -1)


@dataclass(frozen=True)
class Scalp:
    """Distances of the skin from the center of the head, and the trunk's front and back."""

    body: Sculpture
    radii: np.ndarray  # (ELEVATIONS, AZIMUTHS) meters
    trunk: np.ndarray  # (t, 4) height, front y, back y, half width; from below

    @property
    def scale(self) -> float:
        return self.body.scale

    def at(self, azimuth, elevation, lift) -> np.ndarray:
        """Points (..., 3) `lift` meters above the skin in directions given in degrees."""
        azimuth, elevation = np.broadcast_arrays(azimuth, elevation)
        column = (np.asarray(azimuth, float) % 360) / 360 * AZIMUTHS
        row = (np.clip(elevation, LOWEST, 90) - LOWEST) / (90 - LOWEST) * (ELEVATIONS - 1)
        c, r = np.floor(column).astype(int), np.minimum(np.floor(row).astype(int), ELEVATIONS - 2)
        u, v = column - c, row - r
        left, right = c % AZIMUTHS, (c + 1) % AZIMUTHS
        below = self.radii[r, left] * (1 - u) + self.radii[r, right] * u
        above = self.radii[r + 1, left] * (1 - u) + self.radii[r + 1, right] * u
        radius = below * (1 - v) + above * v + lift
        return self.body.center + aim(azimuth, elevation) * radius[..., None]

    def rest_on_trunk(self, points: np.ndarray, gap: float) -> np.ndarray:
        """Points (..., 3) moved out of the trunk: backwards behind it, forwards before it."""
        z = points[..., 2]
        front, back, half = (np.interp(z, self.trunk[:, 0], self.trunk[:, i]) for i in (1, 2, 3))
        inside = (np.abs(points[..., 0]) < half + gap) & (z < self.body.chin)
        behind = points[..., 1] > self.body.center[1]
        y = np.where(behind, np.maximum(points[..., 1], back + gap),
                     np.minimum(points[..., 1], front - gap))  # fmt: skip
        share = smooth_step((self.body.chin - z) / (0.08 * self.scale)) * inside
        out = points.copy()
        out[..., 1] += (y - out[..., 1]) * share
        return out

    def follow(self, points: np.ndarray) -> sp.csr_matrix:
        """Weights (n, B): hair moves with the head, below the chin more and more with the back."""
        z = points[:, 2]
        share = 0.25 + 0.75 * smooth_step(
            (z - self.body.chin + 0.16 * self.scale) / (0.2 * self.scale)
        )
        count = len(points)
        bones = [self.body.bone(name) for name in ("head", "spine01")]
        rows = np.r_[np.arange(count), np.arange(count)]
        columns = np.repeat(bones, count)
        return sp.csr_matrix(
            (np.r_[share, 1 - share], (rows, columns)), (count, len(self.body.body.bones))
        )


def measure_scalp(body: Sculpture) -> Scalp:
    """The shell and the trunk of a sculpture."""
    skin = body.body.skin
    away = body.points[skin] - body.center
    far = np.linalg.norm(away, axis=1)
    ears = body.body.regions["ears"][skin] > 0.5
    head = (
        (body.points[skin, 2] > body.chin - 0.05 * body.scale) & (far > 0.05 * body.scale) & ~ears
    )
    head &= body.body.regions["inside-mouth"][skin] < 0.5
    azimuth, elevation = np.meshgrid(
        np.arange(AZIMUTHS) * 360 / AZIMUTHS, np.linspace(LOWEST, 90, ELEVATIONS)
    )
    tree = cKDTree(away[head] / far[head][:, None])
    gap, near = tree.query(aim(azimuth, elevation).reshape(-1, 3), 6)
    share = np.exp(-((gap / 0.10) ** 2)) + 1e-9
    radii = (share * far[head][near]).sum(1) / share.sum(1)
    return Scalp(body, radii.reshape(ELEVATIONS, AZIMUTHS), measure_trunk(body))


def measure_trunk(body: Sculpture) -> np.ndarray:
    """(t, 4) height, front y, back y, half width of neck and trunk, from below."""
    bones = [i for i, n in enumerate(body.body.bones) if n.startswith(("spine", "neck", "root",
             "clavicle", "shoulder", "pelvis"))]  # fmt: skip
    follows = np.asarray(body.weights[:, bones].sum(1)).ravel() > 0.5
    points = body.points[body.body.skin][follows[body.body.skin]]
    rows = []
    for z in np.arange(body.floor + 0.45 * body.stature, body.chin, 0.03 * body.size):
        level = points[np.abs(points[:, 2] - z) < 0.03 * body.size]
        if len(level) > 4:
            rows.append([z, level[:, 1].min(), level[:, 1].max(), np.abs(level[:, 0]).max()])
    return np.array(rows)
