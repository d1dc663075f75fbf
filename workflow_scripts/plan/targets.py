"""Which phases the kinds of a film need, what those leave, and which targets there are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workflow_scripts.dataset.dataset_counts import read_counts
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS, split_name
from workflow_scripts.lib.tables import PHASES, list_names, locate
from workflow_scripts.plan.controls import Control

PACKING = ("select_images", "write_captions", "pack_dataset")  # once per dataset
OF_DATASET = re.compile(  # a result of one dataset, as people ask for it
    r"(?:\./)?results/(?P<film>[^/]+)/(?:datasets|adapters|(?P<judged>evaluate_adapter|search_adapter"
    r"|draw_suite|measure_suite|score_suite)"
    r"|select_images|write_captions|analyze_dataset)/(?P<dataset>[^/.]+)(?P<shown>.*\.preview\.png)?"
)
JUDGING = ("train_adapter", "evaluate_adapter")  # once per dataset and variant
SUITES = ("draw_suite", "measure_suite", "score_suite")


def list_phases(kinds: Sequence[str], has_regions: bool = True) -> list[str]:
    """The phases that measure the film for these kinds, in the order in which they run.

    `has_regions`: the segmenter says where bodies lie. Without, people are told apart by joints.
    """
    needed = {phase for kind in kinds for phase in KINDS[kind].phases}
    if not has_regions and "identify_characters" in needed:
        needed.add("estimate_poses")
    return [phase for phase in PHASES if phase in needed]


def list_tables(
    film: str,
    kinds: Sequence[str],
    datasets: Sequence[str],
    shards: Sequence[str],
    describes: bool = False,
    has_regions: bool = True,
) -> list[str]:
    """Every file that a film's preparation leaves, up to its packed datasets.

    `describes`: a vision-language model is chosen, so that there are descriptions;
    `has_regions`: see `list_phases`.
    """
    folder = f"results/{film}"
    names = list_names(list_phases(kinds, has_regions))
    files = [path for name in names for path in locate(name, folder, shards)]
    files += locate("descriptions", folder) if describes else []
    for name in list_names(PACKING):
        files += [locate(name, folder, dataset=dataset)[0] for dataset in datasets]
    return files


def list_proofs(
    film: str,
    datasets: Sequence[str],
    has_truth: bool = False,
    variants: Sequence[str] = ("",),
    suites: Sequence[str] = (),
) -> list[str]:
    """What is known about each packed dataset: its balance, its adapters, their scores.

    `variants` tell its adapters apart, as plan/variants.py lists them. With `has_truth` also how
    near all phases come to it; of the kinds `suites` also what their suites show.
    """
    folder = f"results/{film}"
    names = list_names(["analyze_dataset"])
    files = [locate(name, folder, dataset=one)[0] for one in datasets for name in names]
    files += list_judged(film, datasets, variants)
    drawn = [one for one in datasets if split_name(one)[0].name in suites]
    files += [locate(name, folder, dataset=one)[0] for one in drawn for name in list_names(SUITES)]
    return files + (locate("accuracy", folder) if has_truth else [])


def list_judged(film: str, datasets: Sequence[str], variants: Sequence[str]) -> list[str]:
    """Every file of the adapters of a film that are judged, and of their evaluations."""
    names = list_names(JUDGING)
    return [
        locate(name, f"results/{film}", dataset=one, variant=variant)[0]
        for one in datasets
        for variant in variants
        for name in names
    ]


def list_described(
    targets: Iterable[str] | None,
    film: str,
    datasets: Sequence[str],
    controls: Mapping[str, Sequence[Control]],
    results: Path = Path("results"),
) -> list[str]:
    """Datasets whose images describe_images asks about, in one job.

    Those that the targets name, and where an adapter is judged those of its controls; or all where
    a target is something else, or there is none; and those that were chosen before, so that a run
    of one dataset takes nothing from a run of all.
    The process of a job knows no targets (None): all that it needs has been chosen by then.
    """
    found = [OF_DATASET.match(target) for target in map(str, targets or ())]
    ours = [match for match in found if match and match["film"] == film]
    named = {match["dataset"] for match in ours}
    judged = {match["dataset"] for match in ours if match["judged"] or match["shown"]}
    named |= {control.dataset for name in judged for control in controls.get(name, ())}
    if targets is not None and not (found and all(found)):
        named = set(datasets)
    chosen = {
        one
        for one in datasets
        if Path(locate("selection", results / film, dataset=one)[0]).is_file()
    }
    return [one for one in datasets if one in named | chosen]


def check_targets(targets: Iterable[str], datasets: Mapping[str, Sequence[str]]) -> None:
    """Raise CineloraError where a target is of no dataset there is; say which there are.

    `datasets` are the names of each film's datasets; "results/luca/datasets/pose" is a target.
    """
    found = {target: OF_DATASET.match(target) for target in sorted(set(map(str, targets)))}
    problems = [
        _explain_target(target, match["film"], match["dataset"], datasets)
        for target, match in found.items()
        if match and match["dataset"] not in datasets.get(match["film"], ())
    ]
    if problems:
        raise CineloraError("\n".join(problems))


def _explain_target(
    target: str, film: str, dataset: str, datasets: Mapping[str, Sequence[str]]
) -> str:
    if film not in datasets:
        known = ", ".join(datasets)
        return f"{target}: no film {film!r} is in this run (films, only). There is: {known}."
    lines = [f"{target}: the film {film} has no dataset {dataset!r}."]
    lines += [f"  It has: {', '.join(datasets[film])}."]
    if dataset.partition("-")[0] == "character":
        lines.append(f"  Each name under films.{film}.characters of the config has one of its own.")
    return "\n".join(lines)


def list_empty(datasets: Mapping[str, Sequence[str]], results: Path = Path("results")) -> list[str]:
    """What to tell at the end of a run: packed datasets without images, and what kept those out."""
    lines = []
    for film, names in datasets.items():
        for name in names:
            path = Path(locate("counts", results / film, dataset=name)[0])
            try:
                counts = read_counts(path)
            except CineloraError as error:  # the run is done all the same
                lines.append(str(error))
                continue
            if counts.get("empty"):
                lines.append(f"EMPTY: {path.parent} holds no image, of {counts['candidates']}:")
                lines += [f"  {line}" for line in counts["empty"]]
    return lines
