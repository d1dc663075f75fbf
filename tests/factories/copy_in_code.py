"""Folders for runs: a copy of the project with pretended results, and a place for a real run."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# the cheap page of tests that run the workflow several times
SMALL = ["--configfile", str(ROOT / "tests/small.yaml")]
FOLDERS = ("config", "profiles", "rules", "workflow_scripts", "resources", "envs")


def copy_project(folder: Path) -> Path:
    """Copy code, config and demo film, with their time stamps; no models, no results."""
    shutil.copy2(ROOT / "Snakefile", folder)
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
    return folder


def leave_out(folder: str, names: list[str]) -> set[str]:
    """What is no part of the code: byte code, and models and films that were fetched."""
    fetched = {"models", "films"} if Path(folder) == ROOT / "resources" else set()
    return {"__pycache__"} | fetched


def run_snakemake(folder: Path, *arguments: str) -> str:
    """Run Snakemake on the copy; return what it printed."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    output = run.stdout + run.stderr
    assert run.returncode == 0, output[-4000:]
    return output


def pretend_finished(folder: Path, *arguments: str) -> None:
    """Make every output as an empty file, and let Snakemake record it as made by the code here."""
    lines = run_snakemake(folder, "--summary", *arguments).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("output_file"))
    for name in (line.split("\t")[0] for line in lines[start + 1 :] if "\t" in line):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch() if path.suffix else path.mkdir(exist_ok=True)
    run_snakemake(folder, "--touch", "--forceall", "--cores", "1", *arguments)


def planned_jobs(folder: Path, *arguments: str) -> dict[str, int]:
    """Rules of the jobs that a dry run lists, and how many of each."""
    table = run_snakemake(folder, "-n", *arguments).partition("Job stats:")[2].partition("total")[0]
    rows = re.findall(r"^(\w+)\s+(\d+)\b", table, re.MULTILINE)
    return {rule: int(count) for rule, count in rows}


def planned_rules(folder: Path, *arguments: str) -> set[str]:
    """Rules of the jobs that a dry run lists."""
    return set(planned_jobs(folder, *arguments))


def clone_project(project: Path, folder: Path, copied: list[str]) -> Path:
    """A fresh clone, all of it newer than the results of `project`; some folders copied (cp -a)."""
    copy_project(folder)
    for path in (folder, *folder.rglob("*")):
        path.touch()
    for name in copied:
        shutil.copytree(project / name, folder / name)
    return folder


def prepare_run(folder: Path) -> Path:
    """A folder for a real run: our config, our resources with their models, no results."""
    shutil.copytree(ROOT / "config", folder / "config")
    (ROOT / "resources/models").mkdir(exist_ok=True)
    (folder / "resources").symlink_to(ROOT / "resources")
    return folder
