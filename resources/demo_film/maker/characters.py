"""Dresses and animates the characters: screenplay -> plain arrays of vertices and joints.

Writes, for every character of a film,
  cache/<play>/char_<name>.npz         faces, colors, materials (constant)
  cache/<play>/anim_<shot>_<name>.npz  vertices, COCO-17 joints, head rotation (one row a drawing)
Units are metres, z is up, a character stands at the origin and looks along -y.
"""

import argparse
import pathlib
from collections.abc import Callable

import numpy as np

from maker import notation, poses
from maker.body import VERTICES, Body
from maker.geometry import fit_rigid, make_eyeball, normals, trim
from maker.head_parts import add_brows, add_hair

SKIN, CLOTH, HAIR, EYE = range(4)  # material slots of scene.py
QUANTUM = 1e-4  # vertices are stored as int16 tenths of a millimetre
LASHES, TEETH, TONGUE = (0.02, 0.012, 0.01), (0.85, 0.83, 0.77), (0.55, 0.16, 0.17)


class Figure:
    """A character as a list of parts: (points at a moment, faces, colors, material)."""

    def __init__(self, body: Body, character: dict) -> None:
        self.body, self.character, self.parts = body, character, []
        self.rest, _ = body.pose(character, {}, {})
        self.measure_head()
        self.add_skin()
        self.add_clothes()
        self.add_face_details()

    def measure_head(self) -> None:
        """Find crown, eyes, chin and the vertices that belong to the head."""
        rest, skin = self.rest, self.body.skin
        self.crown, self.floor = rest[skin, 2].max(), rest[skin, 2].min()
        self.stature = self.crown - self.floor
        self.size = self.stature / 1.7  # clothes are cut for 1.7 m
        self.eyes = [rest[np.unique(self.body.faces[f"helper-{s}-eye"])].mean(0) for s in "lr"]
        self.eye_height = float(np.mean([eye[2] for eye in self.eyes]))
        self.head_h = 2.05 * (self.crown - self.eye_height)
        self.chin, self.scale = self.crown - self.head_h, self.head_h / 0.235
        ears = self.body.region("ears") > 0.5
        self.center = np.array([0.0, rest[ears, 1].mean(), self.eye_height])
        self.center += np.array([0, -0.012, 0.015]) * self.scale
        around = (rest[skin] - self.center) / self.scale
        self.skull = skin[around[:, 2] > 0.05]  # moves rigidly with the head
        near = (around[:, 2] > -0.15) & (np.abs(around[:, 0]) < 0.13) & (around[:, 1] < 0.2)
        self.head = skin[near & ~ears[skin]]

    def add(self, follow: Callable, faces, color, material: int, n: int) -> None:
        color = np.broadcast_to(np.asarray(color, float), (n, 3))
        self.parts.append((follow, np.asarray(faces), color, material))

    def add_rigid(self, points: np.ndarray, faces, color, material: int) -> None:
        """A part that moves with the head."""
        self.add(lambda now: points @ now["R"].T + now["t"], faces, color, material, len(points))

    def add_mesh(self, faces, color, material: int, inflate: float = 0.0, keep=None) -> np.ndarray:
        """A part made of the model's own vertices, cut at keep = 0, pushed out along normals."""
        faces, cuts = trim(faces, np.ones(VERTICES) if keep is None else keep)
        used = np.unique(faces)
        local = np.zeros(VERTICES, int)
        local[used] = np.arange(len(used))
        faces, cut, mate = (
            local[faces],
            local[cuts[:, 0].astype(int)],
            local[cuts[:, 1].astype(int)],
        )
        fraction = cuts[:, 2:]

        def follow(now):
            points = now["v"][used]
            if inflate:
                points = points + inflate * normals(points, faces)
            points[cut] = points[mate] + fraction * (points[cut] - points[mate])
            return points

        color = np.broadcast_to(np.asarray(color, float), (VERTICES, 3))[used]
        self.add(follow, faces, color, material, len(used))
        return used

    def add_skin(self) -> None:
        """The body where clothes leave it bare, with lips; hidden skin would poke through."""
        c, k, rest = self.character, self.size, self.rest
        lips = self.body.region("lips")[:, None]
        color = np.array(c["skin"]) * (1 - lips) + np.array(c["lips"]) * lips
        quads = self.body.faces["body"]
        middle = rest[quads].mean(1)
        height = (middle[:, 2] - self.floor) / self.stature
        collar = self.chin - c.get("collar", 0.10) * self.head_h
        sleeve, leg = c["sleeve"] * k, c.get("trousers", 0.055)
        shown = (middle[:, 2] > collar - 0.13 * k) | (np.abs(middle[:, 0]) > sleeve - 0.05 * k)
        shown |= (height < leg + 0.02) & (height > 0)
        shown &= (height > 0.045) | (leg > 0.3)
        used = self.add_mesh(quads[shown], color, SKIN)
        self.face_points = np.where(self.is_face(rest[used]))[0]

    def is_face(self, points: np.ndarray) -> np.ndarray:
        """Chin to upper forehead, ear to ear."""
        x, y, z = points.T
        tall = (z > self.chin - 0.005) & (z < self.eye_height + 0.055 * self.scale)
        return tall & (y < self.center[1] - 0.025 * self.scale) & (np.abs(x) < 0.12 * self.scale)

    def cut_top(self) -> np.ndarray:
        """How far inside the shirt every vertex lies (metres; below 0: outside)."""
        c, k, rest = self.character, self.size, self.rest
        collar = self.chin - c.get("collar", 0.10) * self.head_h
        at_collar = (np.abs(rest[:, 2] - collar) < 0.02 * k) & (np.abs(rest[:, 0]) < 0.07 * k)
        neck = rest[self.body.skin[at_collar[self.body.skin]], 1].mean()
        off_neck = np.hypot(rest[:, 0], rest[:, 1] - neck) - 0.044 * k
        below = (
            collar - rest[:, 2] + 1.2 * np.maximum(off_neck, 0)
        )  # the cut rises to the shoulders
        hem = self.floor + c.get("hem", 0.50) * self.stature
        return np.minimum.reduce([below, c["sleeve"] * k - np.abs(rest[:, 0]), rest[:, 2] - hem])

    def add_clothes(self) -> None:
        c, k, rest, tights = self.character, self.size, self.rest, self.body.faces["helper-tights"]
        above = rest[:, 2] - self.floor
        top = np.tile(np.array(c["top"], float), (VERTICES, 1))
        if "stripes" in c:
            top[(np.floor(above / self.stature / 0.028).astype(int) % 2) == 0] = c["stripes"]
        self.add_mesh(tights, top, CLOTH, 0.009 * k, self.cut_top())
        waist = (c.get("hem", 0.50) + 0.02) * self.stature - above
        legs = above - c.get("trousers", 0.055) * self.stature
        low = np.minimum.reduce([waist, legs, 0.24 * k - np.abs(rest[:, 0])])
        self.add_mesh(tights, c["bottom"], CLOTH, 0.004 * k, low)
        if "skirt" in c:
            self.add_mesh(self.body.faces["helper-skirt"], c["skirt"], CLOTH, 0.012 * k)
        self.add_mesh(tights, c["shoes"], CLOTH, 0.009 * k, 0.062 * self.stature - above)

    def add_eye(self, side: str, eye: np.ndarray) -> None:
        used = np.unique(self.body.faces[f"helper-{side}-eye"])
        radius = np.linalg.norm(self.rest[used] - eye, axis=1).max()
        points, faces, color = make_eyeball(eye, radius, self.character["iris"])

        def follow(now):
            rotation, shift = fit_rigid(self.rest[used], now["v"][used])
            return points @ rotation.T + shift

        self.add(follow, faces, color, EYE, len(points))

    def add_face_details(self) -> None:
        c, faces = self.character, self.body.faces
        for side, eye in zip("lr", self.eyes, strict=True):
            self.add_eye(side, eye)
        for name in ("helper-upper-teeth", "helper-lower-teeth"):
            self.add_mesh(faces[name], TEETH, EYE)
        self.add_mesh(faces["helper-tongue"], TONGUE, SKIN)
        for name in (name for name in faces if "eyelashes" in name):
            self.add_mesh(faces[name], LASHES, HAIR)
        brow_color = np.array(c["hair"].get("brow_color", c["hair"]["color"])) * 0.7
        add_brows(self, c.get("brow", 0.0042), brow_color, HAIR)
        add_hair(self, c["hair"], HAIR)

    def constants(self) -> dict[str, np.ndarray]:
        """What no drawing changes, as render.py and measure.py read it."""
        starts = np.r_[0, np.cumsum([len(part[2]) for part in self.parts])]
        return {
            "quads": np.concatenate(
                [p[1] + s for p, s in zip(self.parts, starts, strict=False)]
            ).astype("i4"),
            "material": np.concatenate([np.full(len(p[1]), p[3]) for p in self.parts]).astype("i4"),
            "color": np.concatenate([p[2] for p in self.parts]).astype("f4"),
            "face_idx": self.face_points,
            "stature": self.stature,
            "head_h": self.head_h,
        }

    def draw(self, bones: dict, face: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices, joints and head rotation of one moment, feet on the ground."""
        vertices, joints = self.body.pose(self.character, bones, face)
        rotation, shift = fit_rigid(self.rest[self.skull], vertices[self.skull])
        now = {"v": vertices, "R": rotation, "t": shift}
        points = np.concatenate([part[0](now) for part in self.parts])
        ground = [0, 0, vertices[self.body.skin, 2].min() - 0.008]  # 8 mm of sole
        return points - ground, joints - ground, rotation


def animate(figure: Figure, one: dict, who: dict) -> dict[str, np.ndarray]:
    """All drawings of one character in one shot."""
    rows = []
    for k in range(one["drawings"]):
        t = who["phase"] + k / notation.DRAWINGS_PER_S
        bones = poses.pose(who["action"], t, who["head"])
        rows.append(figure.draw(bones, poses.face_of(who, k)))
    points, joints, rotations = zip(*rows, strict=True)
    vertices = np.round(np.stack(points) / QUANTUM).astype("i2")
    return {"v": vertices, "joints": np.array(joints, "f4"), "R": np.array(rotations, "f4")}


def main(play: str, cache: pathlib.Path) -> None:
    film, folder, body = notation.build(play), cache / play, Body()
    folder.mkdir(parents=True, exist_ok=True)
    for name, character in film["characters"].items():
        figure = Figure(body, character)
        np.savez_compressed(folder / f"char_{name}.npz", **figure.constants())
        for one in notation.to_draw(film):
            for who in (who for who in one["characters"] if who["name"] == name):
                path = folder / f"anim_{one['id']:02d}_{name}.npz"
                np.savez_compressed(path, **animate(figure, one, who))
        print(
            f"{name}: {figure.stature:.2f} m, {len(figure.constants()['color'])} vertices",
            flush=True,
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("play", help="screenplay module: screenplay or reference")
    parser.add_argument("--cache", type=pathlib.Path, default="cache")
    main(**vars(parser.parse_args()))
