"""Materials, solids and props for the sets (Blender Python). Metres; colors are linear RGB."""

import math

import bmesh
import bpy

Color = tuple[float, float, float]


def dim(color: Color, by: float) -> Color:
    return tuple(by * channel for channel in color)


def add_pattern(
    look: bpy.types.Material, one: Color, two: Color, scale: float, bricks: bool
) -> None:
    """Mix two colors over the surface: soft patches, or stones with joints of the second."""
    nodes, links = look.node_tree.nodes, look.node_tree.links
    where = nodes.new("ShaderNodeTexCoord").outputs["Object"]
    if bricks:
        texture = nodes.new("ShaderNodeTexBrick")
        for name, color in (("Color1", one), ("Color2", dim(one, 0.85)), ("Mortar", two)):
            texture.inputs[name].default_value = (*color, 1)
        out = texture.outputs["Color"]
    else:
        texture, ramp = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeValToRGB")
        texture.inputs["Detail"].default_value = 3
        for stop, at, color in zip(ramp.color_ramp.elements, (0.4, 0.6), (one, two), strict=True):
            stop.position, stop.color = at, (*color, 1)
        links.new(texture.outputs["Fac"], ramp.inputs[0])
        out = ramp.outputs["Color"]
    texture.inputs["Scale"].default_value = scale
    links.new(where, texture.inputs["Vector"])
    links.new(out, nodes["Principled BSDF"].inputs["Base Color"])


def material(
    color: Color,
    rough: float = 0.8,
    second: Color | None = None,
    scale: float = 3.0,
    emit: float = 0.0,
    bricks: bool = False,
) -> bpy.types.Material:
    look = bpy.data.materials.new("look")
    look.use_nodes = True
    inputs = look.node_tree.nodes["Principled BSDF"].inputs
    inputs["Base Color"].default_value = (*color, 1)
    inputs["Roughness"].default_value, inputs["Specular IOR Level"].default_value = rough, 0.25
    if emit:
        inputs["Emission Color"].default_value = (*color, 1)
        inputs["Emission Strength"].default_value = emit
    if second is not None:
        add_pattern(look, color, second, scale, bricks)
    return look


def make_solid(kind: str, segments: int) -> bpy.types.Mesh:
    """A unit box, cyl, cone, ball or plane."""
    mesh, build = bpy.data.meshes.new(kind), bmesh.new()
    if kind == "box":
        bmesh.ops.create_cube(build, size=1)
    elif kind == "plane":
        bmesh.ops.create_grid(build, x_segments=1, y_segments=1, size=0.5)
    elif kind == "ball":
        bmesh.ops.create_icosphere(build, subdivisions=4, radius=0.5)
    else:
        tip = 0.5 if kind == "cyl" else 0
        cone = {"segments": segments, "radius1": 0.5, "radius2": tip, "depth": 1, "cap_ends": True}
        bmesh.ops.create_cone(build, **cone)
    build.to_mesh(mesh)
    build.free()
    return mesh


def put(kind: str, at, size, look, turn=(0, 0, 0), smooth=False, segments=20) -> bpy.types.Object:
    """A solid with its center `at` and full extents `size`; `turn` in radians."""
    mesh = make_solid(kind, segments)
    thing = bpy.data.objects.new(kind, mesh)
    bpy.context.scene.collection.objects.link(thing)
    thing.location, thing.scale, thing.rotation_euler = at, size, turn
    mesh.materials.append(look)
    for polygon in mesh.polygons if smooth else []:
        polygon.use_smooth = True
    return thing


def add_lamp(at, power_w: float, color: Color = (1, 0.75, 0.45)) -> None:
    lamp = bpy.data.lights.new("lamp", "POINT")
    lamp.energy, lamp.color, lamp.shadow_soft_size = power_w, color, 0.3
    thing = bpy.data.objects.new("lamp", lamp)
    bpy.context.scene.collection.objects.link(thing)
    thing.location = at


