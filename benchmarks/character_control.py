"""Do adapters draw their character? Each beside the adapters of other characters, several seeds.

    python -m benchmarks.character_control results/demo --seeds 3 --out build/character_control

An adapter that makes every image more like the film would look good beside its base. So the control
of a character's adapter are the adapters of the others: the same budget, the same captions with the
other's trigger, the same noise. Both are judged for the first character: how much nearer is an
image to the film's images of this one than to those of anybody else. The judge is the light tier's
model of the role embed, which never read a caption.
"""

import argparse
import logging
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.adapter_file import load_adapter
from workflow_scripts.adapter.grid import draw_grid
from workflow_scripts.adapter.training_data import read_split, subsample_evenly
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.lib.logs import log
from workflow_scripts.models.diffusion import Base, draw_images
from workflow_scripts.models.registry import choose_model, load_model, weight_files
from workflow_scripts.plan.adapter_settings import resolve_adapter_settings
from workflow_scripts.plan.config import load_config

LIGHT = {"tier": "light", "device": "cpu"}
SAMPLING = {"steps": 20, "guidance": 4.0}
PLACE = "{}"  # in a prompt, for who it is
STILLS = 64  # of the film, per character
Embed = Callable[[list[np.ndarray]], np.ndarray]


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


def average_stills(datasets: dict[str, Path], embed: Embed) -> np.ndarray:
    """The mean direction (characters, D) of the film's images of each character."""
    centers = []
    for folder in datasets.values():
        images = read_split(folder, "train") + read_split(folder, "validation")
        vectors = embed([read_rgb(image.image) for image in subsample_evenly(images, STILLS)])
        centers.append(vectors.mean(0))
    found = np.stack(centers)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def measure_margins(vectors: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """How much nearer (N, characters) each image is to one character than to the next best."""
    cosines = vectors @ centers.T
    others = [np.delete(cosines, n, axis=1).max(1) for n in range(len(centers))]
    return cosines - np.stack(others, 1)


def compare(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each character: its adapters, the others' and the base; margin, share recognized.

    The standard error is that of the difference to the control, over seeds and prompts in pairs.
    """
    found = []
    for name, part in rows.groupby("judged_for"):
        own = part[part["adapter"] == name].set_index(["seed", "prompt"])
        other = part[~part["adapter"].isin([name, "none"])]
        control = other.groupby(["seed", "prompt"])[["margin", "recognized"]].mean()
        base = part[part["adapter"] == "none"]
        difference = (own["margin"] - control["margin"]).dropna()
        error = difference.std() / len(difference) ** 0.5
        found.append(
            {
                "character": name,
                "images": len(difference),
                "margin": own["margin"].mean(),
                "control": control["margin"].mean(),
                "base": base["margin"].mean(),
                "difference": difference.mean(),
                "standard errors": difference.mean() / error,
                "recognized": own["recognized"].mean(),
                "control recognized": control["recognized"].mean(),
                "base recognized": base["recognized"].mean(),
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
    centers, base = average_stills(datasets, embed), open_base(asked.base)
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
        margins = measure_margins(embed(list(images)), centers)
        for number, (judged, margin) in product(
            range(len(texts)), zip(datasets, margins.T, strict=True)
        ):
            rows.append(
                {
                    "adapter": name or "none",
                    "seed": seed,
                    "prompt": number,
                    "judged_for": judged,
                    "margin": margin[number],
                    "recognized": float(margin[number] > 0),
                }
            )
    table = compare(pd.DataFrame(rows))
    grid = draw_grid(f"adapters of {asked.results.name}", prompts, [0] * len(prompts), sheet)
    write_image(asked.out / "drawn.png", grid)
    table.to_csv(asked.out / "compared.csv", index=False)
    log.info("%s", table.to_string(index=False, float_format="%.3f"))


if __name__ == "__main__":
    main()
