"""A short run of the demo film through a real SLURM, by profiles/slurm: `make test-slurm`.

One GPU: jobs are cancelled, killed, preempted, lost with their node, run out of memory and out of
time, and the result is that of a local run all the same. Two GPUs: GPU jobs run two at a time.
"""

import os

import pytest
from accounting import count_beside, overlaps, read_jobs
from mishaps import Mishaps

from tests.factories.cluster_in_use import (
    SLURM,
    read_profile,
    snakemake,
    start_cluster,
    stop_cluster,
    write_profile,
)
from tests.factories.copy_in_code import prepare_run
from tests.factories.results_compared import compare_results, list_leftovers

SHOWN = ["JobID", "rule", "Partition", "gpus", "Timelimit", "ReqMem", "State", "Start", "End"]
MISHAPS = {"scancel", "SIGKILL", "node lost", "hung", "preempted"}
SEGMENTS = [f"results/short/segment_instances/{n:02d}of02.parquet" for n in (1, 2)]


def show(title: str, jobs) -> None:
    """Print SLURM's own account of its jobs."""
    print(f"\n{title}\n{jobs[SHOWN].to_string(index=False)}")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Where SLURM lives; what was started is stopped, whatever happens."""
    try:
        yield tmp_path_factory.mktemp("slurm")
    finally:
        stop_cluster()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A run without SLURM."""
    folder = prepare_run(tmp_path_factory.mktemp("local") / "run")
    snakemake(folder, "--cores", str(os.cpu_count()), "--resources", f"gpu={os.cpu_count()}")
    return folder


@pytest.fixture(scope="module")
def one_gpu(cluster, tmp_path_factory):
    """A run on a cluster with one GPU on which six things go wrong: (folder, SLURM's jobs)."""
    folder = prepare_run(tmp_path_factory.mktemp("one") / "run")
    profile = read_profile()
    rules = profile["set-resources"]
    rules["embed_images"] = rules["embed_images"] | {"mem_mb": "500 if attempt == 1 else 3000"}
    write_profile(folder, profile)
    since = start_cluster(cluster, gpus=1, accounts=True)
    mishaps = Mishaps(folder)
    mishaps.start()
    try:
        snakemake(folder, *SLURM)
    finally:
        mishaps.end()
        show("One GPU, six mishaps", read_jobs(since))
    assert set(mishaps.struck) == MISHAPS
    return folder, read_jobs(since)


def test_one_gpu_is_held_by_one_job_at_a_time(one_gpu):
    jobs = one_gpu[1]
    on_gpu, on_cpu = jobs[jobs["gpus"] > 0], jobs[jobs["gpus"] == 0]
    assert set(on_gpu["Partition"]) == {"gpu", "urgent"} and set(on_cpu["Partition"]) == {"cpu"}
    assert count_beside(on_gpu) == 1
    assert overlaps(on_cpu, on_gpu) > 0


@pytest.mark.parametrize(
    ("rule", "states"),
    [
        ("segment_instances", {"CANCELLED"}),
        ("inpaint_backgrounds", {"FAILED"}),
        ("embed_images", {"OUT_OF_MEMORY", "FAILED"}),
        ("read_text", {"TIMEOUT"}),
        ("read_text", {"NODE_FAIL"}),
        ("train_adapter", {"PREEMPTED"}),
    ],
    ids=["cancelled", "killed", "out of memory", "out of time", "node lost", "preempted"],
)
def test_a_job_that_ended_badly_was_started_again(one_gpu, rule, states):
    jobs = one_gpu[1]
    ended = jobs.loc[jobs["rule"] == rule, "State"].str.split().str[0].tolist()
    assert states & set(ended)
    assert "COMPLETED" in ended


def test_what_ran_out_of_time_got_more(one_gpu):
    limits = one_gpu[1].query("rule == 'read_text'")["Timelimit"].tolist()
    assert limits[-1] == "02:00:00"  # the second attempt; the one that was lost is not counted


def test_training_went_on_from_its_checkpoint(one_gpu):
    log = (one_gpu[0] / "logs/short/train_adapter.style.log").read_text(encoding="utf-8")
    assert "resumed after step" in log


def test_every_table_is_that_of_a_local_run(one_gpu, local):
    tables, adapters = compare_results(local / "results/short", one_gpu[0] / "results/short")
    print(f"\n{tables} tables and {adapters} adapter(s) are bit-equal to those of the local run")
    assert list_leftovers(one_gpu[0] / "results") == []


def test_weights_were_fetched_on_the_head_node(one_gpu):
    assert not set(one_gpu[1]["rule"]) & {"fetch_model", "fetch_film", "build_report"}


def test_two_gpus_are_held_by_two_jobs_at_a_time(cluster, one_gpu, tmp_path_factory):
    folder = prepare_run(tmp_path_factory.mktemp("two") / "run")
    write_profile(folder, read_profile())
    since = start_cluster(cluster, gpus=2, accounts=True)
    snakemake(folder, *SLURM, "--", *SEGMENTS)
    jobs = read_jobs(since)
    show("Two GPUs", jobs)
    assert count_beside(jobs[jobs["gpus"] > 0]) == 2
    assert set(jobs["State"]) == {"COMPLETED"}