def tree(x: float, y: float, h: float, leaf: Color, pine: bool = False) -> None:
    bark, leaves = material((0.16, 0.08, 0.035), 0.9), material(leaf, 0.85, dim(leaf, 0.6), 5)
    if pine:
        put("cyl", (x, y, h * 0.12), (0.22, 0.22, h * 0.25), bark)
        for k in range(5):
            wide = h * (0.50 - 0.085 * k)
            put("cone", (x, y, h * (0.29 + 0.155 * k)), (wide, wide, h * 0.30), leaves, segments=18)
        return
    put("cyl", (x, y, h * 0.25), (0.26, 0.26, h * 0.55), bark)
    put("ball", (x, y, h * 0.66), (h * 0.52, h * 0.52, h * 0.62), leaves, smooth=True)
    put("ball", (x + h * 0.16, y - h * 0.1, h * 0.52), (h * 0.34,) * 3, leaves, smooth=True)
    put("ball", (x - h * 0.17, y - h * 0.06, h * 0.60), (h * 0.30,) * 3, leaves, smooth=True)


def house(x, y, size, wall: Color, roof: Color, degrees: float = 0.0) -> None:
    """A house of size (width, depth, height) with windows, shutters and a door towards -y."""
    width, depth, height = size
    turn = math.radians(degrees)
    c, s = math.cos(turn), math.sin(turn)

    def at(u, v, z):
        return x + u * c - v * s, y + u * s + v * c, z

    flat = (0, 0, turn)
    put("box", at(0, 0, height / 2), size, material(wall, 0.9, dim(wall, 0.86), 2), flat)
    cap = (width * 1.62, depth * 1.62, height * 0.45)
    tiles = material(roof, 0.9, dim(roof, 0.7), 6)
    put("cone", at(0, 0, height * 1.22), cap, tiles, (0, 0, turn + math.pi / 4), segments=4)
    put("box", at(0, -depth / 2, 0.18), (width, 0.1, 0.36), material(dim(wall, 0.55), 0.9), flat)
    glass, frame = material((0.10, 0.16, 0.24), 0.2), material((0.8, 0.77, 0.7), 0.7)
    shutter, count = material(dim(roof, 0.8), 0.8), max(2, int(width / 1.5))
    for i in range(count):
        u = (i + 0.5) / count * width - width / 2
        for z in (z for z in (1.5, 3.6, 5.6) if z < height - 0.6):
            put("box", at(u, -depth / 2, z), (0.78, 0.08, 1.1), frame, flat)
            put("box", at(u, -depth / 2 - 0.02, z), (0.64, 0.08, 0.94), glass, flat)
            put("box", at(u, -depth / 2 - 0.04, z), (0.05, 0.08, 0.94), frame, flat)
            for edge in (-0.55, 0.55):
                put("box", at(u + edge, -depth / 2 - 0.02, z), (0.28, 0.06, 1.1), shutter, flat)
    door = material(dim(roof, 0.5), 0.6)
    put("box", at(-width * 0.02, -depth / 2 - 0.01, 1.0), (0.95, 0.08, 2.0), door, flat)


def street_lamp(x: float, y: float, lit: bool) -> None:
    iron = material((0.05, 0.06, 0.06), 0.5)
    put("cyl", (x, y, 1.6), (0.1, 0.1, 3.2), iron)
    put("cyl", (x, y, 0.2), (0.24, 0.24, 0.4), iron)
    bulb = material((1, 0.82, 0.5), 0.5, emit=6.0 if lit else 0.3)
    put("ball", (x, y, 3.3), (0.34, 0.34, 0.34), bulb, smooth=True)


def bush(x: float, y: float, size: float) -> None:
    leaves = material((0.05, 0.17, 0.03), 0.9, (0.09, 0.28, 0.05), 9)
    blobs = [
        (-0.28, 0.35, 0.8),
        (0.3, 0.3, 0.7),
        (0, 0.62, 0.75),
        (-0.55, 0.2, 0.5),
        (0.58, 0.18, 0.45),
    ]
    for dx, z, wide in blobs:
        put(
            "ball",
            (x + dx * size, y, z * size * 1.3),
            (wide * size * 1.1,) * 3,
            leaves,
            smooth=True,
        )


def rocks(rng, count: int, x_range: tuple, y_range: tuple, look) -> None:
    for _ in range(count):
        s = rng.uniform(0.3, 1.0)
        at = rng.uniform(*x_range), rng.uniform(*y_range), s * 0.15
        put("ball", at, (s * 1.4, s, s * 0.7), look, smooth=True)
