"""Folders as evaluate_adapter leaves them, made from planted values in no time."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from workflow_scripts.adapter.evaluate_adapter import DRAWINGS, SCORES, VALUES
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.manifest import write_manifest

PROMPTS = [f"nella woman, frame {n}" for n in range(6)]
UNRELATED = ["a lighthouse", "a bicycle", "a bowl"]
SEEDS = (1, 2)
DIRECTIONS = {"heldout_loss": "down", "similarity": "up", "diversity": "up", "drift": "down"}
SHA = {"base": "b" * 64, "dataset": "d" * 64}


def make_evaluation(
    folder: Path,
    gain: float = 0.0,
    *,
    world: int = 0,
    prompts=tuple(PROMPTS),
    base: str = SHA["base"],
    dataset: str = SHA["dataset"],
    strengths=(0.5, 1.0),
    controls=(),
    side_px: int = 32,
    training: dict | None = None,
) -> Path:
    """Write one; `gain` is by how much its scores at strength 1 are better than those of others.

    All evaluations share what is hard or easy of prompts and seeds; `world` draws their own noise.
    """
    folder.mkdir(parents=True)
    columns = [("base", 0.0), *(("own", s) for s in strengths), *((c, 1.0) for c in controls)]
    shared, own = np.random.default_rng(99), np.random.default_rng(world)
    hard = {key: shared.normal(0, 1) for key in list_subjects(prompts)}
    rows = [
        (score, adapter, strength, subject, seeds, cluster, value)
        for adapter, strength in columns
        for score, subject, seeds, cluster, value in measure(hard, own, gain * strength, adapter)
    ]
    values = pd.DataFrame(rows, columns=VALUES.names)
    write_manifest(values, folder / "values.parquet", VALUES)
    write_manifest(score(values), folder / "scores.parquet", SCORES)
    drawings = pd.DataFrame(draw(folder / "images", columns, prompts, side_px))
    write_manifest(drawings, folder / "drawings.parquet", DRAWINGS)
    how = {
        "adapter": {"base": "tiny", "base_sha256": base, "dataset_sha256": dataset},
        "options": {"guidance": 5.0, "strengths": list(strengths)},
        "embed": "by-color",
        "seed": 7,
        "controls": {name: {"trigger": "bruno man"} for name in controls},
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(how), encoding="utf-8")
    if training:
        leave_training(folder, training)
    return folder


def list_subjects(prompts):
    """Score, subject, seeds and cluster of each value."""
    of = {"similarity": prompts, "drift": UNRELATED}
    keys = [
        (score, prompt, str(seed), n)
        for score, texts in of.items()
        for n, prompt in enumerate(texts)
        for seed in SEEDS
    ]
    keys += [("diversity", prompt, "1 2", n) for n, prompt in enumerate(prompts)]
    return keys + [("heldout_loss", f"2_nella/{n}.png", "", n // 2) for n in range(8)]


def measure(hard, rng, gain, adapter):
    """A value for each subject: what it has in common with others, and the adapter's gain."""
    for (name, subject, seeds, cluster), common in hard.items():
        if name == "drift" and adapter != "own":
            continue
        better = gain * (-1 if DIRECTIONS[name] == "down" else 1) if adapter == "own" else 0
        yield name, subject, seeds, cluster, common + better + rng.normal(0, 0.02)


def score(values):
    """Rows of scores.parquet: levels alone."""
    keys = ["score", "adapter", "strength"]
    rows = values.groupby(keys)["value"].agg(value="mean", n="size").reset_index()
    rows["better"] = rows["score"].map(DIRECTIONS)
    return rows.assign(
        over="", low=rows["value"] - 0.1, high=np.nan, clusters=6, note="", base_is_random=False
    )


def draw(folder, columns, prompts, side_px):
    """Images of noise, each its own; controls draw the captions alone."""
    for number, (adapter, strength) in enumerate(columns):
        shown = [*prompts, *(UNRELATED if adapter in ("base", "own") else [])]
        for n, prompt in enumerate(shown):
            for seed in SEEDS:
                rng = np.random.default_rng([number, n, seed])
                file = f"{adapter}_{strength:g}_p{n:02d}_s{seed}.png"
                pixels = rng.integers(0, 256, (side_px, side_px, 3), np.uint8)
                yield {
                    "file": file,
                    "adapter": adapter,
                    "strength": strength,
                    "prompt": prompt,
                    "asked": prompt,
                    "seed": seed,
                    "related": prompt in prompts,
                    **write_image(folder / file, pixels),
                }


def leave_training(folder: Path, settings: dict) -> None:
    """What train_adapter left of the adapter of results/{film}/evaluate_adapter/{name}."""
    film, name = folder.parents[1], folder.name
    place = film / "adapters" / name
    place.mkdir(parents=True)
    (place / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (place / f"{film.name}-{name}.safetensors").write_bytes(b"0" * 2_500_000)


def make_empty(folder: Path, why: str) -> Path:
    """What is left where a dataset was empty."""
    folder.mkdir(parents=True)
    (folder / "images").mkdir()
    for name, schema in (("scores", SCORES), ("values", VALUES), ("drawings", DRAWINGS)):
        write_manifest(pd.DataFrame(columns=schema.names), folder / f"{name}.parquet", schema)
    text = yaml.safe_dump({"empty": why, "images": 0, "scores": 0})
    (folder / "settings.yaml").write_text(text, encoding="utf-8")
    return folder
