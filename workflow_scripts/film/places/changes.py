"""What is in an image for a while only, told from other images while the camera rests.

Of such spots, those near a person are of that person: a shoe that its mask missed, a shadow, a
reflection. Others are somebody whom the detector missed, or anything else that moves.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.film.places.plates import (
    View,
    find_difference,
    take_largest,
    take_median,
)
from workflow_scripts.film.places.sources import Source

MIN_WITNESSES = 3  # images that must show a place before a change there counts
CHANGE = (8, 0.1)  # gray levels, plus a share of the image's own range: fog makes all faint
DARKER = (2, 0.06)  # gray levels, plus a share of the place's own light: a shadow
SPOT_PX = 5  # small pixels: what falls is smaller
PART_PX = 2  # the same near a person: the tip of a shoe is small
STILL = 1.0  # registration error of a camera on a stand; one that creeps is called resting as well
STEP_PX = 2  # what may lie so far aside
RIM_PX = 2  # a spot has a soft rim
BESIDE_PX = 8  # as far from the hole a small spot is of the person too
APART_PX = 4  # right beside the hole a change is its seam


@dataclass(frozen=True)
class RestingPlate:
    """What the images of a resting camera mostly show."""

    color: np.ndarray  # (h, w, 3) uint8
    known: np.ndarray  # (h, w) bool: enough of them show this place
    is_still: bool  # the camera stands, and does not creep


def take_resting_plate(sources: list[Source]) -> RestingPlate | None:
    """The median of the images from where the target was taken; None where they are too few.

    Those that fit best alone, where they are enough.
    """
    resting = [source for source in sources if source.rests]
    still = [source for source in resting if source.error <= STILL]
    is_still = len(still) >= MIN_WITNESSES
    resting = still if is_still else resting
    if len(resting) < MIN_WITNESSES:
        return None
    shape = resting[0].color.shape
    seen = np.stack([source.free.ravel() for source in resting])
    color = take_median(np.stack([source.color.reshape(-1, 3) for source in resting]), seen)
    known = (seen.sum(0) >= MIN_WITNESSES).reshape(shape[:2])
    return RestingPlate(color.reshape(shape), known, is_still)


def find_changes(view: View, plate: np.ndarray) -> np.ndarray:
    """Pixels (h, w) bool whose color is not that of the plate."""
    return find_difference(view.color, plate) > _find_least_change(view)


def find_parts(
    view: View, plate: RestingPlate, near: np.ndarray, taken_out: np.ndarray
) -> np.ndarray:
    """Pixels (h, w) bool near people that are theirs: other than the plate, or in their shadow.

    What the plate shows a step aside is no change: hardly any camera stands quite still. Small
    spots count right beside what is taken out; elsewhere they are rain and snow.
    """
    darkest, brightest = (f(plate.color, _square(STEP_PX)) for f in (cv2.erode, cv2.dilate))
    beyond = cv2.max(cv2.subtract(view.color, brightest), cv2.subtract(darkest, view.color))
    gray = cv2.cvtColor(darkest, cv2.COLOR_RGB2GRAY).astype(np.float32)
    darker = cv2.blur(view.gray, (3, 3)) < gray * (1 - DARKER[1]) - DARKER[0]
    parts = near & plate.known & (darker | (take_largest(beyond) > _find_least_change(view)))
    parts = cv2.morphologyEx(parts.astype(np.uint8), cv2.MORPH_OPEN, np.ones((PART_PX, PART_PX)))
    beside = cv2.dilate((taken_out | ~view.free).astype(np.uint8), _square(BESIDE_PX)) > 0
    large = cv2.morphologyEx(parts, cv2.MORPH_OPEN, np.ones((SPOT_PX, SPOT_PX))) > 0
    numbers = cv2.connectedComponents(parts)[1]
    theirs = np.isin(numbers, np.unique(numbers[beside | large])) & (parts > 0)
    return cv2.dilate(theirs.astype(np.uint8), _square(STEP_PX + RIM_PX)) > 0


def _square(reach_px: int) -> np.ndarray:
    return np.ones((2 * reach_px + 1, 2 * reach_px + 1), np.uint8)


def _find_least_change(view: View) -> float:
    darkest, brightest = np.percentile(view.gray, [2, 98])
    return CHANGE[0] + CHANGE[1] * (brightest - darkest)


def measure_moving(view: View, plate: RestingPlate, hole: np.ndarray) -> float:
    """Share of the image of the largest changed spot beside the hole (H, W)."""
    inside = cv2.resize(hole.astype(np.uint8), view.gray.shape[::-1])
    beside = cv2.dilate(inside, _square(APART_PX)) == 0
    spots = find_changes(view, plate.color) & view.free & beside & plate.known
    spots = cv2.morphologyEx(spots.astype(np.uint8), cv2.MORPH_OPEN, np.ones((SPOT_PX, SPOT_PX)))
    sizes = cv2.connectedComponentsWithStats(spots)[2][1:, cv2.CC_STAT_AREA]
    return float(sizes.max() / spots.size) if len(sizes) else 0.0
