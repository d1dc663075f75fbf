"""Build the base model of the light tier: reads its shipped weights, leaves a diffusers folder."""

from pathlib import Path

from workflow_scripts.lib.phase import Counts, run_phase
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.light_base import assemble_base


def main(clip: str, vae: str, unet: str, base: str) -> Counts:
    assemble_base(base, clip=Path(clip), vae=Path(vae), unet=Path(unet))
    folder_checksum(base)  # remembered for every training and evaluation
    files = sum(path.is_file() for path in Path(base).rglob("*"))
    return Counts("files", files, files)


if __name__ == "__main__":
    run_phase(main, snakemake)
