"""A short run of the demo film through a real SLURM, by profiles/slurm: `make test-slurm`.

One GPU: jobs are cancelled, killed, run out of memory and out of time, and the result is that of a
local run all the same. Two GPUs: GPU jobs run two at a time.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from accounting import count_beside, overlaps, read_jobs
from copy_in_code import ROOT, SMALL, prepare_run
from mishaps import Mishaps, call
from results_compared import compare_results, list_leftovers

CLUSTER = ROOT / "tests/slurm/cluster.sh"
SLURM = ["--workflow-profile", "profiles/slurm"]
SHOWN = ["JobID", "rule", "Partition", "gpus", "State", "Start", "End"]


def write_profile(folder: Path, **first_attempts: dict[str, str]) -> None:
    """The shipped profile with this cluster's account, quick polling, and harder first attempts."""
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())
    profile["default-resources"]["slurm_account"] = "films"
    profile |= {"slurm-init-seconds-before-status-checks": 3, "latency-wait": 20}
    for rule, values in first_attempts.items():
        profile["set-resources"][rule] = profile["set-resources"][rule] | values
    path = folder / "profiles/slurm/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(profile))


def snakemake(folder: Path, *arguments: str) -> None:
    """Run the workflow in a folder; what it printed is left in run.log."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    with (folder / "run.log").open("w") as log:
        run = subprocess.run(
            [*command, *arguments, *SMALL], cwd=folder, stdout=log, stderr=subprocess.STDOUT
        )
    assert run.returncode == 0, (folder / "run.log").read_text()[-6000:]


def start_cluster(gpus: int) -> str:
    """Start SLURM with so many stand-in GPUs; return the moment."""
    environment = os.environ | {"CLUSTER_GPUS": str(gpus)}
    subprocess.run([str(CLUSTER), "up"], check=True, env=environment)
    time.sleep(1)  # sacct counts in whole seconds
    return call("date", "+%Y-%m-%dT%H:%M:%S").strip()


def show(title: str, jobs) -> None:
    """Print SLURM's own account of its jobs."""
    print(f"\n{title}\n{jobs[SHOWN].to_string(index=False)}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Where SLURM lives; what was started is stopped, whatever happens."""
    home = tmp_path_factory.mktemp("slurm")
    variables = {"CLUSTER": str(home), "SLURM_CONF": str(home / "etc/slurm.conf")}
    os.environ.update(variables)
    try:
        yield home
    finally:
        subprocess.run([str(CLUSTER), "down"], check=True)
        for name in variables:
            del os.environ[name]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A run without SLURM."""
    folder = prepare_run(tmp_path_factory.mktemp("local") / "run")
    snakemake(folder, "--cores", str(os.cpu_count()), "--resources", f"gpu={os.cpu_count()}")
    return folder


@pytest.fixture(scope="module")
def one_gpu(cluster, tmp_path_factory):
    """A run on a cluster with one GPU on which four things go wrong: (folder, SLURM's jobs)."""
    folder = prepare_run(tmp_path_factory.mktemp("one") / "run")
    write_profile(
        folder,
        embed_images={"mem_mb": "500 if attempt == 1 else 3000"},
    )
    since = start_cluster(gpus=1)
    mishaps = Mishaps(folder)
    mishaps.start()
    try:
        snakemake(folder, *SLURM)
    finally:
        mishaps.end()
        show("One GPU, four mishaps", read_jobs(since))
    assert sorted(mishaps.struck) == ["SIGKILL", "hung", "scancel"]
    return folder, read_jobs(since)


def test_one_gpu_is_held_by_one_job_at_a_time(one_gpu):
    jobs = one_gpu[1]
    on_gpu, on_cpu = jobs[jobs["gpus"] > 0], jobs[jobs["gpus"] == 0]
    assert set(on_gpu["Partition"]) == {"gpu"} and set(on_cpu["Partition"]) == {"cpu"}
    assert count_beside(on_gpu) == 1
    assert overlaps(on_cpu, on_gpu) > 0


@pytest.mark.parametrize(
    ("rule", "states"),
    [
        ("segment_instances", {"CANCELLED"}),
        ("inpaint_backgrounds", {"FAILED"}),
        ("embed_images", {"OUT_OF_MEMORY", "FAILED"}),
        ("train_adapter", {"TIMEOUT"}),
    ],
    ids=["cancelled", "killed", "out of memory", "out of time"],
)
def test_a_job_that_ended_badly_was_started_again(one_gpu, rule, states):
    jobs = one_gpu[1]
    ended = jobs.loc[jobs["rule"] == rule, "State"].str.split().str[0].tolist()
    assert states & set(ended)
    assert "COMPLETED" in ended


def test_training_went_on_from_its_checkpoint(one_gpu):
    log = (one_gpu[0] / "logs/short/train_adapter.style.log").read_text()
    assert "resumed after step" in log


def test_every_table_is_that_of_a_local_run(one_gpu, local):
    tables, adapters = compare_results(local / "results/short", one_gpu[0] / "results/short")
    print(f"\n{tables} tables and {adapters} adapter(s) are bit-equal to those of the local run")
    assert list_leftovers(one_gpu[0] / "results") == []


def test_weights_were_fetched_on_the_head_node(one_gpu):
    assert not set(one_gpu[1]["rule"]) & {"fetch_model", "fetch_film", "build_report"}


def test_two_gpus_are_held_by_two_jobs_at_a_time(cluster, one_gpu, tmp_path_factory):
    folder = prepare_run(tmp_path_factory.mktemp("two") / "run")
    write_profile(folder)
    since = start_cluster(gpus=2)
    snakemake(folder, *SLURM, "--until", "inpaint_backgrounds")
    jobs = read_jobs(since)
    show("Two GPUs", jobs)
    assert count_beside(jobs[jobs["gpus"] > 0]) == 2
    assert set(jobs["State"]) == {"COMPLETED"}
