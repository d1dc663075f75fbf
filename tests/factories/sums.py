"""What a table says of the files that it names, held against the files."""

from pathlib import Path

from workflow_scripts.lib.written_files import iter_written


def list_changes(table: str | Path, folder: str | Path, *columns: str) -> list[str]:
    """What became of each file that a table names; "" of one that is as the table says."""
    return [file.find_change() for file in iter_written(table, folder, *columns)]
