"""Blender: the empty scene, characters as meshes, one image with depth and instance index."""

import pathlib

import bpy
import numpy as np
import OpenEXR
from mathutils import Matrix

from maker.camera import Camera, place

LOOKS = {"skin": (0.50, 0.3), "cloth": (0.85, 0.15), "hair": (0.42, 0.45), "eye": (0.08, 0.6)}


def start(size: tuple[int, int], threads: int, samples: int) -> bpy.types.Scene:
    """An empty Cycles scene set for speed: few samples a pixel, a denoiser, few bounces."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    render, cycles = scene.render, scene.cycles
    render.engine, render.resolution_percentage = "CYCLES", 100
    render.resolution_x, render.resolution_y = size
    render.use_persistent_data = True
    render.threads_mode, render.threads = "FIXED", threads
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", samples, False
    cycles.use_denoising = True
    cycles.denoising_quality = cycles.denoising_prefilter = "FAST"
    cycles.glossy_bounces = 1
    cycles.transmission_bounces, cycles.transparent_max_bounces = 0, 2
    cycles.sample_clamp_indirect = 3
    cycles.caustics_reflective = cycles.caustics_refractive = False
    ask_for_passes(scene)
    lens = bpy.data.cameras.new("camera")
    lens.clip_start = 0.02
    scene.camera = bpy.data.objects.new("camera", lens)
    scene.collection.objects.link(scene.camera)
    return scene


def ask_for_passes(scene: bpy.types.Scene) -> None:
    layer, image = scene.view_layers[0], scene.render.image_settings
    layer.use_pass_object_index = layer.use_pass_z = True
    image.file_format = "OPEN_EXR_MULTILAYER"
    image.color_depth, image.exr_codec = "32", "ZIPS"


def set_bounces(scene: bpy.types.Scene, indoor: bool) -> None:
    """A room lives from light that bounces twice; outdoors the sky fills the shadows in one."""
    scene.cycles.max_bounces, scene.cycles.diffuse_bounces = (3, 2) if indoor else (2, 1)


def clear() -> None:
    """Remove everything but the camera."""
    for thing in list(bpy.data.objects):
        if thing.type != "CAMERA":
            bpy.data.objects.remove(thing, do_unlink=True)
    for kind in (bpy.data.meshes, bpy.data.materials, bpy.data.lights, bpy.data.worlds):
        for thing in list(kind):
            if not thing.users:
                kind.remove(thing)


def make_look(name: str, rough: float, shine: float) -> bpy.types.Material:
    """A material whose color comes from the mesh."""
    look = bpy.data.materials.new(name)
    look.use_nodes = True
    surface = look.node_tree.nodes["Principled BSDF"]
    surface.inputs["Roughness"].default_value = rough
    surface.inputs["Specular IOR Level"].default_value = shine
    color = look.node_tree.nodes.new("ShaderNodeVertexColor")
    color.layer_name = "col"
    look.node_tree.links.new(color.outputs["Color"], surface.inputs["Base Color"])
    return look


def add_character(scene: bpy.types.Scene, person: dict, index: int) -> bpy.types.Object:
    """A character as a mesh object; `index` (from 1) is its value in the instance mask."""
    mesh = bpy.data.meshes.new(person["who"]["name"])
    faces = [quad[:3] if quad[2] == quad[3] else quad for quad in person["quads"].tolist()]
    mesh.from_pydata(person["v"][0].tolist(), [], faces)
    color = mesh.color_attributes.new("col", "FLOAT_COLOR", "POINT")
    rgba = np.c_[person["color"], np.ones(len(person["color"]))]
    color.data.foreach_set("color", rgba.astype("f4").ravel())
    for name, (rough, shine) in LOOKS.items():
        mesh.materials.append(make_look(name, rough, shine))
    mesh.polygons.foreach_set("material_index", person["material"].astype("i4"))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update()
    thing = bpy.data.objects.new(person["who"]["name"], mesh)
    thing.pass_index = index
    scene.collection.objects.link(thing)
    return thing


def move_character(thing: bpy.types.Object, person: dict, k: int, u: float) -> None:
    """Pose of drawing k; vertices are updated in place, a new mesh would cost seconds."""
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = place(person["who"], u)
    thing.matrix_world = Matrix(world.tolist())
    thing.data.vertices.foreach_set("co", person["v"][k].ravel())
    thing.data.update()


def set_region(scene: bpy.types.Scene, region: tuple[int, int, int, int] | None) -> None:
    """Draw only the pixels x0, y0, x1, y1 (from the top left) of the next images; None: all."""
    render = scene.render
    render.use_border, render.use_crop_to_border = region is not None, False
    if region is not None:
        w, h = render.resolution_x, render.resolution_y
        render.border_min_x, render.border_max_x = region[0] / w, region[2] / w
        render.border_min_y, render.border_max_y = 1 - region[3] / h, 1 - region[1] / h


def shoot(scene: bpy.types.Scene, camera: Camera, exr: pathlib.Path) -> dict[str, np.ndarray]:
    """One image: rgb (h, w, 3) linear, depth (h, w) metres, index (h, w) of the character."""
    scene.camera.matrix_world = Matrix(camera.matrix().tolist())
    scene.camera.data.lens = camera.lens
    scene.cycles.seed = 0  # the same noise everywhere: a still background stays still
    scene.render.filepath = str(exr)
    bpy.ops.render.render(write_still=True)
    channels = {n: c.pixels for p in OpenEXR.File(str(exr)).parts for n, c in p.channels.items()}

    def channel(word: str) -> np.ndarray:
        return np.squeeze(next(pixels for name, pixels in channels.items() if word in name))

    return {
        "rgb": channel("Combined")[..., :3].astype("f4"),
        "depth": channel("Depth").astype("f4"),
        "index": np.rint(channel("IndexOB")).astype("u1"),
    }
