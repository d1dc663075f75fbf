"""What characters do: expressions with intensity, actions, turns of the head (numpy only).

Bones are turned by 4x4 matrices by name, faces moved by facial actions by name, as the demo film's
maker has them; expressions are played more plainly here, for they must read on a small face.
"""

import random
from dataclasses import dataclass

import numpy as np
from maker.poses import both, pose, rotate

EXPRESSIONS = {  # facial actions at intensity 1
    "neutral": {},
    "happy": {
        **both(mouthSmile=1.0, cheekSquint=0.55, mouthUpperUp=0.30, mouthStretch=0.15),
        "jawOpen": 0.30,
    },
    "sad": {
        **both(mouthFrown=1.25, eyeSquint=0.35, mouthLowerDown=0.15, browOuterUp=-0.45),
        "browInnerUp": 1.35,
        "mouthShrugLower": 0.55,
    },
    "angry": {
        **both(browDown=1.5, noseSneer=0.9, mouthFrown=0.7, eyeSquint=0.25, mouthPress=0.6),
        **both(mouthUpperUp=0.25),
    },
    "surprised": {
        **both(browOuterUp=1.1, eyeWide=1.1),
        "jawOpen": 0.75,
        "browInnerUp": 1.1,
        "mouthFunnel": 0.45,
    },
}
MAX_INTENSITY = 1.7
BLINK = both(eyeBlink=1.0)
ACTIONS_USED = sorted({name for face in EXPRESSIONS.values() for name in face} | set(BLINK))
ACTIONS = ("stand", "walk", "run", "sit", "wave", "lie")


@dataclass(frozen=True)
class Moment:
    """What a character does in one image."""

    action: str
    expression: str
    intensity: float  # 0 to 1.7; 0: nothing to see
    blink: bool
    bones: dict[str, np.ndarray]
    face: dict[str, float]


def make_face(expression: str, intensity: float, blink: bool = False) -> dict[str, float]:
    """Facial actions of an expression; intensity 0 to 1.7."""
    if expression not in EXPRESSIONS:
        raise LookupError(f"No expression {expression!r}. Known: {', '.join(EXPRESSIONS)}.")
    if not 0 <= intensity <= MAX_INTENSITY:
        raise ValueError(f"Intensity is {intensity}; it lies between 0 and {MAX_INTENSITY}.")
    face = {name: value * intensity for name, value in EXPRESSIONS[expression].items()}
    return {**face, **BLINK} if blink else face


def lie_down(bones: dict[str, np.ndarray]) -> None:
    """On the back, the whole body turned about its root."""
    bones["root"] = rotate("x", -90)
    bones["head"] = rotate("z", 25)


def make_bones(
    action: str, time_s: float, head: tuple[float, float] = (0, 0), stoop: float = 0
) -> dict[str, np.ndarray]:
    """Turns of bones (4x4 by name). head: yaw and pitch in degrees; stoop: a bent back, 0 to 1."""
    if action not in ACTIONS:
        raise LookupError(f"No action {action!r}. Known: {', '.join(ACTIONS)}.")
    bones = pose("stand" if action == "lie" else action, time_s, head)
    if action == "lie":
        lie_down(bones)
    elif stoop:
        bend = rotate("x", 14 * stoop)
        bones["spine03"] = bend
        bones["spine01"] = bend
        bones["head"] = rotate("x", -20 * stoop) @ bones["head"]
    return bones


def sample_moment(
    rng: random.Random, age_band: str, action: str | None = None, expression: str | None = None
) -> Moment:
    """Something to do, at random where it is not asked for. The elderly stoop."""
    action = action or rng.choices(ACTIONS, (40, 18, 10, 12, 18, 2))[0]
    expression = expression or rng.choice(sorted(EXPRESSIONS))
    intensity = 0.0 if expression == "neutral" else rng.uniform(1.0, MAX_INTENSITY)
    blink = rng.random() < 0.04
    head = (rng.gauss(0, 14), rng.gauss(0, 6))
    stoop = rng.uniform(0.7, 1.2) if age_band == "elderly" else 0.0
    bones = make_bones(action, rng.uniform(0, 4), head, stoop)
    return Moment(
        action, expression, intensity, blink, bones, make_face(expression, intensity, blink)
    )
