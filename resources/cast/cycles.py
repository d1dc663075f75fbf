"""Draws scenes with Blender's Cycles, for a second renderer that must tell the same truth.

Runs in an environment with bpy. Scenes come as .npz files (`pack_scene` of whoever chose them), so
that nothing else of this package is needed there:

    python -m cast.cycles scenes/ images/ --size 224 --samples 4

leaves images/<name>.npy, (S, S, 3) float16 linear light, exposed. Finished ones are skipped.
"""

import argparse
import math
import pathlib
import time

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix


def start(size_px: int, samples: int, threads: int) -> bpy.types.Scene:
    """An empty scene set for speed: few samples a pixel, a denoiser, two bounces."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine, render.resolution_percentage = "CYCLES", 100
    render.resolution_x = render.resolution_y = size_px
    render.threads_mode, render.threads = "FIXED", threads
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", samples, False
    cycles.use_denoising, cycles.max_bounces, cycles.diffuse_bounces = True, 3, 2
    cycles.sample_clamp_indirect = 3
    scene.view_layers[0].use_pass_z = True
    image = render.image_settings
    image.file_format, image.color_depth, image.exr_codec = "OPEN_EXR_MULTILAYER", "32", "ZIPS"
    return scene


def clear() -> None:
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing, do_unlink=True)
    for kind in (bpy.data.meshes, bpy.data.materials, bpy.data.lights, bpy.data.worlds):
        for thing in [thing for thing in kind if not thing.users]:
            kind.remove(thing)


def make_material(roughness: float) -> bpy.types.Material:
    """Color from the points, glow from the faces."""
    material = bpy.data.materials.new("place")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    surface, color = nodes["Principled BSDF"], nodes.new("ShaderNodeVertexColor")
    glow = nodes.new("ShaderNodeAttribute")
    color.layer_name, glow.attribute_name = "col", "glow"
    surface.inputs["Roughness"].default_value = roughness
    surface.inputs["Specular IOR Level"].default_value = 0.2
    links.new(color.outputs["Color"], surface.inputs["Base Color"])
    links.new(color.outputs["Color"], surface.inputs["Emission Color"])
    links.new(glow.outputs["Fac"], surface.inputs["Emission Strength"])
    return material


def add_mesh(scene: bpy.types.Scene, packed: dict) -> None:
    mesh = bpy.data.meshes.new("place")
    faces = [quad[:3] if quad[2] == quad[3] else quad for quad in packed["quads"].tolist()]
    mesh.from_pydata(packed["points"].tolist(), [], faces)
    rgba = np.c_[packed["colors"], np.ones(len(packed["colors"]))].astype("f4")
    mesh.color_attributes.new("col", "FLOAT_COLOR", "POINT").data.foreach_set("color", rgba.ravel())
    glow = mesh.attributes.new("glow", "FLOAT", "FACE")
    glow.data.foreach_set("value", packed["glow"].astype("f4"))
    mesh.materials.append(make_material(0.35 if packed["wet"] > 0 else 0.85))
    mesh.update()
    scene.collection.objects.link(bpy.data.objects.new("place", mesh))


def add_camera(scene: bpy.types.Scene, packed: dict) -> None:
    """`axes`: rows right, up, ahead; Blender's cameras look along their -z."""
    lens = bpy.data.cameras.new("camera")
    lens.clip_start, lens.angle = 0.02, math.radians(float(packed["fov_degrees"]))
    scene.camera = bpy.data.objects.new("camera", lens)
    right, up, ahead = packed["axes"]
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = np.stack([right, up, -ahead], 1), packed["eye"]
    scene.camera.matrix_world = Matrix(world.tolist())
    scene.collection.objects.link(scene.camera)


def add_lamp(scene: bpy.types.Scene, kind: str, color: np.ndarray, strength: float):
    lamp = bpy.data.lights.new(kind, kind)
    peak = float(np.max(color)) or 1.0
    lamp.energy, lamp.color = strength * peak, [float(c) / peak for c in color]
    thing = bpy.data.objects.new(kind, lamp)
    scene.collection.objects.link(thing)
    return thing


