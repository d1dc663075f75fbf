"""A packed dataset read back as trainers find it: by what lies in its folders, not by our table."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pandas as pd
from PIL import Image

from workflow_scripts.dataset.image_files import encode_caption
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import DAMAGE
from workflow_scripts.lib.image_folders import TRAINER_SUFFIXES
from workflow_scripts.lib.written_files import Written, sum_bytes

SHOWN = 5  # problems named in one message


def check_files(folder: Path, rows: pd.DataFrame, links: Collection[str] = ()) -> None:
    """Raise CineloraError where a trainer would find something else than `rows` say.

    `rows` are the images of the dataset: file, mask_file, their sums, caption and box (x0, y0, x1,
    y1). Each must lie there once, under a suffix that trainers know, as it was written, open, be as
    large as its box, have its caption beside it and, where it has one, a mask of its size; and
    nothing else may but `links`, files of the dataset under a second name.
    """
    problems = [problem for row in rows.itertuples() for problem in _check_row(folder, row)]
    problems += [f"{link}: is missing" for link in links if not (folder / link).is_file()]
    strays = find_strays(folder, {*rows["file"], *rows["mask_file"], *links})
    problems += [f"{name}: no row of dataset.parquet" for name in strays]
    if problems:
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        lines = "\n".join(f"  {problem}" for problem in problems[:SHOWN])
        raise CineloraError(
            f"A dataset that was just packed does not read back as it was meant:\n{lines}{more}\n"
            "  If files were changed while it was packed, run again; else please report it."
        )


def _check_row(folder: Path, row: tuple) -> Iterator[str]:
    path, size = folder / row.file, (row.x1 - row.x0, row.y1 - row.y0)
    if path.suffix not in TRAINER_SUFFIXES:
        yield f"{row.file}: no suffix that trainers know ({', '.join(TRAINER_SUFFIXES)})"
    yield from _check_image(Written(path, row.size_bytes, row.sha256), row.file, size)
    if row.mask_file:
        mask = Written(folder / row.mask_file, row.mask_size_bytes, row.mask_sha256)
        yield from _check_image(mask, row.mask_file, size)
    text = path.with_suffix(".txt")
    if Written(text, **sum_bytes(encode_caption(row.caption))).find_change():
        yield f"{row.file}: its caption is not beside it, in {text.name}"


def _check_image(file: Written, name: str, size: tuple[int, int]) -> Iterator[str]:
    if change := file.find_change():
        yield f"{name}: {change}"
    path = file.path
    try:
        with Image.open(path) as opened:
            opened.load()
    except DAMAGE as error:
        yield f"{name}: cannot be opened ({error})"
        return
    if opened.size != size:
        yield f"{name}: is {opened.size[0]}x{opened.size[1]}, not {size[0]}x{size[1]}"


def find_strays(folder: Path, files: Collection[str]) -> list[str]:
    """Images below a dataset's folder that a trainer would take besides `files`, also as masks."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    images = {path for path in found if path.suffix.lower() in TRAINER_SUFFIXES}
    return sorted({path.as_posix() for path in images} - set(files))
