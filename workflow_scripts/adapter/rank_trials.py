"""Sum up a search: every trial with what it reached, the front, the best settings.

Reads all trials of a search. Leaves front.parquet (a row for each, with the reason why it is not on
the front), best.yaml (the best settings as a page of the config) and front.svg. The best is the one
on the front that gained most, with other seeds where the front was trained again.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from workflow_scripts.adapter.front_chart import draw_front
from workflow_scripts.adapter.fronts import Point, dominates, find_front
from workflow_scripts.adapter.trial_results import (
    CHOSEN,
    Limits,
    Measure,
    Result,
    choose_measure,
    read_chosen,
    read_results,
    read_scores,
)
from workflow_scripts.lib.manifest import replace_when_done, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

FRONT = pa.schema(
    [
        ("trial", pa.string()),  # round and number; chosen: with the settings of the config
        ("purpose", pa.string()),  # chosen, search, promote (again in full), confirm (another seed)
        ("of", pa.string()),  # the trial that it trains again; "" of others
        ("parameters", pa.string()),  # JSON
        ("seed", pa.int64()),  # in place of the run's own; null: that one
        ("steps", pa.int32()),  # of the weights that became the adapter
        ("measure", pa.string()),  # what gain is: identity_margin or heldout_loss_margin
        ("gain", pa.float64()),  # larger is better; null of a trial that failed
        ("drift", pa.float64()),  # smaller is better
        ("copy_risk", pa.float64()),  # null where it cannot be measured
        ("diversity", pa.float64()),  # in diversities of the base
        ("over_copy_risk", pa.float64()),  # by how much the limit is broken; 0: it is kept
        ("under_diversity", pa.float64()),
        ("on_front", pa.bool_()),
        ("reason", pa.string()),  # why it is not; "" on the front
        ("confirmations", pa.int32()),  # times that it was trained again with another seed
        ("confirmed_gain", pa.float64()),  # mean over those
        ("confirmed_drift", pa.float64()),
    ]
)


def find_reasons(results: Sequence[Result], purposes: Sequence[str], limits: Limits) -> list[str]:
    """Why each trial is not on the front of those trained in full; "" of those that are."""
    whole = [n for n, one in enumerate(results) if is_rival(one, purposes[n])]
    points = {n: results[n].locate(limits) for n in whole}
    front = [whole[n] for n in find_front([points[n] for n in whole])]
    return [
        "" if n in front else _explain(one, purposes[n], limits, points, results, front)
        for n, one in enumerate(results)
    ]


def is_rival(result: Result, purpose: str) -> bool:
    """Whether a trial may be on the front: trained in full, with the seed of all."""
    return not result.failed and result.trial.share == 1 and purpose != "confirm"


def _explain(
    one: Result,
    purpose: str,
    limits: Limits,
    points: Mapping[int, Point],
    results: Sequence[Result],
    front: Sequence[int],
) -> str:
    if one.trial.skipped:
        return f"nothing to train: {one.trial.skipped}"
    if one.failed:
        return f"failed: {one.failed}"
    if purpose == "confirm":
        return f"confirms {one.trial.of}"
    if one.trial.share < 1:
        return f"trained for {one.trial.share:g} of its steps only"
    if broken := one.break_limits(limits):
        return "; ".join(_explain_limit(name, one, limits) for name in broken)
    own = one.locate(limits)
    better = next(n for n in front if dominates(points[n], own))
    return f"dominated by {results[better].trial.trial}"


def _explain_limit(name: str, one: Result, limits: Limits) -> str:
    if name == "copy_risk":
        return f"copy risk {one.copy_risk:.2f}, at most {limits.max_copy_risk:g}"
    return f"diversity {one.diversity:.2f} of the base's, at least {limits.min_diversity:g}"


def tabulate(
    results: Sequence[Result], purposes: Sequence[str], limits: Limits, measure: Measure
) -> pd.DataFrame:
    """The rows of front.parquet."""
    reasons = find_reasons(results, purposes, limits)
    rows = []
    for one, purpose, reason in zip(results, purposes, reasons, strict=True):
        broken = {} if one.failed else one.break_limits(limits)
        rows.append(
            {
                "trial": one.trial.trial,
                "purpose": purpose,
                "of": one.trial.of,
                "parameters": json.dumps(one.trial.settings, sort_keys=True),
                "seed": one.trial.seed,
                "steps": one.steps,
                "measure": measure.name,
                **{name: getattr(one, name) for name in VALUES},
                "over_copy_risk": None if one.failed else broken.get("copy_risk", 0.0),
                "under_diversity": None if one.failed else broken.get("diversity", 0.0),
                "on_front": not reason,
                "reason": reason,
                **_confirm(one.trial.trial, results, purposes),
            }
        )
    return pd.DataFrame(rows).astype({"seed": "Int64"})


VALUES = ("gain", "drift", "copy_risk", "diversity")


def _confirm(name: str, results: Sequence[Result], purposes: Sequence[str]) -> dict[str, Any]:
    """What a trial reached with other seeds, on the average."""
    again = [
        one
        for one, purpose in zip(results, purposes, strict=True)
        if purpose == "confirm" and one.trial.of == name and not one.failed
    ]
    means = {
        key: float(np.mean([getattr(one, key) for one in again] or [np.nan])) for key in VALUES
    }
    return {
        "confirmations": len(again),
        "confirmed_gain": means["gain"],
        "confirmed_drift": means["drift"],
    }


def choose_best(rows: pd.DataFrame) -> pd.Series | None:
    """The trial on the front that gained most, of those that were confirmed most often."""
    front = rows[rows["on_front"]]
    if front.empty:
        return None
    ranked = front.assign(known=front["confirmed_gain"].fillna(front["gain"]))
    by = ["confirmations", "known", "trial"]
    return ranked.sort_values(by, ascending=[False, False, True], kind="stable").iloc[0]


def format_best(best: pd.Series | None, dataset: str) -> str:
    """A page of the config with the best settings as a variant; its name is that of the dataset."""
    if best is None:
        why = "No trial keeps the limits: raise adapter.search.max_copy_risk, lower min_diversity,"
        return f"# {why}\n# or widen the space.\nadapter:\n  variants: {{}}\n"
    name = f"best_{dataset}"[:64]
    page = {"adapter": {"variants": {name: json.loads(best["parameters"])}}}
    told = f"gain {best['gain']:.4f} ({best['measure']}), drift {best['drift']:.4f}"
    if times := best["confirmations"]:
        seeds = "another seed" if times == 1 else f"{times} other seeds"
        told += (
            f";\n# with {seeds} gain {best['confirmed_gain']:.4f},"
            f" drift {best['confirmed_drift']:.4f}"
        )
    head = f"# Trial {best['trial']} of {dataset}: {told}.\n# To train it: adapter.chosen: {name}\n"
    return head + yaml.safe_dump(page, sort_keys=False)


def main(
    asked: Sequence[str],
    trained: Sequence[str],
    scores: Sequence[str],
    chosen_settings: Sequence[str],
    chosen_scores: Sequence[str],
    front: str,
    best: str,
    chart: str,
    *,
    purposes: Sequence[str],
    options: Mapping[str, Any],
) -> Counts:
    """`purposes` says of each trial what its round is for."""
    limits = Limits(options["max_copy_risk"], options["min_diversity"])
    measure = choose_measure(read_scores(chosen_scores[0]))
    results = [read_chosen(chosen_settings[0], chosen_scores[0], options["space"], measure)]
    results += read_results(asked, trained, scores, measure)
    rows = tabulate(results, [CHOSEN, *purposes], limits, measure)
    first = choose_best(rows)
    log.info("best: %s", "none" if first is None else first[["trial", "parameters"]].tolist())
    write_manifest(rows, front, FRONT)
    with replace_when_done(best) as partial:
        partial.write_text(format_best(first, options["dataset"]), encoding="utf-8")
    with replace_when_done(chart) as partial:
        partial.write_text(draw_front(rows), encoding="utf-8")
    return Counts.of("trials", rows["reason"].str.partition(":")[0])


if __name__ == "__main__":
    run_phase(main, snakemake)
