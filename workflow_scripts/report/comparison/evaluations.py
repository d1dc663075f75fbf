"""What evaluate_adapter left of one adapter: its scores, what is behind them, what was drawn."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.renewal import format_renewal
from workflow_scripts.lib.value_files import read_values

SCORES = ["score", "adapter", "strength", "over", "value", "low", "high", "better", "note"]
SCORES += ["base_is_random"]
VALUES = ["score", "adapter", "strength", "subject", "seeds", "cluster", "value"]
DRAWINGS = ["file", "adapter", "strength", "prompt", "seed", "related"]
OWN, BASE, FILM = "own", "base", "film"  # in the column adapter, besides the names of controls
IMAGES = "images"  # folder of the drawn images
HOW = {  # what is read of the settings.yaml of an evaluation
    "properties": {
        "empty": {"type": "string"},
        "options": {"type": "object"},
        "adapter": {
            "properties": {
                name: {"type": "string"} for name in ("base", "base_sha256", "dataset_sha256")
            },
            "required": ["base", "base_sha256", "dataset_sha256"],
        },
    },
    "anyOf": [{"required": ["empty"]}, {"required": ["adapter", "options", "embed", "seed"]}],
}
ALIKE = ("guidance", "sampling_steps", "images", "timesteps")  # options that change a value


@dataclass(frozen=True)
class Evaluation:
    """One folder that evaluate_adapter wrote; `how` is its settings.yaml."""

    folder: Path
    how: dict[str, Any]
    scores: pd.DataFrame
    values: pd.DataFrame
    drawings: pd.DataFrame

    @property
    def dataset(self) -> str:
        return self.folder.name.partition(".")[0]

    @property
    def variant(self) -> str:
        """Its name; "" of the chosen one."""
        return self.folder.name.partition(".")[2]

    @property
    def film(self) -> str:
        """The film's name; "" of a folder that lies somewhere else."""
        inside = self.folder.parent.name == "evaluate_adapter"
        return self.folder.parents[1].name if inside else ""

    @property
    def empty(self) -> str:
        """Why nothing was judged; "" where it was."""
        return self.how.get("empty", "")

    @cached_property
    def strengths(self) -> list[float]:
        """At which the adapter itself was judged, but 0."""
        own = self.drawings[self.drawings["adapter"] == OWN]
        return sorted(set(own["strength"]) - {0.0})

    @property
    def full(self) -> float:
        """The strength that comes nearest to 1, at which hosts show an adapter."""
        return min(self.strengths, key=lambda strength: abs(strength - 1))

    @property
    def controls(self) -> list[str]:
        """Names of the controls, in the order in which they were judged."""
        return [
            name for name in self.how.get("controls", {}) if name in set(self.scores["adapter"])
        ]

    @cached_property
    def asked(self) -> list[tuple[str, int, bool]]:
        """Each prompt and seed, and whether it is a caption; in the order of drawing."""
        rows = self.drawings[self.drawings["adapter"] == BASE]
        return list(zip(rows["prompt"], rows["seed"], rows["related"], strict=True))

    @property
    def conditions(self) -> dict[str, Any]:
        """What two evaluations must share so that their values are pairs, by what it is called."""
        how, options = self.how, self.how["options"]
        same = [options.get(name) for name in ALIKE] + [how["embed"], how["seed"]]
        return {
            "prompts or seeds": tuple(self.asked),
            "images of its dataset": how["adapter"]["dataset_sha256"],
            "options of the evaluation": json.dumps(same),
        }


def read_evaluations(folders: Sequence[str | Path]) -> list[Evaluation]:
    """Read them all; CineloraError where one is none, is named twice, or bases differ."""
    paths = [Path(folder) for folder in folders]
    known = [path.resolve() for path in paths]
    for n, path in enumerate(paths):
        if known[n] in known[:n]:
            raise CineloraError(f"{path} is named twice. Name each folder once.")
    read = [_read(path) for path in paths]
    _check_bases([evaluation for evaluation in read if not evaluation.empty])
    return read


def _read(folder: Path) -> Evaluation:
    if not folder.is_dir():
        raise CineloraError(
            f"There is no folder {folder}.\n"
            "  Name those that evaluate_adapter wrote, such as results/luca/evaluate_adapter/pose."
        )
    if not (folder / "scores.parquet").is_file():
        raise CineloraError(
            f"{folder} is no folder that evaluate_adapter wrote: it has no scores.parquet.\n"
            "  Such a folder lies in results/<film>/evaluate_adapter/ and is called as its dataset."
        )
    for name in ("values.parquet", "drawings.parquet", "settings.yaml"):
        if not (folder / name).is_file():
            raise CineloraError(
                f"{folder} has no {name}: an earlier version wrote it, or it was copied in part.\n"
                f"  {format_renewal(f'{folder}/{name}')}"
            )
    scores = read_manifest(folder / "scores.parquet", SCORES)
    values = read_manifest(folder / "values.parquet", VALUES)
    drawings = read_manifest(folder / "drawings.parquet", DRAWINGS)
    how = read_values(folder / "settings.yaml", HOW)
    if not how.get("empty") and not len(drawings[drawings["adapter"] == OWN]):
        raise CineloraError(
            f"{folder}/drawings.parquet holds no image of the adapter itself.\n"
            f"  {format_renewal(f'{folder}/drawings.parquet')}"
        )
    return Evaluation(folder, how, scores, values, drawings.sort_values("file", kind="stable"))


def _check_bases(judged: Sequence[Evaluation]) -> None:
    bases = {one.how["adapter"]["base_sha256"]: one for one in judged}
    if len(bases) < 2:
        return
    lines = [
        f"  {one.folder}: {one.how['adapter']['base']} ({sha256[:12]})"
        for sha256, one in bases.items()
    ]
    raise CineloraError(
        "Adapters of different base models cannot stand side by side:\n"
        + "\n".join(lines)
        + "\n  Name those of one base."
    )
