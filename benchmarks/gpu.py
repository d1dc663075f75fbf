"""How fast the full tier's models are: items a second, peak memory, share of the matrix rate.

`make bench-gpu` measures the loaders that the workflow uses, on noise of 540p, 1080p and 4K,
decoding not included, with the weights that were fetched (`make models TIER=full`). Of SAM 2.1,
OpenCLIP and DINOv2 it builds what was not fetched at full size with random weights: as fast, but
blind.
"""

import argparse
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
import yaml
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu_cases import CASES, SIZES, Case, Size
from benchmarks.gpu_models import BUILDERS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.loaders.devices import Batches, open_device
from workflow_scripts.models.registry import choose_model, load_model, weight_files

WORTH = 1.05  # a larger batch must be so much faster
MAX_BYTES_PER_S = 1e12  # of pixels; no CPU reads as many, so that no model has seen them


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    what: str
    model: str
    weights: str  # fetched, random, or why it was not measured
    batch: int = 0
    per_s: float = 0.0
    peak_mb: float = 0.0
    share: float | None = None  # of the measured matrix rate; None: not countable
    size: str = ""  # of the frames


def measure_matrix_rate(device: torch.device, side: int, seconds: float) -> float:
    """Operations a second of a square matrix product: bfloat16 on a GPU, float32 on a CPU."""
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    one = torch.randn(side, side, device=device, dtype=kind)
    return 2 * side**3 / time_call(lambda: one @ one, device, seconds)


def time_call(run: Callable[[], Any], device: torch.device, seconds: float) -> float:
    """Seconds a call, over `seconds` after two calls that nobody times."""
    run(), run()
    _wait(device)
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or not calls:
        run()
        _wait(device)
        calls += 1
    return (time.perf_counter() - start) / calls


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def count_operations(run: Callable[[], Any]) -> int:
    """Operations of matrix products, convolutions and attention in one call; 0 in other engines."""
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def run_case(case: Case, opened: Any, batch: int, size: Size) -> None:
    """One call, and all that it gives: of what is made on demand nothing would be measured."""
    result = case.run(opened, batch, size)
    if isinstance(result, Iterator):
        deque(result, maxlen=0)


def check_rate(what: str, per_s: float, share: float | None, size: Size) -> None:
    """Refuse a rate that no machine reaches: then what was timed did not do the work."""
    if per_s * 3 * size[0] * size[1] > MAX_BYTES_PER_S or (share or 0) > 1:
        of = "" if share is None else f", {share:.1f} of the matrix rate"
        raise CineloraError(
            f"{what}: {per_s:.0f} items/s at {size[1]}x{size[0]}{of}: no machine is as fast.\n"
            "  The call returned before its work was done; its case in benchmarks/gpu_cases.py must"
            "\n  use what it returns."
        )


def measure_batch(
    case: Case, opened: Any, batch: int, size: Size, device: torch.device, seconds: float
) -> tuple[int, float, float]:
    """Items computed at once, items a second and peak memory in MiB at one batch size.

    A model whose memory is too small halves a batch by itself: then fewer are computed at once.
    """
    Batches.largest = 0
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    spent = time_call(lambda: run_case(case, opened, batch, size), device, seconds)
    peak = torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0
    return min(batch, Batches.largest or batch), batch / spent, peak


def measure_case(
    case: Case,
    opened: Any,
    batches: list[int],
    size: Size,
    device: torch.device,
    rate: float,
    seconds: float,
) -> tuple[int, float, float, float | None]:
    """Best batch size, its items a second, its peak memory, its share of the matrix rate."""
    best = (0, 0.0, 0.0)
    for batch in batches:
        try:
            at_once, per_s, peak = measure_batch(case, opened, batch, size, device, seconds)
        except (torch.cuda.OutOfMemoryError, CineloraError):
            if not best[0]:
                raise
            break
        if per_s < WORTH * best[1]:
            break
        best = (at_once, per_s, peak)
    operations = count_operations(lambda: run_case(case, opened, best[0], size)) / best[0]
    share = operations * best[1] / rate if operations else None
    check_rate(case.what, best[1], share, size)
    return *best, share


