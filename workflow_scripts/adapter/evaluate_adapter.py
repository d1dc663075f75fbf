"""Measure what an adapter does, beside the base model and its controls, with the same seeds.

Reads the adapter, its settings, its dataset and the base; adapters that were trained alike on
something else (controls); and of a character the images of all characters of the film. Leaves
scores.parquet (one row per score, adapter and strength, and per margin of the adapter over base and
controls, with a 95 % interval), values.parquet (each value behind these means), images/ with
drawings.parquet (each drawn image), grid.png (prompts and seeds across, strengths and controls
down), a preview (the first prompt at full strength) and settings.yaml (how it was measured).
Adapters are loaded by diffusers' own load_lora_weights, as a user would load them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.adapter.content_store import ContentStore
from workflow_scripts.adapter.drawings import (
    Drawn,
    Judged,
    are_whole,
    list_images,
    list_values,
    write_drawings,
)
from workflow_scripts.adapter.empty_adapter import is_empty, write_unscored
from workflow_scripts.adapter.examples import cache_examples
from workflow_scripts.adapter.finished import (
    SPLITS,
    find_finished,
    hash_parts,
    read_trained,
    sign,
    write_settings,
)
from workflow_scripts.adapter.grid import draw_grid, name_rows
from workflow_scripts.adapter.prompts import Prompts, choose_prompts
from workflow_scripts.adapter.score_rows import (
    Judge,
    NoChangeError,
    score_adapter,
    score_control,
)
from workflow_scripts.adapter.stills import find_stills
from workflow_scripts.adapter.training_data import (
    TrainingImage,
    find_shots,
    read_split,
    subsample_evenly,
)
from workflow_scripts.adapter.trials import (
    LOSSES,
    Control,
    check_base,
    describe_adapter,
    describe_control,
    nearest_to_full,
    read_controls,
    try_adapter,
    try_control,
)
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.code import hash_code
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.written_files import SUMS
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.registry import load_model, name_loader

SCORES = pa.schema(
    [
        ("score", pa.string()),
        ("adapter", pa.string()),  # own, base, film, or a control: other_subject, shuffled_captions
        ("strength", pa.float64()),  # 0: the base; null: of the film
        ("over", pa.string()),  # "" of a level; of a margin: base, or the control it is over
        ("value", pa.float64()),  # null where there was nothing to measure it on
        ("low", pa.float64()),  # of the 95 % interval; null with fewer than two clusters
        ("high", pa.float64()),
        ("n", pa.int32()),  # values behind the mean
        ("clusters", pa.int32()),  # prompts, or of losses shots, behind the interval
        ("better", pa.string()),  # up, down or none; up of margins
        ("note", pa.string()),
        ("base_is_random", pa.bool_()),  # then the scores prove the path, not the image
    ]
)
VALUES = (
    pa.schema(  # what is a mean in scores.parquet; pairs of adapters agree in subject and seeds
        [
            ("score", pa.string()),
            ("adapter", pa.string()),  # own, base, or a control
            ("strength", pa.float64()),
            ("subject", pa.string()),  # prompt of the dataset; of a loss the image, as folder/file
            ("seeds", pa.string()),  # "1"; of diversity both, "1 2"; "" of a loss
            ("cluster", pa.int32()),  # number of the prompt, or of the shot
            ("value", pa.float64()),
        ]
    )
)
DRAWINGS = pa.schema(
    [
        ("file", pa.string()),  # below images/
        ("adapter", pa.string()),  # own, base, or a control
        ("strength", pa.float64()),
        ("prompt", pa.string()),  # of the dataset
        ("asked", pa.string()),  # the same; another subject is called by its own trigger
        ("seed", pa.int64()),
        ("related", pa.bool_()),  # a caption of the dataset, not an unrelated prompt
        *SUMS,
    ]
)
Splits = list[list[TrainingImage]]  # training and held-out images
Shots = dict[str, np.ndarray]


def read_images(dataset: str, options: dict[str, Any]) -> tuple[Splits, Shots, Prompts]:
    """Images of both splits to measure on, their shots, and what is drawn: held-out captions first.

    The shots stand under the names of the losses on their splits.
    """
    train, held_out = (read_split(dataset, split) for split in SPLITS)
    unrelated, seeds, most = (options[k] for k in ("unrelated_prompts", "seeds", "prompts"))
    few = [subsample_evenly(images, options["images"]) for images in (train, held_out)]
    shots = [find_shots(dataset, images) for images in few]
    prompts = choose_prompts(held_out, train, unrelated, seeds, most)
    return few, dict(zip(LOSSES, shots, strict=True)), prompts


def measure(
    opened: Base,
    judge: Judge,
    splits: Splits,
    adapter: str,
    controls: Sequence[Control],
    trained: dict[str, Any],
    options: dict[str, Any],
    seed: int,
    store: ContentStore,
) -> tuple[list[dict], Drawn]:
    """Rows of scores.parquet, and what was drawn at each strength and by each control."""
    encoding = {
        "resolution_px": trained["resolution_px"],
        "background_loss_weight": trained["settings"]["background_loss_weight"],
        "store": store,
    }
    train, held_out = (cache_examples(opened, images, **encoding) for images in splits)
    trials = try_adapter(opened, adapter, judge.prompts, [train, held_out], options, seed)
    rows, samples = score_adapter(judge, trials)
    drawn: Drawn = {
        strength: Judged(judge.prompts, trial.images, samples.get(strength, {}))
        for strength, trial in trials.items()
    }
    full = nearest_to_full(options["strengths"])
    for control in controls:
        # By its own trigger, as whoever uses it would: without, nothing asks for what it learned,
        # and it would be the weaker control.
        called = judge.prompts.call(trained["trigger"], control.trained["trigger"])
        trial = try_control(opened, control, called, held_out, options, seed)
        found, measured = score_control(judge, control.name, trial, samples[full], full)
        rows += found
        drawn[control.name] = Judged(called, trial.images, measured)
    return [row | {"base_is_random": opened.is_random} for row in rows], drawn


def list_shots(dataset: str) -> list[list[int]]:
    """The shots of all images of both splits."""
    return [find_shots(dataset, read_split(dataset, split)).tolist() for split in SPLITS]


def make_fingerprint(
    how: list[Any],
    dataset_sha256: str,
    shots: list[list[int]],
    files: Sequence[str],
    *loaders: str,
) -> str:
    """Two evaluations with the same fingerprint measure the same.

    `how`: options and models; `files`: the adapter, its controls, and reference images.
    """
    code = hash_code("adapter.evaluate_adapter", *loaders)
    return hash_parts(how, dataset_sha256, shots, [hash_file(file) for file in files], code)


def write_tables(
    scored: list[dict],
    drawn: Drawn,
    prompts: Prompts,
    splits: Splits,
    full: float,
    scores: str,
    values: str,
    drawings: str,
    images: str,
) -> None:
    """Write the scores, each value behind them, and each image with a row of its own."""
    write_manifest(pd.DataFrame(scored), scores, SCORES)
    rows = pd.DataFrame(list_values(drawn, full, prompts, splits))
    write_manifest(rows, values, VALUES)
    rows = pd.DataFrame(write_drawings(drawn, full, prompts, images))
    write_manifest(rows, drawings, DRAWINGS)


def write_pages(
    drawn: Drawn, prompts: Prompts, head: str, full: float, grid: str, preview: str
) -> None:
    """Write the grid, and the first image at full strength."""
    shown = list_images(drawn)
    write_image(grid, draw_grid(head, prompts.texts, prompts.seeds, name_rows(shown)))
    write_image(preview, shown[full][0])


def main(
    dataset: str,
    adapter: str,
    settings: str,
    control_adapters: Sequence[str],
    control_settings: Sequence[str],
    references: Sequence[str],
    base: str,
    embed_weights: Sequence[str],
    scores: str,
    values: str,
    drawings: str,
    images: str,
    grid: str,
    preview: str,
    how_measured: str,
    *,
    title: str,
    character: str,
    controls: Sequence[str],
    options: dict[str, Any],
    model: dict[str, Any],
    embed: dict[str, Any],
    seed: int,
    cache: dict[str, Any] | None = None,
) -> Counts:
    trained = read_trained(settings)
    nothing = {scores: SCORES, values: VALUES, drawings: DRAWINGS}, [grid, preview], images
    if is_empty(trained):
        return write_unscored(title, trained["empty"], how_measured, *nothing)
    check_base(base, trained)
    others = read_controls(controls, control_adapters, control_settings, trained)
    splits, shots, prompts = read_images(dataset, options)
    how = {"options": options, "model": model["name"], "embed": embed["name"], "seed": seed}
    how["controls"] = {control.name: describe_control(control) for control in others}
    how["adapter"] = describe_adapter(adapter, trained)
    seen = trained["dataset_sha256"], list_shots(dataset), [adapter, *control_adapters, *references]
    loaders = name_loader(model), name_loader(embed)
    fingerprint = make_fingerprint([how, embed], *seen, *loaders)
    left = [scores, values, drawings, grid, preview]
    if (facts := find_finished(how_measured, fingerprint, left)) and are_whole(drawings, images):
        return Counts("images", facts["images"], facts["images"], found={"scores": facts["scores"]})
    opened = load_model(model, [Path(base) / "model_index.json"])
    log.info("%s: %d images a strength, on %s", title, len(prompts.texts), opened.device)
    look = load_model(embed, embed_weights)
    judge = Judge(prompts, find_stills(opened, look, dataset, references, character), look, shots)
    how_to = adapter, others, trained, options, seed
    try:
        with ContentStore(**cache or {}).in_use() as store:
            rows, drawn = measure(opened, judge, splits, *how_to, store)
    except NoChangeError as error:
        if "trial" not in trained:
            raise
        return write_unscored(title, " ".join(str(error).split()), how_measured, *nothing)
    head, full = f"{title}, {trained['base']}", nearest_to_full(options["strengths"])
    write_tables(rows, drawn, prompts, splits, full, scores, values, drawings, images)
    write_pages(drawn, prompts, head, full, grid, preview)
    facts = how | {"images": sum(map(len, list_images(drawn).values())), "scores": len(rows)}
    write_settings(how_measured, facts | sign(fingerprint, left))
    return Counts("images", facts["images"], facts["images"], found={"scores": len(rows)})


if __name__ == "__main__":
    run_phase(main, snakemake)
