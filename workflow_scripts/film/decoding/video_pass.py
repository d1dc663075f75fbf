"""One pass over a video: every frame looked at, shots found, some frames written and measured."""

import os
from collections import deque
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

from workflow_scripts.film.decoding.bars import Crop, find_crop
from workflow_scripts.film.decoding.footage import Footage, Sampling
from workflow_scripts.film.decoding.recorder import Recorder, save_planes
from workflow_scripts.film.decoding.sampling import Candidate, Sampler
from workflow_scripts.film.decoding.shots import SIDE, ShotFinder, extract_features, find_fades
from workflow_scripts.film.decoding.video import Film, PixelShape, read_keyframes
from workflow_scripts.film.decoding.yuv import (
    as_planar,
    bit_depth,
    is_full_range,
    jpeg_planes,
    view_planes,
)
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import log, progress

LOOKS_FOR_BARS = 32  # frames spread over the film
MAX_THREADS = 4


class Shown(NamedTuple):
    """A decoded frame on its way to being sampled."""

    frame: av.VideoFrame
    view: np.ndarray
    is_damaged: bool


def read_video(path: Path, images: Path, sampling: Sampling) -> Footage:
    """Decode a video once; leave its sampled images in `images`."""
    crop = find_video_crop(path) if sampling.crop_bars else None
    threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    with Film(path, threads) as film, Recorder(images, sampling.held_tolerance) as recorder:
        log.info("%s: about %d frames, %.1f s", path, film.frame_count, film.duration_s)
        reader = VideoReader(film, recorder, sampling, crop)
        for time_s, frame in progress(film, "frames", total=film.frame_count):
            reader.read(time_s, frame)
        reader.finish()
        rows, finder = recorder.finish(), reader.finder
    if not reader.times_s:
        raise CineloraError(
            f"{path} has a video stream, but not one frame of it can be decoded.\n"
            "  Copy the film again, or convert it to H.264 with ffmpeg."
        )
    boundaries = sorted(finder.boundaries, key=lambda boundary: boundary.frame_no)
    starts = [boundary.frame_no for boundary in boundaries]
    fades = find_fades(np.array(finder.means), np.array(finder.spreads), starts)
    return Footage(rows, boundaries, np.array(reader.times_s), fades, film.problems)


class VideoReader:
    """Hands each frame to the shot finder, and SIDE frames later to the sampler."""

    def __init__(self, film: Film, recorder: Recorder, sampling: Sampling, crop: Crop | None):
        self.film, self.recorder, self.crop = film, recorder, crop
        self.finder = ShotFinder(sampling.min_cut_change)
        self.sampler = Sampler(sampling.frames_per_second, sampling.frames_per_shot)
        self.times_s: list[float] = []
        self._late: deque[tuple[int, float, Shown]] = deque()

    def read(self, time_s: float, frame: av.VideoFrame) -> None:
        """Look at the next frame."""
        is_damaged, frame = frame.is_corrupt, as_planar(frame)
        planes = cut_planes(view_planes(frame), self._crop_of(frame))
        features = extract_features(planes, full_range=is_full_range(frame), bits=bit_depth(frame))
        boundary = self.finder.push(features)
        self._late.append((len(self.times_s), time_s, Shown(frame, features.view, is_damaged)))
        self.times_s.append(time_s)
        if boundary:
            self._split(boundary.frame_no)
        if len(self._late) > SIDE:
            self._record(self.sampler.offer(*self._late.popleft()))

    def finish(self) -> None:
        """Sample the last frames, which still wait for what might follow them."""
        starts = {b.frame_no for b in self.finder.finish()} if self.times_s else set()
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
            frame, view, is_damaged = candidate.frame
            if is_damaged:
                self.recorder.add_unreadable(row)
            else:
                crop = self._crop_of(frame)
                self.recorder.add(row, view, save_frame, frame, crop, self.film.shape)

    def _crop_of(self, frame: av.VideoFrame) -> Crop:
        x, y, width, height = self.crop or (0, 0, frame.width, frame.height)
        if x + width > frame.width or y + height > frame.height:  # the size changed half way
            return 0, 0, frame.width, frame.height
        return x, y, width, height


def save_frame(path: Path, frame: av.VideoFrame, crop: Crop, shape: PixelShape) -> dict:
    """Write a frame without its bars, upright, with square pixels; return its measures."""
    planes = [make_upright(plane, shape) for plane in cut_planes(jpeg_planes(frame), crop)]
    return save_planes(path, planes, crop)


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


def find_video_crop(path: Path) -> Crop | None:
    with closing(read_keyframes(path, LOOKS_FOR_BARS)) as keyframes:
        first = next(keyframes, None)
        if first is None:
            return None
        size, black = first[0].shape[::-1], first[1]
        lumas = (luma for luma, _ in chain([first], keyframes))
        crop = find_crop((luma for luma in lumas if luma.shape[::-1] == size), black)
    if crop != (0, 0, *size):
        log.info("black bars: the image is %dx%d at (%d, %d)", crop[2], crop[3], *crop[:2])
    return crop
