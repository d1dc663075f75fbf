"""What is written about a training: facts for the file's metadata, settings.yaml and the card."""

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import pandas as pd
import torch

from workflow_scripts.adapter.examples import Examples
from workflow_scripts.adapter.outcomes import Outcome
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_data import TrainingImage, find_trigger
from workflow_scripts.models.diffusion import Base

CONTROLS = {  # how a control is trained: what its card and metadata say of it
    "shuffled_captions": "each image was shown with the caption of another one",
}
RANDOM_BASE = " (random base)"  # in the title of an adapter
PACKAGES = ("torch", "diffusers", "peft", "transformers", "safetensors", "numpy")


def describe_base(name: str, base: Base) -> str:
    """The base model's name, with a warning where its weights are random."""
    return f"{name} (random weights: proves the path, not the image)" if base.is_random else name


def count_buckets(base: Base, examples: Examples) -> list[dict[str, Any]]:
    """Sizes in pixels and how many images of the split (without repeats) have each."""
    scale = base.pixels_per_latent
    sizes = Counter((width * scale, height * scale) for height, width in examples.sizes)
    return [{"resolution": list(size), "count": n} for size, n in sorted(sizes.items())]


def count_folders(images: Sequence[TrainingImage]) -> dict[str, dict[str, int]]:
    """Folders of the dataset as kohya's metadata list them."""
    folders = Counter((image.image.parent.name, image.repeats) for image in images)
    return {name: {"n_repeats": n, "img_count": count} for (name, n), count in folders.items()}


def describe_purpose(title: str, base: str, control: str) -> str:
    """What an adapter is for, as hosts show it."""
    if not control:
        return f"LoRA for {title}, trained on {base}."
    return (
        f"Not for use: a control that the LoRA for {title} is compared with, trained on {base}"
        f" in the same way, but {CONTROLS[control]}."
    )


def describe_training(
    trainer: Trainer, model: dict[str, Any], title: str, control: str, step: int
) -> dict:
    """The facts that the file's metadata and settings.yaml share."""
    base, examples, settings = trainer.base, trainer.train, trainer.settings
    trigger = find_trigger([image.caption for image in examples.images])
    name = describe_base(model["name"], base)
    return {
        "base": name,
        "base_sha256": base.sha256,
        "base_version": base.version,
        "architecture": base.architecture,
        "name": ".".join(filter(None, [title.replace(" ", "-"), control])),
        "title": title + (" (control)" if control else "") + RANDOM_BASE * base.is_random,
        "description": describe_purpose(title, name, control),
        "trigger": trigger,
        "license": settings.license,
        "prediction_type": base.prediction_type,
        "seed": trainer.seed,
        "steps": step,
        "epochs": int(step * settings.gradient_accumulation_steps / len(trainer.plan[1])),
        "images": sum(image.repeats for image in examples.images),
        "resolution_px": trainer.resolution_px,
        "buckets": count_buckets(base, examples),
        "folders": count_folders(examples.images),
        **({"class_images": len(trainer.class_images)} if trainer.class_images else {}),
        **({"control": control} if control else {}),
    }


def describe_run(trainer: Trainer, outcome: Outcome, started: datetime) -> dict:
    """The rest of settings.yaml: what was read, how it went, with what it was done."""
    images, settings = trainer.train.images, trainer.settings
    return {
        "base_is_random": trainer.base.is_random,
        "adapter_tensors": len(outcome.weights),
        "adapter_parameters": sum(tensor.numel() for tensor in outcome.weights.values()),
        "distinct_images": len(images),
        "masks": sum(image.mask is not None for image in images),
        "held_out": len(trainer.held_out),
        **summarize(pd.DataFrame(outcome.rows)),
        **({"overflows": trainer.scaler.overflows} if settings.precision == "float16" else {}),
        "settings": asdict(settings),
        "device": trainer.base.device,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
        **({} if trainer.step else {"restored": True}),  # the steps were taken before, elsewhere
        "started": started.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - started).total_seconds(), 1),
    }


def make_trained_card(facts: dict[str, Any], base: Base) -> dict[str, Any]:
    """The card that A1111 and Forge show beside the adapter."""
    return {
        "description": facts["description"],
        "activation text": facts["trigger"],
        "preferred weight": 1.0,
        "sd version": "Unknown" if base.is_random else base.card_version,
        "notes": f"{facts['steps']} steps on {facts['images']} images (repeats counted).",
    }


def summarize(rows: pd.DataFrame) -> dict[str, float | None]:
    """First and last figures of the curve; None where there is no held-out split."""
    measured = rows["validation_loss"].dropna()
    tail = rows["loss"].dropna().tail(10)
    return {
        "loss_last_10_steps": round(float(tail.mean()), 6),
        "validation_loss_of_base": round(float(measured.iloc[0]), 6) if len(measured) else None,
        "validation_loss_lowest": round(float(measured.min()), 6) if len(measured) else None,
    }
