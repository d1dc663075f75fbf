"""Measure what an adapter does, always beside the base model with the same seeds.

Reads the adapter, its settings, its dataset and the base. Leaves scores.parquet (one row per score
and strength, with a 95 % interval), grid.png (prompts and seeds across, strengths down), a preview
(the first prompt at full strength) and settings.yaml (how it was measured). The adapter is loaded
by diffusers' own load_lora_weights, as a user would load it.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.adapter_file import load_adapter
from workflow_scripts.adapter.empty_adapter import is_empty, write_unscored
from workflow_scripts.adapter.examples import Examples, cache_examples, fixed_losses, seed_for
from workflow_scripts.adapter.finished import (
    find_finished,
    hash_parts,
    read_trained,
    sign,
    write_settings,
)
from workflow_scripts.adapter.grid import draw_grid, name_rows
from workflow_scripts.adapter.metrics import (
    bootstrap_difference,
    bootstrap_mean,
    measure_images,
    nearest,
)
from workflow_scripts.adapter.prompts import Prompts, choose_prompts, draw_all
from workflow_scripts.adapter.training_data import (
    TrainingImage,
    fit_image,
    make_buckets,
    read_split,
    subsample_evenly,
)
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.models.checksums import folder_checksum
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.registry import load_model, name_loader

SCORES = pa.schema(
    [
        ("score", pa.string()),
        ("strength", pa.float64()),  # 0: the base, without the adapter; null: of the dataset alone
        ("value", pa.float64()),  # null where there was nothing to measure it on
        ("low", pa.float64()),  # of the 95 % interval; null with fewer than two values
        ("high", pa.float64()),
        ("n", pa.int32()),  # values behind the mean
        ("better", pa.string()),  # up, down or none
        ("note", pa.string()),
        ("base_is_random", pa.bool_()),  # then the scores prove the path, not the image
    ]
)
NOTES = {  # score: (better, what it says)
    "heldout_loss": ("down", "denoising loss on held-out images, fixed noise"),
    "heldout_gain": ("up", "loss of the base minus loss with the adapter, held-out, paired"),
    "train_gain": ("up", "the same on training images"),
    "overfit_gap": ("down", "train_gain minus heldout_gain: what was memorized"),
    "similarity": ("up", "cosine of drawn images to held-out ones"),
    "similarity_gain": ("up", "similarity minus that of the base, same prompts and seeds"),
    "copy_risk": ("down", "share of drawn images nearer to a training image than film stills"),
    "nearest_training": ("none", "cosine to the nearest training image"),
    "nearest_training_of_heldout": ("none", "the same for held-out images: the film's own level"),
    "diversity": ("up", "cosine distance between seeds of one prompt"),
    "drift": ("down", "cosine distance from the base's image on unrelated prompts"),
    "pixel_change": ("none", "mean change of an image against the base, 0 to 1"),
    "change_at_strength_0": ("down", "largest change of a pixel at strength 0; must be 0"),
}
AGAINST_BASE = ("similarity_gain", "drift")  # 0 by definition at strength 0
Embed = Callable[[list[np.ndarray]], np.ndarray]


def measure_losses(
    losses: dict[float, tuple[np.ndarray, np.ndarray]], resamples: int, rng: np.random.Generator
) -> list[dict]:
    """Rows about the denoising loss; `losses` maps strength to (train, held-out), (N,) each."""
    rows = []
    for strength, (train, held_out) in losses.items():
        options = {"resamples": resamples, "rng": rng}
        rows.append(make_row("heldout_loss", strength, held_out, **options))
        if strength == 0:
            continue
        gains = losses[0][0] - train, losses[0][1] - held_out
        rows.append(make_row("train_gain", strength, gains[0], **options))
        rows.append(make_row("heldout_gain", strength, gains[1], **options))
        gap = bootstrap_difference(*gains, **options)
        rows.append(_row("overfit_gap", strength, gap, len(gains[1])))
    return rows


def make_row(
    score: str, strength: float, values: np.ndarray, *, resamples: int, rng: np.random.Generator
) -> dict:
    """One row of the table: the mean of the values and its interval."""
    figures = bootstrap_mean(values, resamples=resamples, rng=rng)
    return _row(score, strength, figures, len(values))


def _row(score: str, strength: float, figures: tuple[float, float, float], n: int) -> dict:
    better, note = NOTES[score]
    value, low, high = figures
    return {
        "score": score,
        "strength": strength,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
        "better": better,
        "note": note,
    }


def measure_changes(images: dict[float | None, np.ndarray], options: dict) -> list[dict]:
    """Rows about pixels; an adapter that changes nothing at full strength was not loaded."""
    plain = images[None].astype(float) / 255
    largest = float(np.abs(images[0].astype(float) / 255 - plain).max())
    rows = [_row("change_at_strength_0", 0.0, (largest, np.nan, np.nan), len(plain))]
    for strength, drawn in images.items():
        if not strength:
            continue
        change = np.abs(drawn.astype(float) / 255 - plain).mean((1, 2, 3))
        rows.append(make_row("pixel_change", strength, change, **options))
        if strength >= 1 and not change.any():
            raise CineloraError(
                f"at strength {strength} the adapter changes no pixel of {len(plain)} images.\n"
                "  Its weights are 0 or do not reach the base model: train it for more steps."
            )
    return rows


def try_strengths(
    base: Base,
    adapter: str,
    prompts: Prompts,
    splits: tuple[Examples, Examples],
    options: dict[str, Any],
    seed: int,
) -> tuple[dict[float | None, np.ndarray], dict[float, tuple[np.ndarray, np.ndarray]]]:
    """Draw and measure without the adapter (None), then with it at 0 and at every strength.

    Returns the images and, but for None, the losses of both splits: (N,) means over noise levels.
    """

    def measure() -> tuple[np.ndarray, ...]:
        return tuple(
            fixed_losses(base, split, timesteps=options["timesteps"], seed=seed).mean(1)
            for split in splits
        )

    images: dict[float | None, np.ndarray] = {None: draw_all(base, prompts, options)}
    losses = {0.0: measure()}
    load_adapter(base, adapter)
    strengths = [0.0, *options["strengths"]]
    for strength in progress(strengths, "strengths", total=len(strengths)):
        base.pipeline.set_adapters("film", strength)
        images[strength] = draw_all(base, prompts, options)
        if strength:
            losses[strength] = measure()
    return images, losses


def measure_embeddings(
    images: dict[float | None, np.ndarray],
    prompts: Prompts,
    stills: tuple[np.ndarray, np.ndarray],
    embed: Embed,
    options: dict[str, Any],
) -> list[dict]:
    """Rows about what the images look like; `stills` are vectors of training and held-out."""
    plain = embed(list(images[None]))
    rows = []
    for strength, drawn in images.items():
        if strength is None:
            continue
        vectors = embed(list(drawn)) if strength else plain
        figures = measure_images(vectors, plain, prompts.related, prompts.groups, *stills)
        if not strength:
            figures = {k: v for k, v in figures.items() if k not in AGAINST_BASE}
        rows += [make_row(name, strength, values, **options) for name, values in figures.items()]
    if len(stills[1]):
        level = nearest(stills[1], stills[0])
        rows.append(make_row("nearest_training_of_heldout", np.nan, level, **options))
    return rows


def make_fingerprint(
    how: dict[str, Any], trained: dict[str, Any], adapter: str, embed: dict[str, Any], *loaders: str
) -> str:
    """Two evaluations with the same fingerprint measure the same; `trained` is settings.yaml."""
    code = hash_code("adapter.evaluate_adapter", *loaders)
    return hash_parts(how, trained["dataset_sha256"], hash_file(adapter), embed, code)


def check_base(base: str, trained: dict[str, Any]) -> None:
    """The base must be the very one that the adapter was trained on."""
    found = folder_checksum(base)
    if trained["base_sha256"] != found:
        raise CineloraError(
            f"the adapter was trained on {trained['base']} ({trained['base_sha256'][:12]}),\n"
            f"  {base} is another model ({found[:12]}). Train the adapter again."
        )


def nearest_to_full(strengths: Sequence[float]) -> float:
    """The strength at which hosts show an adapter: 1, or the one that comes nearest."""
    return min(strengths, key=lambda strength: abs(strength - 1))


def read_images(
    dataset: str, options: dict[str, Any]
) -> tuple[tuple[list[TrainingImage], list[TrainingImage]], Prompts]:
    """Images of both splits to measure on, and what is drawn: captions that were held out."""
    train, held_out = (read_split(dataset, split) for split in ("train", "validation"))
    unrelated, seeds, most = (options[k] for k in ("unrelated_prompts", "seeds", "prompts"))
    few = tuple(subsample_evenly(images, options["images"]) for images in (train, held_out))
    return few, choose_prompts(held_out or train, unrelated, seeds, most)


def measure(
    opened: Base,
    look: Embed,
    adapter: str,
    splits: tuple[list[TrainingImage], list[TrainingImage]],
    prompts: Prompts,
    trained: dict[str, Any],
    options: dict[str, Any],
    seed: int,
) -> tuple[list[dict], dict[float | None, np.ndarray]]:
    """Rows of the table, and what was drawn at each strength; `trained` is settings.yaml."""
    weight = trained["settings"]["background_loss_weight"]
    encoding = {"resolution_px": trained["resolution_px"], "background_loss_weight": weight}
    examples = tuple(cache_examples(opened, images, **encoding) for images in splits)
    drawn, losses = try_strengths(opened, adapter, prompts, examples, options, seed)
    rng = np.random.default_rng(seed_for(seed, "bootstrap"))
    resampling = {"resamples": options["bootstrap"], "rng": rng}
    buckets = make_buckets(opened.resolution_px, opened.side_step_px)
    stills = tuple(look([fit_image(i, buckets).pixels for i in images]) for images in splits)
    rows = [
        *measure_losses(losses, **resampling),
        *measure_changes(drawn, resampling),
        *measure_embeddings(drawn, prompts, stills, look, resampling),
    ]
    return rows, drawn


def main(
    dataset: str,
    adapter: str,
    settings: str,
    base: str,
    embed_weights: Sequence[str],
    scores: str,
    grid: str,
    preview: str,
    how_measured: str,
    *,
    title: str,
    options: dict[str, Any],
    model: dict[str, Any],
    embed: dict[str, Any],
    seed: int,
) -> Counts:
    trained = read_trained(settings)
    if is_empty(trained):
        write_settings(how_measured, {"empty": trained["empty"], "images": 0, "scores": 0})
        return write_unscored(title, trained["empty"], scores, SCORES, [grid, preview])
    how = {"options": options, "model": model["name"], "embed": embed["name"], "seed": seed}
    check_base(base, trained)
    loaders = name_loader(model), name_loader(embed)
    fingerprint = make_fingerprint(how, trained, adapter, embed, *loaders)
    if facts := find_finished(how_measured, fingerprint, [scores, grid, preview]):
        return Counts("images", facts["images"], facts["images"], found={"scores": facts["scores"]})
    opened = load_model(model, [Path(base) / "model_index.json"])
    splits, prompts = read_images(dataset, options)
    log.info("%s: %d images a strength, on %s", title, len(prompts.texts), opened.device)
    look = load_model(embed, embed_weights)
    rows, drawn = measure(opened, look, adapter, splits, prompts, trained, options, seed)
    write_manifest(pd.DataFrame(rows).assign(base_is_random=opened.is_random), scores, SCORES)
    head = f"{title}, {trained['base']}"
    write_image(grid, draw_grid(head, prompts.texts, prompts.seeds, name_rows(drawn)))
    write_image(preview, drawn[nearest_to_full(options["strengths"])][0])
    facts = how | {"images": len(prompts.texts) * len(drawn), "scores": len(rows)}
    write_settings(how_measured, facts | sign(fingerprint, [scores, grid, preview]))
    return Counts("images", facts["images"], facts["images"], found={"scores": len(rows)})


if __name__ == "__main__":
    run_phase(main, snakemake)
