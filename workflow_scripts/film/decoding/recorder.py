"""Images that a film leaves: written and measured beside the decoding, repeats recognized."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import simplejpeg

from workflow_scripts.film.decoding.bars import Crop
from workflow_scripts.film.decoding.fields import measure_combing
from workflow_scripts.film.decoding.measures import LEVELS, measure, reduce_luma, shrink
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import check_size
from workflow_scripts.lib.written_files import NO_FILE, write_bytes

QUALITY = 95
THREADS = 2
NOTHING = {
    "file": "",
    **NO_FILE,
    "held_of": -1,  # frame_no
    "width_px": 0,
    "height_px": 0,
    "crop_x": 0,
    "crop_y": 0,
    "phash": 0,
    "sharpness": np.nan,
    "brightness": np.nan,
    "contrast": np.nan,
    "combing": np.nan,
    "histogram": np.zeros(LEVELS**3, np.float32),
    "luma_thumbnail": b"",
    "fields": "",
    "color": "",
    "source": "",
    "reason": "",
}
# what a held frame does not copy
OWN = ("file", *NO_FILE, "held_of", "luma_thumbnail", "source", "reason")


class Recorder:
    """Keeps one row per sampled frame; a few images at a time are written by other threads."""

    def __init__(self, folder: str | Path, held_tolerance: float):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.held_tolerance = held_tolerance
        self._rows: list[dict] = []
        self._running: deque[Future] = deque()
        self._pool = ThreadPoolExecutor(THREADS)
        self._last: tuple[int, np.ndarray] | None = None  # frame_no and view of the last image

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, row: dict, view: np.ndarray, save: Callable, *args: object) -> None:
        """Record a frame: as held when its view (90, 160) is that of the last image, else saved.

        save(path, *args) writes the image and returns what it measured, as more of the row.
        """
        if self._last and cv2.norm(view, self._last[1], cv2.NORM_INF) <= self.held_tolerance:
            self._rows.append(row | {"held_of": self._last[0], "reason": "held"})
            return
        self._last = row["frame_no"], view
        if len(self._running) >= 2 * THREADS:
            self._take()
        path = self.folder / f"f{row['frame_no']:06d}.jpg"
        self._running.append(self._pool.submit(_save, row, path, save, args))

    def add_unreadable(self, row: dict) -> None:
        """Record a frame that gives no image."""
        self._rows.append(row | {"reason": "unreadable"})

    def evict(self) -> None:
        """Begin a shot: its first frame is an image of its own, whatever came before."""
        self._last = None

    def finish(self) -> pd.DataFrame:
        """All rows in film order, when every image is written."""
        while self._running:
            self._take()
        rows = pd.DataFrame([NOTHING | row for row in self._rows])
        if rows.empty:
            return rows
        return copy_measures(rows.sort_values("frame_no", ignore_index=True))

    def _take(self) -> None:
        self._rows.append(self._running.popleft().result())


def _save(row: dict, path: Path, save: Callable, args: tuple) -> dict:
    try:
        return row | save(path, *args) | {"file": path.name}
    except OSError as error:
        raise CineloraError(
            f"{path} cannot be written ({error.strerror}).\n"
            "  Make room on that disk, or put results/ on another one, and run snakemake again."
        ) from error


def copy_measures(rows: pd.DataFrame) -> pd.DataFrame:
    """Give held rows the sizes and measures of the image that they repeat."""
    held = rows["reason"] == "held"
    if not held.any():
        return rows
    copied = [name for name in NOTHING if name not in OWN]
    originals = rows.set_index("frame_no")[copied].reindex(rows.loc[held, "held_of"])
    for name in copied:
        rows.loc[held, name] = pd.Series(originals[name].to_numpy(), rows.index[held])
    return rows


def save_planes(path: Path, planes: list[np.ndarray], crop: Crop) -> dict:
    """Write Y, U, V planes of a JPEG (full range, 4:2:0); measure them."""
    luma, blue, red = planes
    check_size(*luma.shape[::-1])  # square pixels may have made it larger than the film says
    sums = write_bytes(path, simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality=QUALITY))
    working, small = reduce_luma(luma)
    view = cv2.cvtColor(cv2.merge([small, shrink(red), shrink(blue)]), cv2.COLOR_YCrCb2RGB)
    return sums | _place(luma.shape[::-1], crop) | measure(working, small, view)


def save_image(path: Path, image: np.ndarray, crop: Crop) -> dict:
    """Write what a crop leaves of an image (RGB); measure it."""
    x, y, width, height = crop
    image = np.ascontiguousarray(image[y : y + height, x : x + width])
    sums = write_bytes(
        path,
        simplejpeg.encode_jpeg(image, quality=QUALITY, colorspace="RGB", colorsubsampling="420"),
    )
    combing = measure_combing(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    measures = _measure_image(image, shrink(image))
    return sums | _place((width, height), crop) | measures | {"combing": combing}


def save_file(
    path: Path, jpeg: bytes, size: tuple[int, int], image: np.ndarray, view: np.ndarray
) -> dict:
    """Keep a JPEG of size (width, height) as it is; measure it as decoded (RGB), whole or halved.

    view is a small copy of it (90, 160, 3).
    """
    sums = write_bytes(path, jpeg)
    whole = image.shape[1::-1] == size  # halved, its lines are gone
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if whole else None
    combing = {} if gray is None else {"combing": measure_combing(gray)}
    return sums | _place(size, (0, 0, *size)) | _measure_image(image, view) | combing


def _measure_image(image: np.ndarray, view: np.ndarray) -> dict:
    return measure(*reduce_luma(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)), view)


def _place(size: tuple[int, int], crop: Crop) -> dict:
    return {"width_px": size[0], "height_px": size[1], "crop_x": crop[0], "crop_y": crop[1]}
