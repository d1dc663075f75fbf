"""Write what ships: three files of weights, and their rows for the table of models.

Averaged weights in float16. Of the CLIP's table of tokens only the rows that training changed.
"""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import torch
import yaml

from resources.light_models.recipe import train_unet
from resources.light_models.recipe.options import read_json
from resources.light_models.recipe.training import read_averaged
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.models.light_base import assemble_base, write_weights
from workflow_scripts.models.light_clip import pack_table

PARTS = ("clip", "vae", "unet")
MAX_BYTES = 45_000_000  # of all of them: git keeps them forever
LICENSE = "Apache-2.0"
TRAINING_DATA = "characters and places rendered by the project itself (CC0 bodies, own code)"


def export(work: Path, out: Path) -> dict[str, Path]:
    """Write clip, vae and unet of a working folder into `out`; returns their paths."""
    out.mkdir(parents=True, exist_ok=True)
    paths = {part: out / f"light-{part}.safetensors" for part in PARTS}
    heads, states = {}, {}
    for part in PARTS:
        heads[part], states[part] = read_averaged(work / part / "checkpoint.safetensors")
    settings = heads["unet"]["settings"]
    for part in ("clip", "vae"):  # averaged weights of a later step would be another encoder
        if settings[part] != hash_file(work / part / "checkpoint.safetensors"):
            raise CineloraError(
                f"{work}/{part} was trained further after the UNet was.\n"
                "  Train the UNet again: delete its folder, and run make light-models."
            )
    for part, state in states.items():
        check_finite(part, state)
    write_weights(paths["clip"], pack_table(states["clip"]), heads["clip"]["settings"]["config"])
    vae = heads["vae"]["settings"]["config"] | {"scaling_factor": settings["scale"]}
    write_weights(paths["vae"], states["vae"], vae)
    write_weights(paths["unet"], states["unet"], describe_unet(settings))
    check_size(list(paths.values()))
    return paths


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
    parser.add_argument("--base", type=Path, help="write the diffusers folder too")
    asked = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    paths = export(asked.work, asked.out)
    if asked.base:
        assemble_base(asked.base, **paths)
    log.info("%s", yaml.safe_dump(make_rows(paths), sort_keys=False))


if __name__ == "__main__":
    main()