def add_lights(scene: bpy.types.Scene, packed: dict) -> None:
    """The sun of the setting, its lamps (place, color, reach), and a sky that shines."""
    sun = add_lamp(scene, "SUN", packed["sun_color"], math.pi)
    sun.data.angle = 0.05 if packed["shadow"] > 0.5 else 0.4  # radians: a gray sky is soft
    world = np.eye(4)
    back = packed["sun"] / np.linalg.norm(packed["sun"])
    side = np.cross([0.0, 0, 1], back)
    side /= np.linalg.norm(side)
    world[:3, :3] = np.stack([side, np.cross(back, side), back], 1)
    sun.matrix_world = Matrix(world.tolist())
    for lamp in packed["lamps"]:
        thing = add_lamp(scene, "POINT", lamp[3:6], 16 * lamp[6] ** 2)
        thing.location, thing.data.shadow_soft_size = lamp[:3].tolist(), 0.15
    add_sky(scene, packed["zenith"], packed["horizon"])


def add_sky(scene: bpy.types.Scene, zenith: np.ndarray, horizon: np.ndarray) -> None:
    """A gradient from the horizon to the zenith, as steep at the horizon as a square root."""
    world = bpy.data.worlds.new("sky")
    scene.world, world.use_nodes = world, True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    where, split = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeSeparateXYZ")
    root, mix = nodes.new("ShaderNodeMath"), nodes.new("ShaderNodeMix")
    root.operation, mix.data_type = "POWER", "RGBA"
    root.inputs[1].default_value, root.use_clamp = 0.5, True
    links.new(where.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], root.inputs[0])
    links.new(root.outputs[0], mix.inputs[0])
    # a mix node has sockets of every type; those of colors are 6 and 7, its color result is 2
    mix.inputs[6].default_value = (*horizon.tolist(), 1)
    mix.inputs[7].default_value = (*zenith.tolist(), 1)
    links.new(mix.outputs[2], nodes["Background"].inputs[0])


def shoot(scene: bpy.types.Scene, packed: dict, exr: pathlib.Path) -> np.ndarray:
    """Render; fog is laid over by depth, as the rasterizer does."""
    scene.render.filepath = str(exr)
    bpy.ops.render.render(write_still=True)
    channels = {n: c.pixels for p in OpenEXR.File(str(exr)).parts for n, c in p.channels.items()}
    rgb = next(np.squeeze(pixels) for name, pixels in channels.items() if "Combined" in name)
    depth = next(np.squeeze(pixels) for name, pixels in channels.items() if "Depth" in name)
    veil = 1 - np.exp(-np.minimum(depth, 60) * float(packed["fog_per_m"]))
    veil = (veil * (1 if packed["foggy_sky"] else depth < 1000))[..., None]
    return (rgb[..., :3] * (1 - veil) + packed["fog"] * veil) * float(packed["exposure"])


def main(scenes: pathlib.Path, images: pathlib.Path, size: int, samples: int, threads: int) -> None:
    images.mkdir(parents=True, exist_ok=True)
    scene, exr = start(size, samples, threads), images / "last.exr"
    started, made = time.process_time(), 0
    for path in sorted(scenes.glob("*.npz")):
        image = images / f"{path.stem}.npy"
        if image.exists():
            continue
        packed = dict(np.load(path, allow_pickle=False))
        clear()
        add_mesh(scene, packed)
        add_camera(scene, packed)
        add_lights(scene, packed)
        partial = image.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, shoot(scene, packed, exr).astype(np.float16))
        partial.replace(image)
        made += 1
    exr.unlink(missing_ok=True)
    print(f"{made} images, {time.process_time() - started:.0f} CPU-seconds")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("scenes", type=pathlib.Path)
    parser.add_argument("images", type=pathlib.Path)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    main(**vars(parser.parse_args()))
