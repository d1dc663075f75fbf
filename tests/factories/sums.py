"""What a table says of the files that it names, held against the files."""

from pathlib import Path

from workflow_scripts.lib.manifest import iter_rows
from workflow_scripts.lib.written_files import SUMS, Written


def list_changes(
    table: str | Path, folder: str | Path, name: str = "file", prefix: str = ""
) -> list[str]:
    """What became of each file that a table names; "" of one that is as the table says.

    `name` is the column of their names, `prefix` that of the columns of their sums.
    """
    rows = iter_rows(table, [name, *(f"{prefix}{column}" for column, _ in SUMS)])
    return [Written(Path(folder) / file, *sums).find_change() for file, *sums in rows if file]
