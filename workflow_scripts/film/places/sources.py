"""Other images of a shot, laid over one of them: what they show otherwise, and whom they mask.

Where several images show the same thing at the same place, their masks should agree: what some of
them call a person is one in all. So a person who hardly moves is not "revealed" by an image whose
mask happens to miss a shoulder.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from workflow_scripts.film.places.plates import (
    MAX_REGISTRATION_ERROR,
    View,
    find_difference,
    match_gain,
    scale_light,
    warp,
)

SAME = 4.0  # gray levels, mean of a small window: what compression and resampling change
WINDOW_PX = 5  # small pixels
AGREEING_MASKS = 0.25  # of the images that show the same: so many call it a person
AGREEING_HOLES = 0.75  # or so many take it out: a walker leaves before that many see them stand


@dataclass(frozen=True)
class Source:
    """An image of the shot, laid over the target; maps are (h, w) bool in small pixels."""

    number: int
    matrix: np.ndarray  # (3, 3) from its small pixels to those of the target
    gain: np.ndarray  # (3,) from its light to that of the target
    color: np.ndarray  # (h, w, 3) uint8: its small copy there, in the light of the target
    free: np.ndarray  # shows background, as far as its own masks tell
    same: np.ndarray  # shows what the target shows
    person: np.ndarray  # inside one of its own masks
    error: float  # of the registration, in gray levels

    @property
    def rests(self) -> bool:
        """Whether the camera did not move between the two."""
        return bool(np.array_equal(self.matrix, np.eye(3)))


def lay_over(
    target: View, number: int, other: View, registered: tuple[np.ndarray, float]
) -> Source | None:
    """The image `number` over the target; None where it does not fit or its light is no use."""
    matrix, registration_error = registered
    if registration_error > MAX_REGISTRATION_ERROR:
        return None
    color, free = warp(other.color, ~other.free, matrix, 1.0)
    gain = match_gain(target, color, target.free & free)
    if gain is None:
        return None
    shown, person = _warp_masks(other, matrix)
    color = scale_light(color.reshape(-1, 3), gain).reshape(color.shape)
    change = find_difference(target.color, color).astype(np.float32)
    same = shown & (cv2.blur(change, (WINDOW_PX, WINDOW_PX)) <= SAME)
    return Source(number, matrix, gain, color, free, same, person, registration_error)


def _warp_masks(other: View, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the image lies over the target, and where it shows people: (h, w) bool each."""
    if np.array_equal(matrix, np.eye(3)):
        return np.ones_like(other.person), other.person
    person, size = other.person.astype(np.uint8), other.person.shape[::-1]
    shown = cv2.warpPerspective(np.ones_like(person), matrix, size, flags=cv2.INTER_NEAREST)
    person = cv2.warpPerspective(person, matrix, size, flags=cv2.INTER_NEAREST)
    return shown > 0, person > 0


def agree_on_people(target: View, sources: list[Source]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (h, w) bool of the target that show people, and those to be taken out with them,
    as the masks of all images that show the same agree."""
    people, holes = target.person.astype(np.int32), (~target.free).astype(np.int32)
    shown = np.ones(target.person.shape, np.int32)
    for source in sources:
        people += source.same & source.person
        holes += source.same & ~source.free
        shown += source.same
    person = people >= AGREEING_MASKS * shown
    return person, person | (holes >= AGREEING_HOLES * shown)
