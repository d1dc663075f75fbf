"""Where people stand and what the camera sees, in the workflow's words for views and shot types.

The words follow the rules of the demo film's truth (views by the body's yaw) and of classify_poses
(shot types by what of the trunk and the legs is in the image), with gaps between neighbors: what is
near a limit is not drawn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cast.chances import draw
from cast.rasterizer import Camera
from cast.solids import turn_points

VIEWS = {  # degrees between where the body faces and the lens, and how often
    "front": (0, 18, 0.34),
    "three_quarter": (33, 57, 0.30),
    "side": (76, 104, 0.14),
    "three_quarter_back": (123, 147, 0.10),
    "back": (163, 180, 0.12),
}
SHOT_TYPES = {"close-up": 0.40, "medium": 0.25, "full": 0.22, "wide": 0.13}
LYING = {"full": 0.6, "wide": 0.4}  # others would show a part of a bed of grass
TORSO = {"close-up": (-9.0, 0.60), "medium": (0.92, 99.0)}  # share of the trunk in the image
HEIGHT = {"full": (0.73, 0.97), "wide": (0.25, 0.60)}  # of the tallest, over the image's
MAX_SIDE_M = 3.9  # from the axis of the place: walls begin beyond
TRIES = 40
SOLE = 0.15  # torsos from an ankle to the ground, as in classify_poses
SHOULDERS, HIPS, KNEES, ANKLES = [5, 6], [11, 12], [13, 14], [15, 16]


@dataclass(frozen=True)
class Posed:
    """A person as posed, in the world: the origin of the place is where the first one stands."""

    points: np.ndarray  # (n, 3)
    joints: np.ndarray  # (17, 3)
    head: np.ndarray  # (3, 3) rotation of the head
    head_height: float
    facing: float  # degrees counterclockwise from -y
    lies: bool = False

    @cached_property
    def sparse(self) -> np.ndarray:
        """Some of the points, enough to tell how far the body reaches, with the highest one."""
        return np.r_[self.points[::29], self.points[self.points[:, 2].argmax()][None]]

    @property
    def top(self) -> float:
        return float(self.sparse[-1, 2])


def choose_view(rng: np.random.Generator) -> tuple[str, float]:
    """A view and a yaw of the body against the lens that it stands for, degrees."""
    view = draw({name: share for name, (_, _, share) in VIEWS.items()}, rng)
    low, high, _ = VIEWS[view]
    return view, float(rng.uniform(low, high) * rng.choice([-1, 1]))


def stand(
    points: np.ndarray, joints: np.ndarray, head: np.ndarray, at: Sequence[float], facing: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turn a pose and move it to (x, y) on the ground."""
    move = np.array([at[0], at[1], 0.0])
    turn = turn_points(np.eye(3), facing).T
    return turn_points(points, facing) + move, turn_points(joints, facing) + move, turn @ head


