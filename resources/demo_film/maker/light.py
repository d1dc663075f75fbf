"""Sun and sky for every time of day and weather (Blender Python)."""

import math
from dataclasses import dataclass

import bpy
from mathutils import Vector


@dataclass(frozen=True)
class Light:
    """Sun strength, color and place (height, azimuth in degrees); sky colors and strength."""

    sun: float
    color: tuple[float, float, float]
    height: float
    azimuth: float
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    sky: float


LIGHTS = {
    "day": Light(3.1, (1, 0.92, 0.80), 46, -35, (0.22, 0.42, 0.82), (0.66, 0.78, 0.90), 0.62),
    "overcast": Light(0.6, (0.95, 0.97, 1), 65, 20, (0.58, 0.60, 0.63), (0.67, 0.69, 0.71), 1.0),
    "sunset": Light(3.0, (1, 0.46, 0.16), 16, -50, (0.22, 0.22, 0.50), (0.98, 0.46, 0.20), 0.50),
    "evening": Light(0.7, (0.75, 0.62, 0.9), 22, -40, (0.10, 0.13, 0.32), (0.36, 0.26, 0.36), 0.75),
    "night": Light(
        0.70, (0.45, 0.60, 1.0), 45, -30, (0.014, 0.026, 0.08), (0.05, 0.075, 0.17), 1.2
    ),
    "indoor day": Light(1.3, (1, 0.96, 0.88), 52, -25, (0.75, 0.80, 0.85), (0.80,) * 3, 0.62),
    "indoor evening": Light(
        0.15, (0.6, 0.7, 1), 50, 30, (0.30, 0.22, 0.18), (0.30, 0.22, 0.18), 0.7
    ),
}


def pick_light(shot: dict) -> Light:
    if shot["indoor"]:
        return LIGHTS["indoor " + shot["time_of_day"]]
    gray = shot["weather"] != "clear" and shot["time_of_day"] == "day"
    return LIGHTS["overcast" if gray else shot["time_of_day"]]


def sun_ray(light: Light) -> tuple[float, float, float]:
    """Unit direction the sunlight travels in."""
    up, around = math.radians(light.height), math.radians(light.azimuth)
    return -math.sin(around) * math.cos(up), math.cos(around) * math.cos(up), -math.sin(up)


def add_sun(light: Light) -> None:
    lamp = bpy.data.lights.new("sun", "SUN")
    lamp.energy, lamp.color = light.sun, light.color
    lamp.angle = 0.25 if light.height > 60 else 0.05  # radians: a gray sky has soft shadows
    thing = bpy.data.objects.new("sun", lamp)
    bpy.context.scene.collection.objects.link(thing)
    thing.rotation_euler = Vector(sun_ray(light)).to_track_quat("-Z", "Y").to_euler()


def add_sky(light: Light) -> None:
    """A gradient from the horizon to the zenith."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    nodes["Background"].inputs[1].default_value = light.sky
    where, split = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeSeparateXYZ")
    ramp = nodes.new("ShaderNodeValToRGB")
    low, high = ramp.color_ramp.elements
    low.color, high.color, high.position = (*light.horizon, 1), (*light.zenith, 1), 0.45
    links.new(where.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], ramp.inputs[0])
    links.new(ramp.outputs[0], nodes["Background"].inputs[0])


def light_set(shot: dict) -> tuple[float, float, float] | None:
    """Light the set; returns the color of the fog where there is fog."""
    light = pick_light(shot)
    add_sun(light)
    add_sky(light)
    return light.horizon if shot["weather"] == "fog" else None
