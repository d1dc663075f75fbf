"""A trial of a search in no time: leaves the settings and scores that a toy training has.

A script of the toy rule in tests/workflow/test_search.py. It may wait for the next trial of its
round, so that trials end in another order than they began.
"""

import time
import zlib
from pathlib import Path

import pandas as pd
import yaml

from benchmarks.search_toys import Reached, Toy
from workflow_scripts.adapter.trial_file import Laid, lay_trial

ENDS = Path("ends.txt")  # names of trials, in the order in which they ended
OTHERS = ("base", "base_sha256", "dataset_sha256", "trigger")  # which a search does not read


def tabulate(reached: Reached | None, is_chosen: bool) -> pd.DataFrame:
    """The rows of scores.parquet that a search reads."""
    if reached is None:
        return pd.DataFrame([], columns=["score", "adapter", "strength", "over", "value"])
    rows = [
        ("retrieval", "own", 1.0, "", 0.5 + reached.gain),
        ("drift", "own", 1.0, "", reached.drift),
        ("copy_risk", "own", 1.0, "", reached.copy_risk / 30),  # or few trials leave no front
        ("diversity", "own", 1.0, "", 0.2),
        ("diversity", "base", 0.0, "", 0.2),
    ]
    rows += [("retrieval", "other_subject", 1.0, "", 0.5)] if is_chosen else []
    return pd.DataFrame(rows, columns=["score", "adapter", "strength", "over", "value"])


def describe(laid: Laid, reached: Reached | None) -> dict:
    """The settings.yaml that a search reads."""
    if reached is None:
        return {"empty": laid.skipped or "the loss of step 3 is nan."}
    known = {"resolution_px": 128, "steps": laid.options["steps"], "distinct_images": 9}
    return dict.fromkeys(OTHERS, "toy") | known | {"settings": laid.options}


def main(trial: list[str], settings: str, scores: str, *, options: dict, seed: int) -> None:
    laid = lay_trial(trial, options, seed)
    number = zlib.crc32(f"{laid.name} {laid.seed}".encode())
    reached = None if laid.skipped else Toy(11).measure(laid.options, number)
    tabulate(reached, is_chosen=not laid.name).to_parquet(scores)
    with ENDS.open("a", encoding="utf-8") as ends:  # times of files are touched by Snakemake
        ends.write(f"{laid.name}\n")
    Path(settings).write_text(yaml.safe_dump(describe(laid, reached)), encoding="utf-8")


def wait_for(path: Path, most_s: float = 300) -> None:
    """Wait until another trial has ended."""
    until = time.monotonic() + most_s
    while not path.is_file():
        if time.monotonic() > until:
            raise TimeoutError(f"{path} has not come in {most_s} s")
        time.sleep(0.05)


if __name__ == "__main__":
    if snakemake.params.waits_for:
        wait_for(Path(snakemake.params.waits_for))
    main(
        list(snakemake.input.trial),
        snakemake.output.settings,
        snakemake.output.scores,
        options=snakemake.params.options,
        seed=snakemake.params.seed,
    )
