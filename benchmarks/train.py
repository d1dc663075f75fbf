"""How fast adapters are trained: images a second, peak memory, share of the matrix rate.

`make bench-train` measures the production trainer on the CPU: the light base, and beside it
diffusers' own example script on the same images (SCRIPT=<train_text_to_image_lora.py>, DATASET=<a
packed dataset>). `--device cuda` measures each family at its published layout, with random weights:
as fast, but blind. The floor is what a step must compute at least (benchmarks/train_cases.py), at
the machine's own rate of matrix products, measured in the same run in the same numbers.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import torch

from benchmarks import train_script
from benchmarks.tables import table
from benchmarks.train_cases import Case, count_floor, count_held, make_full_case, make_opened_case
from benchmarks.train_clock import Span, StepTimes, measure_matrix_rate, time_steps
from benchmarks.train_nets import LAYOUTS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.build_base import main as build_base
from workflow_scripts.models.diffusion import Base
from workflow_scripts.models.registry import choose_model, load_model

LIGHT = Path("resources/models")
SIDES = {"cpu": 1024, "cuda": 8192}  # of the matrices
KINDS = {"cpu": torch.float32, "cuda": torch.bfloat16}
GOALS = (
    "Goals: on a GPU 45 % of the matrix rate and 2 % of waiting, SD 1.5 at 512 px and SDXL at"
    " 1024 px, rank 32; beside diffusers' script 1.5 times as many images a second at equal loss."
)
HEAD = (
    *("base", "px", "rank", "batch", "numbers", "images/s", "images/CPU s", "floor, GFLOP/image"),
    *("share of the floor", "waiting", "peak memory, MiB"),
)


@dataclass(frozen=True)
class Result:
    """What was measured of one case."""

    case: Case
    times: StepTimes
    floor: float  # operations a step
    peak_bytes: float
    rate: Span  # operations a second of matrix products, by both clocks

    @property
    def share(self) -> float:
        """Of the matrix rate: 1 is the floor. By the CPU's clock where the CPU computes."""
        steps = self.times.images / self.case.settings.batch_size
        on_cpu = self.case.base.device == "cpu"
        rate = self.rate.cpu_s if on_cpu else self.rate.wall_s
        return (
            self.floor
            * steps
            / (rate * (self.times.span.cpu_s if on_cpu else self.times.span.wall_s))
        )

    def list_cells(self) -> list[str]:
        """A row of the table."""
        settings, times = self.case.settings, self.times
        by_cpu = times.images / times.span.cpu_s
        return [
            *(self.case.name, str(self.case.side_px), str(settings.rank), str(settings.batch_size)),
            "float32" if self.case.base.device == "cpu" else settings.precision,
            f"{times.images / times.span.wall_s:.2f}",
            f"{by_cpu:.2f}" if self.case.base.device == "cpu" else "-",
            f"{self.floor / settings.batch_size / 1e9:.1f}",
            *(f"{self.share:.0%}", f"{times.wait_share:.1%}", f"{self.peak_bytes / 2**20:.0f}"),
        ]


def measure_case(case: Case, *, warm: int, steps: int, matrix_side: int, seconds: float) -> Result:
    """Steps between two measurements of the matrix rate, whose mean counts."""
    device = case.base.device
    floor, held = count_floor(case), count_held(case)
    trainer = case.make_trainer()
    before = measure_matrix_rate(device, KINDS[device], matrix_side, seconds)
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    times = time_steps(trainer, warm=warm, steps=steps)
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else held
    after = measure_matrix_rate(device, KINDS[device], matrix_side, seconds)
    rate = Span((before.wall_s + after.wall_s) / 2, (before.cpu_s + after.cpu_s) / 2)
    return check_result(Result(case, times, floor, peak, rate))


def check_result(result: Result) -> Result:
    """Refuse a rate that no machine reaches: then what was timed did not do the work."""
    if result.share > 1:
        raise CineloraError(
            f"{result.case.name}: {result.share:.2f} of the matrix rate: no machine is as fast.\n"
            "  Another program took the CPU or GPU while the matrices were measured: run it again."
        )
    return result


def open_light(folder: Path) -> Base:
    """The light base, put together in `folder`."""
    names = {part: str(LIGHT / f"light-{part}.safetensors") for part in ("clip", "vae", "unet")}
    build_base(base=str(folder / "light-sd"), **names)
    row = choose_model("base", {"tier": "light"}) | {"device": "cpu"}
    return load_model(row, [folder / "light-sd/model_index.json"])


def iter_cases(device: str, light: Base | None) -> Iterator[Case]:
    """On a GPU one case of each published layout, one after the other: each fills its memory."""
    if light is not None:
        yield make_opened_case("light-sd", light)
    for layout in LAYOUTS.values() if device == "cuda" else ():
        yield make_full_case(layout, device)
        torch.cuda.empty_cache()


