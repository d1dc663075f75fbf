"""Where people stand and what the camera sees, in plain numpy (for render.py and measure.py)."""

import math
import pathlib

import numpy as np

from maker.notation import moment

QUANTUM = 1e-4  # as in characters.py
LENS_MM = {"close-up": 62, "medium": 46, "full": 40, "wide": 34, "establishing": 30}
FILM_MM = 36  # width of the sensor
UP = np.array([0.0, 0.0, 1.0])


class Camera:
    """A pinhole camera at `loc` that looks at `target`, both (3,) metres; size in pixels."""

    def __init__(self, loc, target, lens: float, size: tuple[int, int]) -> None:
        self.loc, self.lens, self.size = np.array(loc, float), lens, tuple(size)
        ahead = np.array(target, float) - self.loc
        self.ahead = ahead / np.linalg.norm(ahead)
        right = np.cross(self.ahead, UP)
        self.right = right / np.linalg.norm(right)
        self.up = np.cross(self.right, self.ahead)
        self.focal_px = lens / FILM_MM * size[0]

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels from the top left, and distance along the view (metres), for points (n, 3)."""
        ray = points - self.loc
        distance = ray @ self.ahead
        scale = self.focal_px / np.maximum(distance, 0.02)
        x = self.size[0] / 2 + scale * (ray @ self.right)
        y = self.size[1] / 2 - scale * (ray @ self.up)
        return np.stack([x, y, distance], -1)

    def matrix(self) -> np.ndarray:
        """Camera to world, 4x4, as Blender wants it (the view is along -z)."""
        m = np.eye(4)
        m[:3, 0], m[:3, 1], m[:3, 2], m[:3, 3] = self.right, self.up, -self.ahead, self.loc
        return m


def place(who: dict, u: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotation (3, 3) and position (3,) of a character at fraction u of the shot."""
    a = math.radians(who["facing"])
    turn = np.array([[math.cos(a), -math.sin(a), 0], [math.sin(a), math.cos(a), 0], [0, 0, 1]])
    ground = np.array(who["at"]) * (1 - u) + np.array(who["to"]) * u
    return turn, np.array([*ground, 0.0])


def body_yaw(who: dict, u: float, camera: Camera) -> float:
    """Degrees from the lens to where the body faces, -180 to 180; 0 = towards the lens."""
    turn, at = place(who, u)
    return yaw_between(turn @ np.array([0, -1.0, 0]), camera.loc - at)


def yaw_between(forward: np.ndarray, to_lens: np.ndarray) -> float:
    """Signed angle on the ground between two directions (3,), degrees."""
    cross = to_lens[0] * forward[1] - to_lens[1] * forward[0]
    return math.degrees(math.atan2(cross, to_lens[:2] @ forward[:2]))


def view_of(yaw: float) -> str:
    """The word for a body yaw."""
    limits = {"front": 25, "three_quarter": 65, "side": 115, "three_quarter_back": 155}
    return next((view for view, limit in limits.items() if abs(yaw) <= limit), "back")


def sideways(azimuth: float) -> np.ndarray:
    a = math.radians(azimuth)
    return np.array([math.cos(a), math.sin(a), 0.0])


def stand_off(azimuth: float, elevation: float) -> np.ndarray:
    """Unit direction from the target to the camera."""
    a, e = math.radians(azimuth), math.radians(elevation)
    return np.array([math.sin(a) * math.cos(e), -math.cos(a) * math.cos(e), math.sin(e)])


def measure_focus(shot: dict, people: list[dict], u: float) -> list[dict]:
    """Where the people in focus are at the ends of the shot (or now, when the camera follows)."""
    camera, out = shot["camera"], []
    for person in people:
        if camera["focus"] in (None, person["who"]["name"]):
            joints, top = person["joints"][0], float(person["v"][0][:, 2].max())
            for v in [u] if camera["move"] == "whip" else [0.0, 1.0]:
                turn, at = place(person["who"], v)
                hip, nose = float(np.mean(joints[11:13, 2])), turn @ joints[0] + at
                out.append(
                    {"at": at, "top": top, "hip": hip, "nose": nose, "head": person["head_h"]}
                )
    return out


