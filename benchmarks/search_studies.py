"""How good a search is: 20 toy studies beside random search, NSGA-II and halving, at equal cost.

`make search-studies` prints a table. A study is judged by the hypervolume of what its trials truly
are; the search itself sees noisy values only. Each round is a new process's worth of work: earlier
trials are replayed, as in the workflow.
"""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

import optuna

from benchmarks.search_toys import MAX_COPY_RISK, SPACE, WORST, Toy
from workflow_scripts.adapter.fronts import Point, measure_hypervolume, rank_points
from workflow_scripts.adapter.study import (
    DIRECTIONS,
    Outcome,
    ask,
    make_distributions,
    make_seed,
    replay,
)
from workflow_scripts.adapter.trial_file import SHORT

STUDIES, ROUND = 20, 5
Tried = list[dict[str, Any]]  # parameters of trials that were trained in full
Ask = Callable[..., Tried]


def ask_random(space: dict, outcomes: Sequence[Outcome], count: int, *key: Any) -> Tried:
    """As study.ask, without learning."""
    sampler = optuna.samplers.RandomSampler(seed=make_seed(*key))
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    return [dict(study.ask(make_distributions(space)).params) for _ in range(count)]


def ask_nsga2(space: dict, outcomes: Sequence[Outcome], count: int, *key: Any) -> Tried:
    """As study.ask by NSGA-II, whose generations are the rounds."""
    sampler = optuna.samplers.NSGAIISampler(population_size=count, seed=make_seed(*key))
    study = optuna.create_study(directions=DIRECTIONS, sampler=sampler)
    for number, trial in enumerate(replay(outcomes, make_distributions(space))):
        generation = {"NSGAIISampler:generation": number // count}
        trial.system_attrs = trial.system_attrs | generation
        study.add_trial(trial)
    return [dict(study.ask(make_distributions(space)).params) for _ in range(count)]


def search(toy: Toy, trials: int, ask_round: Ask) -> Tried:
    """A search whose trials are all trained in full."""
    outcomes: list[Outcome] = []
    for number in range(trials // ROUND):
        outcomes += _run_round(toy, outcomes, ask_round, number)
    return [one.parameters for one in outcomes]


def search_halved(toy: Toy, trials: int) -> Tried:
    """A search of short trials; of each two rounds the better half is trained again in full."""
    outcomes: list[Outcome] = []
    whole: Tried = []
    for number in range(trials // ROUND):
        outcomes += _run_round(toy, outcomes, ask, number, SHORT)
        if number % 2:
            last = outcomes[-2 * ROUND :]
            ranked = rank_points([one.point or Point(0, 0, float("inf")) for one in last])
            whole += [last[n].parameters for n in ranked[:ROUND]]
    return whole


def _run_round(
    toy: Toy, outcomes: Sequence[Outcome], ask_round: Ask, number: int, share: float = 1.0
) -> list[Outcome]:
    first = len(outcomes)
    asked = ask_round(SPACE, outcomes, ROUND, "toy", toy.seed, number)
    found = [toy.measure(one, first + n, share) for n, one in enumerate(asked)]
    return [
        Outcome(f"{first + n}", one, found[n].point if found[n] else None)
        for n, one in enumerate(asked)
    ]


def judge(toy: Toy, tried: Tried) -> float:
    """Hypervolume of what these trainings truly are."""
    reached = [found.point for one in tried if (found := toy.train(one))]
    return measure_hypervolume(reached, WORST)


def compare(trials: int, seeds: Sequence[int]) -> list[str]:
    """A line for each way to search."""
    longer = round(trials / (SHORT + 0.5) / (2 * ROUND)) * 2 * ROUND  # the steps are the same
    ways: dict[str, Callable[[Toy], Tried]] = {
        "random": lambda toy: search(toy, trials, ask_random),
        "NSGA-II, a round is a generation": lambda toy: search(toy, trials, ask_nsga2),
        "TPE (search_adapter)": lambda toy: search(toy, trials, ask),
        f"TPE with halving ({longer} trials)": lambda toy: search_halved(toy, longer),
    }
    toys = [Toy(seed) for seed in seeds]
    volumes = {name: [judge(toy, way(toy)) for toy in toys] for name, way in ways.items()}
    plain = volumes["random"]
    return [
        f"| {trials} | {name} | {sum(found) / len(found):.3f} |"
        f" {sum(a > b for a, b in zip(found, plain, strict=True))} of {len(toys)} |"
        for name, found in volumes.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[20, 50])
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--first-seed", type=int, default=1000)
    options = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seeds = range(options.first_seed, options.first_seed + options.studies)
    print(f"copy risk at most {MAX_COPY_RISK}; rounds of {ROUND}; hypervolume from {WORST[:2]}")
    print("| trials | search | mean hypervolume | better than random |\n|---|---|---|---|")
    for trials in options.trials:
        print("\n".join(compare(trials, seeds)), flush=True)


if __name__ == "__main__":
    main()
