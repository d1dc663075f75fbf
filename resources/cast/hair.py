"""Hair: a cap over the skull, a fringe, and what the style adds."""

from collections.abc import Callable

import numpy as np
from maker.geometry import grid_faces

from cast.attributes import NONE, Part, Person
from cast.locks import grow_paths, make_balls, make_locks
from cast.pieces import Piece, add_rigid
from cast.scalp import Scalp
from cast.shades import contrast

COLUMNS, ROWS = 64, 15
DOWN = np.array([0.0, 0.0, 1.0])  # taken away
LINE = [(0, 44), (30, 42), (50, 32), (64, 16), (78, -2), (92, 4), (104, 2), (116, -20), (180, -36)]
HAT_RIM = (32, 8)  # elevation of a hat's rim over the face and at the back
DROPS = {"short": 0.015, "medium": 0.145, "long": 0.37}  # below the rim, of a grown head


def make_cap(scalp: Scalp, person: Person, volume: float, grooves: float) -> Piece:
    """The hair that lies on the skull, from the crown to the hairline, which dips into the skin."""
    azimuth = np.arange(COLUMNS) * 360 / COLUMNS
    side = np.abs((azimuth + 180) % 360 - 180)
    low = np.interp(side, *np.array(LINE, float).T)
    t = np.linspace(0, 1, ROWS)[:, None]
    elevation = 89 - t * (89 - low[None])
    wave = np.sin(np.radians(azimuth) * 14 + 1.8 * t)
    thick = volume * (1 - t**4) ** 0.7 * (1 + grooves * wave * np.minimum(1, 2 * t))
    lift = (thick + 0.003 - 0.008 * t**8) * scalp.scale
    points = scalp.at(azimuth[None], elevation, lift)
    shine = 0.22 * np.exp(-(((elevation - 52) / 9) ** 2))
    tone = (0.88 + 0.10 * wave * np.minimum(1, 2 * t) + shine)[..., None]
    quads = grid_faces(ROWS, COLUMNS)[:, ::-1]
    colors = np.clip(tone * np.asarray(person.hair_rgb), 0, 1)
    return add_rigid(scalp.body, points, quads, colors, Part.HAIR)


