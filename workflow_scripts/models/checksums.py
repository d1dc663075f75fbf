"""The checksums of weights, made once: gigabytes are not read anew for each job.

They lie beside the file or folder, in `.checksums/<name>.json`, with the size, the times and the
inode of every file; what changed, or was copied to its place by hand, is hashed again and
remembered then. The time of change of the inode is among them, which no program can set back.
They are not in a folder itself: to Snakemake that would be an input that changed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow_scripts.lib.checksums import hash_file, is_sum, join_checksums, list_files
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import log

Known = dict[str, list]  # name of a file -> its stamp, then its sha256
STAMP = 4  # size, time of the content, time of the inode (ns), number of the inode


def folder_checksum(folder: str | Path) -> str:
    """Sha256 of a folder, as `hash_folder` has it; only files that changed are read."""
    return join_checksums(read_checksums(folder))


def read_checksums(path: str | Path) -> dict[str, str]:
    """Sha256 of a file, or of every file of a folder, by name, in the order of their hashing."""
    path = Path(path)
    known, fresh = _read(path), {}
    for name, file in _list(path).items():
        stamp = _stamp(file)  # before it is read: a file that changes meanwhile shows next time
        same = known.get(name, [])[:STAMP] == stamp
        fresh[name] = known[name] if same else [*stamp, hash_file(file)]
    if fresh != known:
        _write(path, fresh)
    return {name: row[STAMP] for name, row in fresh.items()}


def remember_checksums(folder: str | Path, checksums: Mapping[str, str]) -> None:
    """Remember the sha256 of files of a folder, known to whoever fetched and checked them."""
    files = {name: file for name, file in _list(Path(folder)).items() if name in checksums}
    _write(Path(folder), {n: [*_stamp(file), checksums[n]] for n, file in files.items()})


def read_stamps(path: str | Path) -> dict[str, list[int]]:
    """What shows that a file, or one of a folder, is another one than before."""
    return {name: _stamp(file) for name, file in _list(Path(path)).items()}


def check_weights(path: str | Path, sums: Mapping[str, str | Sequence[str]]) -> None:
    """Refuse weights that are other ones than expected, whoever put them there.

    `sums` has the sha256 of files, or all that they may have, by their names in the table of
    models, `folder/member` in a folder; a file whose sum nobody knows passes.
    """
    path = Path(path)
    names = {name: f"{path.name}/{name}" if path.is_dir() else name for name in _list(path)}
    if not any(key in sums for key in names.values()):
        return
    for name, found in read_checksums(path).items():
        expected = sums.get(names[name], found)
        expected = [expected] if isinstance(expected, str) else expected
        if found not in expected:
            raise CineloraError(
                f"{path.parent / names[name]} is not what the table of models names: it has\n"
                f"  sha256 {found}, expected\n"
                f"  {' or '.join(expected)}. It is damaged, or other weights.\n"
                f"  Delete {path}, and snakemake fetches it. Weights of your own need a row\n"
                "  of their own, in the table that models.table names."
            )


def _list(path: Path) -> dict[str, Path]:
    return list_files(path) if path.is_dir() else {path.name: path}


def _stamp(file: Path) -> list[int]:
    state = file.stat()
    return [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


def _place(path: Path) -> Path:
    return path.parent / ".checksums" / f"{path.name}.json"


def _read(path: Path) -> Known:
    place = _place(path)
    if not place.is_file():
        return {}
    try:
        rows = json.loads(place.read_text(encoding="utf-8"))["files"]
        return {name: row for name, row in rows.items() if len(row) > STAMP and is_sum(row[STAMP])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError):
        log.warning("%s is damaged; %s is hashed anew", place, path)
        return {}


def _write(path: Path, known: Known) -> None:
    text = json.dumps({"files": known}, indent=1)
    try:
        with replace_when_done(_place(path)) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:  # models on a drive that can only be read: right, but slower
        log.warning("%s will be hashed again next time: %s", path, error)
