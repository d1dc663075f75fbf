"""One pass over a folder of images: each decoded once, measured, and kept as the file it is.

A file that is kept needs no more of its pixels than the measures do, so one of 720 rows or
more is decoded at a half or less of its size.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from workflow_scripts.film.decoding.bars import Crop, find_crop
from workflow_scripts.film.decoding.features import FrameFeatures, extract_features, score_change
from workflow_scripts.film.decoding.footage import Footage, Problem, Sampling
from workflow_scripts.film.decoding.image_files import Loaded, load_image
from workflow_scripts.film.decoding.measures import shrink
from workflow_scripts.film.decoding.recorder import Recorder, save_file, save_image
from workflow_scripts.film.decoding.shots import Boundary
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import Size, read_size
from workflow_scripts.lib.image_folders import (
    WHAT_IS_READ,
    Other,
    count_others,
    format_name,
    group_others,
    list_images,
    list_others,
)
from workflow_scripts.lib.phase import log, progress

LOOKS_FOR_BARS = 32  # images spread over the folder
AHEAD = 8  # images that are decoded before they are needed,
AHEAD_BYTES = 256 << 20  # as long as they take no more
THREADS = 2


def read_folder(path: Path, images: Path, sampling: Sampling) -> Footage:
    """Read every image of a folder once; copy or convert it into `images`."""
    files, others = list_images(path), list_others(path)
    if not files:
        raise CineloraError(f"{path} holds no images ({WHAT_IS_READ}).")
    log.info("%s: %d images; other files: %s", path, len(files), count_others(others) or "none")
    crops = find_crops(files) if sampling.crop_bars else {}
    with Recorder(images, sampling.held_tolerance) as recorder:
        reader = FolderReader(path, files, crops, recorder, sampling.min_cut_change)
        loaded = progress(_load_ahead(files, crops), "images", total=len(files))
        for number, image in enumerate(loaded):
            reader.read(number, image)
        rows = recorder.finish()
    times_s = np.arange(len(files), dtype=float)
    none = np.zeros(len(files), bool)
    notes = reader.notes + note_others(path, others)
    return Footage(rows, reader.boundaries, times_s, none, none, reader.problems, notes)


def note_others(root: Path, others: list[Other]) -> list[Problem]:
    """What of a folder is no image: a line for all files of a suffix, with one as an example."""
    notes = []
    for (suffix, what), paths in group_others(others).items():
        example = format_name(paths[0].relative_to(root).as_posix())
        words = f"{what}; {len(paths)} of these, such as {example}" if len(paths) > 1 else what
        notes.append(Problem(float("nan"), suffix if len(paths) > 1 else example, words))
    return notes


class FolderReader:
    """Takes the images of a folder in order; finds its shots, records each image."""

    def __init__(
        self,
        root: Path,
        files: list[Path],
        crops: dict[Size, Crop],
        recorder: Recorder,
        min_change: float,
    ):
        self.root, self.files, self.crops = root, files, crops
        self.recorder, self.min_change = recorder, min_change
        self.boundaries: list[Boundary] = []
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self._last: FrameFeatures | None = None

    def read(self, number: int, loaded: Loaded | CineloraError) -> None:
        """Record the next image, or why there is none."""
        source = format_name(self.files[number].relative_to(self.root).as_posix())
        row = {"frame_no": number, "time_s": float(number), "source": source}
        view = shrink(loaded.image) if isinstance(loaded, Loaded) else None
        features = glance_at(view) if view is not None else None
        if self._begins_shot(number, features):
            self.boundaries.append(Boundary(number, "cut" if number else "start"))
            self.recorder.evict()
        if features is None:
            self.problems.append(Problem(float(number), source, str(loaded)))
            self.recorder.add_unreadable(row)
            return
        self._last = features
        if loaded.note:
            self.notes.append(Problem(float(number), source, loaded.note))
        if loaded.jpeg:
            save = (save_file, loaded.jpeg, loaded.size, loaded.image, view)
        else:
            save = (save_image, loaded.image, self.crops.get(loaded.size, (0, 0, *loaded.size)))
        self.recorder.add(row, features.view, *save)

    def _begins_shot(self, number: int, features: FrameFeatures | None) -> bool:
        if number == 0 or self.files[number].parent != self.files[number - 1].parent:
            return True
        if self._last is None or features is None:
            return False
        return score_change(self._last, features) >= self.min_change


def glance_at(image: np.ndarray) -> FrameFeatures:
    """Reduce an image (RGB) as the frames of a video are reduced."""
    luma, red, blue = cv2.split(cv2.cvtColor(shrink(image), cv2.COLOR_RGB2YCrCb))
    return extract_features([luma, blue, red], full_range=True)


def _load_ahead(files: list[Path], cropped: Collection[Size]) -> Iterator[Loaded | CineloraError]:
    """Decode in order, a few files ahead; what cannot be read comes as its error."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque = deque()
        for file in files:
            waiting.append(pool.submit(_load, file, cropped))
            while len(waiting) >= AHEAD or _count_bytes(waiting) > AHEAD_BYTES:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _count_bytes(waiting: Iterable[Future]) -> int:
    """Bytes of the images that are decoded and wait."""
    loaded = [future.result() for future in waiting if future.done()]
    return sum(each.image.nbytes for each in loaded if isinstance(each, Loaded))


def _load(file: Path, cropped: Collection[Size]) -> Loaded | CineloraError:
    try:
        return load_image(file, cropped)
    except CineloraError as error:
        return error


def find_crops(files: list[Path]) -> dict[Size, Crop]:
    """By size, what bars leave of images of the commonest size; empty where there are no bars."""
    chosen = files[:: -(-len(files) // LOOKS_FOR_BARS)]
    sizes = Counter(size for size in map(read_size, chosen) if size)
    if not sizes:
        return {}
    size = sizes.most_common(1)[0][0]
    loaded = (_load(file, [size]) for file in chosen)
    alike = (image for image in loaded if isinstance(image, Loaded) and image.size == size)
    crop = find_crop(cv2.cvtColor(image.image, cv2.COLOR_RGB2GRAY) for image in alike)
    return {size: crop} if crop and crop != (0, 0, *size) else {}
