"""Every file of a film whose contents are known, and a look at whether it still holds them.

Images are known from the tables beside them, datasets from dataset.parquet, adapters and their
scores from settings.yaml, tables from the checksums of their own pages.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import yaml

from workflow_scripts.dataset.kohya import encode_caption
from workflow_scripts.dataset.packed_files import find_strays
from workflow_scripts.lib.checksums import hash_file
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.manifest import iter_batches, iter_rows
from workflow_scripts.lib.tables import RESULTS, locate
from workflow_scripts.lib.written_files import Written, iter_written, sum_bytes

IMAGES_OF = {"frames": "images", "backgrounds": "plates", "faces": "face_images"}
SIGNED = {  # settings.yaml -> what it has the sha256 of
    "settings": ("adapter", "card", "metrics"),
    "how_measured": ("scores", "grid", "preview"),
}
TABLES = [r for r in RESULTS.values() if r.schema and r.name not in sum(SIGNED.values(), ())]
GONE, DAMAGED, CHANGED = "is gone", "is damaged", "has other content than was written"
OLD = "was made by an earlier version, which kept no sums of its files: they are not checked"
STRAY = "is no image of the dataset, and a trainer would take it"


class Kept(NamedTuple):
    """A file, and a look at it."""

    path: Path
    look: Callable[[], str]  # what is wrong with it, in words that follow its name; "": nothing
    note: str = ""  # what its owner should know besides


def list_kept(folder: Path, shards: Sequence[str], datasets: Sequence[str]) -> Iterator[Kept]:
    """Files of the film below `folder`, as far as they were made, sources before what uses them."""
    for table, images in IMAGES_OF.items():
        pairs = zip(locate(table, folder, shards), locate(images, folder, shards), strict=True)
        for path, beside in pairs:
            yield from list_written(Path(path), Path(beside))
    yield from list_tables(folder, shards, datasets)
    for dataset in datasets:
        yield from list_dataset(Path(locate("dataset", folder, dataset=dataset)[0]))
        yield from list_signed(folder, dataset)


def list_tables(folder: Path, shards: Sequence[str], datasets: Sequence[str]) -> Iterator[Kept]:
    """Every table; those of signed files are looked at with the others of their folder."""
    for result in TABLES:
        for dataset in datasets if "{dataset}" in result.path else [""]:
            for path in map(Path, locate(result.name, folder, shards, dataset)):
                if path.is_file():
                    yield Kept(path, partial(look_at_table, path))


def list_written(table: Path, folder: Path, *columns: str) -> Iterator[Kept]:
    """The files that a table names below a folder; the table where it does not know their sums."""
    if not table.is_file():
        return
    try:
        for file in iter_written(table, folder, *columns):
            yield Kept(file.path, file.find_change)
    except CineloraError as error:
        if "has no column" in str(error):  # else look_at_table says what it is
            yield Kept(table, lambda: OLD)


def list_dataset(folder: Path) -> Iterator[Kept]:
    """Images, masks and captions of a packed dataset, and images that are none of it."""
    table, files = folder / "dataset.parquet", set()
    if folder.is_dir() and not table.is_file():
        yield Kept(table, lambda: GONE)
    if not table.is_file() or look_at_table(table):
        return
    yield from list_written(table, folder)
    yield from list_written(table, folder, "mask_file", "mask_")
    note = f"Captions are corrected in config/reviews/{folder.parents[1].name}/captions.csv."
    for file, caption in iter_rows(table, ["file", "caption"]):
        if file:
            files.add(file)
            text = Written(
                (folder / file).with_suffix(".txt"), **sum_bytes(encode_caption(caption))
            )
            yield Kept(text.path, text.find_change, note)
    for name in find_strays(folder, files):
        yield Kept(folder / name, lambda: STRAY)


def list_signed(folder: Path, dataset: str) -> Iterator[Kept]:
    """An adapter's files, and what was measured of it, as its settings.yaml know them."""
    for settings, names in SIGNED.items():
        path = Path(locate(settings, folder, dataset=dataset)[0])
        sums = read_signature(path) if path.is_file() else {}
        if sums is None:
            yield Kept(path, lambda: DAMAGED)
            continue
        for file in (Path(locate(name, folder, dataset=dataset)[0]) for name in names):
            if file.name in sums:
                yield Kept(file, partial(look_at_sum, file, sums[file.name]))


def read_signature(settings: Path) -> dict[str, str] | None:
    """The sha256 of files by name, as a settings.yaml has them; None where it is damaged."""
    try:
        facts = yaml.safe_load(settings.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        return None
    return facts.get("files_sha256", {}) if isinstance(facts, dict) else None


def look_at_table(path: Path) -> str:
    """Whether a table can be read to its end; its pages have checksums."""
    try:
        for _ in iter_batches(path):
            pass
    except CineloraError:
        return DAMAGED
    return ""


def look_at_sum(path: Path, sha256: str) -> str:
    """Whether a file has a sha256."""
    try:
        return "" if hash_file(path) == sha256 else CHANGED
    except FileNotFoundError:
        return GONE
