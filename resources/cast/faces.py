"""Skin, eyes, mouth and brows."""

import numpy as np
from maker.geometry import grid_faces, ring_points

from cast.attributes import Part, Person
from cast.pieces import Piece, add_bound, add_rigid, mix_face, paint_piece
from cast.sculpting import Sculpture
from cast.shades import darken, mix
from cast.surfaces import Front, cut_mesh, ribbon_places, split_quads

TEETH, TONGUE, MOUTH = (0.86, 0.84, 0.79), (0.55, 0.16, 0.17), (0.10, 0.015, 0.018)
LASHES = (0.012, 0.009, 0.009)
WHITE = (0.88, 0.89, 0.90)
PUPIL_DEG, IRIS_DEG, RIM_DEG = 17, 38, 43


def face_front(body: Sculpture) -> Front:
    """The face as seen from the front, to lay brows and lines on."""
    quads, points = body.body.faces["body"], body.points
    middle = points[quads].mean(1)
    near = (middle[:, 2] > body.chin - 0.02 * body.scale) & (middle[:, 1] < body.center[1])
    near &= np.abs(middle[:, 0]) < 0.11 * body.scale
    near &= body.body.regions["inside-mouth"][quads].max(1) < 0.5
    near &= body.normals[quads, 1].max(1) < 0.2
    return Front(points, split_quads(quads[near]))


def is_face(body: Sculpture, points: np.ndarray) -> np.ndarray:
    """Chin to upper forehead, ear to ear."""
    x, y, z = points.T
    s = body.scale
    tall = (z > body.chin - 0.005) & (z < body.eyes[:, 2].mean() + 0.055 * s)
    return tall & (y < body.center[1] - 0.02 * s) & (np.abs(x) < 0.12 * s)


def spot(body: Sculpture, x: float, z: float, radius: float) -> np.ndarray:
    """(V,) how near a vertex lies to a place of the face or its mirror image; for a grown head."""
    s, eye = body.scale, body.eyes[:, 2].mean()
    away = np.hypot(np.abs(body.points[:, 0]) - x * s, body.points[:, 2] - eye - z * s)
    front = body.points[:, 1] < body.center[1] - 0.03 * s
    return np.exp(-((away / (radius * s)) ** 2)) * front


def paint_skin(body: Sculpture, person: Person) -> np.ndarray:
    """(V, 3) colors of the skin: lips, blush, the inside of the mouth."""
    skin = person.skin_rgb
    redder = (min(1, skin[0] * 1.12), skin[1] * 0.62, skin[2] * 0.62)
    vivid = 0.75 if person.gender == "female" else 0.40
    lips = mix(redder, (0.62, 0.05, 0.09), 0.45 * vivid)
    color = np.tile(skin, (len(body.points), 1))
    young = {"child": 0.65, "teen": 0.5, "young_adult": 0.35}.get(person.age_band, 0.15)
    layers = [
        (young * spot(body, 0.043, -0.033, 0.020), redder),
        (0.8 * young * spot(body, 0.0, -0.035, 0.012), redder),
        (np.clip(1.3 * body.body.regions["lips"], 0, 1), lips),
        (np.clip(1.5 * body.body.regions["inside-mouth"], 0, 1), MOUTH),
    ]
    for share, layer in layers:
        color = color * (1 - share[:, None]) + share[:, None] * np.asarray(layer)
    return color


def make_skin(body: Sculpture, person: Person, covered: np.ndarray) -> Piece:
    """The skin where no clothes cover it (`covered` (V,) bool): hidden skin would poke through."""
    quads = body.body.faces["body"]
    quads = quads[~covered[quads].all(1)]
    used, local = np.unique(quads, return_inverse=True)
    mouth, lips = (body.body.regions[name][quads].mean(1) for name in ("inside-mouth", "lips"))
    parts = np.where(is_face(body, body.points[quads].mean(1)), Part.FACE, Part.SKIN)
    parts = np.where(lips > 0.5, Part.LIPS, np.where(mouth > 0.5, Part.MOUTH, parts))
    colors = paint_skin(body, person)[used]
    return Piece(
        body.points[used], body.weights[used], local.reshape(quads.shape), colors,
        parts.astype(np.uint8), body.face[:, used],
    )  # fmt: skip


