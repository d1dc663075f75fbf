"""The images of one shot and its people: decoded, measured and registered when needed."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.film.places.changes import take_resting_plate
from workflow_scripts.film.places.holes import Areas, dilate_masks
from workflow_scripts.film.places.plates import View, make_view, register
from workflow_scripts.film.places.sources import Source, lay_over
from workflow_scripts.lib.images import decode_rle, read_rgb

KEPT_IMAGES = 48  # decoded images of a shot in memory: those of two frames


def choose_sources(count: int, target: int, most: int) -> list[int]:
    """Up to `most` other images of a shot of `count`: a third the nearest, the rest spread."""
    others = [n for n in range(count) if n != target]
    if len(others) <= most:
        return others
    nearest = sorted(others, key=lambda n: (abs(n - target), n))[: most // 3]
    rest = [n for n in others if n not in set(nearest)]
    spread = np.linspace(0, len(rest) - 1, most - len(nearest)).round().astype(int)
    return sorted({*nearest, *(rest[k] for k in spread)})


class Shot:
    """The images of one shot, decoded when needed; only the latest ones are kept."""

    def __init__(self, files: list[Path], masks: list[pd.DataFrame], grow: float, shadow: float):
        self.files = files
        self.masks = masks  # per image: rows with mask, height_px, width_px
        self.margins = (grow, shadow)
        self.image = lru_cache(KEPT_IMAGES)(lambda n: read_rgb(self.files[n]))
        self.areas = lru_cache(KEPT_IMAGES)(self._find_areas)
        self.view = lru_cache(4 * KEPT_IMAGES)(self._make_view)
        self.register = lru_cache(4 * KEPT_IMAGES)(self._register)
        self.lay_over = lru_cache(1)(self._lay_over)
        self.resting_plate = lru_cache(1)(lambda *a: take_resting_plate(self.lay_over(*a)))

    def _find_areas(self, n: int) -> Areas:
        size = self.image(n).shape[:2]
        rows = self.masks[n].itertuples()
        masks = [decode_rle(row.mask, row.height_px, row.width_px) for row in rows]
        if not masks:
            return Areas(*(np.zeros(size, bool) for _ in range(4)))
        return dilate_masks(masks, self.grow_px(n), self.margins[1])

    def grow_px(self, n: int) -> int:
        return max(1, round(self.margins[0] * len(self.image(n))))

    def _make_view(self, n: int) -> View:
        return make_view(self.image(n), self.areas(n).hole, self.areas(n).person)

    def _register(self, target: int, n: int) -> tuple[np.ndarray, float]:
        return register(self.view(target), self.view(n))

    def _lay_over(self, target: int, most: int) -> list[Source]:
        """Up to `most` other images that fit over `target`."""
        laid = (
            lay_over(self.view(target), n, self.view(n), self.register(target, n))
            for n in self.sources(target, most)
        )
        return [source for source in laid if source is not None]

    def sources(self, target: int, most: int) -> list[int]:
        """Images to look behind the people of `target`; a crop may change within a shot."""
        shape = self.image(target).shape
        chosen = choose_sources(len(self.files), target, most)
        return [n for n in chosen if self.image(n).shape == shape]
