"""Our training beside diffusers' own example script, on the same images, in one run.

Both read one imagefolder, cut to squares beforehand, so that both see the same pixels; batch,
steps, resolution, rank, learning rate, numbers and threads are the same. What each has learned is
measured alike: the loss of held-out images, always with the same noise.
"""

import json
import os
import re
import statistics
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import torch

from benchmarks.train_cases import make_settings, open_again
from benchmarks.train_clock import Span, read_clocks
from workflow_scripts.adapter.examples import Examples, cache_examples, fixed_losses
from workflow_scripts.adapter.settings import Settings
from workflow_scripts.adapter.trainer import Trainer
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.models.diffusion import Base, encode_captions

WARM = 5  # steps that are not timed
SEED = 7
STEP = re.compile(r"\| (\d+)/(\d+) \[.*?step_loss=([0-9.e-]+|nan)")  # of its progress bar


@dataclass(frozen=True)
class Rounds:
    """One training of either side."""

    steady: Span  # a step, after the first ones
    whole: Span  # from the first image read to the last step; of the script without imports
    loss: float  # of held-out images, afterwards
    trained: float  # mean loss of the last steps, as the side itself reports it


@dataclass(frozen=True)
class Comparison:
    """Rounds of both, in turns, and the held-out loss of the base."""

    ours: list[Rounds]
    script: list[Rounds]
    base_loss: float

    def find_ratio(self, part: str, clock: str) -> float:
        """How many of our images there are for one of the script, by the median of the rounds."""
        sides = (self.script, self.ours)
        times = [[getattr(getattr(one, part), clock) for one in side] for side in sides]
        return statistics.median(times[0]) / statistics.median(times[1])


def write_folder(dataset: Path, folder: Path) -> int:
    """Both splits as imagefolders of squares; returns how many images there are to train on."""
    counts = {
        split: _write_split(dataset, split, folder / split) for split in ("train", "validation")
    }
    if not all(counts.values()):
        raise CineloraError(
            f"{dataset} has {counts}: images to train on and held-out ones are needed."
        )
    return counts["train"]


def _write_split(dataset: Path, split: str, folder: Path) -> int:
    lines = []
    for image in read_split(dataset, split):
        pixels = read_rgb(image.image)
        side = min(pixels.shape[:2])
        top, left = ((length - side) // 2 for length in pixels.shape[:2])
        write_image(folder / f"{image.image_id}.png", pixels[top : top + side, left : left + side])
        lines.append(json.dumps({"file_name": f"{image.image_id}.png", "text": image.caption}))
    if lines:
        (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def choose_settings(steps: int, batch_size: int, rank: int, rate: float, side_px: int) -> Settings:
    """What both sides can do: no caption is dropped, no noise is offset, no image has a mask."""
    same = {"steps": steps, "batch_size": batch_size, "rank": rank, "alpha": rank}
    same |= {"learning_rate": rate, "resolution_px": side_px, "keep": "last"}
    return make_settings("light", caption_dropout=0.0, noise_offset=0.0, min_snr_gamma=5.0, **same)


def list_arguments(settings: Settings, base: Path, folder: Path, out: Path) -> list[str]:
    """The same settings as the script takes them."""
    told = {
        "pretrained_model_name_or_path": base,
        "train_data_dir": folder / "train",
        "output_dir": out,
        "cache_dir": out / "cache",
        "resolution": settings.resolution_px,
        "train_batch_size": settings.batch_size,
        "max_train_steps": settings.steps,
        "learning_rate": settings.learning_rate,
        "lr_scheduler": "constant",
        "lr_warmup_steps": 0,
        "rank": settings.rank,
        "snr_gamma": settings.min_snr_gamma,
        "adam_weight_decay": settings.weight_decay,
        "max_grad_norm": settings.max_grad_norm,
        "mixed_precision": "bf16" if settings.precision == "bfloat16" else "no",
        "checkpointing_steps": settings.steps + 1,
        "seed": SEED,
    }
    return [
        "--center_crop",
        *(part for name, value in told.items() for part in (f"--{name}", str(value))),
    ]


def read_progress(text: str) -> tuple[int, float] | None:
    """Step and loss of a line of the script's progress bar."""
    found = STEP.search(text)
    return (int(found[1]), float(found[3])) if found else None


def run_script(command: Sequence[str], threads: int, device: str) -> tuple[Span, Span, float]:
    """A step, the whole from its first one on, mean of the last losses.

    Its clocks are read as its progress bar moves, by the process's own account.
    """
    quiet = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(threads)}
    quiet |= {"CUDA_VISIBLE_DEVICES": ""} if device == "cpu" else {}
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=os.environ | quiet
    )
    told: IO[bytes] = process.stderr  # a pipe, as asked for
    watched, said, line = psutil.Process(process.pid), b"", b""
    seen: dict[int, tuple[Span, float]] = {}
    begun: Span | None = None
    while letter := told.read(1):
        said = (said + letter)[-4000:]
        line = b"" if letter in b"\r\n" else line + letter
        if begun is None and line.endswith(b"| 0/"):
            begun = _read_clocks_of(watched)
        if letter == b"]" and (found := read_progress(line.decode("utf-8", "replace"))):
            seen.setdefault(found[0], (_read_clocks_of(watched), found[1]))
    if process.wait() or begun is None or len(seen) < WARM + 2:
        tail = said.decode("utf-8", "replace").strip()
        raise CineloraError(f"{command[1]} failed ({process.returncode}):\n{tail[-1500:]}")
    return _summarize(seen, begun)