def frame_people(shot: dict, focus: list[dict]) -> tuple[np.ndarray, float]:
    """Target (3,) and height of the image at the target, both metres."""
    framing, right = shot["framing"], sideways(shot["camera"]["az"])
    if framing == "close-up":
        first = focus[0]
        target = np.array([*first["nose"][:2], first["top"] - first["head"] * 0.60])
        return target, first["head"] / 0.50
    side = [f["at"] @ right for f in focus]
    width, top = max(side) - min(side), max(f["top"] for f in focus)
    middle = np.mean([f["at"] for f in focus], 0)
    middle = middle + right * ((max(side) + min(side)) / 2 - middle @ right)
    if framing == "medium":
        hip = min(f["hip"] for f in focus)
        height = max((top - hip) * 1.20, (width + 0.75) * 9 / 16)
        return middle + UP * ((top + hip) / 2 + 0.03 * top), height
    rise, spread, raised = (1.22, 0.95, 0.50) if framing == "full" else (2.3, 1.4, 0.62)
    return middle + UP * top * raised, max(top * rise, (width + spread) * 9 / 16)


def aim(shot: dict, people: list[dict], u: float, size: tuple[int, int]) -> Camera:
    """The camera of a shot at fraction u: framed by its people or its look_at, then moved."""
    camera, lens = shot["camera"], LENS_MM[shot["framing"]]
    focus = measure_focus(shot, people, u)
    if "look_at" in shot:
        target, height = np.array(shot["look_at"][:3], float), shot["look_at"][3]
    else:
        target, height = frame_people(shot, focus)
    move, amount = camera["move"], camera["amount"]
    azimuth = camera["az"] + (amount * (u - 0.5) if move == "orbit" else 0)
    distance = height * lens / (FILM_MM * 9 / 16) * (1 - amount * u if move == "dolly" else 1)
    loc = target + distance * stand_off(azimuth, camera["el"])
    if move == "pan":
        target = target + sideways(azimuth) * amount * (u - 0.5)
    if move == "whip":  # the camera stands at the middle of the run and turns with the runner
        follows = next(p["who"] for p in people if p["who"]["name"] == camera["focus"])
        loc = loc - place(follows, u)[1] + place(follows, 0.5)[1]
    loc[2] = max(loc[2], 0.25)
    return Camera(loc, target, lens, size)


def changed_region(people, camera, u, k, sun, margin=48) -> tuple[int, int, int, int] | None:
    """Pixels x0, y0, x1, y1 that people and their shadows (`sun`: a ray) touch; None: no pixel."""
    points = [np.zeros((0, 3))]
    for person in people:
        turn, at = place(person["who"], u)
        world = person["v"][k] @ turn.T + at
        points += [world, world + np.array(sun) * (world[:, 2:] / -sun[2])]
    x, y, _ = camera.project(np.concatenate(points)).T
    w, h = camera.size
    if not len(x) or x.max() < 0 or x.min() > w or y.max() < 0 or y.min() > h:
        return None
    x0, y0 = max(0, int(x.min()) - margin), max(0, int(y.min()) - margin)
    return x0, y0, min(w, int(x.max()) + margin), min(h, int(y.max()) + margin)


def read_people(shot: dict, cache: pathlib.Path) -> list[dict]:
    """Everybody in a shot; v[k], joints[k] and R[k] belong to drawing k, metres."""
    number = shot["id"] if shot.get("repeats") is None else shot["repeats"]
    out = []
    for who in shot["characters"]:
        constant = dict(np.load(cache / f"char_{who['name']}.npz"))
        moving = dict(np.load(cache / f"anim_{number:02d}_{who['name']}.npz"))
        moving["v"] = moving["v"].astype("f4") * QUANTUM
        person = {**constant, **moving, "who": who}
        person |= {"stature": float(constant["stature"]), "head_h": float(constant["head_h"])}
        out.append(person)
    return out


def cameras_of(shot: dict, people: list[dict], size: tuple[int, int]) -> list[Camera]:
    """One camera a drawing."""
    return [aim(shot, people, moment(shot, k), size) for k in range(shot["drawings"])]
