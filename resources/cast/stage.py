"""Draws one image: people take their places, a camera is found, all is drawn and measured."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import numpy as np

from cast import framing, truth
from cast.acting import Moment, sample_moment
from cast.attributes import Part, Person
from cast.chances import draw
from cast.framing import Posed
from cast.light import Setting, choose_hour, develop, make_setting
from cast.places import Place
from cast.rasterizer import Camera, Drawing, Mesh, rasterize
from cast.sky import paint_sky
from cast.solids import PlacePart, Solids, rgb
from cast.weather import add_falling, dress_place

MAX_FOG = 0.6  # optical depth between camera and people: some half of them shows
MAX_AZIMUTH = 50  # degrees of the camera from the axis of the place
PART_NAMES = {int(part): part.name for part in Part}
FACE = [Part.FACE, Part.SCLERA, Part.IRIS, Part.LIPS, Part.WRINKLES]


class Figure(Protocol):
    """A body that can be posed, as people.build_figure makes it."""

    mesh: Mesh
    head_height: float  # meters

    def moment(
        self, bones: Mapping[str, np.ndarray], face: Mapping[str, float]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Points (n, 3), joints (17, 3), rotation of the head (3, 3)."""


@dataclass(frozen=True)
class Actor:
    """A character who can be in many images."""

    person: Person
    figure: Figure

    @cached_property
    def face(self) -> np.ndarray:
        """Which vertices lie in the face."""
        mesh = self.figure.mesh
        return np.unique(mesh.quads[np.isin(mesh.parts, FACE)])


@dataclass(frozen=True)
class Player:
    """An actor in an image: doing what, standing where, seen from which side."""

    actor: Actor
    moment: Moment
    posed: Posed
    view: str


def play(actor: Actor, at: Sequence[float], azimuth: float, rng: np.random.Generator) -> Player:
    """Pose an actor at (x, y) so that the camera at `azimuth` has some view of the body."""
    moment = sample_moment(random.Random(int(rng.integers(1 << 62))), actor.person.age_band)
    view, yaw = framing.choose_view(rng)
    points, joints, head = actor.figure.moment(moment.bones, moment.face)
    placed = framing.stand(points, joints, head, at, azimuth + yaw)
    lies = moment.action == "lie"
    posed = Posed(*placed, actor.figure.head_height, azimuth + yaw, lies)
    return Player(actor, moment, posed, view)


def make_seat(player: Player, rng: np.random.Generator) -> list[Mesh]:
    """A block under whoever sits."""
    if player.moment.action != "sit":
        return []
    solids, hips = Solids(rng), player.posed.joints[framing.HIPS].mean(0)
    # hips lie a hand's breadth above the seat
    height = float(max(hips[2] - 0.5 * player.actor.figure.head_height, 0.12))
    colors = ("#9a6a3c", "#7a7f86", "#b5854f", "#5f6a78", "#a8543f")
    color = rgb(colors[rng.integers(len(colors))])
    size = (0.46 + 0.1 * player.actor.figure.head_height, 0.42, height)
    solids.box((hips[0], hips[1], 0), size, color, PlacePart.WALL, player.posed.facing)
    return solids.meshes()


def find_camera(
    crew: Sequence[Actor], rng: np.random.Generator
) -> tuple[list[Player], Camera, str]:
    """Poses, and a camera that sees them in a shot type; tries until both fit."""
    while True:
        azimuth = float(rng.uniform(-MAX_AZIMUTH, MAX_AZIMUTH))
        places = framing.line_up(len(crew), azimuth, rng)
        players = [play(who, at, azimuth, rng) for who, at in zip(crew, places, strict=True)]
        lying = players[0].posed.lies
        shot_type = draw(framing.LYING if lying else framing.SHOT_TYPES, rng)
        posed = [player.posed for player in players]
        camera = framing.frame(posed, shot_type, azimuth, rng)
        if camera is not None:
            return players, camera, shot_type


def draw_image(
    crew: Sequence[Actor], place: Place, size_px: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, dict]:
    """Image (S, S, 3) uint8, mask (S, S) uint8 (person, 0: none) and the row of its truth.

    The first of the crew is who the image is of; an image in which too little of them shows is
    drawn again, otherwise.
    """
    while True:
        players, camera, shot_type = find_camera(crew, rng)
        hour, weather = choose_hour(place, rng)
        setting = make_setting(place, hour, weather, rng)
        setting = thin_fog(setting, camera)
        meshes = dress_place(place, setting, rng)
        for number, player in enumerate(players, 1):
            points = player.posed.points
            meshes.append(replace(player.actor.figure.mesh, points=points, person=number))
            meshes += make_seat(player, rng)
        sky = None if place.indoor else paint_sky(setting.sky, camera, size_px)
        drawing = rasterize(meshes, camera, setting.light, size_px, background=sky)
        people = measure_people(players, camera, drawing)
        if people and people[0]["person"] == 1:
            image = add_falling(develop(drawing.image, setting.exposure), weather, rng)
            mask = truth.make_mask(drawing)
            row = describe(place, setting, shot_type, drawing)
            return image, mask, {**row, **describe_light(image, mask), "people": people}


def thin_fog(setting: Setting, camera: Camera) -> Setting:
    """Fog that leaves people visible, however far away the camera stands."""
    distance = float(np.linalg.norm(np.asarray(camera.target) - camera.eye))
    most = MAX_FOG / distance
    light = replace(setting.light, fog_per_m=min(setting.light.fog_per_m, most))
    return replace(setting, light=light)


def measure_people(players: Sequence[Player], camera: Camera, drawing: Drawing) -> list[dict]:
    """Rows of everybody who shows, in the order of the crew."""
    rows = []
    for number, player in enumerate(players, 1):
        actor, moment = player.actor, player.moment
        row = truth.measure_person(
            number, player.posed, camera, drawing,
            words=actor.person.words(), part_names=PART_NAMES,
            face_points=player.posed.points[actor.face], view=player.view,
            action=moment.action, expression=moment.expression, intensity=moment.intensity,
            blink=moment.blink,
        )  # fmt: skip
        if row is not None:
            rows.append({"seed": actor.person.seed, **row})
    return rows


def describe(place: Place, setting: Setting, shot_type: str, drawing: Drawing) -> dict:
    """What the image is of; the place counts as shown where its own things are in the image."""
    free, marks = truth.count_place(drawing, (PlacePart.MARK, PlacePart.LAMP))
    styles = {"toon": setting.light.toon_steps > 0, "outlined": setting.light.outline > 0}
    return {
        "place": place.kind,
        "place_shown": bool(free > 0.2 and marks > 0.05),
        "indoor": "indoor" if place.indoor else "outdoor",
        "time_of_day": setting.time_of_day,
        "weather": setting.weather,
        "shot_type": shot_type,
        "style": [name for name, shown in styles.items() if shown],
        "background_share": round(free, 3),
    }


def describe_light(image: np.ndarray, mask: np.ndarray) -> dict:
    luma, warmth_stops = truth.measure_light(image, mask)
    light, warmth = truth.name_light(luma, warmth_stops)
    return {"luma": luma, "warmth_stops": warmth_stops, "light": light, "warmth": warmth}
