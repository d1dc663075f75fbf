"""Files of a dataset: whole frames and plates are linked, others cut out; masks, captions."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workflow_scripts.dataset.crops import cut_out, mark_boxes
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import decode_rle, read_rgb, write_image
from workflow_scripts.lib.kinds import Kind
from workflow_scripts.lib.links import link_or_copy
from workflow_scripts.lib.manifest import iter_batches
from workflow_scripts.lib.phase import progress
from workflow_scripts.lib.renewal import format_renewal
from workflow_scripts.lib.tables import RESULTS
from workflow_scripts.lib.written_files import Sums, Written

JPEG_QUALITY = 97  # of crops: their frame was compressed once already
PAINT_MARGIN_PX = 8  # around painted pixels, which nobody shall learn either


@contextmanager
def folder_when_done(path: str | Path) -> Iterator[Path]:
    """Hand out an empty folder beside `path`; it takes that place when the block ends well."""
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    _clear(partial)
    partial.mkdir(parents=True)
    yield partial
    _clear(path)
    partial.rename(path)


def _clear(path: Path) -> None:
    """Take away what lies at a path; of a link the link, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_images(
    kind: Kind, rows: pd.DataFrame, folder: Path, sources: Mapping[str, Written]
) -> dict[str, Sums]:
    """Write the image of every row of find_crops to folder/row.file; a frame is decoded once.

    `sources` is what each frame_id's images are cut from. Returns size and sha256 by image_id.
    """
    sums = {}
    frames = rows.groupby("frame_id", sort=True)
    for frame_id, group in progress(frames, "images", total=frames.ngroups):
        source, first = sources[frame_id], group.iloc[0]
        if kind.is_of_frames and _is_whole(first):
            link_or_copy(source.path, folder / first["file"])
            sums[first["image_id"]] = source.sums
            continue
        frame = read_rgb(source.path)
        for row in group.to_dict("records"):
            crop = cut_out(frame, row)
            sums[row["image_id"]] = write_image(folder / row["file"], crop, quality=JPEG_QUALITY)
    return sums


def _is_whole(row: pd.Series) -> bool:
    whole = tuple(row[["x0", "y0", "x1", "y1"]]) == (0, 0, row["width_px"], row["height_px"])
    return whole and not len(row["painted_boxes"])


def read_masks(kind: Kind, paths: Sequence[str], ids: Sequence[str]) -> dict[str, list[int]]:
    """Run lengths of the masks of these images by id, from tables read part by part."""
    key, column = RESULTS[kind.masks].key, "painted" if kind.shows == "plate" else "mask"
    found, wanted = {}, pa.array(ids, pa.string())
    for batch in (batch for path in paths for batch in iter_batches(path, [key, column])):
        chosen = batch.filter(pc.is_in(batch[key], wanted))
        found |= dict(zip(chosen[key].to_pylist(), chosen[column].to_pylist(), strict=True))
    return found


def write_masks(
    kind: Kind, rows: pd.DataFrame, folder: Path, runs: dict, dilate_px: int
) -> dict[str, Sums]:
    """Write a mask beside each image, of its size, one channel, no alpha: white = learn.

    Returns size and sha256 by image_id.

    People are widened by `dilate_px`: training shrinks masks eightfold. Backgrounds are learned
    everywhere but where they are painted; so is nothing where text was painted over.
    """
    sums = {}
    for row in progress(rows.to_dict("records"), "masks", total=len(rows)):
        size, counts = (row["height_px"], row["width_px"]), runs.get(row["image_id"])
        if kind.shows == "plate":
            painted = decode_rle(counts, *size) if counts else np.zeros(size, bool)
            learn = ~dilate_mask(painted, PAINT_MARGIN_PX)
        elif counts:
            learn = dilate_mask(decode_rle(counts, *size), dilate_px)
        else:
            cure = format_renewal("segment_instances")
            raise CineloraError(f"{row['image_id']} has no mask in its table. {cure}")
        part = learn[row["y0"] : row["y1"], row["x0"] : row["x1"]]
        part &= ~mark_boxes(row, PAINT_MARGIN_PX)
        mask = part.astype(np.uint8) * 255
        sums[row["image_id"]] = write_image(folder / row["mask_file"], mask)
    return sums


def write_texts(folder: Path, rows: pd.DataFrame) -> None:
    """Write the caption of each image beside it: same stem, .txt, UTF-8, one line."""
    for row in rows.itertuples():
        (folder / row.file).with_suffix(".txt").write_bytes(encode_caption(row.caption))


def encode_caption(caption: str) -> bytes:
    """What the file of a caption holds."""
    return f"{caption}\n".encode()


def dilate_mask(mask: np.ndarray, radius_px: int) -> np.ndarray:
    """Grow a mask (H, W) bool by so many pixels in all directions."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2)
    return cv2.dilate(mask.astype(np.uint8), kernel) > 0
