"""The judges are judged: how often is a planted defect found, and a healthy adapter accused?

    python -m benchmarks.judges --write benchmarks/judges.md
    python -m benchmarks.judges --trainings 0        # images alone, some minutes

Each run is another film (planted_defects.py: images of the held-out cast; planted_trainings.py:
real adapters on the light base). The scores are those of evaluate_adapter, the sentences those of
adapter/findings.py, which the report prints. A defect is found where its question is not answered
"right"; a healthy adapter is accused where one is answered "wrong".
"""

import argparse
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from benchmarks import planted_defects, planted_trainings
from benchmarks.planted_defects import HEALTHY, HELD_OUT
from workflow_scripts.adapter.findings import OPEN, RIGHT, WRONG, judge_adapter
from workflow_scripts.lib.logs import log
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.registry import choose_model, load_model, weight_files
from workflow_scripts.plan.adapter_settings import (
    resolve_adapter_settings,
    resolve_evaluation_settings,
)
from workflow_scripts.plan.config import read_shipped

LIGHT = {"tier": "light", "device": "cpu"}
EMBEDDERS = ("mobilenet-v2", "light-clip")
EMBEDDED_AT_ONCE = 64
Found = tuple[str, str, str]  # what was planted, question, answer


def judge_images(base: Base, embedder: str, runs: int) -> Iterator[Found]:
    """What is found in films and drawings out of the cast's own images."""
    cast = planted_defects.read_cast(HELD_OUT)
    embed, redraw = open_embedder(embedder), planted_defects.redraw_with(base.pipeline.vae)
    parts = range(0, len(cast.images), EMBEDDED_AT_ONCE)
    vectors = np.concatenate([embed(list(cast.images[n : n + EMBEDDED_AT_ONCE])) for n in parts])
    for seed in range(runs):
        for planted in (HEALTHY, *planted_defects.DEFECTS):
            rng = np.random.default_rng([seed, 3])  # the same film for all of them
            world = planted_defects.make_world(cast, vectors, rng)
            scores = planted_defects.score_world(cast, world, planted, embed, redraw, rng)
            yield from ((planted, one.question, one.found) for one in judge_adapter(scores))
        log.info("images, %s: %d of %d films", embedder, seed + 1, runs)


def judge_trainings(base: Base, folder: Path, embedder: str, runs: int) -> Iterator[Found]:
    """What is found of adapters that were trained for it."""
    config, rows = read_shipped(), planted_trainings.read_rows(HELD_OUT)
    options = resolve_evaluation_settings(config, "light")
    training = resolve_adapter_settings(config, "light", "character", "plain")
    settings = {"base": folder, "model": choose_model("base", LIGHT), "training": training}
    embed = open_embedder(embedder)
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as work:
            planted = planted_trainings.plant(Path(work), rows, seed, settings)
            scored = planted_trainings.score_film(base, embed, planted, options, seed)
        for name, scores in scored.items():
            yield from ((name, one.question, one.found) for one in judge_adapter(scores))
        log.info("trainings: %d of %d films", seed + 1, runs)


def open_embedder(name: str) -> Callable:
    """A model of the role embed."""
    model = choose_model("embed", LIGHT | {"embed": name})
    return load_model(model, weight_files(model))


def count(found: Iterable[Found], defects: dict[str, str]) -> pd.DataFrame:
    """A row per planted defect and one of the healthy adapter: how often each answer was given."""
    counts = Counter(found)
    rows = list(defects.items())
    rows += [(HEALTHY, question) for question in dict.fromkeys(defects.values())]
    return pd.DataFrame(
        [
            {"planted": planted, "question": question}
            | {answer: counts[planted, question, answer] for answer in (WRONG, OPEN, RIGHT)}
            for planted, question in rows
        ]
    )


def write_table(title: str, table: pd.DataFrame) -> str:
    """A heading and the rows as Markdown."""
    lines = [
        f"**{title}**",
        "",
        "| planted | asked | wrong | open | right |",
        "|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(map(str, row))} |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="a diffusers folder; else the light tier's own")
    parser.add_argument("--images", type=int, default=20, help="films of images, each embedder")
    parser.add_argument("--trainings", type=int, default=20, help="films of trained adapters")
    parser.add_argument("--embedders", nargs="+", default=list(EMBEDDERS))
    parser.add_argument("--write", type=Path, help="the page; its tables are printed anyway")
    asked = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    model = choose_model("base", LIGHT)
    folder = asked.base or Path("resources/models") / model["name"]
    base, tables = load_model(model, [folder / "model_index.json"]), []
    for name in asked.embedders if asked.images else ():
        rows = count(judge_images(base, name, asked.images), planted_defects.DEFECTS)
        tables.append(write_table(f"Images, {asked.images} films, {name}", rows))
    if asked.trainings:
        found = judge_trainings(base, folder, asked.embedders[0], asked.trainings)
        rows = count(found, planted_trainings.DEFECTS)
        tables.append(write_table(f"Trained adapters, {asked.trainings} films", rows))
    print("\n\n".join(tables))
    if asked.write:
        template = Path(__file__).with_name("judges_template.md").read_text(encoding="utf-8")
        asked.write.write_text(template.replace("{tables}", "\n\n".join(tables)), encoding="utf-8")


if __name__ == "__main__":
    main()
