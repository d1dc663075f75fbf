"""What SLURM itself says of its jobs, by sacct."""

import io

import pandas as pd

from tests.factories.cluster_in_use import call

COLUMNS = [
    "JobID",
    "Comment",
    "Partition",
    "AllocTRES",
    "State",
    "Start",
    "End",
    "Timelimit",
    "ReqMem",
]


def read_jobs(since: str) -> pd.DataFrame:
    """One row per SLURM job that started after a moment, attempts of a requeued job apart."""
    text = call("sacct", "-X", "-P", "-D", "-S", since, "-o", ",".join(COLUMNS))
    jobs = pd.read_csv(io.StringIO(text), sep="|", dtype=str, keep_default_na=False)
    jobs = jobs[jobs["Start"].str.startswith("2")].sort_values("Start", kind="stable")
    rules = jobs["Comment"].str.extract(r"(?:rule|group)_(\w+?)(?:_wildcards|,|$)")[0]
    return jobs.assign(
        rule=rules,
        gpus=jobs["AllocTRES"].str.extract(r"gres/gpu=(\d+)")[0].fillna("0").astype(int),
        start=pd.to_datetime(jobs["Start"]),
        end=pd.to_datetime(jobs["End"], errors="coerce"),
    )


def count_beside(jobs: pd.DataFrame) -> int:
    """Most jobs that ran in the same moment."""
    edges = [(end, -1) for end in jobs["end"]] + [(start, 1) for start in jobs["start"]]
    running = most = 0
    for _, change in sorted(edges):
        running += change
        most = max(most, running)
    return most


def overlaps(one: pd.DataFrame, other: pd.DataFrame) -> int:
    """Jobs of one table that ran beside a job of the other."""
    return sum(
        ((other["start"] < j.end) & (other["end"] > j.start)).any() for j in one.itertuples()
    )
