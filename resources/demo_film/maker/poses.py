"""Expressions and poses of the characters, as data for the body model (numpy only)."""

import math

import numpy as np


def both(**actions: float) -> dict[str, float]:
    """The same facial action on both sides."""
    return {name + side: value for name, value in actions.items() for side in ("Left", "Right")}


EXPRESSIONS = {  # facial actions at gain 1
    "neutral": {},
    "happy": {**both(mouthSmile=0.95, cheekSquint=0.55), "jawOpen": 0.20},
    "sad": {**both(mouthFrown=1.0, eyeSquint=0.3), "browInnerUp": 1.0, "mouthShrugLower": 0.35},
    "angry": {**both(browDown=1.0, mouthPress=0.6, noseSneer=0.7, mouthFrown=0.45)},
    "surprised": {**both(browOuterUp=0.9, eyeWide=1.0), "jawOpen": 0.55, "browInnerUp": 1.0},
}


def rotate(axis: str, degrees: float) -> np.ndarray:
    """A 4x4 rotation about one axis."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    m = np.eye(4)
    m[i, i] = m[j, j] = c
    m[i, j], m[j, i] = -s, s
    return m


def stand(t: float, head: tuple[float, float]) -> dict[str, np.ndarray]:
    """Arms down, breathing, a head that is never quite still. head = (yaw, pitch) in degrees."""
    breath = math.sin(2 * math.pi * 0.45 * t)
    sway = 3 * math.sin(2 * math.pi * 0.4 * t)
    return {
        "upperarm01.L": rotate("y", 43 + breath),
        "upperarm01.R": rotate("y", -43 - breath),
        "lowerarm01.L": rotate("x", -12),
        "lowerarm01.R": rotate("x", -12),
        "head": rotate("z", head[0] + sway) @ rotate("x", head[1] + 2 * breath),
    }


def wave(p: dict, t: float) -> None:
    """The right arm up, the forearm swinging."""
    p["upperarm01.R"] = rotate("y", 48)
    p["lowerarm01.R"] = rotate("y", 68 + 22 * math.sin(2 * math.pi * 1.3 * t))


def stride(p: dict, t: float, run: bool) -> None:
    """Legs and arms swing against each other; the knee bends while the leg comes forward."""
    s = math.sin(2 * math.pi * (1.35 if run else 0.95) * t)
    leg, arm, knee = (44, 46, 75) if run else (27, 24, 38)
    for side, k in (("L", s), ("R", -s)):
        p["upperleg01." + side] = rotate("x", -leg * k - (10 if run else 0))
        p["lowerleg01." + side] = rotate("x", 6 + knee * max(0.0, -k) + (16 if run else 0))
        p["upperarm01." + side] = rotate("x", arm * k) @ p["upperarm01." + side]
        p["lowerarm01." + side] = rotate("x", -(80 if run else 22))
    p["spine05"] = rotate("x", 9 if run else 3)


def sit(p: dict) -> None:
    """Thighs level, hands near the knees."""
    for side, k in (("L", 1), ("R", -1)):
        p["upperleg01." + side] = rotate("z", 5 * k) @ rotate("x", -84)
        p["lowerleg01." + side] = rotate("x", 82)
        p["upperarm01." + side] = rotate("x", -14) @ rotate("y", 50 * k)
        p["lowerarm01." + side] = rotate("x", -34)


def pose(action: str, t: float, head: tuple[float, float] = (0.0, 0.0)) -> dict[str, np.ndarray]:
    """Bone rotations (4x4 by bone name) at t seconds."""
    p = stand(t, head)
    if action == "wave":
        wave(p, t)
    elif action in ("walk", "run"):
        stride(p, t, run=action == "run")
    elif action == "sit":
        sit(p)
    elif action != "stand":
        raise LookupError(f"No action {action!r}. Known: stand, walk, run, sit, wave.")
    return p


def face_of(who: dict, k: int) -> dict[str, float]:
    """Facial actions of a character at drawing k."""
    face = {name: value * who["gain"] for name, value in EXPRESSIONS[who["expression"]].items()}
    return {**face, **both(eyeBlink=1.0)} if who["blink"] == k else face
