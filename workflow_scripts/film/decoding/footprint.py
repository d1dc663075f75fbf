"""How much memory a film's frames take while it is read; more than there is, is refused.

Measured on films of 4K and 8K in 8 and 10 bits, of 24 to 120 frames a second: held are the frames
of a shot that may still be taken, and those of the moment in which a cut is judged.
"""

import os
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path, PurePosixPath

import av

from workflow_scripts.film.decoding.video import Film
from workflow_scripts.film.decoding.yuv import name_planar
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.foreign_images import read_size
from workflow_scripts.lib.image_folders import find_images
from workflow_scripts.lib.images import MAX_PIXELS, check_size
from workflow_scripts.lib.paths import say_unreadable

BASE_MB = 400  # of the process before the first frame, and what small copies take
HELD = 9  # frames within decoder, filters and writers,
HELD_PER_SHOT = 5  # of a shot, for each that it gives at least,
HELD_S = 0.3  # and what is shown in so many seconds
MOST_RATE = 240.0  # frames a second; more are a mistake of the header
DECODING = 8  # frames in the film's own format too, where another one is worked on
UNKNOWN = "yuv420p"  # of a header that does not say
CGROUPS = Path("/sys/fs/cgroup")  # limits of containers and of a batch system's jobs
OWN_CGROUPS = Path("/proc/self/cgroup")  # lines number:names:path; of version 2 without names
LOOKED_AT = 16  # images of a folder
IMAGE_BYTES = 45  # of a pixel of an image, in all the copies of those that are decoded ahead
HOW = "ffmpeg -i film.mp4 -vf scale=3840:-2 smaller.mp4"
Size = tuple[int, int]


@dataclass(frozen=True)
class FrameStore:
    """What tells how much memory frames take."""

    size: Size  # width, height
    pix_fmt: str  # "": the header does not say
    rate: float  # frames a second

    def predict_mb(self, frames_per_shot: int) -> int:
        """Memory (MB) of a pass over a film of such frames."""
        pixels = self.size[0] * self.size[1]
        held = HELD + HELD_PER_SHOT * frames_per_shot + HELD_S * min(self.rate, MOST_RATE)
        planar = name_planar(self.pix_fmt or UNKNOWN)
        bits = held * count_bits(planar)
        if planar != self.pix_fmt:
            bits += DECODING * count_bits(self.pix_fmt or UNKNOWN)
        return BASE_MB + round(pixels * bits / 8 / 2**20)


def count_bits(pix_fmt: str) -> int:
    """Bits that a pixel of a format takes in memory."""
    return av.VideoFormat(pix_fmt).padded_bits_per_pixel


def read_store(film: Film) -> FrameStore:
    """What the header of an open film says of its frames."""
    stored = film.stream.codec_context.format
    size = (film.stream.width or 0, film.stream.height or 0)
    return FrameStore(size, stored.name if stored else "", film.rate)


def check_store(store: FrameStore, path: Path, frames_per_shot: int) -> None:
    """Refuse a film whose frames are too large for an image, or for the memory that there is."""
    try:
        check_size(*store.size)
    except CineloraError as error:
        raise CineloraError(f"{path} cannot be used: frames of {error} with ffmpeg.") from error
    needed_mb, there_mb = store.predict_mb(frames_per_shot), find_memory_mb()
    if needed_mb > there_mb:
        width, height = store.size
        raise CineloraError(
            f"{path} has frames of {width}x{height} pixels ({store.pix_fmt or 'unknown format'}):"
            f" to read them takes about {needed_mb} MB of memory, and there are {there_mb} MB.\n"
            f"  Make it smaller, as with {HOW}, or run where there is more memory."
        )


def find_memory_mb() -> int:
    """Memory (MB) that this process may have: of the machine, its container, its own limit."""
    found = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    own = resource.getrlimit(resource.RLIMIT_AS)[0]
    found += [own] if own != resource.RLIM_INFINITY else []
    return min(found + list(read_group_limits())) >> 20


def read_group_limits() -> Iterator[int]:
    """Limits (bytes) of the control groups that this process is in, and of those around them."""
    lines = OWN_CGROUPS.read_text(encoding="utf-8").splitlines() if OWN_CGROUPS.is_file() else []
    for names, group in (line.split(":", 2)[1:] for line in lines):
        if names and "memory" not in names.split(","):
            continue
        root = CGROUPS / "memory" if names else CGROUPS
        name = "memory.limit_in_bytes" if names else "memory.max"
        for inner in (PurePosixPath(group), *PurePosixPath(group).parents):
            path = root / inner.relative_to("/") / name
            if path.is_file() and (text := path.read_text(encoding="ascii").strip()).isdigit():
                yield int(text)


def ask_memory_mb(path: Path, frames_per_shot: int) -> int:
    """Memory (MB) that the headers of a film or of a folder's first images ask for.

    0 where there is nothing yet that can be read; the phase tells why.
    """
    if say_unreadable(path):
        return 0
    status = path.stat()
    return _ask(path, frames_per_shot, status.st_size, status.st_mtime_ns)


@lru_cache
def _ask(path: Path, frames_per_shot: int, *_version: int) -> int:
    if path.is_dir():
        return _ask_of_images(path)
    try:
        with Film(path) as film:
            store = read_store(film)
        check_size(*store.size)
        return store.predict_mb(frames_per_shot)
    except CineloraError:
        return 0


def _ask_of_images(folder: Path) -> int:
    sizes = filter(None, map(read_size, islice(find_images(folder), LOOKED_AT)))
    largest = max((width * height for width, height in sizes), default=0)
    return BASE_MB + (min(largest, MAX_PIXELS) * IMAGE_BYTES >> 20)
