"""Two runs of one film: the same tables, captions and weights, to the last bit."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file


def compare_results(one: Path, other: Path) -> tuple[int, int]:
    """Fail where two results folders differ; return how many tables and adapters are equal."""
    tables = list_files(one, "*.parquet")
    assert tables, f"no tables in {one}"
    assert tables == list_files(other, "*.parquet")
    for name in tables:
        # flattened: pandas cannot compare cells that hold lists in a structure, as masks do
        frames = [pq.read_table(run / name).flatten().to_pandas() for run in (one, other)]
        pd.testing.assert_frame_equal(*frames, check_exact=True, obj=name)
    adapters = list_files(one, "*.safetensors")
    assert adapters == list_files(other, "*.safetensors")
    for name in adapters:
        assert_same_weights(load_file(one / name), load_file(other / name), name)
    return len(tables), len(adapters)


def list_files(folder: Path, pattern: str) -> list[str]:
    """Paths below a folder, in order."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob(pattern))


def list_leftovers(folder: Path) -> list[str]:
    """Files that were begun and not finished."""
    return [name for name in list_files(folder, ".*") if "partial" in name]


def assert_same_weights(one: dict, other: dict, name: str) -> None:
    """Fail where two adapters differ in a tensor."""
    assert one.keys() == other.keys()
    different = [key for key in one if not torch.equal(one[key], other[key])]
    assert not different, f"{name}: {len(different)} of {len(one)} tensors differ"
