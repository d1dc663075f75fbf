"""Tables of a long film without images: those of a short one, repeated, never quite the same.

Each copy has shots of its own, and hashes and vectors turned by one random step, so that copies are
no duplicates of each other, while all that holds within a copy goes on to hold. A denser film shows
each frame several times, with hashes a bit apart, as films sampled at every frame do.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.lib.tables import find, locate

WHOLE = ["frames", "texts"]  # names of lib.tables
SHARDED = ["instances", "backgrounds", "embeddings", "keypoints", "faces"]
IDS = ["frame_id", "text_id", "instance_id", "image_id", "track_id", "held_of"]
LONGEST_VECTOR = 4096


def make_big_film(source: Path, folder: Path, *, copies: int, density: int, seed: int) -> int:
    """Write the tables of the long film below `folder`; each copy is a shard. Return its frames."""
    rng = np.random.default_rng(seed)
    small = {name: read_manifest(find(name, source)) for name in WHOLE + SHARDED}
    step = 1 + int(small["frames"]["shot_id"].max())
    whole: dict[str, list[pd.DataFrame]] = {name: [] for name in WHOLE}
    for copy in range(copies):
        turn = rng.integers(2**63, dtype=np.uint64)
        drift = rng.standard_normal(LONGEST_VECTOR).astype(np.float32)
        for name, rows in small.items():
            part = repeat(rows, copy * step, density, turn, drift, rng)
            if name in SHARDED:
                write(part, locate(name, folder, [f"{copy + 1:02d}of{copies:02d}"])[0])
            else:
                whole[name].append(part)
    for name, parts in whole.items():
        write(pd.concat(parts, ignore_index=True), locate(name, folder)[0])
    return copies * density * len(small["frames"])


def repeat(
    rows: pd.DataFrame,
    first_shot: int,
    density: int,
    turn: np.uint64,
    drift: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Rows of one copy, each `density` times, in the order of their ids (the first column)."""
    key = rows.columns[0]
    parts = [
        rotate_vectors(
            rename(rows, find_shots(rows[key]) + first_shot, again), turn, drift, again, rng
        )
        for again in range(density)
    ]
    return pd.concat(parts, ignore_index=True).sort_values(key, ignore_index=True)


def find_shots(ids: pd.Series) -> pd.Series:
    """Shot numbers (N,) that ids such as s0012_f000345_i02 begin with."""
    return ids.str.slice(1, None).str.split("_", n=1).str[0].astype(int)


def rename(rows: pd.DataFrame, shots: pd.Series, again: int) -> pd.DataFrame:
    """The rows with ids of other shots, and of the `again`-th frame after their own."""
    part = rows.copy()
    prefix = "s" + shots.astype(str).str.zfill(5)
    for name in [name for name in IDS if name in rows]:
        tail = rows[name].str.split("_", n=1).str[1].fillna("")
        if again and name != "track_id":
            tail = tail.str.replace(r"^(f\d+)", rf"\g<1>{again:02d}", regex=True)
        part[name] = (prefix + "_" + tail).where(rows[name] != "", "")
    if "shot_id" in rows:
        part["shot_id"] = shots.astype("int32")
    if "time_s" in rows:
        part["time_s"] = rows["time_s"] + 60.0 * shots + again / 1000
    return part


def rotate_vectors(
    part: pd.DataFrame, turn: np.uint64, drift: np.ndarray, again: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Turn hashes of a copy by the same bits, vectors by the same step; repeats differ a bit."""
    if "phash" in part:
        flips = np.uint64(1) << rng.integers(64, size=len(part)).astype(np.uint64)
        codes = part["phash"].to_numpy(np.uint64) ^ turn
        part["phash"] = codes ^ flips if again else codes
    if "vector" in part:
        vectors = np.stack(part["vector"].to_numpy())
        vectors = vectors + 0.5 * drift[: vectors.shape[1]] / np.sqrt(vectors.shape[1])
        part["vector"] = list(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    return part


def write(rows: pd.DataFrame, path: str) -> None:
    """Write a table."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    pq.write_table(table, path, compression="zstd", use_dictionary=False)  # twice as fast
