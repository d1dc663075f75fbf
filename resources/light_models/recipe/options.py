"""What the commands of the recipe take, and where they compute."""

import argparse
import json
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from resources.light_models.recipe.training import Budget
from resources.light_models.recipe.workers import Workers
from workflow_scripts.models.loaders.devices import open_device


@dataclass(frozen=True)
class Run:
    """How a training is run: everything but its data and its net."""

    budget: Budget
    batch: int
    seed: int = 14
    device: str = "cpu"
    workers: Workers = field(default_factory=Workers)

    @property
    def place(self) -> torch.device:
        return open_device(self.device)


def make_parser(text: str, *, batch: int) -> argparse.ArgumentParser:
    """A parser of what every training takes."""
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--data", required=True, help="folder of the cast's shards")
    parser.add_argument("--work", required=True, type=Path, help="folder of checkpoints and curves")
    parser.add_argument("--steps", type=int, default=0, help="optimizer steps; repeatable")
    parser.add_argument("--minutes", type=float, default=0, help="instead of --steps")
    parser.add_argument("--batch", type=int, default=batch, help="images a step")
    parser.add_argument("--seed", type=int, default=14)
    add_machine(parser)
    return parser


def add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=0, help="of the CPU; 0: all cores")


def add_start(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--start", type=Path, help="weights of an earlier training, such as those that ship"
    )


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The arguments; from here on, what happens is said on stdout."""
    asked = parser.parse_args()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    if asked.threads:
        torch.set_num_threads(asked.threads)
    return asked


def read_run(asked: argparse.Namespace, workers: Workers | None = None) -> Run:
    budget = Budget(steps=asked.steps, minutes=asked.minutes)
    return Run(budget, asked.batch, asked.seed, asked.device, workers or Workers())


def read_json(path: str | Path) -> dict[str, Any]:
    return json.loads(Path(path).read_text(encoding="utf-8"))
