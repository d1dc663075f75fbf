"""One pass over a video: every frame looked at, shots found, some frames written and measured."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from workflow_scripts.film.decoding.bars import Crop, lights_bars
from workflow_scripts.film.decoding.features import FrameFeatures, extract_features
from workflow_scripts.film.decoding.fields import FieldSigns, cut_strips, measure_combing, read_sign
from workflow_scripts.film.decoding.footage import Footage, Sampling
from workflow_scripts.film.decoding.footprint import FrameStore, check_store, read_store
from workflow_scripts.film.decoding.mending import Timed, mend_fields
from workflow_scripts.film.decoding.recorder import Recorder, save_planes
from workflow_scripts.film.decoding.sampling import Candidate, Sampler
from workflow_scripts.film.decoding.shots import ShotFinder
from workflow_scripts.film.decoding.streams import in_plain_words
from workflow_scripts.film.decoding.survey import Survey, survey_film
from workflow_scripts.film.decoding.tone_mapping import ToneMapper, find_mapper
from workflow_scripts.film.decoding.video import Film, PixelShape
from workflow_scripts.film.decoding.yuv import (
    as_planar,
    bit_depth,
    is_full_range,
    jpeg_planes,
    view_planes,
)
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log, progress

MAX_THREADS = 4
CHECK_S = 1.5  # between looks for fields in a film that seemed to have none
OPEN_S = 0.5  # so long the image must reach over the bars to show that they are none


class Shown(NamedTuple):
    """A decoded frame on its way to being sampled."""

    frame: av.VideoFrame
    view: np.ndarray
    is_damaged: bool
    fields: str


def read_video(path: Path, images: Path, sampling: Sampling) -> Footage:
    """Decode a video once; leave its sampled images in `images`.

    Where the pass shows that the look before it missed something, it begins anew, knowing it.
    """
    with in_plain_words(path):
        with Film(path) as film:
            check_store(read_store(film), path, sampling.frames_per_shot)
        return _read_surveyed(path, images, sampling)


def _read_surveyed(path: Path, images: Path, sampling: Sampling) -> Footage:
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    survey = survey_film(path, threads)
    if not sampling.crop_bars:
        survey = replace(survey, crop=None, usual=None)
    while True:
        _log_survey(survey)
        with Film(path, threads) as film, Recorder(images, sampling.held_tolerance) as recorder:
            log.info("%s: about %d frames, %.1f s", path, film.frame_count, film.duration_s)
            reader = VideoReader(film, recorder, sampling, survey)
            found = reader.read_all()
            if found == survey:
                return reader.sum_up()
        survey = found
        for image in images.iterdir():
            image.unlink()


def _log_survey(survey: Survey) -> None:
    if survey.crop:
        x, y, width, height = survey.crop
        log.info("black bars: the image is %dx%d at (%d, %d)", width, height, x, y)
    if survey.field_order:
        log.info("frames are woven from fields (%s): they are mended", survey.field_order)


class VideoReader:
    """Hands each frame to the shot finder, and to the sampler when its shot is known."""

    def __init__(self, film: Film, recorder: Recorder, sampling: Sampling, survey: Survey):
        self.film, self.recorder, self.survey = film, recorder, survey
        self.finder = ShotFinder(sampling.min_cut_change)
        self.sampler = Sampler(sampling.frames_per_second, sampling.frames_per_shot)
        self.times_s: list[float] = []
        self.watch = Watch(survey)
        self._late: deque[tuple[int, float, Shown]] = deque()
        self._mapper: ToneMapper | None = None
        self._store: FrameStore | None = None  # of the last frame; a film may change it half way

    def read_all(self) -> Survey:
        """Read the film; stop with another survey than was given where that missed something."""
        for timed in progress(self._decode(), "frames", total=self.film.frame_count):
            self._read(timed)
            if self.watch.survey != self.survey:
                return self.watch.survey
        self._finish()
        return self.survey

    def sum_up(self) -> Footage:
        """What was read."""
        if not self.times_s:
            raise CineloraError(
                f"{self.film.path} has a video stream, but not one frame of it can be decoded.\n"
                "  Copy the film again, or convert it to H.264 with ffmpeg."
            )
        finder = self.finder
        return Footage(
            self.recorder.finish(),
            finder.list_boundaries(),
            np.array(self.times_s),
            finder.mark_fades(),
            finder.mark_dissolves(),
            self.film.problems,
        )

    def _decode(self) -> Iterator[Timed]:
        film = (Timed(time_s, as_planar(frame), frame.is_corrupt) for time_s, frame in self.film)
        order = self.survey.field_order
        return mend_fields(film, order) if order else film

    def _read(self, timed: Timed) -> None:
        """Look at the next frame."""
        frame = timed.frame
        self._check_frame(frame)
        self._find_mapper(frame)
        planes = view_planes(frame)
        self.watch.look(timed.time_s, planes[0], 16 * (not is_full_range(frame)), bit_depth(frame))
        features = self._extract(frame, cut_planes(planes, fit_crop(self.survey.usual, frame)))
        shown = Shown(frame, features.view, timed.is_damaged, timed.fields)
        self._late.append((len(self.times_s), timed.time_s, shown))
        self.times_s.append(timed.time_s)
        for boundary in self.finder.push(timed.time_s, features):
            self._split(boundary.frame_no)
        while self._late and self._late[0][0] < self.finder.settled:
            self._record(self.sampler.offer(*self._late.popleft()))

    def _check_frame(self, frame: av.VideoFrame) -> None:
        store = FrameStore((frame.width, frame.height), frame.format.name, self.film.rate)
        if store != self._store:
            check_store(store, self.film.path, self.sampler.minimum)
        self._store = store

    def _find_mapper(self, frame: av.VideoFrame) -> None:
        mapper = find_mapper(frame, self.survey.peak_nits)
        if mapper is not self._mapper and mapper is not None:
            log.info("light and colors are brought to SDR: %s", mapper.name)
        self._mapper = mapper

    def _extract(self, frame: av.VideoFrame, planes: list[np.ndarray]) -> FrameFeatures:
        tones, gain = (self._mapper.tones, self._mapper.chroma_gain) if self._mapper else (None, 1)
        full, bits = is_full_range(frame), bit_depth(frame)
        return extract_features(planes, full_range=full, bits=bits, tones=tones, chroma_gain=gain)

    def _finish(self) -> None:
        """Sample the last frames, which still wait for what might follow them."""
        starts = {b.frame_no for b in self.finder.finish()} if self.times_s else set()
        for number in sorted(starts):
            if not self._late or number < self._late[0][0]:
                self._split(number)
        for frame_no, time_s, shown in self._late:
            if frame_no in starts:
                self._split(frame_no)
            self._record(self.sampler.offer(frame_no, time_s, shown))
        self._record(self.sampler.split(len(self.times_s)))

    def _split(self, frame_no: int) -> None:
        self._record(self.sampler.split(frame_no))
        self.recorder.evict()

    def _record(self, candidates: list[Candidate]) -> None:
        for candidate in candidates:
            row = {"frame_no": candidate.frame_no, "time_s": candidate.time_s}
            frame, view, is_damaged, fields = candidate.frame
            if is_damaged:
                self.recorder.add_unreadable(row)
                continue
            mapper = find_mapper(frame, self.survey.peak_nits)
            row |= {"fields": fields, "color": mapper.name if mapper else ""}
            crop = fit_crop(self.survey.crop, frame)
            self.recorder.add(row, view, save_frame, frame, crop, self.film.shape, mapper)


def fit_crop(crop: Crop | None, frame: av.VideoFrame) -> Crop:
    """A crop where it fits; else the whole frame, as where a film's size changes half way."""
    x, y, width, height = crop or (0, 0, frame.width, frame.height)
    if x + width > frame.width or y + height > frame.height:
        return 0, 0, frame.width, frame.height
    return x, y, width, height


