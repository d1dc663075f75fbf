"""From a realistic body to one of an animated film: a larger head, larger eyes, a small nose.

The same warp moves vertices, the ends of facial actions and the places where bones turn, so that
lids still close and heads still turn as they did.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from maker.geometry import normals

from cast.attributes import Person
from cast.bodies import CastBody

HEAD_GROWTH = {
    "child": 1.24,
    "teen": 1.19,
    "young_adult": 1.16,
    "middle_aged": 1.15,
    "elderly": 1.15,
}
EYE_GROWTH = {  # of width, depth, height
    "child": (1.34, 1.10, 1.50),
    "teen": (1.34, 1.10, 1.48),
    "young_adult": (1.32, 1.10, 1.44),
    "middle_aged": (1.24, 1.08, 1.28),
    "elderly": (1.20, 1.06, 1.16),
}
STEP_M = 0.001
HEAD_M = 0.235  # height of a grown head; lengths on heads are given for it


@dataclass(frozen=True)
class Sculpture:
    """A person's bare body at rest (arms 45° down, facing -y), measured. Lengths in meters."""

    body: CastBody
    points: np.ndarray  # (V, 3)
    heads: np.ndarray  # (B, 3) where bones turn
    face: np.ndarray  # (A, V, 3) offsets of the facial actions
    normals: np.ndarray  # (V, 3) of skin and tights
    eyes: np.ndarray  # (2, 3) centers, left first
    crown: float
    floor: float
    head_height: float
    center: np.ndarray  # (3,) inside the skull, at the height of the eyes

    @property
    def stature(self) -> float:
        return self.crown - self.floor

    @property
    def size(self) -> float:
        """Clothes are cut for 1.7 m."""
        return self.stature / 1.7

    @property
    def scale(self) -> float:
        return self.head_height / HEAD_M

    @property
    def chin(self) -> float:
        return self.crown - self.head_height

    @property
    def weights(self) -> sp.csr_matrix:
        return self.body.weights

    @cached_property
    def face_by_vertex(self) -> np.ndarray:
        """The same offsets as (V, A * 3)."""
        return np.ascontiguousarray(self.face.transpose(1, 0, 2)).reshape(len(self.points), -1)

    def bone(self, name: str) -> int:
        return self.body.bones.index(name)


def smooth_step(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def grow_head(points: np.ndarray, neck: np.ndarray, factor: float, reach: float) -> np.ndarray:
    """Scale about the top of the neck, from `reach` below it (nothing) to it (all)."""
    share = smooth_step((points[..., 2:] - neck[2] + reach) / reach)
    return points + (points - neck) * (factor - 1) * share


def grow_eyes(points: np.ndarray, eyes: np.ndarray, factors, unit: float) -> np.ndarray:
    """Magnify around both eyes: wholly within 19 mm, no longer at 58 mm (of a grown head)."""
    moved = points.copy()
    for eye in eyes:
        near = np.abs(points[..., 2] - eye[2]) < 0.058 * unit  # few are: the rest costs nothing
        away = points[near] - eye
        far = np.sqrt(np.einsum("ni,ni->n", away, away)) / unit
        share = 1 - smooth_step((far - 0.019) / 0.039)
        moved[near] += away * (np.asarray(factors) - 1) * share[:, None]
    return moved


def find_eyes(body: CastBody, points: np.ndarray) -> np.ndarray:
    return np.array([points[np.unique(body.faces[f"helper-{s}-eye"])].mean(0) for s in "lr"])


def sample_features(person: Person) -> tuple[dict[str, float], dict[str, float]]:
    """Measures of body and face, under the body model's names."""
    rng = random.Random(f"features {person.seed}")
    origins = [rng.random() + 0.15 for _ in range(3)]
    measures = {
        "gender": 0.96 if person.gender == "female" else 0.04,  # the model's 1 is female
        "age": person.age,
        "weight": person.weight,
        "muscle": person.muscle,
        "height": rng.uniform(0.40, 0.60),
        "proportions": rng.uniform(0.70, 0.95),
        **dict(zip(("african", "asian", "caucasian"), origins, strict=True)),
    }
    eyes, cheeks = rng.uniform(0.1, 0.6), rng.uniform(-0.3, 0.7)
    changes = {
        "head-scale-vert-incr": rng.uniform(-0.2, 0.3),
        "head-scale-horiz-incr": rng.uniform(-0.1, 0.6),
        "head-scale-depth-incr": rng.uniform(-0.1, 0.5),
        "l-eye-scale-incr": eyes,
        "r-eye-scale-incr": eyes,
        "nose-scale-vert-incr": rng.uniform(-0.9, 0.1),
        "nose-scale-horiz-incr": rng.uniform(-0.6, 0.3),
        "nose-volume-incr": rng.uniform(-0.5, 0.3),
        "nose-hump-incr": rng.uniform(-0.7, 0.2),
        "chin-width-incr": rng.uniform(-0.8, 0.2) + (0.5 if person.gender == "male" else 0),
        "chin-height-incr": rng.uniform(-0.6, 0.3),
        "mouth-scale-horiz-incr": rng.uniform(-0.1, 0.6),
        "l-cheek-volume-incr": cheeks,
        "r-cheek-volume-incr": cheeks,
    }
    return measures, changes


def sculpt(body: CastBody, person: Person) -> Sculpture:
    """The bare body of a person."""
    rest = body.rest(*sample_features(person))
    eyes = find_eyes(body, rest.points)
    crown = rest.points[body.skin, 2].max()
    tall = 2.05 * (crown - eyes[:, 2].mean())
    neck = rest.heads[body.bones.index("head")]
    growth, widen = HEAD_GROWTH[person.age_band], EYE_GROWTH[person.age_band]

    def warp(points: np.ndarray) -> np.ndarray:
        grown = grow_eyes(points, eyes, widen, tall / HEAD_M)
        return grow_head(grown, neck, growth, 0.32 * tall)

    points, heads = warp(rest.points), warp(rest.heads)
    face = np.zeros_like(rest.face)
    moving = np.flatnonzero(rest.face.any((0, 2)))
    face[:, moving] = warp_offsets(warp, rest.points[moving], rest.face[:, moving])
    return measure(body, points, heads, face)


def warp_offsets(warp: Callable, points: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Offsets (A, n, 3) at points (n, 3) under a warp, to first order: by its slopes there."""
    steps = STEP_M * np.eye(3)
    slopes = (warp(points[None] + steps[:, None]) - warp(points[None] - steps[:, None])) / (
        2 * STEP_M
    )
    return np.einsum("inj,ani->anj", slopes.astype(np.float32), offsets, optimize=True)


def measure(body: CastBody, points: np.ndarray, heads: np.ndarray, face: np.ndarray) -> Sculpture:
    """A sculpture of warped points: crown, floor, eyes, the center of the skull."""
    eyes = find_eyes(body, points)
    crown, floor = points[body.skin, 2].max(), points[body.skin, 2].min()
    tall = 2.05 * (crown - eyes[:, 2].mean())
    ears = body.regions["ears"] > 0.5
    center = np.array([0, points[ears, 1].mean(), eyes[:, 2].mean()])
    center += np.array([0, -0.012, 0.015]) * tall / HEAD_M
    around = normals(points, np.concatenate([body.faces["body"], body.faces["helper-tights"]]))
    return Sculpture(
        body, points, heads, face.astype(np.float32), around, eyes, crown, floor, tall, center
    )
