"""People who stand, walk and run in space, seen by a lens: joints as a pose net would give them.

Legs swing as people's do: the knee of the swinging leg bends by 60 degrees in a walk, by 105 in a
run (Novacheck, The biomechanics of running, Gait and Posture 7, 1998).
"""

import numpy as np

FPS = 6.0
TORSO, THIGH, SHANK, HIP, SHOULDER = 0.5, 0.42, 0.42, 0.11, 0.18  # m
# strides and metres a second, lean, hip at rest and swing, knee at rest and bend in swing, degrees
GAITS = {
    "stand": (0.0, 0.0, 0, 0, 0, 5, 0),
    "walk": (0.95, 1.3, 3, 5, 22, 8, 52),
    "run": (1.4, 3.0, 9, 12, 30, 20, 90),
}
LENS_M, LENS_HEIGHT_M = 8.0, 1.2
SCALE_PX, MIDDLE_PX = 1000.0, (480.0, 270.0)


def film_mover(
    gait: str, turn_deg: float, *, images: int = 12, jitter: float = 0.02, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Joints (T, 17, 3) in pixels of 960 x 540, and times; 0 degrees walks into the lens, 180 away.

    `jitter` is the error of each joint, in torsos.
    """
    rng = np.random.default_rng(seed)
    times, phase = np.arange(images) / FPS, rng.uniform(0, 2 * np.pi)
    stride, speed = GAITS[gait][:2]
    turn = np.radians(turn_deg)
    ahead, right = (np.sin(turn), -np.cos(turn)), (-np.cos(turn), -np.sin(turn))
    joints = []
    for time in times:
        body = _pose(gait, phase + 2 * np.pi * stride * time)  # (17, 3): right, ahead, up
        ground = body[:, :1] * right + (body[:, 1:2] + speed * (time - times.mean())) * ahead
        depth = ground[:, 1] + LENS_M
        joints.append(np.column_stack([ground[:, 0], LENS_HEIGHT_M - body[:, 2]]) / depth[:, None])
    points = np.array(joints) * SCALE_PX + MIDDLE_PX
    points += rng.normal(0, jitter * TORSO * SCALE_PX / LENS_M, points.shape)
    return np.concatenate([points, np.ones((images, 17, 1))], 2), times


def _pose(gait: str, phase: float) -> np.ndarray:
    _, _, lean, rest, swing, bent, bend = (np.radians(value) for value in GAITS[gait])
    joints = np.zeros((17, 3))
    for side, own in ((-1, phase), (1, phase + np.pi)):
        number = 0 if side < 0 else 1  # left, right
        thigh = rest + swing * np.sin(own)
        shank = thigh - bent - bend * max(0.0, np.cos(own)) ** 1.3
        hip = np.array([side * HIP, 0, 0])
        knee = hip + [0, THIGH * np.sin(thigh), -THIGH * np.cos(thigh)]
        ankle = knee + [0, SHANK * np.sin(shank), -SHANK * np.cos(shank)]
        shoulder = np.array([side * SHOULDER, TORSO * np.sin(lean), TORSO * np.cos(lean)])
        arm = [0, 0, -0.27]
        joints[[11 + number, 13 + number, 15 + number]] = hip, knee, ankle
        joints[[5 + number, 7 + number, 9 + number]] = [
            shoulder + np.multiply(arm, n) for n in range(3)
        ]
    joints[:5] = joints[[5, 6]].mean(0) + [0, 0.05, 0.2]
    joints[:, 2] -= joints[[15, 16], 2].min() - 0.08  # the lower foot stands on the ground
    return joints