def line_up(count: int, azimuth: float, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Places (x, y) of people side by side, as a camera at this azimuth sees them."""
    a = math.radians(azimuth)
    right, away = np.array([math.cos(a), math.sin(a)]), np.array([-math.sin(a), math.cos(a)])
    steps = np.cumsum(np.r_[0, rng.uniform(0.72, 0.95, count - 1)])
    order = rng.permutation(count)
    return [
        tuple(right * (steps[k] - steps.mean()) + away * rng.uniform(-0.2, 0.2) * (count > 1))
        for k in order
    ]


def find_span(people: Sequence[Posed], shot_type: str, rng: np.random.Generator):
    """Lowest and highest z that the image should show, meters, for a shot type."""
    first = people[0]
    top = max(person.top for person in people)
    shoulder, hip, knee = (float(first.joints[k, 2].mean()) for k in (SHOULDERS, HIPS, KNEES))
    if shot_type == "close-up":
        low = shoulder - rng.uniform(-0.15, 0.5) * (shoulder - hip)
        return low, first.top + rng.uniform(0.06, 0.4) * first.head_height
    if shot_type == "medium":
        low = hip - rng.uniform(0.15, 0.7) * max(hip - knee, 0.2)
        return low, top + rng.uniform(0.06, 0.4) * first.head_height
    low, high = HEIGHT[shot_type]
    tall = top / rng.uniform(low + 0.02, high - 0.03)
    return -(tall - top) * rng.uniform(0.3, 0.6), top + (tall - top) * 0.5


def aim(
    people: Sequence[Posed], shot_type: str, azimuth: float, rng: np.random.Generator
) -> Camera:
    """A camera at an azimuth (degrees counterclockwise from -y) that should give this shot type."""
    low, high = find_span(people, shot_type, rng)
    a = math.radians(azimuth)
    right = np.array([math.cos(a), math.sin(a), 0.0])
    heads = np.array([(p.joints[0] + p.joints[HIPS].mean(0)) / 2 for p in people])
    if shot_type == "close-up":
        heads = people[0].joints[:1]
    sides = heads @ right
    lying = max((float(np.ptp(p.sparse @ right)) for p in people if p.lies), default=0.0)
    width = max(float(np.ptp(sides)) + (0.7 if len(people) > 1 else 0), lying * 1.15)
    tall = max(high - low, width)
    middle = heads.mean(0)
    middle += right * ((sides.max() + sides.min()) / 2 - middle @ right)
    middle += right * rng.uniform(-0.11, 0.11) * (tall - width)
    target = np.array(
        [middle[0], middle[1], high - tall / 2 if shot_type != "wide" else (low + high) / 2]
    )
    fov = rng.uniform(24, 34) if shot_type == "close-up" else rng.uniform(28, 44)
    distance = tall / 2 / math.tan(math.radians(fov) / 2)
    rise = math.radians(float(np.clip(rng.normal(4, 7), -10, 24)))
    back = np.array([math.sin(a) * math.cos(rise), -math.cos(a) * math.cos(rise), math.sin(rise)])
    eye = target + distance * back
    eye[2] = max(eye[2], 0.25)
    return Camera(eye, target, fov)


def find_torso_shown(joints: np.ndarray) -> float:
    """Share of the trunk above the lower edge; joints (17, 2) in units of the image."""
    shoulders, hips = joints[SHOULDERS, 1].mean(), joints[HIPS, 1].mean()
    return float((1 - shoulders) / max(hips - shoulders, 1e-6))


def is_whole(joints: np.ndarray) -> bool:
    """Whether projected joints (17, 2), in units of the image, show from head to feet."""
    torso = np.linalg.norm(joints[SHOULDERS].mean(0) - joints[HIPS].mean(0))
    trunk_x = joints[[*SHOULDERS, *HIPS], 0]
    in_frame = joints[ANKLES, 1].max() + SOLE * torso <= 1 and joints[0, 1] >= 0
    return bool(in_frame and (trunk_x >= 0).all() and (trunk_x < 1).all())


def name_shot_type(people: Sequence[Posed], camera: Camera) -> str:
    """The first person's shot type; "" where it lies between two, or something is cut oddly."""
    joints = camera.project(people[0].joints, 1)[:, :2]
    spans = [camera.project(p.sparse, 1) for p in people]
    share = max(np.clip(s[:, 1], 0, 1).max() - np.clip(s[:, 1], 0, 1).min() for s in spans)
    if people[0].lies:  # the trunk lies across: what is whole is judged by width
        share = max(share, float(np.ptp(np.clip(spans[0][:, 0], 0, 1))))
        whole = (spans[0][:, :2] > 0).all() and (spans[0][:, :2] < 1).all()
        return next((n for n, (lo, hi) in HEIGHT.items() if whole and lo <= share <= hi), "")
    shown = find_torso_shown(joints)
    if not (0 <= joints[0, 0] < 1 and 0 <= joints[0, 1] < 1):
        return ""  # the head is the least that must show
    if shown <= TORSO["close-up"][1] and not (0.25 < joints[0, 0] < 0.75 and joints[0, 1] < 0.8):
        return ""  # a close-up is of the whole head
    for name in ("close-up", "medium"):
        low, high = TORSO[name]
        if low <= shown <= high and (name == "close-up" or not is_whole(joints)):
            return name if joints[ANKLES, 1].min() > 1.03 else ""
    if not is_whole(joints):
        return ""
    return next((n for n, (lo, hi) in HEIGHT.items() if lo <= share <= hi), "")


def frame(
    people: Sequence[Posed], shot_type: str, azimuth: float, rng: np.random.Generator
) -> Camera | None:
    """A camera inside of the place that gives exactly this shot type; None: none was found."""
    for _ in range(TRIES):
        camera = aim(people, shot_type, azimuth, rng)
        if abs(camera.eye[0]) <= MAX_SIDE_M and name_shot_type(people, camera) == shot_type:
            return camera
        azimuth *= 0.9  # nearer to the axis, where there is room
    return None
