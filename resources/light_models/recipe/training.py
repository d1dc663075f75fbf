"""What the three trainings share: a budget, a rate, averaged weights, checkpoints, a curve.

Whatever is random depends on the seed and the number of the step, so a training that was stopped
takes the steps that it would have taken. A checkpoint is a safetensors file (no pickle): weights,
their average, the optimizer's moments; step, seconds and settings stand in its header.
"""

import csv
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from resources.light_models.recipe.workers import Workers
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.logs import log
from workflow_scripts.lib.manifest import replace_when_done

WARMUP = 0.03  # share of the budget until the full rate
FIRST = 0.0005  # share that the first step counts as: its rate is not 0
FLAT = 0.55  # share of the budget at the full rate, then it falls to LAST of it
LAST = 0.02
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # AdamW's, per tensor


@dataclass(frozen=True)
class Budget:
    """How long a training lasts: so many steps (then it is repeatable), or so many minutes.

    Minutes of computing on all threads, so that a busy machine does not shorten a training. Work
    that one thread does alone counts by its part: on the wall it takes somewhat longer.
    """

    steps: int = 0
    minutes: float = 0

    def __post_init__(self):
        if (self.steps > 0) == (self.minutes > 0):
            raise CineloraError("give a training either --steps or --minutes, above 0.")

    def share(self, step: int, elapsed_s: float) -> float:
        """How much of it is used, 0 to 1 and above."""
        return step / self.steps if self.steps else elapsed_s / (60 * self.minutes)


def rate_at(share: float) -> float:
    """Factor of the learning rate at a share of the budget: rises, stays, falls straight."""
    falling = 1 if share < FLAT else max(LAST, (1 - share) / (1 - FLAT))
    return min(1, max(share, FIRST) / WARMUP) * falling


def read_clock(device: str) -> float:
    """Seconds that all threads computed, each: other programs on the machine do not count.

    A GPU computes beside this process, so there it is the time on the wall.
    """
    return time.monotonic() if device == "cuda" else time.process_time() / torch.get_num_threads()