def format_comparison(found: train_script.Comparison, how: str) -> list[str]:
    """Both sides, and how many times as fast ours is."""
    head = ["", "s/step", "CPU s/step", "CPU s in all", "held-out loss", "training loss"]
    rows = []
    for name, rounds in (("ours", found.ours), ("diffusers' script", found.script)):
        for one in rounds:
            times = (one.steady.wall_s, one.steady.cpu_s, one.whole.cpu_s)
            losses = (one.loss, one.trained)
            rows.append([name, *(f"{t:.3f}" for t in times), *(f"{loss:.4f}" for loss in losses)])
    rows.append(["base, not trained", "-", "-", "-", f"{found.base_loss:.4f}", "-"])
    ratios = [
        f"{found.find_ratio(part, clock):.2f} {words}"
        for part, clock, words in (
            ("steady", "cpu_s", "a step by the CPU's clock"),
            ("steady", "wall_s", "by the wall's"),
            ("whole", "cpu_s", "in all, with the encoding of images and captions beforehand"),
        )
    ]
    return [how, "", table(head, rows), f"Images a second, ours / script: {', '.join(ratios)}."]


def compare_with_script(asked: argparse.Namespace, light: Base, folder: Path) -> list[str]:
    """The comparison, or why there is none."""
    if not asked.script or not asked.dataset:
        return ["Not compared: name the script (SCRIPT=) and a packed dataset (DATASET=)."]
    script = Path(asked.script)
    if not script.is_file():
        return [f"Not compared: there is no {script}."]
    images = train_script.write_folder(Path(asked.dataset), folder / "images")
    settings = train_script.choose_settings(asked.steps, 8, 8, 1e-3, light.resolution_px)
    found = train_script.compare(
        sys.executable,
        script,
        light,
        folder / "light-sd",
        folder / "images",
        folder / "left",
        settings,
        asked.rounds,
        asked.threads,
    )
    how = (
        f"{images} images, {settings.steps} steps of {settings.batch_size},"
        f" {light.resolution_px} px, rank {settings.rank}, float32,"
        f" {asked.threads} thread(s), {asked.rounds} rounds in turns."
    )
    return format_comparison(found, how)


def write_page(rows: list[list[str]], compared: list[str], asked: argparse.Namespace) -> str:
    """The whole page."""
    cuda = asked.device == "cuda"
    name = torch.cuda.get_device_name() if cuda else f"the CPU, {asked.threads} thread(s)"
    lines = [
        "# Speed of training",
        "",
        f"`python -m benchmarks.train` on {name}, torch {torch.__version__}, {date.today()}.",
        GOALS,
        "",
        table(list(HEAD), rows),
        "The floor: forward, backward behind the first layer of the adapter, gradients of its own",
        "weights; none of frozen weights, nothing computed twice. Its share is that of the",
        "measured matrix rate. Memory of a CPU is counted: weights, and what a step holds. By the",
        "CPU's own clock, work that the machine does besides does not count.",
        "",
        *([] if cuda else ["On a GPU: not measured. `make bench-gpu` measures it.", ""]),
        "## Beside diffusers' train_text_to_image_lora.py",
        "",
        *compared,
    ]
    return "\n".join(lines) + "\n"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cpu")
    parser.add_argument("--steps", type=int, default=60, help="that are timed, of each training")
    parser.add_argument("--rounds", type=int, default=3, help="of the comparison, in turns")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU")
    parser.add_argument("--seconds", type=float, default=3.0, help="of matrix products")
    parser.add_argument("--script", help="diffusers' train_text_to_image_lora.py")
    parser.add_argument("--dataset", help="a packed dataset, for the comparison")
    parser.add_argument("--write", help="the page to write")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    asked = parse(arguments)
    if asked.device == "cuda" and not torch.cuda.is_available():
        print("not measured: torch finds no GPU here")
        return
    torch.set_num_threads(asked.threads)
    how = {"warm": 5, "steps": asked.steps, "matrix_side": SIDES[asked.device]}
    rows, compared = [], ["Compared on the CPU: `make bench-train`."]
    with tempfile.TemporaryDirectory(prefix="cinelora-train-") as place:
        light = open_light(Path(place)) if asked.device == "cpu" else None
        for case in iter_cases(asked.device, light):
            rows.append(measure_case(case, **how, seconds=asked.seconds).list_cells())
            print(" | ".join(rows[-1]), flush=True)
        if light is not None:
            compared = compare_with_script(asked, light, Path(place))
            print("\n".join(compared))
    if asked.write:
        Path(asked.write).write_text(write_page(rows, compared, asked), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except CineloraError as error:
        sys.exit(f"ERROR {error}")
