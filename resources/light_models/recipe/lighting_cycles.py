"""Packs scenes for Cycles (`cast.cycles`), the second renderer of the light's truth."""

import argparse
import json
from pathlib import Path

import numpy as np
from cast.rasterizer import merge
from light_models.recipe.lighting_scenes import Scene, choose_scenes


def pack_scene(scene: Scene) -> dict[str, np.ndarray]:
    """Arrays of one scene; the sky of a room is what comes in by its open front."""
    points, _, surfaces = merge(scene.meshes)
    light, sky, indoor = scene.setting.light, scene.setting.sky, scene.place.indoor
    lamps = [[*place, *color, reach] for place, color, reach in light.lamps]
    return {
        "points": points, "quads": surfaces.quads, "colors": surfaces.colors, "glow": surfaces.glow,
        "eye": scene.camera.eye, "axes": scene.camera.axes, "fov_degrees": scene.camera.fov_degrees,
        "sun": np.asarray(light.direction, float), "sun_color": np.asarray(light.color, float),
        "shadow": light.shadow, "lamps": np.array(lamps, float).reshape(-1, 7), "wet": light.wet,
        "zenith": np.asarray(light.sky if indoor else sky.zenith, float),
        "horizon": np.asarray(light.sky if indoor else sky.horizon, float),
        "fog": np.asarray(light.fog, float), "fog_per_m": light.fog_per_m,
        "foggy_sky": scene.setting.weather == "fog", "exposure": scene.setting.exposure,
    }  # fmt: skip


def main(folder: Path, shots: int, seed: int, held_out: bool) -> None:
    """Write <folder>/<shot>.npz and the truth of all, truth.json."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = {}
    for scene in choose_scenes(shots, seed, held_out):
        np.savez_compressed(folder / f"{scene.shot}.npz", **pack_scene(scene))
        truth[scene.shot] = scene.truth
    (folder / "truth.json").write_text(json.dumps(truth, indent=0), encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=int, default=120)
    parser.add_argument("--seed", type=int, default=901)
    parser.add_argument("--held-out", action="store_true")
    main(**vars(parser.parse_args()))