def make_eye(body: Sculpture, person: Person, side: int) -> list[Piece]:
    """An eyeball with a large iris, and the light in it."""
    name, eye = "lr"[side], body.eyes[side]
    used = np.unique(body.body.faces[f"helper-{name}-eye"])
    radii = np.abs(body.points[used] - eye).max(0)
    degrees = np.array([0.5, 8, PUPIL_DEG - 1, PUPIL_DEG, 24, 31, IRIS_DEG - 1, IRIS_DEG,
                        RIM_DEG - 1, RIM_DEG, 55, 75, 100, 140, 179])  # fmt: skip
    sphere = ring_points(np.radians(degrees), 24)
    ring = np.repeat(degrees, 24)[:, None]
    iris = np.asarray(person.iris_rgb) * (1.0 - 0.55 * sphere[:, 2:] / 0.6)  # darker above
    rim = np.asarray(person.iris_rgb) * 0.18
    color = np.where(ring < PUPIL_DEG, 0.006, np.where(ring < IRIS_DEG, iris, rim))
    color = np.where(ring < RIM_DEG, color, WHITE)
    quads = grid_faces(len(degrees), 24)[:, ::-1]
    parts = np.where(ring[quads[:, 0], 0] < RIM_DEG, Part.IRIS, Part.SCLERA)
    ball = add_rigid(body, sphere * radii + eye, quads, color, 0, f"eye.{name.upper()}")
    ball = Piece(ball.points, ball.weights, quads, color, parts.astype(np.uint8))
    return [ball, make_glint(body, eye, radii, f"eye.{name.upper()}")]


def make_glint(body: Sculpture, eye: np.ndarray, radii: np.ndarray, bone: str) -> Piece:
    """The light in an eye: a white disc at its upper side, the same one in both."""
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    x, z = -0.24 + 0.15 * np.cos(turn), 0.30 + 0.15 * np.sin(turn)
    rim = np.stack([x, -np.sqrt(1 - x**2 - z**2), z], 1)
    middle = np.array([[-0.24, -np.sqrt(1 - 0.24**2 - 0.3**2), 0.30]])
    points = np.concatenate([rim, middle]) * 1.03 * radii + eye
    i = np.arange(0, 8, 2)
    quads = np.stack([i, i + 1, (i + 2) % 8, np.full(4, 8)], 1)
    return add_rigid(body, points, quads, (0.95, 0.95, 0.95), Part.IRIS, bone)


def copy_mesh(body: Sculpture, names: list[str], color, part: Part) -> Piece:
    """A mesh of the body model as it is: teeth, tongue, lashes."""
    quads = np.concatenate([body.body.faces[name] for name in names])
    used, quads, mixture = cut_mesh(quads, np.ones(len(body.points)))
    return add_bound(body, mixture, body.points[used], quads, color, part)


def lay_ribbon(
    body: Sculpture, front: Front, line, half, color, part: Part, lift: float, bulge: float = 0
) -> Piece:
    """A ribbon along a line (k, 2) of x, z in meters, `half` (k,) wide, `lift` off the surface."""
    line, half = np.asarray(line, float), np.asarray(half, float)
    rows = 3 if half.max() < 0.016 * body.size else 7  # a broad one bends around the body
    points, mixture = front.lay(ribbon_places(line, half, rows))
    rise = np.tile(lift + bulge * (1 - np.linspace(-1, 1, rows) ** 2), len(line))
    points = points + np.outer(rise, [0, front.side, 0])
    quads = grid_faces(len(line), rows, wrap=False)
    return paint_piece(points, mixture @ body.weights, quads, color, part, mix_face(body, mixture))


def make_brows(body: Sculpture, person: Person, front: Front) -> list[Piece]:
    """Brows clear enough to read from afar, thicker for men and the old."""
    s = body.scale
    steps = np.linspace(0, 1, 9)
    thick = 0.0036 + 0.0012 * (person.gender == "male") + 0.0005 * (person.age_band == "elderly")
    tall = np.ptp(body.points[np.unique(body.body.faces["helper-l-eye"]), 2]) / 2
    color = darken(mix(person.hair_rgb, darken(person.skin_rgb, 0.3), 0.35), 0.75)
    pieces = []
    for eye in body.eyes:
        x = eye[0] + np.sign(eye[0]) * (-0.0165 + 0.0455 * steps) * s
        z = eye[2] + tall * 0.80 + (0.0105 + 0.0055 * np.sin(steps * 2.5) - 0.004 * steps) * s
        half = thick * s * np.sin(0.55 + 2.3 * steps) ** 0.8
        line = np.stack([x, z], 1)
        pieces.append(lay_ribbon(body, front, line, half, color, Part.BROWS, 0.0022 * s, 0.002 * s))
    return pieces


def make_face(body: Sculpture, person: Person, front: Front) -> list[Piece]:
    """Eyes, mouth, lashes and brows."""
    lashes = [name for name in body.body.faces if "eyelashes" in name]
    return [
        *make_eye(body, person, 0),
        *make_eye(body, person, 1),
        copy_mesh(body, ["helper-upper-teeth", "helper-lower-teeth"], TEETH, Part.TEETH),
        copy_mesh(body, ["helper-tongue"], TONGUE, Part.MOUTH),
        copy_mesh(body, lashes, LASHES, Part.LASHES),
        *make_brows(body, person, front),
    ]
