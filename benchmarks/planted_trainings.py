"""Real small adapters on the light base, healthy and with a defect that lives in the weights.

A film's subject is as in planted_defects.py. Four adapters are trained as shipped: on the subject,
on another one, and twice on the subject with shuffled captions, of which one is the control and one
is judged as if it were the adapter. Overdriven is the healthy one at four times its strength.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.planted_defects import (
    HEALTHY,
    TRAINING,
    VALIDATION,
    Embed,
    decode,
)
from workflow_scripts.adapter import train_adapter
from workflow_scripts.adapter.adapter_file import load_adapter
from workflow_scripts.adapter.examples import cache_examples
from workflow_scripts.adapter.prompts import Prompts, choose_prompts, draw_all
from workflow_scripts.adapter.score_rows import Judge, score_adapter, score_control
from workflow_scripts.adapter.stills import find_stills
from workflow_scripts.adapter.training_data import find_shots, read_split, subsample_evenly
from workflow_scripts.adapter.trials import LOSSES, Trial, measure_losses
from workflow_scripts.lib.images import write_image
from workflow_scripts.models.diffusion import DRAWN_AT_ONCE, Base

TRIGGER, OVERDRIVE = "vobako person", 4.0
OWN, OTHER, CONTROL, SHUFFLED = "own", "other_subject", "shuffled_captions", "shuffled"
WORDS = ("place", "time_of_day", "weather", "shot_type")  # of a caption, after the trigger
DEFECTS = {  # what is planted: the question of adapter/findings.py that must find it
    "shuffled captions": "captions",
    "overdriven": "strength",
}


def read_rows(folder: Path) -> pd.DataFrame:
    """Images of one person each, with the color of the top and the words of a caption."""
    columns = ["image_id", "image", "people", *WORDS]
    rows = [
        row
        for path in sorted(folder.glob("*.parquet"))
        for row in pq.read_table(path, columns=columns).to_pylist()
        if len(row["people"]) == 1
    ]
    looks = [row["people"][0]["visible"] for row in rows]
    table = pd.DataFrame(rows).assign(
        subject=[look.get("top_color") or "unknown" for look in looks],
        hair=[look.get("hair_color") or "unknown" for look in looks],
    )
    return table[(table["subject"] != "unknown")].reset_index(drop=True)


def write_caption(row: Any) -> str:
    """What a caption of the workflow says: trigger, then what else the image shows."""
    hair = [] if row.hair == "unknown" else [f"{row.hair} hair"]
    said = [str(getattr(row, name)) for name in WORDS]
    return ", ".join([TRIGGER, *hair, *(word for word in said if word != "unknown")])


def write_dataset(folder: Path, rows: pd.DataFrame) -> Path:
    """A dataset as pack_dataset leaves one, every image a shot of its own."""
    files = []
    for n, row in enumerate(rows.itertuples()):
        split = "train" if n < TRAINING else "validation"
        place = folder / split / f"1_{TRIGGER}"
        write_image(place / f"{row.image_id}.png", decode(row.image))
        (place / f"{row.image_id}.txt").write_text(write_caption(row) + "\n", encoding="utf-8")
        files.append((f"{split}/1_{TRIGGER}/{row.image_id}.png", n))
    pd.DataFrame(files, columns=["file", "shot_id"]).to_parquet(folder / "dataset.parquet")
    return folder


def train(dataset: Path, out: Path, control: str, seed: int, settings: dict[str, Any]) -> Path:
    """An adapter by train_adapter itself; `settings`: base folder, model row, options."""
    out.mkdir(parents=True)
    train_adapter.main(
        str(dataset),
        str(settings["base"]),
        adapter=str(out / "x.safetensors"),
        peft=str(out / "x.peft.safetensors"),
        card=str(out / "x.json"),
        settings=str(out / "settings.yaml"),
        metrics=str(out / "metrics.parquet"),
        title=out.name,
        control=control,
        options=settings["training"],
        model=settings["model"],
        seed=seed,
    )
    return out / "x.safetensors"


def plant(work: Path, rows: pd.DataFrame, seed: int, settings: dict[str, Any]) -> dict[str, Path]:
    """The four adapters of one film below `work`, and the dataset of its subject."""
    rng = np.random.default_rng([seed, 1])
    own, other = rng.choice(rows["subject"].unique(), 2, replace=False)
    shutil.rmtree(work, ignore_errors=True)
    datasets = {
        name: write_dataset(
            work / "data" / name,
            rows[rows["subject"] == subject].sample(TRAINING + VALIDATION, random_state=seed),
        )
        for name, subject in ((OWN, own), (OTHER, other))
    }
    asked = {OWN: (OWN, ""), OTHER: (OTHER, "")}
    asked |= {CONTROL: (OWN, CONTROL), SHUFFLED: (OWN, CONTROL)}
    seeds = {OWN: seed, OTHER: seed, CONTROL: seed, SHUFFLED: seed + 1000}
    found = {
        name: train(datasets[dataset], work / name, control, seeds[name], settings)
        for name, (dataset, control) in asked.items()
    }
    return found | {"dataset": datasets[OWN]}


def draw(
    base: Base, adapter: Path, strength: float, prompts: Prompts, splits: Sequence, options, seed
) -> Trial:
    """What an adapter draws at a strength, and its losses on these splits."""
    load_adapter(base, adapter)
    base.pipeline.set_adapters("film", strength)
    trial = Trial(draw_all(base, prompts, options), measure_losses(base, splits, options, seed))
    base.pipeline.unload_lora_weights()
    return trial


def score_film(
    base: Base, embed: Embed, planted: dict[str, Path], options: dict[str, Any], seed: int
) -> dict[str, pd.DataFrame]:
    """scores.parquet of the healthy adapter, and of each defect, against the same controls."""
    splits = [read_split(planted["dataset"], split) for split in ("train", "validation")]
    prompts = choose_prompts(
        splits[1], splits[0], options["unrelated_prompts"], options["seeds"], options["prompts"]
    )
    few = [subsample_evenly(images, options["images"]) for images in splits]
    shots = [find_shots(planted["dataset"], images) for images in few]
    cached = [
        cache_examples(base, images, resolution_px=base.resolution_px, background_loss_weight=1.0)
        for images in few
    ]
    stills = find_stills(base, embed, str(planted["dataset"]), [], "")
    judge = Judge(prompts, stills, embed, dict(zip(LOSSES, shots, strict=True)))
    plain = Trial(draw_all(base, prompts, options), measure_losses(base, cached, options, seed))
    related = prompts.first(int(prompts.related.sum()))
    control = draw(base, planted[CONTROL], 1.0, related, cached[1:], options, seed)
    judged = {
        HEALTHY: (planted[OWN], 1.0),
        "overdriven": (planted[OWN], OVERDRIVE),
        "shuffled captions": (planted[SHUFFLED], 1.0),
    }
    zero, found = Trial(plain.images[:DRAWN_AT_ONCE], {}), {}
    for name, (adapter, strength) in judged.items():
        trial = draw(base, adapter, strength, prompts, cached, options, seed)
        rows, own = score_adapter(judge, {None: plain, 0.0: zero, 1.0: trial})
        beside, _ = score_control(judge, CONTROL, control, own[1.0], 1.0)
        found[name] = pd.DataFrame(rows + beside)
    return found
