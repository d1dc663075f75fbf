"""What is on a face besides the face: lines of age, scars, beards."""

import numpy as np
from maker.geometry import normals

from cast.attributes import NONE, Part, Person
from cast.faces import lay_ribbon
from cast.pieces import Piece, add_bound
from cast.sculpting import Sculpture, smooth_step
from cast.shades import darken, mix
from cast.surfaces import Front, cut_mesh

STRENGTH = {"elderly": 1.0, "middle_aged": 0.55}  # of lines, by age; others have none


def list_lines(body: Sculpture) -> list[np.ndarray]:
    """Lines of age (k, 2) of one side, x and height over the eyes, for a head of its size 1."""
    s, t = body.scale, np.linspace(0, 1, 7)[:, None]
    eye = body.eyes[0] / s
    tall = np.ptp(body.points[np.unique(body.body.faces["helper-l-eye"]), 2]) / 2 / s
    mouth = mouth_corner(body) / s
    nose = np.array([0.017, mouth[1] + 0.034])
    fold = np.array([mouth[0] + 0.011, mouth[1] - 0.004])
    bend = np.array([[0.010, 0.004]]) * np.sin(np.pi * t)
    lines = [nose + (fold - nose) * t + bend]  # from nose to mouth
    outer = np.array([eye[0] + 0.031, eye[2]])
    for turn in (0.012, 0.0, -0.012):  # crow's feet
        lines.append(outer + t * [0.017, turn])
    under = np.array([eye[0] - 0.014, eye[2] - tall - 0.006])
    lines.append(under + t * [0.030, 0.0] - np.sin(np.pi * t) * [0, 0.007])  # under the eye
    lines.append(np.array([0.004, eye[2] + 0.012]) + t * [0.002, 0.022])  # between the brows
    for height in (0.052, 0.064, 0.076):  # across the forehead
        lines.append(np.concatenate([t * 0.040, eye[2] + height - 0.003 * t**2], 1))
    return [line * s for line in lines]


def mouth_corner(body: Sculpture) -> np.ndarray:
    """x and z of the left corner of the mouth."""
    lips = np.flatnonzero(body.body.regions["lips"] > 0.5)
    corner = lips[np.argmax(body.points[lips, 0])]
    return body.points[corner, [0, 2]]


def draw_lines(body: Sculpture, person: Person, front: Front) -> list[Piece]:
    """Lines of age as thin dark ribbons that move with the skin."""
    strength = STRENGTH.get(person.age_band, 0)
    if not strength:
        return []
    color = mix(person.skin_rgb, darken(person.skin_rgb, 0.30), 0.55 + 0.45 * strength)
    half = (0.0011 + 0.0008 * strength) * body.scale * np.sin(np.pi * np.linspace(0.08, 0.92, 7))
    lines = list_lines(body)[: 9 if strength == 1 else 5]
    mirrored = [line * [-1, 1] for line in lines]
    return [
        lay_ribbon(body, front, line, half, color, Part.WRINKLES, 0.0012 * body.scale)
        for line in lines + mirrored
    ]


def draw_scar(body: Sculpture, person: Person, front: Front) -> list[Piece]:
    """A scar with stitches, over one eye or across one cheek."""
    if person.scar == NONE:
        return []
    s, side = body.scale, 1 if person.seed % 2 else -1
    eye, t = body.eyes[0], np.linspace(0, 1, 9)[:, None]
    top, low = {
        "eye": (eye[[0, 2]] + [0.002 * s, 0.046 * s], eye[[0, 2]] + [0.012 * s, -0.052 * s]),
        "cheek": (eye[[0, 2]] + [0.026 * s, -0.030 * s], eye[[0, 2]] + [-0.012 * s, -0.062 * s]),
    }[person.scar]
    line = (top + (low - top) * t) * [side, 1]
    color = mix((0.62, 0.10, 0.09), person.skin_rgb, 0.15)
    half = 0.0034 * s * np.sin(np.pi * np.linspace(0.1, 0.9, 9))
    lift = 0.0035 * s if person.scar == "eye" else 0.0016 * s
    pieces = [lay_ribbon(body, front, line, half, color, Part.SCAR, lift, 0.001 * s)]
    along = (line[-1] - line[0]) / np.linalg.norm(line[-1] - line[0])
    across = np.array([-along[1], along[0]]) * 0.0095 * s
    for share in (1, 7) if person.scar == "eye" else (2, 4, 6):
        stitch = line[share] + np.linspace(-1, 1, 3)[:, None] * across
        pieces.append(
            lay_ribbon(body, front, stitch, np.full(3, 0.0018 * s), color, Part.SCAR, lift)
        )
    return pieces


def grow_beard(body: Sculpture, person: Person) -> list[Piece]:
    """A beard of the jaw's own skin, pushed out; or a moustache alone."""
    if person.beard == NONE:
        return []
    s, points = body.scale, body.points
    x, z = np.abs(points[:, 0]) / s, points[:, 2] / s
    corner = mouth_corner(body) / s
    lips = body.body.regions["lips"]
    line = corner[1] + 0.010 + np.maximum(x - corner[0] - 0.004, 0) * 0.9
    over = np.minimum(corner[1] + 0.0235 - z - 0.30 * x, z - corner[1] + 0.006 + 0.15 * x)
    over = np.minimum(over, 0.031 - x)
    lower = np.minimum.reduce([line - z, z - body.chin / s + 0.018, 0.16 - x])
    lower = np.minimum(lower, np.maximum(corner[1] - 0.016 - z, x - corner[0] - 0.001))
    keep = over if person.beard == "moustache" else np.maximum(over, lower)
    keep = np.minimum(keep * s, 0.02 * (0.35 - lips))
    keep = np.minimum(keep, 0.02 * (0.5 - body.body.regions["inside-mouth"]))
    keep = np.minimum(keep, body.center[1] + 0.012 * s - points[:, 1])
    _, quads, mixture = cut_mesh(body.body.faces["body"], keep)
    surface = mixture @ points
    deep = smooth_step((mixture @ keep) / (0.014 * s))
    thick = (0.0015 + (0.0125 if person.beard == "full_beard" else 0.008) * deep) * s
    surface = surface + thick[:, None] * normals(surface, quads)
    tone = 0.85 + 0.12 * np.sin(surface[:, :1] / s * 900) * np.ones((1, 3))
    return [add_bound(body, mixture, surface, quads, tone * person.hair_rgb, Part.BEARD)]
