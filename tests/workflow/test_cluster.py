"""A short stretch of the film through a real SLURM: one without accounts, that refuses --gpus.

The whole film, with all that goes wrong on a cluster, is for `make test-slurm`.
"""

import os
import re
import subprocess

import pytest
import yaml

from tests.factories.cluster_in_use import (
    CLUSTER,
    NO_SLURM,
    SLURM,
    call,
    snakemake,
    start_cluster,
    stop_cluster,
    write_profile,
)
from tests.factories.copy_in_code import ROOT, prepare_run

PROFILE = (ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8")
TARGET = "results/short/segment_instances/01of01.parquet"

pytestmark = pytest.mark.workflow


def edit_profile() -> dict:
    """What a user of such a cluster makes of the profile: commented lines come in, one goes out."""
    text = re.sub(r"^ *slurm_account: .*\n", "", PROFILE, flags=re.MULTILINE)
    text, edits = re.subn(r"^( *)# (slurm-no-account|gpu|gres): ", r"\1\2: ", text, flags=re.M)
    assert edits == 3
    text, edits = re.subn(r"=8\b", "=1", text)
    assert edits
    profile = yaml.safe_load(text)
    return profile | {"slurm-init-seconds-before-status-checks": 3, "latency-wait": 20}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster with one GPU that keeps no accounts; skipped where SLURM is not installed."""
    settings = os.environ | {"CLUSTER_ACCOUNTS": "no"}  # which asks for fewer packages
    check = subprocess.run([str(CLUSTER), "check"], env=settings, capture_output=True, text=True)
    if check.returncode == NO_SLURM:
        pytest.skip(check.stderr.strip())
    try:
        start_cluster(tmp_path_factory.mktemp("slurm"), gpus=1, accounts=False)
        yield
    finally:
        stop_cluster()


def test_a_cluster_without_accounts_that_refuses_gpus(cluster, tmp_path):
    folder = prepare_run(tmp_path / "run")
    write_profile(folder, edit_profile())
    snakemake(folder, *SLURM, "--config", "shards=1", "--", TARGET)
    jobs = call("scontrol", "--oneliner", "show", "job")
    asked = dict(re.findall(r"Partition=(\w+) .* Tres(PerJob|PerNode)=\S+", jobs))
    assert asked == {"gpu": "PerNode"}
