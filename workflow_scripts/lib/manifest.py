"""Tables on disk: Parquet, sorted by id, whole or not at all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.own_files import open_own
from workflow_scripts.lib.renewal import find_phase, format_renewal

BATCH_ROWS = 4096


def read_manifest(
    paths: str | Path | Sequence[str | Path], columns: list[str] | None = None
) -> pd.DataFrame:
    """Read the named columns (default: all) of one table, or of all shards of one, in order."""
    paths = [paths] if isinstance(paths, str | Path) else list(paths)
    tables = [_read_table(Path(path), columns) for path in paths]
    return pa.concat_tables(tables).to_pandas()


def _read_table(path: Path, columns: list[str] | None) -> pa.Table:
    with _open_table(path, columns) as file:
        # words of pandas' in the footer tell nothing that the schema does not, and may be damaged
        table = file.read(columns).replace_schema_metadata(None)
        _check_count(file, table.num_rows)
    return table.select(columns) if columns else table


def iter_batches(path: str | Path, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The named columns (default: all) of a table, some thousand rows at a time in memory."""
    with _open_table(Path(path), columns) as file:
        count = 0
        for batch in file.iter_batches(BATCH_ROWS, columns=columns):
            count += batch.num_rows
            yield batch
        _check_count(file, count)


def _check_count(file: pq.ParquetFile, count: int) -> None:
    """The footer has no checksum: where it is damaged, rows may be lost without a word."""
    if count != file.metadata.num_rows:
        raise pa.ArrowInvalid(f"{count} rows of {file.metadata.num_rows}")


def iter_rows(path: str | Path, columns: list[str]) -> Iterator[tuple]:
    """The named columns of a table row by row, some thousand rows at a time in memory."""
    for batch in iter_batches(path, columns):
        yield from zip(*(batch[name].to_pylist() for name in columns), strict=True)


@contextmanager
def _open_table(path: Path, columns: list[str] | None) -> Iterator[pq.ParquetFile]:
    try:
        # not pq.read_table, which imports a library for tables of many files first
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            check_columns(path, file.schema_arrow.names, columns or [])
            yield file
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if isinstance(error, MemoryError):
            raise
        if isinstance(error, FileNotFoundError):  # Arrow's does not hold the path
            raise FileNotFoundError(error.errno, os.strerror(error.errno), str(path)) from error
        words = (str(error).splitlines() or [type(error).__name__])[0]
        raise CineloraError(
            f"{path} is a damaged table ({words}).\n  {_say_remedy(path)}"
        ) from error


def check_columns(path: Path, present: Sequence[str], columns: Sequence[str]) -> None:
    """Refuse a table that lacks a column, with the command that makes it again."""
    missing = [name for name in columns if name not in present]
    if missing:
        raise CineloraError(
            f"{path} has no column {', '.join(missing)}.\n"
            f"  It has: {', '.join(present)}.\n"
            f"  Another version of the workflow probably wrote it. {_say_remedy(path)}"
        )


def _say_remedy(path: Path) -> str:
    """How a table below results/{film}/{phase}/ is made again."""
    phase = find_phase(path)
    if not phase:
        return "Run that version of the workflow with it, or delete it and make it again."
    return format_renewal(phase)


def read_vectors(
    paths: Sequence[str | Path], kind: str, ids: pd.Series, column: str = "vector"
) -> tuple[np.ndarray, np.ndarray]:
    """Vectors (N, D) of the images `ids` of a kind, and which of them have one (N,).

    Shard by shard into one array: of other kinds no more than a shard is in memory.
    """
    rows, known = pd.Index(ids), np.zeros(len(ids), bool)
    vectors = np.zeros((len(ids), 0), np.float32)  # or of what the column holds
    for path in paths:
        table = _read_table(Path(path), ["image_id", "kind", column])
        where = rows.get_indexer(table["image_id"].to_pandas())
        wanted = (where >= 0) & (table["kind"].to_pandas() == kind).to_numpy()
        if not wanted.any():
            continue
        table, where = table.filter(wanted), where[wanted]  # other kinds may have other lengths
        values = np.stack(table[column].to_numpy())
        if not vectors.shape[1]:
            vectors = np.zeros((len(ids), values.shape[1]), values.dtype)
        vectors[where], known[where] = values, True
    return vectors, known


def write_manifest(rows: pd.DataFrame, path: str | Path, schema: pa.Schema) -> None:
    """Write rows sorted by id (the first column); the file appears whole or not at all."""
    if sorted(rows.columns) != sorted(schema.names):
        raise CineloraError(
            f"{path}: the rows have columns {sorted(rows.columns)},\n"
            f"  the schema of the table has {sorted(schema.names)}."
        )
    rows = rows[schema.names].sort_values(schema.names[0], kind="stable")
    table = schema.empty_table()  # the types that pandas gives columns without rows are guesses
    if len(rows):
        table = pa.Table.from_pandas(rows, schema, preserve_index=False)
    table = table.replace_schema_metadata(None)  # pandas' words, which no reader needs
    with replace_when_done(path) as partial:
        pq.write_table(table, partial, compression="zstd", write_page_checksum=True)


class replace_when_done:  # noqa: N801 - reads as a verb: `with replace_when_done(path) as partial`
    """Hand out a temporary path; rename it to `path` only when the block ends without an error.

    Who writes the same path at the same time gets another one: the last to end wins, whole. What
    a killed run left is used again.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            again = f".{number}" if number > 1 else ""
            self.partial = self.path.with_name(f".{self.path.name}{again}.partial")
            self.file = open_own(self.partial)
            if self.file is not None:
                os.truncate(self.file, 0)
                break
        return self.partial

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        try:
            if error is None:
                self.partial.replace(self.path)
            else:
                self.partial.unlink(missing_ok=True)
        finally:
            os.close(self.file)


def select_shard(rows: pd.DataFrame, shard: str) -> pd.DataFrame:
    """Keep the rows of one shard: whole shots, cut so that shards hold about equally many rows.

    `shard` reads "02of04"; `rows` has `shot_id` and one row per frame of the whole film.
    """
    number, count = (int(part) for part in shard.split("of"))
    sizes = rows.groupby("shot_id", sort=True).size()
    middles = sizes.cumsum() - sizes / 2
    owners = np.minimum((middles * count / sizes.sum()).astype(int) + 1, count)
    return rows[rows["shot_id"].map(owners) == number]
