"""`make growth`: how memory, time and number of jobs grow with the film; no image is touched.

Reads the tables of a finished run (results/demo), makes those of longer films from them, runs every
phase that reads tables only, each in a process of its own; leaves resources/capacity/growth.csv and
growth.svg. Searches a million and five million hashes, too.
"""

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from workflow_scripts.capacity.big_film import make_big_film
from workflow_scripts.capacity.draw_growth import draw_growth
from workflow_scripts.lib.errors import CineloraError

SOURCE = Path("results/demo")
LEAVES = Path("resources/capacity")
SIZES = [(14, 1), (53, 1), (53, 10)]  # copies of the demo film, times each frame is shown
HASHES = [1_000_000, 5_000_000]
FRAMES_A_SHARD = 2000  # some minutes of work for a job; each job costs the plan 5 ms
PHASES = [
    "dedup_frames",
    "filter_frames",
    "identify_characters",
    "cluster_scenes",
    "classify_poses",
]
COLUMNS = ["step", "size", "cpu_s", "peak_mb", "found"]


def run_step(step: str, where: str) -> dict:
    """One step in a process of its own; its CPU seconds, peak memory, and what it found."""
    command = [sys.executable, "-m", "workflow_scripts.capacity.run_step", step, where]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise CineloraError(f"{step} failed on {where}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_film(copies: int, density: int, folder: Path) -> list[dict]:
    """Every phase on one long film."""
    frames = make_big_film(SOURCE, folder, copies=copies, density=density, seed=7)
    shutil.copytree(SOURCE / "embed_references", folder / "embed_references")
    rows = [{"step": phase, "size": frames, **run_step(phase, str(folder))} for phase in PHASES]
    for row in rows:
        print(row, flush=True)
    return rows


def measure_plan(frames: int) -> dict:
    """A dry run of a film of so many frames: CPU seconds, and as what it found the jobs."""
    shards = max(2, round(frames / FRAMES_A_SHARD))
    with tempfile.TemporaryDirectory() as folder:
        for name in ("config", "resources"):
            (Path(folder) / name).symlink_to(Path(name).resolve())
        command = [sys.executable, "-m", "snakemake", "-n", "--quiet", "rules", "--snakefile"]
        command += [str(Path("Snakefile").resolve()), "--directory", folder]
        command += ["--config", f"shards={shards}"]
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        after, wall_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - begun
    if done.returncode:
        raise CineloraError(f"the dry run failed:\n{(done.stdout + done.stderr)[-2000:]}")
    total = [line for line in done.stdout.splitlines() if line.startswith("total")][-1]
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"dry run of {frames} frames: {wall_s:.1f} s of wall time", flush=True)
    jobs = int(total.split()[-1])
    return {"step": "dry run", "size": frames, "cpu_s": round(cpu_s, 2), "found": jobs}


def main() -> None:
    if not (SOURCE / "classify_poses").exists():
        raise CineloraError(f"{SOURCE} holds no finished run. Run `make demo` first.")
    rows = []
    for copies, density in SIZES:
        with tempfile.TemporaryDirectory(prefix="cinelora-") as folder:
            rows += measure_film(copies, density, Path(folder))
        rows.append(measure_plan(rows[-1]["size"]))
    for count in HASHES:
        rows.append({"step": "near_hashes", "size": count, **run_step("near_hashes", str(count))})
        print(rows[-1], flush=True)
    LEAVES.mkdir(exist_ok=True)
    with (LEAVES / "growth.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    draw_growth(LEAVES / "growth.csv", LEAVES / "growth.svg", FRAMES_A_SHARD)
    print(f"{LEAVES}/growth.csv, {LEAVES}/growth.svg; cores here: {os.cpu_count()}")


if __name__ == "__main__":
    try:
        main()
    except CineloraError as error:
        sys.exit(f"ERROR {error}")