def make_fringe(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    """Locks over the forehead; none where the hair is swept back."""
    if person.fringe == "swept":
        return []
    across, top = np.linspace(-58, 58, 9), 0 if person.hat == NONE else 36
    if person.fringe == "side":
        start = np.stack([np.full(9, 28.0), np.full(9, 66.0 - top)], 1)
        end = np.stack([np.linspace(44, -66, 9), np.linspace(30, 6, 9)], 1)
    elif person.fringe == "parted":
        start = np.stack([np.sign(across) * 6, np.full(9, 70.0 - top)], 1)
        end = np.stack([across * 1.1 + np.sign(across) * 14, 28 - np.abs(across) * 0.35], 1)
    else:
        start = np.stack([across * 0.5, np.full(9, 68.0 - top)], 1)
        end = np.stack([across, 19 - 0.12 * np.abs(across) + rng.normal(0, 1.5, 9)], 1)
    lift = (0.017 if person.hat == NONE else 0.010) * scalp.scale
    paths = grow_paths(scalp, start, end, lift, 0.004 * scalp.scale)
    return [make_locks(scalp, paths, 0.017 * scalp.scale, person.hair_rgb, rng)]


def fall_loose(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    """Locks all around, as long as the hair is."""
    drop = DROPS[person.hair_length] * scalp.scale
    nearest = 72 if person.hair_length == "short" else 62
    count = 21
    azimuth = np.linspace(nearest, 360 - nearest, count)
    side = np.abs((azimuth + 180) % 360 - 180)
    low = np.interp(side, [60, 80, 100, 130, 180], [2, -8, -12, -20, -24])
    jitter = rng.normal(0, 3, (2, count))
    pieces = []
    layers = ((74, 0.026, 1.0), (50, 0.018, 0.93))
    if person.hat != NONE:  # nothing may come through it
        layers = ((20, 0.014, 1.0), (14, 0.010, 0.93))
    for crown, lift, share in layers:
        start = np.stack([azimuth * 0.7 + 54 + jitter[0], np.full(count, crown)], 1)
        end = np.stack([azimuth + jitter[0], low + jitter[1]], 1)
        length = drop * share * (1 + rng.normal(0, 0.05, count))
        length *= np.interp(side, [60, 90, 180], [0.75, 0.9, 1.0])
        curl = 0.3 if person.hair_length != "short" else 0.9
        paths = grow_paths(scalp, start, end, lift * scalp.scale, length, curl)
        wide = (0.025 if person.hair_length == "short" else 0.030) * scalp.scale
        pieces.append(make_locks(scalp, paths, wide, person.hair_rgb, rng))
    return pieces


def curl_up(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    """Balls all over the skull and, in longer hair, in chains down from it."""
    s, golden = scalp.scale, 137.508
    n = np.arange(150)
    azimuth, elevation = n * golden % 360, np.degrees(np.arcsin(1 - 1.52 * (n + 0.5) / 150))
    side = np.abs((azimuth + 180) % 360 - 180)
    grows = elevation > np.interp(side, *np.array(LINE, float).T) - 2
    if person.hat != NONE:
        grows &= elevation < np.interp(side, [0, 180], HAT_RIM)
    azimuth, elevation = azimuth[grows], elevation[grows]
    centers = scalp.at(azimuth, elevation, (0.018 + rng.normal(0, 0.004, len(azimuth))) * s)
    chains = [centers]
    drop = {"short": 0.0, "medium": 0.12, "long": 0.30}[person.hair_length] * s
    for step in np.arange(0.03 * s, drop, 0.034 * s):
        around = np.linspace(68, 292, 15) + rng.normal(0, 4, 15)
        ring = scalp.at(around, np.full(15, -14.0), 0.024 * s) - [0, 0, step]
        ring[:, :2] += rng.normal(0, 0.006 * s, (15, 2))
        chains.append(scalp.rest_on_trunk(ring, 0.03 * s))
    centers = np.concatenate(chains)
    radii = np.exp(rng.normal(0, 0.14, (len(centers), 1))) * np.array([0.026, 0.026, 0.023]) * s
    return [make_balls(scalp, centers, radii, person.hair_rgb, rng)]


def hang_tail(
    scalp: Scalp, person: Person, root: tuple[float, float], push, wide: float,
    rng: np.random.Generator,
) -> list[Piece]:  # fmt: skip
    """A bundle of locks tied at a root (degrees), pushed away from the head, then falling."""
    s = scalp.scale
    length = {"medium": 0.20, "long": 0.40}.get(person.hair_length, 0.14) * s
    base = scalp.at(*root, 0.012 * s)
    crest, d = base + np.asarray(push) * s, np.linspace(0, 1, 11)[:, None]
    rise = base + (crest - base) * (1 - (1 - d) ** 2) * 1.15
    path = rise - DOWN * length * d**1.7 * 1.15
    turn = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    spread = np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)[:, None] * wide * s
    paths = path[None] + spread * np.sin(np.pi * np.clip(d + 0.12, 0, 1) ** 0.7)[None]
    paths = scalp.rest_on_trunk(paths, 0.03 * s)
    tie = make_balls(scalp, base[None] + np.asarray(push) * 0.12 * s, np.full((1, 3), 0.020 * s),
                     contrast(person.hair_rgb), rng, Part.TRIM)  # fmt: skip
    return [make_locks(scalp, paths, 0.85 * wide * s, person.hair_rgb, rng), tie]


def tie_ponytail(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    sway = float(rng.choice([-1, 1])) * 0.045
    height = 52 if person.hat == NONE else 2
    return hang_tail(scalp, person, (180, height), (sway, 0.10, 0.055), 0.030, rng)


def tie_twintails(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    pieces, height = [], 38 if person.hat == NONE else 4
    for side in (-1, 1):
        push = (side * 0.085, 0.01, 0.03)
        pieces += hang_tail(scalp, person, (side * 112, height), push, 0.026, rng)
    return pieces


def tie_bun(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    """A bun high on the head, where it shows from the front as well; under a hat, at the nape."""
    s = scalp.scale
    middle = scalp.at(180, 66 if person.hat == NONE else 2, 0.035 * s)
    turn = np.linspace(0, 2 * np.pi, 7, endpoint=False)
    ring = middle + 0.026 * s * np.stack([np.cos(turn), np.sin(turn), 0 * turn], 1)
    centers = np.concatenate([ring, middle[None] + [0, 0, 0.012 * s]])
    radii = np.concatenate([np.tile([0.030, 0.030, 0.030], (7, 1)), [[0.036, 0.036, 0.034]]]) * s
    return [make_balls(scalp, centers, radii, person.hair_rgb, rng)]


def tie_braid(scalp: Scalp, person: Person, rng: np.random.Generator) -> list[Piece]:
    """A braid from the nape over one shoulder, down the chest."""
    s, side = scalp.scale, float(rng.choice([-1, 1]))
    length = {"medium": 0.17, "long": 0.36}.get(person.hair_length, 0.13) * s
    start, body = scalp.at(side * 112, -24, 0.014 * s), scalp.body
    front = np.interp(body.chin - 0.09 * s, scalp.trunk[:, 0], scalp.trunk[:, 1])
    over = np.array([side * 0.105 * s, (front + start[1]) / 2 - 0.03 * s, body.chin - 0.045 * s])
    t = np.linspace(0, 1, 7)[:, None]
    upper = start * (1 - t) + over * t
    t = np.linspace(0, 1, max(4, round(length / (0.027 * s))))[1:, None]
    lower = over - DOWN * length * t - np.array([side * 0.035 * s, 0, 0]) * t
    lower[:, 1] = over[1] + (front - 0.03 * s - over[1]) * np.minimum(1, 2.5 * t[:, 0])
    path = scalp.rest_on_trunk(np.concatenate([upper, lower]), 0.024 * s)
    zigzag = np.where(np.arange(len(path)) % 2, 1, -1)[:, None] * np.array([0.010 * s, 0, 0])
    size = np.linspace(1.0, 0.72, len(path))[:, None] * np.array([0.030, 0.024, 0.031]) * s
    links = make_balls(scalp, path + zigzag, size, person.hair_rgb, rng)
    tip = path[-1:] - [0, 0, 0.035 * s]
    tie = make_balls(
        scalp, tip, np.full((1, 3), 0.014 * s), contrast(person.hair_rgb), rng, Part.TRIM
    )
    brush = make_balls(scalp, tip - [0, 0, 0.03 * s], np.array([[0.016, 0.014, 0.032]]) * s,
                       person.hair_rgb, rng)  # fmt: skip
    return [links, tie, brush]


STYLES: dict[str, Callable] = {
    "loose": fall_loose,
    "curly": curl_up,
    "ponytail": tie_ponytail,
    "twintails": tie_twintails,
    "bun": tie_bun,
    "braid": tie_braid,
}


def make_hair(scalp: Scalp, person: Person) -> list[Piece]:
    """The hair of a person; nothing on a bald head. A hat presses it flat."""
    if person.hair_style == "bald":
        return []
    rng = np.random.default_rng([person.seed, 1])
    tied = person.hair_style in ("ponytail", "twintails", "bun", "braid")
    volume, grooves = (0.013, 0.30) if tied else (0.017, 0.12)
    volume = volume if person.hat == NONE else 0.008
    pieces = [
        make_cap(scalp, person, volume, grooves),
        *STYLES[person.hair_style](scalp, person, rng),
    ]
    return pieces + ([] if person.hair_style == "curly" else make_fringe(scalp, person, rng))
