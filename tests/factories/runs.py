"""Snakemake as a user calls it, in a folder of its own, and what the demo film should leave."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DATASETS = [
    *("character-nella", "character-bruno", "character-pip"),
    *("background", "pose", "expression", "style", "lighting"),
]
GPU_RULES = {
    rule
    for path in (ROOT / "rules").glob("*/*.smk")
    for rule, body in re.findall(
        r"^rule (\w+):\n(.*?)(?=^rule |\Z)",
        path.read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    if re.search(r"^\s+gpu=(1|training_processes),", body, flags=re.MULTILINE)
}


ON_REQUEST = {"compose_adapters", "draw_class_images", "draw_suite", "measure_suite"}


def snakemake(folder, *arguments, check=True):
    """Run Snakemake in `folder` on the Snakefile of this project; return what it printed."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    run = subprocess.run(
        [*command, "--directory", str(folder), "--cores", str(os.cpu_count()), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    output = run.stdout + run.stderr
    assert (run.returncode == 0) == check, output[-6000:]
    return output
