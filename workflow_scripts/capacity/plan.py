"""`make capacity`: time and GPU-hours of 1, 100 and 10,000 films, from a run that was measured.

Reads benchmarks/<film>/*.tsv and results/<film>/progress.json; leaves resources/capacity/README.md.
What a phase cost per frame, and an adapter as a whole, is scaled to films of FILM_MINUTES; the
time is that of whatever takes longest: cores, GPUs, the longest chain of jobs of one film, or the
machine that submits the jobs.
"""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workflow_scripts.capacity.measure import FRAMES_A_SHARD
from workflow_scripts.lib.benchmarks import list_benchmarks, read_benchmark
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.rules import asks_for_gpu, read_rules
from workflow_scripts.plan.config import read_shipped

LEAVES = Path("resources/capacity/README.md")
FILM_MINUTES = 90
FILMS = [1, 100, 10_000]
CLUSTERS = {  # name -> cores, GPUs
    "a workstation: 16 cores, 1 GPU": (16, 1),
    "a partition: 256 cores, 8 GPUs": (256, 8),
    "a cluster: 4,096 cores, 128 GPUs": (4096, 128),
}
# Their cost is in steps, not in frames
PER_ADAPTER = {"draw_class_images", "train_adapter", "evaluate_adapter"}
START_CPU_S = 1.3  # of a SLURM job, measured: Snakemake starts twice in it
SUBMIT_S = 0.3  # of the machine that runs Snakemake: assumed, not measured


@dataclass(frozen=True)
class Cost:
    """Of one film, in hours; `chain_h`: its jobs one after the other, shards side by side."""

    jobs: int
    core_h: float
    gpu_h: float
    chain_h: float


def read_benchmarks(folder: Path) -> pd.DataFrame:
    """One row per job: rule, wall s, CPU s, whether it is one shard of several."""
    rows = []
    for path in list_benchmarks(folder):
        is_shard = bool(re.search(r"\.\d+of\d+$", path.stem))
        for last in read_benchmark(path).tail(1).itertuples():
            rows.append((path.stem.split(".")[0], last.s, last.cpu_time, is_shard))
    if not rows:
        raise CineloraError(f"{folder} holds no benchmark files. Run the film first.")
    return pd.DataFrame(rows, columns=["rule", "wall_s", "cpu_s", "is_shard"])


def find_gpu_rules(folder: Path) -> set[str]:
    """Rules that ask for a GPU."""
    return {name for name, text in read_rules(folder).items() if asks_for_gpu(text)}


def scale(jobs: pd.DataFrame, gpu_rules: set[str], measured: int, frames: int) -> Cost:
    """What a film of so many frames costs, when one of `measured` frames cost these jobs."""
    shards = max(1, round(frames / FRAMES_A_SHARD))
    count, core_s, gpu_s, chain_s = 0, 0.0, 0.0, 0.0
    for (rule, is_shard), part in jobs.groupby(["rule", "is_shard"]):
        factor = 1.0 if rule in PER_ADAPTER else frames / measured
        runs = shards if is_shard else len(part)
        count += runs
        core_s += part["cpu_s"].sum() * factor + START_CPU_S * runs
        wall_s = part["wall_s"].sum() * factor
        gpu_s += wall_s if rule in gpu_rules else 0.0
        chain_s += wall_s / runs
    return Cost(count, core_s / 3600, gpu_s / 3600, chain_s / 3600)


def format_hours(cost: Cost, films: int, cores: int, gpus: int) -> tuple[float, str]:
    """Hours until so many films are done, and what they wait for."""
    hours = {
        "cores": films * cost.core_h / cores,
        "GPUs": films * cost.gpu_h / gpus,
        "the jobs of one film, one after the other": cost.chain_h,
        "submitting jobs": films * cost.jobs * SUBMIT_S / 3600,
    }
    first = max(hours, key=hours.__getitem__)
    return hours[first], first


def write_page(film: str, cost: Cost, measured: int, frames: int) -> str:
    """The page, in Markdown."""
    lines = [
        "# What films cost",
        "",
        f"Computed by `make capacity` from the benchmark files of the film `{film}` "
        f"({measured} frames), not written by hand.",
        f"A film here: {FILM_MINUTES} minutes, {frames:,} frames, shards of {FRAMES_A_SHARD:,}.",
        f"It takes {cost.jobs:,} jobs, {cost.core_h:.1f} core-hours, {cost.gpu_h:.1f} hours of "
        f"jobs that hold a GPU; alone on any machine at least {cost.chain_h:.1f} h.",
        f"Submitting a job is taken as {SUBMIT_S} s of the machine that runs Snakemake (assumed).",
        "",
        "The light tier computes on the CPU even where a job holds a GPU: its hours say how long a",
        "GPU would be held, not how fast one is. Run your film on your GPUs, then",
        "`make capacity NAME=<its name>`, for figures of yours.",
        "",
        "| films | on | time | GPU-hours | what they wait for first |",
        "|---|---|---|---|---|",
    ]
    for films in FILMS:
        for name, (cores, gpus) in CLUSTERS.items():
            hours, first = format_hours(cost, films, cores, gpus)
            time = f"{hours:.1f} h" if hours < 48 else f"{hours / 24:,.1f} days"
            lines.append(f"| {films:,} | {name} | {time} | {films * cost.gpu_h:,.0f} | {first} |")
    lines += ["", *describe_growth(LEAVES.with_name("growth.csv"))]
    return "\n".join([*lines, ""])


def describe_growth(table: Path) -> list[str]:
    """What `make growth` has measured, and its image."""
    rows = pd.read_csv(table).dropna(subset=["peak_mb"])
    films = rows[rows["step"] != "near_hashes"]
    worst = films.loc[films["peak_mb"].idxmax()]
    plan = pd.read_csv(table).query("step == 'dry run'").iloc[-1]
    lines = [
        f"Phases that read tables only, measured by `make growth` to {worst['size']:,} frames:",
        f"`{worst['step']}` needs most, {worst['peak_mb']:,.0f} MB; give it more in your profile",
        "for longer films (`set-resources`). `snakemake -n` takes "
        f"{plan['cpu_s']:.1f} s of one core for the {plan['found']:,.0f} jobs of "
        f"{plan['size']:,} frames.",
        "",
        "| step | of | CPU s | peak MB |",
        "|---|---|---|---|",
    ]
    for row in rows.itertuples():
        lines.append(f"| {row.step} | {row[2]:,} | {row.cpu_s:.1f} | {row.peak_mb:,.0f} |")
    return [*lines, "", "![Growth](growth.svg)"]


def main(film: str, root: Path = Path()) -> None:
    """Write the page; `root` is the folder in which the film was run."""
    rate = read_shipped()["extract_frames"]["sampling"]
    frames = FILM_MINUTES * 60 * rate["frames_per_second"]
    progress = json.loads((root / f"results/{film}/progress.json").read_text(encoding="utf-8"))
    measured = progress["phases"]["extract_frames"]["read"]
    jobs = read_benchmarks(root / f"benchmarks/{film}")
    cost = scale(jobs, find_gpu_rules(Path("rules")), measured, frames)
    LEAVES.parent.mkdir(exist_ok=True)
    LEAVES.write_text(write_page(film, cost, measured, frames), encoding="utf-8")
    print(LEAVES)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except CineloraError as error:
        sys.exit(f"ERROR {error}")
