"""A figure of boxes that stands in for the body model: the cast maker's stage needs no more."""

import numpy as np
from cast.attributes import Part, sample_person
from cast.rasterizer import Mesh
from cast.solids import BOX, BOX_SIDES
from cast.stage import Actor

BOXES = (  # part, middle x, y, lowest z, size
    (Part.BOTTOM, 0.10, 0.0, 0.0, (0.14, 0.16, 0.85)),
    (Part.BOTTOM, -0.10, 0.0, 0.0, (0.14, 0.16, 0.85)),
    (Part.TOP, 0.0, 0.0, 0.85, (0.36, 0.20, 0.55)),
    (Part.SLEEVE, 0.24, 0.0, 0.80, (0.10, 0.10, 0.58)),
    (Part.SLEEVE, -0.24, 0.0, 0.80, (0.10, 0.10, 0.58)),
    (Part.HAIR, 0.0, 0.02, 1.45, (0.22, 0.22, 0.25)),
    (Part.FACE, 0.0, -0.09, 1.45, (0.18, 0.04, 0.18)),
    (Part.IRIS, 0.04, -0.11, 1.55, (0.03, 0.02, 0.03)),
    (Part.LIPS, 0.0, -0.11, 1.48, (0.06, 0.02, 0.02)),
)
JOINTS = np.array(
    [
        *[
            (0, -0.1, 1.52),
            (0.04, -0.1, 1.57),
            (-0.04, -0.1, 1.57),
            (0.1, 0, 1.55),
            (-0.1, 0, 1.55),
        ],
        *[(0.2, 0, 1.36), (-0.2, 0, 1.36), (0.24, 0, 1.1), (-0.24, 0, 1.1), (0.24, 0, 0.85)],
        *[(-0.24, 0, 0.85), (0.1, 0, 0.88), (-0.1, 0, 0.88), (0.1, 0, 0.46), (-0.1, 0, 0.46)],
        *[(0.1, 0, 0.08), (-0.1, 0, 0.08)],
    ],
    float,
)


class BoxFigure:
    """Stands still, whatever it is asked for; looks along -y, 1.7 m tall."""

    head_height = 0.25

    def __init__(self) -> None:
        points = [BOX * size + (x, y, z) for _, x, y, z, size in BOXES]
        corners = np.concatenate([box[BOX_SIDES].reshape(-1, 3) for box in points])
        parts = np.repeat([part for part, *_ in BOXES], 6).astype(np.uint8)
        shades = np.random.default_rng(0).uniform(0.2, 0.8, (len(BOXES), 3))
        self.mesh = Mesh(
            corners.astype(np.float32),
            np.arange(len(corners), dtype=np.int32).reshape(-1, 4),
            np.repeat(shades, 24, axis=0).astype(np.float32),
            parts,
        )

    def moment(self, bones, face):
        return self.mesh.points, JOINTS.copy(), np.eye(3)


def make_actor(seed: int = 0) -> Actor:
    return Actor(sample_person(seed), BoxFigure())
