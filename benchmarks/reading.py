"""How long a core of this machine reads and scales images for nets: the least of some rounds."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.feature_film import HEIGHT, WIDTH
from benchmarks.gpu_cases import image
from workflow_scripts.film.people.face_views import make_views
from workflow_scripts.lib.images import read_rgb, write_image
from workflow_scripts.models.loaders.pixels import fit_square

ROUNDS = 7  # others use the machine too: the least of them is nearest to what it takes


def measure(run: Callable[[], Any]) -> float:
    """Processor seconds of one call, at best."""
    spent = []
    for _ in range(ROUNDS):
        start = time.thread_time()
        run()
        spent.append(time.thread_time() - start)
    return min(spent)


def measure_reading() -> dict[str, float]:
    """Seconds of one core: a frame of 1080p decoded, scaled to a net's square, a view of a face."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # what other threads do would not be counted
    frame = cv2.GaussianBlur(image(0, (HEIGHT, WIDTH)), (0, 0), 4)  # as soft as film is
    try:
        with tempfile.TemporaryDirectory(prefix="cinelora-reading-") as folder:
            file = Path(folder) / "frame.jpg"
            write_image(file, frame)
            decoded = measure(lambda: read_rgb(file))
        face = np.ascontiguousarray(frame[:300, :300])
        views = measure(lambda: make_views(face, np.array([60.0, 60, 240, 240]), 224))
        return {
            "decode": decoded,
            "fit_1024": measure(lambda: fit_square(frame, 1024)),
            "fit_224": measure(lambda: fit_square(frame, 224)),
            "view": views / 16,
        }
    finally:
        cv2.setNumThreads(threads)
