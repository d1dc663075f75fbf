"""Role base, light tier: the project's own Stable Diffusion, which draws the rendered cast."""

from pathlib import Path

from workflow_scripts.models.diffusion import Base, open_base
from workflow_scripts.models.loaders.devices import open_device
from workflow_scripts.models.loaders.files import named_file
from workflow_scripts.models.loaders.folders import check_files

ARCHITECTURE = "cinelora-light-sd/lora"  # not "stable-diffusion-v1/lora": no host may think so
VERSION = "cinelora-light-sd"


def load_base(files: dict[str, Path], *, device: str) -> Base:
    """Open the folder that light_base.assemble_base left; `files` holds its model_index.json."""
    folder = named_file(files, "model_index.json").parent
    check_files(folder)
    open_device(device)
    return open_base(
        folder, device=device, is_random=False, architecture=ARCHITECTURE, version=VERSION
    )
