"""Write what ships: three files of weights, and their rows for the table of models.

Averaged weights in float16. Of the CLIP's table of tokens only the rows that training changed.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from resources.light_models.recipe import train_clip, train_unet, train_vae
from resources.light_models.recipe.data import Cast, open_cast
from resources.light_models.recipe.options import read_json
from resources.light_models.recipe.training import read_averaged
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.models.light_base import assemble_base, write_weights
from workflow_scripts.models.light_clip import pack_table

PARTS = ("clip", "vae", "unet")
SCALED = 2048  # images whose latents give the scale
MAX_BYTES = 45_000_000  # of all of them: git keeps them forever
LICENSE = "Apache-2.0"
TRAINING_DATA = "characters and places rendered by the project itself (CC0 bodies, own code)"


def name_files(out: Path) -> dict[str, Path]:
    """Where each part lies in the folder of the shipped files."""
    return {part: out / f"light-{part}.safetensors" for part in PARTS}


def export_clip(work: Path, out: Path) -> None:
    """Write the CLIP of a working folder into `out`."""
    head, state = read_averaged(work / "clip" / "checkpoint.safetensors")
    for free in train_clip.FREE:
        del state[free]
    check_finite("clip", state)
    write_weights(name_files(out)["clip"], pack_table(state), head["settings"]["config"])


def export_vae(work: Path, out: Path, cast: Cast) -> None:
    """Write the VAE of a working folder into `out`; its scale is that of the cast's latents."""
    head, state = read_averaged(work / "vae" / "checkpoint.safetensors")
    check_finite("vae", state)
    config = head["settings"]["config"]
    vae = train_vae.make_vae(config)
    vae.load_state_dict(state)
    chosen = train_vae.spread_evenly(len(cast), SCALED)
    scale = train_vae.measure_scale(vae.eval(), np.asarray(cast.images[chosen]))
    write_weights(name_files(out)["vae"], state, config | {"scaling_factor": scale})


def export_unet(work: Path, out: Path) -> None:
    """Write the UNet of a working folder beside the CLIP and the VAE that it was trained with."""
    head, state = read_averaged(work / "unet" / "checkpoint.safetensors")
    paths = name_files(out)
    train_unet.check_there([paths["clip"], paths["vae"]])
    for part in ("clip", "vae"):
        if head["settings"][part] != hash_file(paths[part]):
            raise CineloraError(
                f"the UNet of {work} was trained with another {paths[part].name} than lies in\n"
                f"  {out}. Train it again with this one: delete {work}/unet."
            )
    check_finite("unet", state)
    write_weights(paths["unet"], state, describe_unet(head["settings"]))
    check_size([path for path in paths.values() if path.is_file()])


def describe_unet(settings: dict[str, Any]) -> dict[str, Any]:
    """The whole config of the net, and the noise schedule that it was trained with."""
    channels = settings["channels"]
    return settings["config"] | {
        "in_channels": channels,
        "out_channels": channels,
        "cross_attention_dim": settings["width"],
        "schedule": read_json(train_unet.SCHEDULE),
    }


def check_finite(part: str, state: dict[str, torch.Tensor]) -> None:
    """CineloraError where a number does not fit into float16, which ships."""
    floats = {name: tensor for name, tensor in state.items() if tensor.is_floating_point()}
    broken = [name for name, tensor in floats.items() if not tensor.half().isfinite().all()]
    if broken:
        raise CineloraError(
            f"light-{part}: {len(broken)} tensors hold numbers too large for float16, the first\n"
            f"  is {broken[0]}. Delete the folder of {part} and train it again, at a lower rate."
        )


def check_size(paths: list[Path]) -> None:
    total = sum(path.stat().st_size for path in paths)
    if total > MAX_BYTES:
        raise CineloraError(
            f"the light models take {total / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f}.\n"
            "  Make the nets smaller: clip.json, vae.json, unet.json of the recipe."
        )


def make_rows(paths: dict[str, Path]) -> dict[str, Any]:
    """Rows of resources/models.yaml for the files, under `files`."""
    return {
        path.name: {
            "source": "file",
            "path": path.as_posix(),
            "bytes": path.stat().st_size,
            "sha256": hash_file(path),
            "license": LICENSE,
            "training_data": TRAINING_DATA,
        }
        for path in paths.values()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True, type=Path, help="folder of the checkpoints")
    parser.add_argument("--out", required=True, type=Path, help="folder of the shipped files")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--data", help="folder of the cast's shards, for the scale of the VAE")
    parser.add_argument("--base", type=Path, help="write the diffusers folder too")
    asked = parser.parse_args()
    if "vae" in asked.parts and not asked.data:
        parser.error("the scale of the VAE is measured on the cast: name it with --data")
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    asked.out.mkdir(parents=True, exist_ok=True)
    if "clip" in asked.parts:
        export_clip(asked.work, asked.out)
    if "vae" in asked.parts:
        side = read_json(train_vae.CONFIG)["sample_size"]
        export_vae(asked.work, asked.out, open_cast(asked.data, side_px=side))
    if "unet" in asked.parts:
        export_unet(asked.work, asked.out)
    paths = name_files(asked.out)
    if asked.base:
        assemble_base(asked.base, **paths)
    written = {part: paths[part] for part in asked.parts}
    log.info("%s", yaml.safe_dump(make_rows(written), sort_keys=False))


if __name__ == "__main__":
    main()
