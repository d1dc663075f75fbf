"""Every file of a film whose contents are known, and a look at whether it still holds them.

Images are known from the tables beside them, what a dataset holds from dataset.parquet, every other
output from what its job has left in progress/. Tables have checksums of their own besides.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from workflow_scripts.dataset.image_files import encode_caption
from workflow_scripts.dataset.packed_files import find_strays
from workflow_scripts.dataset.trainers.onetrainer import name_links
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import iter_batches, iter_rows
from workflow_scripts.lib.progress_file import read_parts
from workflow_scripts.lib.tables import RESULTS, locate
from workflow_scripts.lib.written_files import Written, iter_written, sum_bytes

IMAGES_OF = {"frames": "images", "backgrounds": "plates", "faces": "face_images"}
DRAWINGS = ("drawings", "suite_drawings")
DRAWN = "images"  # the folder of drawn images, beside their table
PACKED = ["file", "mask_file", "caption", "size_bytes", "sha256", "mask_size_bytes", "mask_sha256"]
GONE, DAMAGED = "is gone", "is damaged"
OLD = "was made by an earlier version, which kept no sums of its files: they are not checked"
STRAY = "is no image of the dataset, and a trainer would take it"


class Kept(NamedTuple):
    """A file, and a look at it."""

    path: Path
    look: Callable[[], str]  # what is wrong with it, in words that follow its name; "": nothing
    note: str = ""  # what its owner should know besides


def list_kept(
    folder: Path, targets: Collection[str], shards: Sequence[str], datasets: Sequence[str]
) -> Iterator[Kept]:
    """Files of the film below `folder`, as far as they were made, sources before what uses them.

    `targets` are the outputs of its rules.
    """
    for table, images in IMAGES_OF.items():
        pairs = zip(locate(table, folder, shards), locate(images, folder, shards), strict=True)
        for path, beside in pairs:
            yield from list_written(Path(path), Path(beside))
    for path in sorted(filter(_is_drawings, map(Path, targets))):
        yield from list_written(path, path.with_name(DRAWN))
    for dataset in datasets:
        yield from list_dataset(Path(locate("dataset", folder, dataset=dataset)[0]))
    yield from list_outputs(folder, {Path(target) for target in targets})


def list_written(table: Path, folder: Path) -> Iterator[Kept]:
    """The files that a table names below a folder; the table where it does not know their sums."""
    if not table.is_file():
        return
    try:
        for file in iter_written(table, folder):
            yield Kept(file.path, file.find_change)
    except CineloraError as error:
        words = OLD if "has no column" in str(error) else DAMAGED
        yield Kept(table, lambda: words)


def list_dataset(folder: Path) -> Iterator[Kept]:
    """Images, masks and captions of a packed dataset, and images that are none of it."""
    table, files = folder / "dataset.parquet", set()
    if not folder.is_dir():
        return
    if look_at_table(table):
        yield Kept(table, partial(look_at_table, table))
        return
    try:
        for row in iter_rows(table, PACKED):
            for kept in list_packed(folder, *row):
                files.add(kept.path.relative_to(folder).as_posix())
                yield kept
    except CineloraError:  # it lacks columns
        yield Kept(table, lambda: OLD)
        return
    for name in find_strays(folder, files):
        yield Kept(folder / name, lambda: STRAY)


def list_packed(
    folder: Path, file: str, mask: str, caption: str, size: int, sha: str, *mask_sums: Any
) -> Iterator[Kept]:
    """The files of a row of PACKED, under all their names; none where it is not in the dataset."""
    if not file:
        return
    text = str(PurePosixPath(file).with_suffix(".txt"))
    sums = {file: (size, sha), text: sum_bytes(encode_caption(caption)).values()}
    sums |= {mask: mask_sums} if mask else {}
    links = name_links(file, mask) if mask else {}
    for source, name in [*((name, name) for name in sums), *links.items()]:
        film = folder.parents[1].name
        note = f"Captions are corrected in config/reviews/{film}/captions.csv."
        look = Written(folder / name, *sums[source]).find_change
        yield Kept(folder / name, look, note if source == text else "")


def list_outputs(folder: Path, targets: set[Path]) -> Iterator[Kept]:
    """Outputs, and files of folders among them, as jobs told of them; of other tables a reading.

    What no job told of and no table knows cannot be checked, which is said.
    """
    told = read_outputs(folder)
    around = {parent for path in told for parent in path.parents}
    for file in told.values():
        if file.path in targets or not targets.isdisjoint(file.path.parents):
            yield Kept(file.path, file.find_change)  # others are of a former number of shards
    for path in sorted(targets - told.keys()):
        if path.suffix == ".parquet" and path.exists():
            yield Kept(path, partial(look_at_table, path))
        elif path.is_file() or (_is_dataset(path) and path not in around):
            yield Kept(path, lambda: OLD)


def _is_drawings(path: Path) -> bool:
    patterns = (RESULTS[name].pattern_of() for name in DRAWINGS)
    return any(path.match(pattern) for pattern in patterns)


def _is_dataset(path: Path) -> bool:
    return (path / "dataset.parquet").is_file()


def read_outputs(folder: Path) -> dict[Path, Written]:
    """What the jobs of a film have told of their outputs, by path."""
    told = (output for part in read_parts(folder) for output in part.get("outputs", []))
    files = (Written(Path(path), *sums) for path, *sums in told)
    return {file.path: file for file in files}


def look_at_table(path: Path) -> str:
    """Whether a table can be read to its end; its pages have checksums."""
    try:
        for _ in iter_batches(path):
            pass
    except FileNotFoundError:
        return GONE
    except CineloraError:
        return DAMAGED
    return ""
