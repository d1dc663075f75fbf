"""Which phases the kinds of a film need, and every file that those leave."""

from collections.abc import Sequence

from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.tables import PHASES, list_names, locate

PACKING = ("select_images", "write_captions", "pack_dataset")  # once per dataset
PROVING = ("analyze_dataset", "train_adapter", "evaluate_adapter")


def list_phases(kinds: Sequence[str]) -> list[str]:
    """The phases that measure the film for these kinds, in the order in which they run."""
    needed = {phase for kind in kinds for phase in KINDS[kind].phases}
    return [phase for phase in PHASES if phase in needed]


def list_tables(
    film: str,
    kinds: Sequence[str],
    datasets: Sequence[str],
    shards: Sequence[str],
    describes: bool = False,
) -> list[str]:
    """Every file that a film's preparation leaves, up to its packed datasets.

    `describes`: a vision-language model is chosen, so that there are descriptions.
    """
    folder = f"results/{film}"
    files = [p for name in list_names(list_phases(kinds)) for p in locate(name, folder, shards)]
    for name in list_names([*PACKING, *(["describe_images"] if describes else [])]):
        files += [locate(name, folder, dataset=dataset)[0] for dataset in datasets]
    return files


def list_proofs(film: str, datasets: Sequence[str], has_truth: bool = False) -> list[str]:
    """What is known about each packed dataset: its balance, its adapter, the adapter's scores.

    With `has_truth` also how near all phases come to it.
    """
    folder = f"results/{film}"
    names = list_names(PROVING)
    files = [locate(name, folder, dataset=one)[0] for one in datasets for name in names]
    return files + (locate("accuracy", folder) if has_truth else [])