class Watch:
    """Looks in every frame for what the survey missed: an image over the bars, fields."""

    def __init__(self, survey: Survey):
        self.survey = survey  # as it should have been
        self._signs = FieldSigns()
        self._strips: list[np.ndarray] = []
        self._due_s = 0.0
        self._open_since_s: float | None = None

    def look(self, time_s: float, luma: np.ndarray, black: int, bits: int) -> None:
        """Look at a luma plane (H, W); black: of 8 bits."""
        if self.survey.crop:
            self._look_at_bars(time_s, luma, black << (bits - 8))
        if not self.survey.field_order and time_s >= self._due_s:
            self._look_for_fields(time_s, luma)

    def _look_at_bars(self, time_s: float, luma: np.ndarray, black: int) -> None:
        if not lights_bars(luma, self.survey.crop, black):
            self._open_since_s = None
            return
        self._open_since_s = time_s if self._open_since_s is None else self._open_since_s
        if time_s - self._open_since_s >= OPEN_S:
            log.info("the image is open from %.2f s on: no bars are cropped", self._open_since_s)
            self.survey = replace(self.survey, crop=None)

    def _look_for_fields(self, time_s: float, luma: np.ndarray) -> None:
        self._strips.append(cut_strips(luma))
        if self._strips[0].shape != self._strips[-1].shape:
            self._strips = self._strips[-1:]
        if len(self._strips) < 3:
            return
        self._signs.add(read_sign(*self._strips))
        self._strips, self._due_s = [], time_s + CHECK_S
        if self._signs.order:
            self.survey = replace(self.survey, field_order=self._signs.order)


def save_frame(
    path: Path, frame: av.VideoFrame, crop: Crop, shape: PixelShape, mapper: ToneMapper | None
) -> dict:
    """Write a frame without its bars, upright, with square pixels; return its measures."""
    planes = cut_planes(mapper.map(frame) if mapper else jpeg_planes(frame), crop)
    combing = measure_combing(planes[0])  # before its lines are stretched or turned
    upright = [make_upright(plane, shape) for plane in planes]
    return save_planes(path, upright, crop) | {"combing": combing}


def cut_planes(planes: list[np.ndarray], crop: Crop) -> list[np.ndarray]:
    """The part of Y, U, V planes that a crop (in luma pixels, x and y even) leaves; views."""
    x, y, width, height = crop
    luma, *chroma = planes
    down = round(luma.shape[0] / chroma[0].shape[0])  # 1 or 2: how much coarser chroma is
    across = round(luma.shape[1] / chroma[0].shape[1])
    rows = slice(y // down, -(-(y + height) // down))
    columns = slice(x // across, -(-(x + width) // across))
    return [luma[y : y + height, x : x + width], *(plane[rows, columns] for plane in chroma)]


def make_upright(plane: np.ndarray, shape: PixelShape) -> np.ndarray:
    """Stretch a plane to square pixels and turn it, as players do; contiguous."""
    if abs(shape.stretch - 1) > 0.01:
        height, width = plane.shape
        size = (round(width * shape.stretch), height)
        if shape.stretch < 1:
            size = (width, round(height / shape.stretch))
        plane = cv2.resize(plane, size, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(np.rot90(plane, shape.turns))
