"""Do adapters draw their character? As evaluate_adapter asks, over several seeds of the training.

    python -m benchmarks.character_control results/demo --seeds 3 --out build/character_control

evaluate_adapter judges one training of each character beside one of another. Here each character is
trained several times, and the control are all others: how much of a margin is the luck of a seed?
The score is that of evaluate_adapter, retrieval among the film's reference images.
"""

import argparse
import logging
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.adapter_file import load_adapter
from workflow_scripts.adapter.grid import draw_grid
from workflow_scripts.adapter.intervals import Sample, estimate_mean
from workflow_scripts.adapter.metrics import average_precision
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.lib.images import write_image
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import locate
from workflow_scripts.models.diffusion import Base, draw_images
from workflow_scripts.models.registry import choose_model, load_model, weight_files
from workflow_scripts.plan.adapter_settings import resolve_adapter_settings
from workflow_scripts.plan.config import load_config

LIGHT = {"tier": "light", "device": "cpu"}
SAMPLING = {"steps": 20, "guidance": 4.0}
PLACE = "{}"  # in a prompt, for who it is


def find_datasets(results: Path) -> dict[str, Path]:
    """Folders of the character datasets of a film, by character."""
    folders = sorted((results / "datasets").glob("character-*"))
    return {folder.name.removeprefix("character-"): folder for folder in folders}


def train(dataset: Path, base: Path, out: Path, options: dict[str, Any], seed: int) -> Path:
    """The adapter of one dataset and one seed; one that is there already is kept."""
    out.mkdir(parents=True, exist_ok=True)
    names = {"adapter": "x.safetensors", "card": "x.json", "settings": "settings.yaml"}
    paths = {part: str(out / name) for part, name in names.items()}
    train_adapter.main(
        str(dataset),
        str(base),
        **paths,
        metrics=str(out / "metrics.parquet"),
        title=out.name,
        control="",
        options=options,
        model=choose_model("base", LIGHT),
        seed=seed,
    )
    return out / "x.safetensors"


def write_prompts(datasets: dict[str, Path], triggers: dict[str, dict], most: int) -> list[str]:
    """Held-out captions of all characters, with a place for who it is."""
    prompts = []
    for name, folder in datasets.items():
        who = f"{triggers[name]['trigger']} {triggers[name]['class']}"
        captions = [image.caption for image in read_split(folder, "validation")]
        fits = [text.replace(who, PLACE, 1) for text in dict.fromkeys(captions) if who in text]
        prompts += [fits[n] for n in spread(len(fits), most)]
    return prompts


def spread(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def open_base(folder: Path) -> Base:
    return load_model(choose_model("base", LIGHT), [folder / "model_index.json"])


def draw(base: Base, adapter: Path | None, texts: list[str], seed: int) -> np.ndarray:
    """One image per text (N, H, W, 3); the n-th has the same noise with every adapter."""
    if adapter:
        load_adapter(base, str(adapter))
        base.pipeline.set_adapters("film", 1.0)
    seeds = [1000 * seed + number for number in range(len(texts))]
    images = draw_images(base, texts, seeds, side_px=base.resolution_px, **SAMPLING)
    if adapter:
        base.pipeline.unload_lora_weights()
    return images


def read_references(results: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (G, D) of the reference images, as the role embed sees them, and whom they show."""
    rows = read_manifest(locate("references", results), ["character", "vector", "reason"])
    rows = rows[rows["reason"] == ""]
    return np.stack(rows["vector"].to_list()), rows["character"].to_numpy()


def compare(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each character: retrieval with its adapters, the others' and the base; the margin.

    The clusters of the margin over the others are prompts; seeds of the training are within.
    """
    found = []
    for name, part in rows.groupby("judged_for"):
        own = part[part["adapter"] == name].set_index(["seed", "prompt"])["retrieval"]
        other = part[~part["adapter"].isin([name, "none"])]
        control = other.groupby(["seed", "prompt"])["retrieval"].mean()
        margin = (own - control).dropna()
        clusters = margin.index.get_level_values("prompt").to_numpy()
        estimate = estimate_mean(Sample(margin.to_numpy(), clusters))
        found.append(
            {
                "character": name,
                "images": len(margin),
                "own": own.mean(),
                "control": control.mean(),
                "base": part.loc[part["adapter"] == "none", "retrieval"].mean(),
                "margin": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
            }
        )
    return pd.DataFrame(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/<film>, with character datasets")
    parser.add_argument("--base", type=Path, help="a diffusers folder; else the light tier's own")
    parser.add_argument("--seeds", type=int, default=3, help="adapters per character")
    parser.add_argument("--prompts", type=int, default=4, help="captions of each character")
    parser.add_argument("--steps", type=int, help="of each training; else the light tier's own")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    asked.base = asked.base or Path("resources/models") / choose_model("base", LIGHT)["name"]
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    config = load_config()
    triggers = config["films"][asked.results.name]["characters"]
    options = resolve_adapter_settings(config, "light", "character", "plain")
    options |= {"steps": asked.steps} if asked.steps else {}
    datasets = find_datasets(asked.results)
    embedder = choose_model("embed", LIGHT)
    embed = load_model(embedder, weight_files(embedder))
    (gallery, shown), base = read_references(asked.results), open_base(asked.base)
    prompts = write_prompts(datasets, triggers, asked.prompts)
    rows, sheet = [], {}
    for seed, name in product(range(asked.seeds), [None, *datasets]):
        adapter = None
        if name:
            folder = asked.out / f"{name}-{options['steps']}-{seed}"
            adapter = train(datasets[name], asked.base, folder, options, seed)
        said = triggers[name] if name else {"trigger": "", "class": "person"}
        who = f"{said['trigger']} {said['class']}".strip()
        texts = [text.replace(PLACE, who, 1) for text in prompts]
        images = draw(base, adapter, texts, seed)
        sheet[f"{name or 'no adapter'}, {seed}"] = images
        vectors = embed(list(images))
        for judged in datasets:
            found = average_precision(vectors, gallery, shown == judged)
            row = {"adapter": name or "none", "seed": seed, "judged_for": judged}
            rows += [row | {"prompt": n, "retrieval": value} for n, value in enumerate(found)]
    table = compare(pd.DataFrame(rows))
    grid = draw_grid(f"adapters of {asked.results.name}", prompts, [0] * len(prompts), sheet)
    write_image(asked.out / "drawn.png", grid)
    table.to_csv(asked.out / "compared.csv", index=False)
    log.info("%s", table.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
