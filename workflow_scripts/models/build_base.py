"""Build the base model of the light tier: reads a seed, leaves a diffusers folder."""

from pathlib import Path

from workflow_scripts.lib.phase import Counts, run_phase
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.loaders.tiny_sd import build_tiny_sd


def main(base: str, *, seed: int) -> Counts:
    build_tiny_sd(base, seed=seed)
    folder_checksum(base)  # remembered for every training and evaluation
    files = sum(path.is_file() for path in Path(base).rglob("*"))
    return Counts("files", files, files)


if __name__ == "__main__":
    run_phase(main, snakemake)
