"""Choose what the trials of one round of a search are trained with.

Reads the files and scores of all trials of earlier rounds; leaves a small file of parameters for
each trial of the next one. A round of a search asks for new parameters (study.py). With halving its
trials are short, and of two such rounds a third one trains the better half again, in full: a
schedule that was made for few steps has ended, so that going on from its checkpoint would be
another training than the one whose settings are written down. Rounds that confirm train the front
again with other seeds, because the best of many measured values is mostly too good.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.adapter.fronts import Point, find_front, rank_points
from workflow_scripts.adapter.study import Outcome, ask
from workflow_scripts.adapter.trial_file import Trial, write_trial
from workflow_scripts.adapter.trial_results import (
    Limits,
    Result,
    choose_measure,
    read_chosen,
    read_results,
    read_scores,
)
from workflow_scripts.lib.phase import Counts, log, run_phase

FAILED = Point(0.0, 0.0, float("inf"))

Options = Mapping[str, Any]  # the block adapter.search, with seed, dataset and share of the steps


def ask_trials(
    space: Mapping[str, Any],
    results: Sequence[Result],
    limits: Limits,
    names: Sequence[str],
    share: float,
    *key: Any,
) -> list[Trial]:
    """Trials with new parameters, from what earlier ones have reached."""
    outcomes = [Outcome(one.trial.trial, one.trial.settings, one.locate(limits)) for one in results]
    asked = ask(space, outcomes, len(names), *key)
    return [Trial(name, one, share=share) for name, one in zip(names, asked, strict=True)]


def promote(results: Sequence[Result], limits: Limits, names: Sequence[str]) -> list[Trial]:
    """The better ones of short trials, to be trained in full."""
    ranked = rank_points([one.locate(limits) or FAILED for one in results])
    better = [results[n] for n in ranked if not results[n].failed]
    return _fill(
        [
            Trial(name, one.trial.settings, of=one.trial.trial)
            for name, one in zip(names, better, strict=False)
        ],
        names,
        "too few short trials have been trained",
    )


def confirm(
    results: Sequence[Result], limits: Limits, names: Sequence[str], seed: int
) -> list[Trial]:
    """The front of trials that were trained in full, to be trained with another seed.

    Of a larger front those that are loneliest on it, so that all of it is known from some.
    """
    points = [one.locate(limits) or FAILED for one in results]
    front = find_front(points)
    ranked = rank_points([points[n] for n in front])
    chosen = [results[front[n]].trial for n in sorted(ranked[: len(names)])]
    again = [
        Trial(name, one.settings, of=one.trial, seed=seed)
        for name, one in zip(names, chosen, strict=False)
    ]
    return _fill(again, names, f"the front has {len(front)} trials only")


def _fill(trials: list[Trial], names: Sequence[str], why: str) -> list[Trial]:
    """A trial for each name; where there is nothing to train, it says so."""
    return trials + [Trial(name, {}, skipped=why) for name in names[len(trials) :]]


def choose_trials(
    results: Sequence[Result], names: Sequence[str], purpose: str, number: int, options: Options
) -> list[Trial]:
    """What the trials of a round are; `number` is that of the round among those of its purpose."""
    limits = Limits(options["max_copy_risk"], options["min_diversity"])
    if purpose == "promote":
        return promote(results, limits, names)
    if purpose == "confirm":
        return confirm(results, limits, names, options["confirm_seeds"][number - 1])
    key = options["seed"], options["dataset"], number
    return ask_trials(options["space"], results, limits, names, options["share"], *key)


def main(
    asked: Sequence[str],
    trained: Sequence[str],
    scores: Sequence[str],
    chosen_settings: Sequence[str],
    chosen_scores: Sequence[str],
    trials: Sequence[str],
    *,
    names: Sequence[str],
    purpose: str,
    number: int,
    options: Options,
) -> Counts:
    results = []
    if chosen_scores:  # all but the first round, which no other one comes before
        measure = choose_measure(read_scores(chosen_scores[0]))
        if purpose == "confirm" or options["share"] == 1:  # what is as long as the trials
            results = [read_chosen(chosen_settings[0], chosen_scores[0], options["space"], measure)]
        results += read_results(asked, trained, scores, measure)
    chosen = choose_trials(results, names, purpose, number, options)
    for path, trial in zip(trials, chosen, strict=True):
        log.info("%s: %s", trial.trial, trial.skipped or trial.settings)
        write_trial(path, trial)
    skipped = sum(bool(trial.skipped) for trial in chosen)
    aside = {"nothing to train": skipped} if skipped else {}
    return Counts("trials", len(chosen), len(chosen) - skipped, aside)


if __name__ == "__main__":
    run_phase(main, snakemake)
