"""A real SLURM on this machine, and runs of the short film through it by profiles/slurm."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.factories.copy_in_code import ROOT, SMALL

CLUSTER = ROOT / "tests/slurm/cluster.sh"
SLURM = ["--workflow-profile", "profiles/slurm"]
NO_SLURM = 3  # what cluster.sh ends with where none can run


def call(*command: str) -> str:
    """Run a command; return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def read_profile() -> dict:
    """The shipped profile with this cluster's account, and quick polling."""
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    profile["default-resources"]["slurm_account"] = "films"
    return profile | {"slurm-init-seconds-before-status-checks": 3, "latency-wait": 20}


def write_profile(folder: Path, profile: dict) -> None:
    """Put a profile where a run in this folder looks for it."""
    path = folder / "profiles/slurm/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")


def snakemake(folder: Path, *arguments: str) -> None:
    """Run the workflow in a folder; what it printed is left in run.log."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    with (folder / "run.log").open("w", encoding="utf-8") as log:
        run = subprocess.run(
            [*command, *SMALL, *arguments], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    assert run.returncode == 0, (folder / "run.log").read_text(encoding="utf-8")[-6000:]


def start_cluster(home: Path, *, gpus: int, accounts: bool) -> str:
    """Start SLURM with so many stand-in GPUs; return the moment."""
    os.environ["CLUSTER"] = str(home)
    os.environ["SLURM_CONF"] = str(home / "etc/slurm.conf")
    settings = {"CLUSTER_GPUS": str(gpus), "CLUSTER_ACCOUNTS": "yes" if accounts else "no"}
    run = subprocess.run([str(CLUSTER), "up"], env=os.environ | settings)
    if run.returncode == NO_SLURM:
        pytest.fail("SLURM cannot run here; the reason stands above")
    assert run.returncode == 0
    time.sleep(1)  # sacct counts in whole seconds
    return call("date", "+%Y-%m-%dT%H:%M:%S").strip()


def stop_cluster() -> None:
    """Stop what was started, whatever happened."""
    subprocess.run([str(CLUSTER), "down"], check=True)
    for name in ("CLUSTER", "SLURM_CONF"):
        os.environ.pop(name, None)