def open_role(role: str, models: dict, options: dict, folder: Path) -> tuple[Any, str, str]:
    """The model that plays a role, its name, and whether its weights are fetched or random."""
    model = choose_model(role, models)
    known = model.get("options", {})
    model["options"] = known | {name: value for name, value in options.items() if name in known}
    weights = [Path(path) for path in weight_files(model)]
    if role == "base":  # it is opened by its first file
        weights = [path / "model_index.json" for path in weights]
    if all(path.exists() for path in weights):
        return load_model(model, weights), model["name"], "fetched"
    if model["name"] not in BUILDERS:
        return None, model["name"], "not measured: weights not fetched"
    built = folder / model["name"]
    if not built.exists():
        BUILDERS[model["name"]](built)
    return load_model(model, [built]), model["name"], "random"


def measure_all(
    models: dict, device: str, seconds: float, rate: float, most: int, tokens: int
) -> list[Result]:
    """A result for each case, printed as it comes; no batch is larger than `most`."""
    place, results = open_device(device), []
    options = {"batch_size": most, "max_new_tokens": tokens}
    with tempfile.TemporaryDirectory(prefix="cinelora-gpu-") as folder:
        for role, cases in CASES.items():
            wanted = {**models, "device": device}
            opened, name, weights = open_role(role, wanted, options, Path(folder))
            for case, size in [(one, size) for one in cases for size in one.sizes]:
                batches = sorted({min(batch, most) for batch in case.batches})
                how = (batches, SIZES[size], place, rate, seconds)
                figures = () if opened is None else measure_case(case, opened, *how)
                results.append(Result(case.what, name, weights, *figures, size=size))
                print(write_line(results[-1]), flush=True)
            del opened
            if place.type == "cuda":
                torch.cuda.empty_cache()
    return results


HEAD = (
    "| what | frames | model | weights | batch | items/s | peak GPU memory, MiB "
    "| share of the matrix rate |"
)


def write_line(result: Result) -> str:
    """One row of the table in Markdown."""
    if not result.batch:
        return (
            f"| {result.what} | {result.size} | {result.model} | {result.weights} | - | - | - | - |"
        )
    share = "-" if result.share is None else f"{result.share:.0%}"
    figures = (result.batch, f"{result.per_s:.1f}", f"{result.peak_mb:.0f}", share)
    cells = (result.what, result.size, result.model, result.weights, *figures)
    return f"| {' | '.join(map(str, cells))} |"


def write_page(results: list[Result], rate: float, device: str, command: str) -> str:
    """The whole page."""
    name = torch.cuda.get_device_name() if device == "cuda" else "the CPU"
    lines = [
        "# Speed of the full tier",
        "",
        f"`{command}` on {name}, torch {torch.__version__}, {date.today().isoformat()}.",
        f"Measured matrix rate: {rate / 1e12:.2f} TFLOP/s.",
        "",
        HEAD,
        "|---" * HEAD.count(" | ") + "|---|",
        *map(write_line, results),
        "",
        "SAM runs through transformers, not the package sam2: [why](sam2_either.md).",
        "What must bind each phase of a film, computed: [roofline.md](roofline.md).",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument(
        "--config", default="config/overlays/full.yaml", help="an overlay with `models`"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="at each batch size")
    parser.add_argument("--side", type=int, default=8192, help="of the matrices, for their rate")
    parser.add_argument("--most", type=int, default=256, help="the largest batch")
    parser.add_argument("--tokens", type=int, default=96, help="of a caption")
    parser.add_argument("--write", help="the page to write")
    asked = parser.parse_args(arguments)
    models = yaml.safe_load(Path(asked.config).read_text(encoding="utf-8"))["models"]
    rate = measure_matrix_rate(open_device(asked.device), asked.side, asked.seconds)
    print(f"matrix rate {rate / 1e12:.2f} TFLOP/s\n{HEAD}")
    how = (asked.device, asked.seconds, rate, asked.most, asked.tokens)
    results = measure_all(models, *how)
    if asked.write:
        Path(asked.write).write_text(
            write_page(results, rate, asked.device, "make bench-gpu"), encoding="utf-8"
        )


if __name__ == "__main__":
    try:
        main()
    except CineloraError as error:
        sys.exit(f"ERROR {error}")
