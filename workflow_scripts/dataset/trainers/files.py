"""The files of all trainers, beside train/ and validation/ of a packed dataset."""

from pathlib import Path

from workflow_scripts.dataset.trainers import (
    ai_toolkit,
    diffusion_pipe,
    kohya,
    musubi,
    onetrainer,
    simpletuner,
)
from workflow_scripts.dataset.trainers.layout import Layout


def format_files(layout: Layout) -> dict[str, str]:
    """Their texts by name."""
    files = {
        "dataset.toml": kohya.format_toml(layout, masks=layout.has_masks),
        "train.sh": kohya.format_train(layout),
        "onetrainer_concepts.json": onetrainer.format_concepts(layout),
        "ai_toolkit.yaml": ai_toolkit.format_job(layout),
        "diffusion_pipe.toml": diffusion_pipe.format_toml(layout, "train"),
        "musubi.toml": musubi.format_toml(layout),
        "multidatabackend.json": simpletuner.format_backends(layout),
    }
    if layout.has_masks:
        files["dataset_without_masks.toml"] = kohya.format_toml(layout, masks=False)
    if layout.select("validation"):
        held_out = diffusion_pipe.format_toml(layout, "validation")
        files["diffusion_pipe_validation.toml"] = held_out
    return files


def write_trainer_files(folder: Path, layout: Layout) -> None:
    for name, text in format_files(layout).items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "train.sh").chmod(0o755)
    onetrainer.write_links(folder, layout)