def lay_out(moment: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """A moment in the memory order of its parameter, which the fused optimizer relies on."""
    same = moment.shape == parameter.shape
    return torch.empty_like(parameter, requires_grad=False).copy_(moment) if same else moment


@dataclass
class Training:
    """Weights that learn, and everything that a stopped training needs to go on."""

    model: nn.Module
    folder: Path
    budget: Budget
    learning_rate: float
    settings: dict[str, Any]  # a checkpoint of other settings is refused
    average: float = 0.999
    decay: float = 0.01
    workers: Workers = field(default_factory=Workers)
    step: int = 0
    elapsed_s: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self):
        named = {n: p for n, p in self.model.named_parameters() if p.requires_grad}
        # scales, biases and tables of tokens are not shrunk: an unused row must stay as it is
        shrunk = {n for n, p in named.items() if p.ndim > 1 and "embedding" not in n}
        groups = [
            {"params": [p for n, p in named.items() if n in shrunk], "weight_decay": self.decay},
            {"params": [p for n, p in named.items() if n not in shrunk], "weight_decay": 0.0},
        ]
        self.names = [n for n in named if n in shrunk] + [n for n in named if n not in shrunk]
        options = {"betas": (0.9, 0.99), "fused": True}
        self.optimizer = torch.optim.AdamW(groups, self.learning_rate, **options)
        self.parameters = named
        # running statistics are averaged too, or they would belong to other weights
        self.averaged = {n: t.clone() for n, t in self._floats().items()}
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.checkpoint.is_file():
            self._resume()

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.safetensors"

    @property
    def done(self) -> bool:
        return self.budget.share(self.step, self.elapsed_s) >= 1

    def run(
        self, losses: Callable[[int], dict[str, torch.Tensor]], *, save_every_s: float = 120.0
    ) -> Iterator[int]:
        """Train to the end of the budget; `losses(step)` gives parts of a loss, which are summed.

        Yields the number of steps after each. Saves at the end and every so many seconds.
        """
        self.model.train()
        first, device = self.step, next(self.model.parameters()).device.type
        started, saved = read_clock(device), time.monotonic()
        before = self.elapsed_s
        while (share := self.budget.share(self.step, self.elapsed_s)) < 1:
            parts = losses(self.step)
            total = sum(parts.values())
            self._update(total, rate_at(share))
            # the same for all workers, or one of them would stop before the others
            self.elapsed_s = self.workers.average(before + read_clock(device) - started)
            self._record(parts)
            if self.workers.is_first and time.monotonic() - saved >= save_every_s:
                self.save()
                saved = time.monotonic()
            yield self.step
        if self.workers.is_first and self.step > first:
            self.save()

    def _update(self, loss: torch.Tensor, factor: float) -> None:
        if not math.isfinite(float(loss.detach())):
            raise CineloraError(
                f"{self.folder.name}: the loss of step {self.step} is {float(loss.detach())}.\n"
                f"  Lower the learning rate (now {self.learning_rate}) and start again from the\n"
                f"  last checkpoint, {self.checkpoint}."
            )
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate * factor
        loss.backward()
        self.workers.average_gradients(self.parameters.values())
        nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1
        kept = min(self.average, (1 + self.step) / (10 + self.step))
        for name, tensor in self._floats().items():
            self.averaged[name].lerp_(tensor, 1 - kept)

    @contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """The model holds the averaged weights, which ship, as long as this lasts."""
        kept = {name: tensor.clone() for name, tensor in self._floats().items()}
        with torch.no_grad():
            for name, tensor in self._floats().items():
                tensor.copy_(self.averaged[name])
        try:
            yield
        finally:
            with torch.no_grad():
                for name, tensor in self._floats().items():
                    tensor.copy_(kept[name])

    def _floats(self) -> dict[str, torch.Tensor]:
        state = self.model.state_dict()
        return {
            name: tensor.detach() for name, tensor in state.items() if tensor.is_floating_point()
        }

    def _record(self, parts: dict[str, torch.Tensor]) -> None:
        found = {name: round(float(part.detach()), 5) for name, part in parts.items()}
        rate = self.optimizer.param_groups[0]["lr"]
        self.rows.append({"step": self.step, "elapsed_s": round(self.elapsed_s, 1), "rate": rate})
        self.rows[-1] |= found

    def save(self) -> None:
        """Write the checkpoint and the curve so far, each whole or not at all."""
        tensors = {f"model.{n}": t for n, t in self.model.state_dict().items()}
        tensors |= {f"average.{n}": t for n, t in self.averaged.items()}
        states = self.optimizer.state_dict()["state"]
        for number, name in enumerate(self.names):
            for moment in MOMENTS:
                if number in states:
                    tensors[f"moment.{moment}.{name}"] = states[number][moment]
        head = {"step": self.step, "elapsed_s": self.elapsed_s, "settings": self.settings}
        words = {name: json.dumps(value, sort_keys=True) for name, value in head.items()}
        write_curve(self.folder / "curve.csv", self.rows)  # first: resuming cuts what is beyond
        with replace_when_done(self.checkpoint) as partial:
            save_file({n: t.detach().contiguous() for n, t in tensors.items()}, partial, words)

    def _resume(self) -> None:
        head, tensors = read_checkpoint(self.checkpoint)
        if head["settings"] != json.loads(json.dumps(self.settings)):
            raise CineloraError(
                f"{self.checkpoint} was made with other settings or data:\n"
                f"  there {head['settings']},\n  now   {self.settings}.\n"
                "  Delete its folder to start anew, or ask for what it was made with."
            )
        self.model.load_state_dict(strip(tensors, "model."))
        for name, tensor in strip(tensors, "average.").items():
            self.averaged[name].copy_(tensor)
        states = {}
        for number, name in enumerate(self.names):
            if f"moment.step.{name}" in tensors:
                found = {m: tensors[f"moment.{m}.{name}"] for m in MOMENTS}
                states[number] = {m: lay_out(t, self.parameters[name]) for m, t in found.items()}
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": states, "param_groups": groups})
        self.step, self.elapsed_s = head["step"], head["elapsed_s"]
        self.rows = [r for r in read_curve(self.folder / "curve.csv") if r["step"] <= self.step]
        log.info("%s: goes on after step %d", self.folder.name, self.step)

    def averaged_state(self) -> dict[str, torch.Tensor]:
        """The model's tensors with averaged weights in place of the live ones."""
        return {name: tensor.clone() for name, tensor in self.model.state_dict().items()} | {
            name: tensor.clone() for name, tensor in self.averaged.items()
        }


def strip(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Those tensors whose names begin with `prefix`, without it."""
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Header and tensors of a checkpoint."""
    if not path.is_file():
        raise CineloraError(f"{path} is not there: train that part first (make light-models).")
    with safe_open(path, "pt") as file:
        head = {name: json.loads(text) for name, text in file.metadata().items()}
        return head, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def read_averaged(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Header of a checkpoint, and its model's tensors with the averaged weights."""
    head, tensors = read_checkpoint(path)
    return head, strip(tensors, "model.") | strip(tensors, "average.")


def write_curve(path: Path, rows: list[dict[str, Any]]) -> None:
    """One line per step; columns that a step lacks are empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with replace_when_done(path) as partial, partial.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, names or ["step"])
        writer.writeheader()
        writer.writerows(rows)


def read_curve(path: Path) -> list[dict[str, Any]]:
    """The rows of a curve as numbers."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {n: (int(v) if n == "step" else float(v)) for n, v in row.items() if v != ""}
            for row in csv.DictReader(file)
        ]
