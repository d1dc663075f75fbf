"""A look at a film before the pass: its bars, its fields, its brightest light.

Frames spread over the whole film are decoded: keyframes where it has enough of them, else whatever
comes at those times while the film is decoded once more.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from workflow_scripts.film.decoding.bars import BarFinder, Crop
from workflow_scripts.film.decoding.fields import FieldSigns, cut_strips, read_sign
from workflow_scripts.film.decoding.tone_mapping import WHITE_NITS, find_mapper
from workflow_scripts.film.decoding.video import Film
from workflow_scripts.film.decoding.yuv import as_planar, bit_depth, is_full_range, view_planes
from workflow_scripts.lib.phase import log

SPACING_S = 1.0  # between frames that are looked at, and more where a film is
MOST_LOOKS = 400
FEWEST_KEYFRAMES = 12  # in different places: fewer tell too little about a film
SMALLEST_IMAGE = 0.1  # share of a frame that the image fills: a film for phones, in a wide frame
SHORT_S = 60.0  # a film that is shorter, and has no such index, is decoded once more
FIELD_LOOKS = 6  # places at which frames in a row are looked at for fields; the pass looks on
IN_A_ROW = 5  # frames there; hard telecine weaves two of five
SURE = 5  # frames whose image reaches every edge: there are no bars
STRIDE = 5  # places are looked at in so many rounds, so that the first ones lie far apart


@dataclass(frozen=True)
class Survey:
    """What is known of a film before its pass."""

    crop: Crop | None = None  # what bars leave; None: everything
    usual: Crop | None = None  # what bars leave in most frames; there the search for shots looks
    field_order: str = ""  # tff | bff for films woven from fields
    peak_nits: float = WHITE_NITS


class Surveyor:
    """Takes a few frames in a row from place after place."""

    def __init__(self, threads: int):
        self.threads = threads
        self.size: tuple[int, int] | None = None  # of the first frame; others are left out
        self.signs = FieldSigns()
        self.peak_nits = WHITE_NITS
        self.wants_light = True  # until the first frame shows whether it is SDR
        self._bars: BarFinder | None = None
        self._open = 0

    def look(self, frames: list[av.VideoFrame]) -> None:
        """Look at frames in a row."""
        planar = [as_planar(frame) for frame in frames if not frame.is_corrupt]
        self.size = self.size or (planar[0].width, planar[0].height) if planar else self.size
        planar = [frame for frame in planar if (frame.width, frame.height) == self.size]
        if not planar:
            return
        self._look_at_bars(planar[0])
        mapper = find_mapper(planar[0])
        self.wants_light = mapper is not None
        if mapper is not None:
            self.peak_nits = max(self.peak_nits, mapper.measure_peak(planar[0]))
        strips = [cut_strips(view_planes(frame)[0]) for frame in planar] if planar[2:] else []
        for three in zip(strips, strips[1:], strips[2:], strict=False):
            self.signs.add(read_sign(*three))

    def _look_at_bars(self, frame: av.VideoFrame) -> None:
        if self._bars is None:
            self._bars = BarFinder(0 if is_full_range(frame) else 16, SMALLEST_IMAGE)
        if self.wants_bars:
            self._bars.add((view_planes(frame)[0] >> (bit_depth(frame) - 8)).astype(np.uint8))
            self._open += self._bars.is_open

    @property
    def wants_bars(self) -> bool:
        """Whether more frames may change what is known of the bars."""
        if self._bars is None or self._open < SURE:
            return True
        return self._bars.find_usual() != self._bars.find()

    def sum_up(self) -> Survey:
        """What was seen."""
        found = (self._bars.find(), self._bars.find_usual()) if self._bars else (None, None)
        crop, usual = (None if each == (0, 0, *(self.size or ())) else each for each in found)
        return Survey(crop, usual, self.signs.order, self.peak_nits)


def survey_film(path: Path, threads: int = 1) -> Survey:
    """Look at frames spread over a film."""
    surveyor = Surveyor(threads)
    places = _find_places(path)
    if not places or _look_at_places(surveyor, path, places) < FEWEST_KEYFRAMES:
        if places:
            log.info("%s has few keyframes: it is decoded once before the pass", path)
        for frames in _read_in_order(path, threads):
            surveyor.look(frames)
    return surveyor.sum_up()


def _find_places(path: Path) -> list[int]:
    """Stamps spread over a film: of its keyframes, or else of times; none for a short film."""
    with Film(path) as film:
        entries = film.stream.index_entries
        stamps = sorted({entry.timestamp for entry in entries if entry.is_keyframe})
        count = min(MOST_LOOKS, max(FEWEST_KEYFRAMES, round(film.duration_s / SPACING_S)))
        if len(stamps) >= FEWEST_KEYFRAMES:
            wanted = np.linspace(stamps[0], stamps[-1], count)
            return sorted({stamps[max(0, bisect_right(stamps, stamp) - 1)] for stamp in wanted})
        if film.duration_s < SHORT_S:
            return []
        start, end = film.stream.start_time or 0, film.duration_s / film.stream.time_base
        return [int(start + stamp) for stamp in np.linspace(0, float(end), count, endpoint=False)]


def _look_at_places(surveyor: Surveyor, path: Path, places: list[int]) -> int:
    """Look at a film's frames at these stamps; how many of them were different ones."""
    every = -(-len(places) // FIELD_LOOKS)
    rounds = [place for start in range(STRIDE) for place in places[start::STRIDE]]
    seen = set()
    with Film(path) as film:
        for number, stamp in enumerate(rounds):
            count = IN_A_ROW if number % every == 0 else 1
            knows_enough = len(seen) >= FEWEST_KEYFRAMES
            if count == 1 and knows_enough and not (surveyor.wants_bars or surveyor.wants_light):
                continue
            frames = _read_at(film, stamp, count)
            seen.update(frame.pts for frame in frames[:1])
            surveyor.look(frames)
            if number == FEWEST_KEYFRAMES and len(seen) < FEWEST_KEYFRAMES // 2:
                break  # places far apart lead to the same keyframes: most cannot be reached
    return len(seen)


def _read_at(film: Film, stamp: int, count: int) -> list[av.VideoFrame]:
    try:
        return film.read_at(stamp, count)
    except av.error.FFmpegError:
        return []  # the pass over the whole film reports what cannot be read


def _read_in_order(path: Path, threads: int) -> Iterator[list[av.VideoFrame]]:
    """Frames in a row, every so often, of a film that is decoded from its start to its end."""
    with Film(path, threads) as film:
        spacing_s = max(SPACING_S / 2, film.duration_s / MOST_LOOKS)
        due_s, row = 0.0, []
        for time_s, frame in film:
            if time_s < due_s:
                continue
            row.append(frame)
            if len(row) >= IN_A_ROW:
                yield row
                due_s, row = max(time_s, due_s + spacing_s), []
        if row:
            yield row
