"""Role base: how the loader of any family opens its folder in diffusers' layout."""

from pathlib import Path

from workflow_scripts.models.diffusion import Base, open_base
from workflow_scripts.models.loaders.devices import open_device
from workflow_scripts.models.loaders.files import named_file
from workflow_scripts.models.loaders.folders import check_files, check_parts


def open_family(
    family: type[Base],
    files: dict[str, Path],
    device: str,
    architecture: str,
    version: str,
    is_random: bool,
) -> Base:
    """Open the folder whose model_index.json is in `files` as a base of this family."""
    folder = named_file(files, "model_index.json").parent
    for part in (folder, *sorted(folder.glob("*/"))):
        check_parts(part)
    check_files(folder)
    open_device(device)  # what is not drawn in bfloat16 there computes in TF32
    return open_base(
        family,
        folder,
        device=device,
        is_random=is_random,
        architecture=architecture,
        version=version,
    )
