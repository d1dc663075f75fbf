"""Which images a stage shows: weights by what tables say of them, and batches by weight.

`sampling` of a stage maps columns to weights by value: {shot_type: {close-up: 1, wide: 3}}. The
weight of an image is the product over the columns, times its repeats; a value that is not named
counts 1, and what nobody knows of an image is called unknown.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.adapter.training_data import TrainingImage, name_files
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import check_columns, read_manifest
from workflow_scripts.lib.phase import log

Sampling = Mapping[str, Mapping[str, float]]
UNKNOWN = "unknown"
# Columns of dataset.parquet whose values are words of the captions' vocabulary
WORDED = ("shot_type", "action", "view", "emotion", "intensity")
WORDED += ("time_of_day", "weather", "indoor")
# Other columns of it, whose values depend on the film
OPEN = ("image_id", "frame_id", "shot_id", "category", "character", "location", "overlay_text")
# Columns of the table that analyze_dataset leaves: measured in the packed image
MEASURED = ("people", "multi_character", "occluded", "complex_background")
FLAGS = ("face_cut", *MEASURED[1:])  # true or false


def list_columns(stages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Columns by which some stage draws its images."""
    return list(dict.fromkeys(name for stage in stages for name in stage.get("sampling", {})))


def read_weights(
    dataset: str | Path,
    measures: str | Sequence[str],
    images: Sequence[TrainingImage],
    stages: Sequence[Mapping[str, Any]],
) -> list[list[float] | None]:
    """Weights (N) of the images in each stage; None where a stage shows whole epochs.

    `measures` is the table of analyze_dataset; it is read only for its own columns.
    """
    columns = list_columns(stages)
    if not columns:
        return [None for _ in stages]
    rows = read_columns(dataset, measures, columns)
    own = find_rows(dataset, images, rows)
    repeats = np.array([image.repeats for image in images], float)
    return [
        weigh(own, rows, stage["sampling"], repeats).tolist() if stage.get("sampling") else None
        for stage in stages
    ]


def read_columns(
    dataset: str | Path, measures: str | Sequence[str], columns: Sequence[str]
) -> pd.DataFrame:
    """The columns as words, by the files of the dataset; those set aside have "" for a file."""
    path = Path(dataset) / "dataset.parquet"
    measured = [name for name in columns if name in MEASURED]
    whole = read_manifest(path)
    if measured:
        more = read_manifest(measures, ["image_id", *measured])
        whole = whole.merge(more, "left", "image_id", validate="one_to_one")
    check_columns(path, list(whole), columns)
    words = {name: whole[name].map(name_value).astype(str) for name in columns}
    return pd.DataFrame(words | {"file": whole["file"]})


def name_value(value: Any) -> str:
    """A value as the config names it: true, 3, wide; unknown where there is none."""
    if value is None or value == "" or value != value:
        return UNKNOWN
    if isinstance(value, bool | np.bool_):
        return str(bool(value)).lower()
    if isinstance(value, float) and value.is_integer():  # whole numbers, where some are missing
        return str(int(value))
    return str(value)


def find_rows(
    dataset: str | Path, images: Sequence[TrainingImage], rows: pd.DataFrame
) -> pd.DataFrame:
    """The row of each image, in the order of the images."""
    known = rows[rows["file"] != ""].set_index("file")
    files = name_files(dataset, images, known.index)
    return known.loc[files].reset_index(drop=True)


def weigh(
    own: pd.DataFrame, everything: pd.DataFrame, sampling: Sampling, repeats: np.ndarray
) -> np.ndarray:
    """Weights (N,) of the images with the rows `own`; `everything` are all rows of the dataset."""
    weights = repeats.copy()
    for name, by_value in sampling.items():
        _check_values(name, by_value, own[name], everything[name])
        weights *= own[name].map(lambda value, named=by_value: named.get(value, 1.0)).to_numpy()
    if not weights.any():
        raise CineloraError(
            f"adapter, stages: the sampling {dict(sampling)} shows none of the {len(own)} images:\n"
            "  each has a weight of 0. Give a value that occurs a weight above 0."
        )
    return weights


def _check_values(
    column: str, by_value: Mapping[str, float], own: pd.Series, everything: pd.Series
) -> None:
    """Refuse values that nothing has; say which words no image of the training has."""
    missing = [value for value in by_value if value not in set(own)]
    possible = set(everything) | {value for value in missing if _is_possible(column, value)}
    strange = [value for value in missing if value not in possible]
    if strange:
        found = ", ".join(sorted(set(everything))[:12])
        raise CineloraError(
            f"adapter, stages: no image of the dataset has the {column} {', '.join(strange)}.\n"
            f"  Values of that column: {found}.\n"
            "  Correct the value in sampling, or set stages for the kind alone (adapter.kinds)."
        )
    if missing:
        log.warning("sampling: no image to train on has the %s %s", column, ", ".join(missing))


def _is_possible(column: str, value: str) -> bool:
    """Whether another film might have it: words are checked with the config, people are counted."""
    return column in (*WORDED, *FLAGS) or (column == "people" and value.isdigit())


def draw_batch(
    sizes: Sequence[tuple[int, ...]],
    weights: np.ndarray,
    batch_size: int,
    generator: np.random.Generator,
) -> list[int]:
    """One batch of one size, in which image i is expected in proportion to weights[i].

    First a size, by the weight of all that have it, then the images by systematic sampling (Madow
    1949): each comes as often as its weight asks, rounded down or up, so that a batch holds an
    image twice only where it must.
    """
    groups = sorted(set(sizes))
    member = np.array([groups.index(size) for size in sizes])
    totals = np.bincount(member, weights, len(groups))
    chosen = np.flatnonzero(member == generator.choice(len(groups), p=totals / totals.sum()))
    chosen = generator.permutation(chosen[weights[chosen] > 0])  # or neighbors would come together
    ends = np.cumsum(weights[chosen])
    points = (generator.random() + np.arange(batch_size)) / batch_size * ends[-1]
    places = np.searchsorted(ends, points, side="right").clip(max=len(chosen) - 1)
    return chosen[places].tolist()
