"""Which tables the phases of a dataset read: those that its kind uses, and no other."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.adapter.sampling import MEASURED, list_columns
from workflow_scripts.lib.kinds import split_name
from workflow_scripts.lib.tables import locate
from workflow_scripts.plan.review_files import find_reviews

Inputs = dict[str, list[str]]


def select_inputs(film: str, dataset: str, shards: Sequence[str]) -> Inputs:
    """Tables that decide which images are chosen."""
    return _locate(film, split_name(dataset)[0].chosen_by, shards)


def describe_inputs(film: str, datasets: Sequence[str], shards: Sequence[str]) -> Inputs:
    """Which images of these datasets are chosen, tables whose facts stand in the questions, and the
    clean plates where those are shown."""
    folder, found = f"results/{film}", {}
    for dataset in datasets:
        kind, _ = split_name(dataset)
        found |= _locate(film, kind.words, shards) | _plates(film, dataset, shards)
    chosen = [locate("selection", folder, dataset=dataset)[0] for dataset in datasets]
    return found | {"selections": chosen}


def caption_inputs(film: str, dataset: str, shards: Sequence[str], describes: bool) -> Inputs:
    """Tables that captions speak of, what the model says, people's captions if there are any."""
    paths = _locate(film, split_name(dataset)[0].words, shards)
    if describes:
        paths["descriptions"] = locate("descriptions", f"results/{film}")
    return paths | {"review": find_reviews(film, "captions")}


def pack_inputs(film: str, dataset: str, shards: Sequence[str]) -> Inputs:
    """Tables that masks come from, and the clean plates with their tables where those are shown."""
    kind, _ = split_name(dataset)
    found = {"masks": locate(kind.masks, f"results/{film}", shards)} if kind.masks else {}
    shown = ["backgrounds", "plates"] if kind.shows == "plate" else []
    return found | _locate(film, shown, shards)


def balance_inputs(film: str, dataset: str, shards: Sequence[str]) -> Inputs:
    """Tables that tell where people are in a dataset's images."""
    return _locate(film, split_name(dataset)[0].measured_by, shards)


def list_measures(film: str, dataset: str, stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The table of measures of a dataset's images, where a stage of a training draws by one."""
    is_read = bool(set(list_columns(stages)) & set(MEASURED))
    return locate("balance", f"results/{film}", dataset=dataset) if is_read else []


def _locate(film: str, names: Sequence[str], shards: Sequence[str]) -> Inputs:
    return {name: locate(name, f"results/{film}", shards) for name in names}


def _plates(film: str, dataset: str, shards: Sequence[str]) -> Inputs:
    is_plate = split_name(dataset)[0].shows == "plate"
    return _locate(film, ["plates"] if is_plate else [], shards)


def list_references(film: str, dataset: str) -> list[str]:
    """Of a character, the table of the reference images of all, among whom it is to be told."""
    _, who = split_name(dataset)
    return locate("references", f"results/{film}") if who else []


def choose_limits(block: dict[str, Any], dataset: str) -> dict[str, Any]:
    """The options of select_images as one dataset reads them: of each table only its own value.

    So a limit of the poses repeats nothing of the faces. A kind without a value has no limit.
    """
    kind, _ = split_name(dataset)
    own = {name: float(block[name].get(kind.name, 0)) for name in ("min_side_px", "min_score")}
    return block | own | {"shares": block["shares"].get(kind.category, {})}
