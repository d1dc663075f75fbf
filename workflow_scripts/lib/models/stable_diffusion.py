"""Role base, full tier: a Stable Diffusion 1.x folder in diffusers' layout."""

from pathlib import Path

from workflow_scripts.lib.models.folders import check_weights
from workflow_scripts.lib.training.diffusion import Base, open_base


def load_base(
    files: dict[str, Path], *, device: str, architecture: str, version: str, is_random: bool
) -> Base:
    """Open the folder whose model_index.json is in `files`."""
    folder = files["model_index.json"].parent
    check_weights(folder)
    return open_base(
        folder,
        device=device,
        is_random=is_random,
        architecture=architecture,
        version=version,
    )
