"""Role base, full tier: a Stable Diffusion 1.x folder in diffusers' layout."""

from pathlib import Path

from workflow_scripts.lib.training.diffusion import Base, open_base


def load_base(
    files: dict[str, Path], *, device: str, architecture: str, version: str, is_random: bool
) -> Base:
    """Open the folder whose model_index.json is in `files`."""
    return open_base(
        files["model_index.json"].parent,
        device=device,
        is_random=is_random,
        architecture=architecture,
        version=version,
    )
