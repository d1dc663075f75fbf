"""Curves of memory, CPU time and jobs over the length of the film."""

from pathlib import Path

import matplotlib
import pandas as pd

matplotlib.use("svg")
import matplotlib.pyplot as plt

SETTINGS = {"svg.fonttype": "none", "svg.hashsalt": "cinelora", "font.size": 9}


def draw_growth(table: Path, image: Path, frames_a_shard: int) -> None:
    """Draw growth.csv: memory and CPU seconds of each phase, and jobs of the plan."""
    rows = pd.read_csv(table)
    films = rows[~rows["step"].isin(["dry run", "near_hashes"])]
    with plt.rc_context(SETTINGS):
        figure, (memory, seconds, jobs) = plt.subplots(
            1, 3, figsize=(10, 3.3), layout="constrained"
        )
        for phase, part in films.groupby("step", sort=False):
            memory.plot(part["size"] / 1000, part["peak_mb"] / 1000, "o-", ms=3, label=phase)
            seconds.plot(part["size"] / 1000, part["cpu_s"], "o-", ms=3, label=phase)
        plan = rows[rows["step"] == "dry run"]
        jobs.plot(plan["size"] / 1000, plan["found"], "o-", ms=3, color="black")
        memory.set(title="peak memory, GB", ylim=0)
        seconds.set(title="CPU seconds", ylim=0)
        jobs.set(title=f"jobs, a shard per {frames_a_shard:,} frames", ylim=0)
        for each in (memory, seconds, jobs):
            each.set_xlabel("thousand frames")
        lines, phases = memory.get_legend_handles_labels()
        figure.legend(lines, phases, loc="outside lower center", ncols=len(phases), frameon=False)
        figure.savefig(image, metadata={"Date": None})
        plt.close(figure)
