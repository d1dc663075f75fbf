"""Sun and sky for every time of day and weather (Blender Python)."""

import bpy
from mathutils import Vector

from maker.hours import Light, pick_light, sun_ray


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
