"""Where the time of a film goes after decoding: CPU time of each step, alone on one thread."""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import cv2
import simplejpeg

from workflow_scripts.film.decoding.features import extract_features
from workflow_scripts.film.decoding.folder_pass import find_crops, glance_at
from workflow_scripts.film.decoding.image_files import load_image
from workflow_scripts.film.decoding.measures import measure, reduce_luma, shrink
from workflow_scripts.film.decoding.memory import keep_freed_memory
from workflow_scripts.film.decoding.recorder import QUALITY, save_file
from workflow_scripts.film.decoding.shots import ShotFinder
from workflow_scripts.film.decoding.survey import survey_film
from workflow_scripts.film.decoding.video import Film
from workflow_scripts.film.decoding.yuv import jpeg_planes, view_planes
from workflow_scripts.lib.image_folders import list_images

FRAMES, FIRST = 100, 400


class Stopwatch:
    """CPU seconds of this thread, by step."""

    def __init__(self):
        self.spent: dict[str, float] = {}

    def time(self, step: str, function: Callable, *args: object) -> object:
        began = time.thread_time()
        value = function(*args)
        self.spent[step] = self.spent.get(step, 0) + time.thread_time() - began
        return value


def time_parts(path: Path, folder: Path) -> dict[str, float]:
    """Milliseconds per frame looked at ("look") or per image written (the others).

    "bars" is once a film: frames spread over it, read for bars, fields and light.
    """
    keep_freed_memory()
    cv2.setNumThreads(1)
    watch, finder = Stopwatch(), ShotFinder(22)
    watch.time("bars", survey_film, path)
    with Film(path) as film:
        for number, (time_s, frame) in enumerate(islice(film, FIRST, FIRST + FRAMES)):
            planes = view_planes(frame)
            look = watch.time("look", lambda p=planes: extract_features(p, full_range=False))
            finder.push(time_s, look)
            luma, blue, red = watch.time("convert", jpeg_planes, frame)
            jpeg = watch.time("encode", _encode, luma, blue, red)
            watch.time("write", (folder / f"{number}.jpg").write_bytes, jpeg)
            watch.time("measure", _measure, luma, blue, red)
    bars = 1000 * watch.spent.pop("bars")
    return {step: 1000 * spent / FRAMES for step, spent in watch.spent.items()} | {"bars": bars}


def time_image_parts(folder: Path, out: Path) -> dict[str, float]:
    """Milliseconds per image of a folder; "bars" is once a folder."""
    keep_freed_memory()
    cv2.setNumThreads(1)
    watch, files = Stopwatch(), list_images(folder)
    watch.time("bars", find_crops, files)
    for path in files[:FRAMES]:
        loaded = watch.time("decode", load_image, path)
        view = watch.time("look", shrink, loaded.image)
        watch.time("look", glance_at, view)
        kept = (out / path.name, loaded.jpeg, loaded.size, loaded.image, view)
        watch.time("measure and copy", save_file, *kept)
    bars = 1000 * watch.spent.pop("bars")
    return {step: 1000 * spent / FRAMES for step, spent in watch.spent.items()} | {"bars": bars}


def _encode(luma, blue, red) -> bytes:
    return simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality=QUALITY)


def _measure(luma, blue, red) -> dict:
    working, small = reduce_luma(luma)
    view = cv2.cvtColor(cv2.merge([small, shrink(red), shrink(blue)]), cv2.COLOR_YCrCb2RGB)
    return measure(working, small, view)