def _read_clocks_of(process: psutil.Process) -> Span:
    times = process.cpu_times()
    return Span(time.perf_counter(), times.user + times.system)


def _summarize(seen: dict[int, tuple[Span, float]], begun: Span) -> tuple[Span, Span, float]:
    steps = sorted(seen)
    first = next(step for step in steps if step >= WARM)
    spent, count = seen[steps[-1]][0] - seen[first][0], steps[-1] - first
    losses = [seen[step][1] for step in steps[len(steps) // 2 :]]
    steady = Span(spent.wall_s / count, spent.cpu_s / count)
    return steady, seen[steps[-1]][0] - begun, statistics.fmean(losses)


def run_ours(base: Base, folder: Path, settings: Settings) -> tuple[Span, Span, float, Trainer]:
    """The same with our trainer; the whole begins with encoding all images and captions."""
    begun = read_clocks()
    how = {"resolution_px": int(settings.resolution_px), "background_loss_weight": 1.0}
    examples = cache_examples(base, read_split(folder, "train"), **how)
    nothing = Examples([], [], [], {}, examples.no_caption)
    trainer = Trainer(base, examples, nothing, settings, SEED, int(settings.resolution_px))
    for step in trainer.run(settings.steps):
        if step == WARM:
            warmed = read_clocks()
    ended, count = read_clocks(), settings.steps - WARM
    spent = ended - warmed
    losses = [row["loss"] for row in trainer.rows[1 + settings.steps // 2 :]]
    steady = Span(spent.wall_s / count, spent.cpu_s / count)
    return steady, ended - begun, statistics.fmean(losses), trainer


class HeldOut:
    """Held-out images, encoded once, and how well a base denoises them."""

    def __init__(self, base: Base, folder: Path, settings: Settings):
        how = {"resolution_px": int(settings.resolution_px), "background_loss_weight": 1.0}
        self.examples = cache_examples(base, read_split(folder, "validation"), **how)

    def find_loss(self, base: Base) -> float:
        return float(fixed_losses(base, self.examples, timesteps=4, seed=SEED).mean())


def load_learned(base: Base, folder: Path) -> Base:
    """The base with the adapter that the script has left."""
    loaded = open_again(base)
    loaded.pipeline.load_lora_weights(str(folder), weight_name="pytorch_lora_weights.safetensors")
    return loaded


def compare(
    python: str,
    script: Path,
    base: Base,
    base_folder: Path,
    folder: Path,
    out: Path,
    settings: Settings,
    rounds: int,
    threads: int,
) -> Comparison:
    """Rounds of both in turns; imports and opening the base count on neither side."""
    torch.set_num_threads(threads)
    encode_captions(base, ["warm"])
    held_out, ours, theirs = HeldOut(base, folder, settings), [], []
    for number in range(rounds):
        left = out / f"script_{number}"
        command = [python, str(script), *list_arguments(settings, base_folder, folder, left)]
        steady, whole, trained = run_script(command, threads, base.device)
        theirs.append(Rounds(steady, whole, held_out.find_loss(load_learned(base, left)), trained))
        steady, whole, trained, trainer = run_ours(open_again(base), folder, settings)
        ours.append(Rounds(steady, whole, held_out.find_loss(trainer.base), trained))
    return Comparison(ours, theirs, held_out.find_loss(base))
