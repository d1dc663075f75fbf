"""What a job asks of its machine."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

SNAKEMAKE_MB = 350  # on a cluster two Snakemakes of 160 to 170 MB run beside the job's own process


def add_ram(*models: dict) -> int:
    """Memory (MB) of models that a job loads together; one that has two roles counts once."""
    return sum({model["name"]: model.get("ram_mb", 0) for model in models}.values())


def count_readers(*models: dict) -> int:
    """Cores of a job that reads images for models; a GPU takes what eight of them read."""
    return 8 if any(model["device"] == "cuda" for model in models) else 2


def grow(amount_mb: int) -> Callable[..., int]:
    """Memory of a rule: the amount, as much again in each further attempt; Snakemake's share."""

    def ask(wildcards: object, attempt: int) -> int:
        return amount_mb * attempt + SNAKEMAKE_MB

    return ask


def grow_with_film(least_mb: int, frames_per_shot: int) -> Callable[..., int]:
    """The same for a rule that decodes the film of its input: its header may ask for more."""

    def ask(wildcards: object, input: Any, attempt: int) -> int:
        # not above: it brings in FFmpeg, which only this rule needs
        from workflow_scripts.film.decoding.footprint import ask_memory_mb

        film_mb = ask_memory_mb(Path(str(input.film)), frames_per_shot)
        return grow(max(least_mb, film_mb))(wildcards, attempt)

    return ask
