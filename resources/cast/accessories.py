"""What characters carry: glasses, hats, scarf, tie, backpack, jewelry, bow."""

from collections.abc import Callable

import numpy as np

from cast.attributes import NONE, Part, Person
from cast.clothes import GOLD
from cast.headgear import pick_color, wear_hat
from cast.outfits import Outfit
from cast.pieces import Piece, add_rigid, find_near, paint_piece
from cast.scalp import Scalp
from cast.sculpting import Sculpture
from cast.shades import SKIN
from cast.surfaces import make_ball, sweep, sweep_quads

FRAMES = ((0.02, 0.02, 0.022), (0.55, 0.03, 0.03), (0.10, 0.05, 0.02), (0.03, 0.05, 0.30))


def bend_tube(
    line: np.ndarray, radius: float, closed: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Points and quads of a round tube along a line (k, 3)."""
    if closed:
        line = np.concatenate([line, line[:1]])
    out = np.broadcast_to(np.array([0.0, -1.0, 0.15]), line.shape)
    half = np.full(len(line), radius)
    return sweep(line, half, half, out, 6).reshape(-1, 3), sweep_quads(1, len(line), 6)


def wear_glasses(body: Sculpture, person: Person) -> list[Piece]:
    """Rims around the eyes, a bridge and temples; sunglasses have dark lenses."""
    if person.glasses == NONE:
        return []
    s = body.scale
    color = np.array(FRAMES[person.seed % len(FRAMES)])
    round_rims = person.seed % 3 != 0
    turn = np.linspace(0, 2 * np.pi, 22, endpoint=False)
    power = 1.0 if round_rims else 0.6
    shape = np.stack([np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** power,
                      np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power], 1)  # fmt: skip
    wide = 0.0285 * s
    front = body.points[body.body.skin]
    near = np.abs(front[:, 2] - body.eyes[0, 2]) < 0.02 * s
    y = (
        front[near & (np.abs(np.abs(front[:, 0]) - body.eyes[0, 0]) < 0.02 * s), 1].min()
        - 0.010 * s
    )
    lines, lenses = [], []
    for eye in body.eyes:
        x = np.sign(eye[0]) * max(abs(eye[0]) + 0.002 * s, wide + 0.004 * s)
        rim = np.c_[
            x + shape[:, 0] * wide, np.full(22, y), eye[2] - 0.001 * s + shape[:, 1] * wide * 0.92
        ]
        rim[:, 1] += 0.9 * np.maximum(np.abs(rim[:, 0]) - 0.045 * s, 0)  # bent around the face
        lines.append((rim, True))
        lenses.append(rim)
        hinge = rim[np.argmax(np.abs(rim[:, 0]))]
        ear = np.array(
            [np.sign(eye[0]) * ear_width(body), body.center[1] + 0.012 * s, eye[2] + 0.004 * s]
        )
        t = np.linspace(0, 1, 6)[:, None]
        lines.append((hinge + (ear - hinge) * t, False))
    inner = [rim[np.argmin(np.abs(rim[:, 0]))] for rim in lenses]
    arch = np.linspace(0, 1, 5)[:, None]
    lines.append(
        (inner[0] + (inner[1] - inner[0]) * arch + np.sin(np.pi * arch) * [0, 0, 0.004 * s], False)
    )
    pieces = [add_rigid(body, *bend_tube(line, 0.0026 * s, loop), color, Part.GLASSES)
              for line, loop in lines]  # fmt: skip
    return pieces + (fill_lenses(body, lenses) if person.glasses == "sunglasses" else [])


def ear_width(body: Sculpture) -> float:
    """How far the roots of the ears lie from the middle of the head."""
    ears = body.points[body.body.regions["ears"] > 0.5]
    return float(np.quantile(np.abs(ears[:, 0]), 0.2))


def fill_lenses(body: Sculpture, rims: list[np.ndarray]) -> list[Piece]:
    pieces = []
    for rim in rims:
        points = np.concatenate([rim, rim.mean(0)[None] - [0, 0.004 * body.scale, 0]])
        i = np.arange(0, len(rim), 2)
        quads = np.stack([i, i + 1, (i + 2) % len(rim), np.full(len(i), len(rim))], 1)
        shade = 0.012 + 0.05 * np.clip((points[:, 2:] - rim[:, 2].min()) / np.ptp(rim[:, 2]), 0, 1)
        pieces.append(add_rigid(body, points, quads, shade * np.ones(3), Part.LENS))
    return pieces


def follow_cloth(outfit: Outfit, points: np.ndarray, quads, colors, part: Part) -> Piece:
    """A piece that moves with the nearest cloth."""
    points = np.reshape(points, (-1, 3))
    near = find_near(
        outfit.body,
        points,
        np.unique(outfit.tailor.tights[outfit.tailor.arm[outfit.tailor.tights].max(1) < 0.5]),
        12,
    )
    return paint_piece(points, near @ outfit.body.weights, quads, np.reshape(colors, (-1, 3)), part)


def wear_scarf(outfit: Outfit) -> list[Piece]:
    """A thick ring around the neck, and one end down the chest."""
    body, k = outfit.body, outfit.k
    neck, color = body.heads[body.bone("neck01")], pick_color(outfit.person, 6)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    pieces = []
    for radius, z, tube in ((0.092, 0.030, 0.034), (0.086, 0.062, 0.030)):
        line = (
            np.stack([radius * np.sin(turn), -radius * np.cos(turn), -0.03 * np.cos(turn)], 1) * k
        )
        line = np.concatenate([line, line[:1]]) + neck + [0, -0.006 * k, z * k]
        out = line - neck - [0, 0, z * k]
        points = sweep(line, np.full(25, 0.8 * tube * k), np.full(25, 0.75 * tube * k), out, 8)
        stripes = np.where((np.arange(25) // 2 % 2)[:, None, None] == 0, 1.0, 0.72) * np.ones(
            (25, 8, 1)
        )
        pieces.append(
            follow_cloth(outfit, points, sweep_quads(1, 25, 8), stripes * color, Part.SCARF)
        )
    top, side = outfit.level("neck01"), 0.035 if outfit.person.seed % 2 else -0.035
    line = [(side, top - 0.01 - 0.24 * t) for t in np.linspace(0, 1, 7)]
    pieces.append(outfit.ribbon(line, 0.034, color * 0.85, Part.SCARF, 0.042, 0.010))
    return pieces


def wear_tie(outfit: Outfit) -> list[Piece]:
    """A knot and a blade, over the buttons' line."""
    color = pick_color(outfit.person, 7, ("red", "blue", "green", "purple", "yellow"))
    top, low = outfit.level("neck01") + 0.005, outfit.tailor.waist / outfit.k + 0.07
    line = [(0, top - (top - low) * t) for t in np.linspace(0, 1, 9)]
    half = [0.019, 0.013, 0.015, 0.018, 0.021, 0.024, 0.026, 0.027, 0.004]
    return [outfit.ribbon(line, half, color, Part.TIE, 0.034, 0.006)]


def carry_backpack(outfit: Outfit) -> list[Piece]:
    """A pack on the back and two straps over the shoulders."""
    body, k, color = outfit.body, outfit.k, pick_color(outfit.person, 8)
    chest = body.heads[body.bone("spine02")]
    back = outfit.tailor.chest(1.0).lay(np.array([[0.0, chest[2]]]))[0][0]
    pack, quads = make_ball(back + [0, 0.075 * k, 0], np.array([0.16, 0.085, 0.20]) * k, 11, 16)
    pocket, more = make_ball(
        back + [0, 0.135 * k, -0.07 * k], np.array([0.11, 0.05, 0.08]) * k, 9, 12
    )
    pieces = [follow_cloth(outfit, pack, quads, color, Part.BACKPACK),
              follow_cloth(outfit, pocket, more, color * 0.6, Part.BACKPACK)]  # fmt: skip
    top = outfit.level("neck01") - 0.005
    for side in (-1, 1):
        line = [(side * (0.098 + 0.02 * t), top - 0.02 - 0.26 * t) for t in np.linspace(0, 1, 8)]
        pieces.append(outfit.ribbon(line, 0.018, color * 0.6, Part.BACKPACK, 0.028, 0.004))
    return pieces


def wear_necklace(outfit: Outfit) -> list[Piece]:
    """Large beads on the chest."""
    color = GOLD if outfit.person.skin_tone in list(SKIN)[2:] else pick_color(outfit.person, 9)
    top, pieces = outfit.level("neck01") + 0.012, []
    for angle in np.linspace(-1.15, 1.15, 11):
        x, z = 0.085 * np.sin(angle), top - 0.095 * np.cos(angle) ** 1.2
        place = np.array([[x, z]]) * outfit.k + [0, outfit.body.floor]
        point = outfit.front.lay(place)[0][0] - [0, 0.022 * outfit.k, 0]
        bead, quads = make_ball(point, np.full(3, 0.0115 * outfit.k), 6, 8)
        pieces.append(follow_cloth(outfit, bead, quads, color, Part.NECKLACE))
    return pieces


def wear_earrings(body: Sculpture, person: Person) -> list[Piece]:
    """Golden rings below the ears."""
    s, pieces = body.scale, []
    ears = body.points[body.body.regions["ears"] > 0.5]
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for side in (-1, 1):
        ear = ears[ears[:, 0] * side > 0]
        lobe = ear[np.argmin(ear[:, 2])]
        ring = (
            lobe
            + np.stack(
                [0 * turn + side * 0.008, np.sin(turn) * 0.6 * 0.017, np.cos(turn) * 0.017 - 0.017],
                1,
            )
            * s
        )
        pieces.append(add_rigid(body, *bend_tube(ring, 0.0036 * s, True), GOLD, Part.EARRINGS))
    return pieces


def wear_bow(scalp: Scalp, person: Person) -> list[Piece]:
    """A large bow on the hair, to one side."""
    s, side = scalp.scale, 1 if person.seed % 2 else -1
    color = pick_color(person, 10, ("red", "blue", "pink", "yellow", "white", "purple"))
    middle = scalp.at(side * 38, 58, 0.034 * s)
    pieces = []
    for turn in (-1, 1):
        center = middle + np.array([turn * 0.034, -0.004, 0.012 * -turn * side]) * s
        loop, quads = make_ball(center, np.array([0.036, 0.016, 0.026]) * s, 7, 10)
        pieces.append(add_rigid(scalp.body, loop, quads, color, Part.HAIR_BOW))
    knot, quads = make_ball(middle - [0, 0.008 * s, 0], np.full(3, 0.014 * s), 6, 8)
    return [*pieces, add_rigid(scalp.body, knot, quads, color * 0.7, Part.HAIR_BOW)]


WORN_ON_CLOTH: dict[str, Callable] = {
    "scarf": wear_scarf,
    "tie": wear_tie,
    "backpack": carry_backpack,
    "necklace": wear_necklace,
}


def wear_accessories(outfit: Outfit, scalp: Scalp) -> list[Piece]:
    """Everything a person carries."""
    person, body = outfit.person, outfit.body
    pieces = [*wear_glasses(body, person), *wear_hat(scalp, person)]
    for name in person.accessories:
        if name in WORN_ON_CLOTH:
            pieces += WORN_ON_CLOTH[name](outfit)
    if "earrings" in person.accessories:
        pieces += wear_earrings(body, person)
    return pieces + (wear_bow(scalp, person) if "hair_bow" in person.accessories else [])
