"""Distinct shapes that nets with a plan for each shape meet in a film, by our own code."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np
import pandas as pd

from benchmarks.feature_film import HEIGHT, WIDTH
from workflow_scripts.film.people import faces as faces_of_people
from workflow_scripts.lib.images import mask_box
from workflow_scripts.models.loaders import lama, retina_face

MARGIN_PX = 16  # round a person: more of the frame changes no shape
OLD_STEP_PX = 8  # the package simple-lama-inpainting pads to whole eights

Size = tuple[int, int]


@dataclass
class Shapes:
    """Heights and widths of all inputs of one net, without and with whole steps."""

    asked: list[Size] = field(default_factory=list)  # as the film has them
    planned: list[Size] = field(default_factory=list)  # as the net sees them

    @property
    def distinct(self) -> tuple[int, int]:
        """How many differ, without and with whole steps."""
        return len(set(self.asked)), len(set(self.planned))

    def __add__(self, other: "Shapes") -> "Shapes":
        return Shapes(self.asked + other.asked, self.planned + other.planned)

    @property
    def mean_px(self) -> float:
        """Pixels of an input of the net, on average."""
        return float(np.mean([height * width for height, width in self.planned]))


def sample_people(people: pd.DataFrame, count: int, seed: int) -> np.ndarray:
    """Boxes (N, 4) of as many people of as many tracks."""
    one_each = people.drop_duplicates("track_id")
    rows = one_each.sample(min(count, len(one_each)), random_state=seed)
    return rows[["x0", "y0", "x1", "y1"]].to_numpy(int)


def count_face_shapes(boxes: np.ndarray) -> list[Shapes]:
    """Each look at every person, as crop_faces takes them where it finds no face."""
    looks = [Shapes() for _ in faces_of_people.LOOKS]
    turns = cycle(looks)

    def face(parts: Sequence[np.ndarray]) -> list[retina_face.Faces]:
        shapes = next(turns)
        shapes.asked += [part.shape[:2] for part in parts]
        return retina_face.find_faces(parts, lambda images: look_for_none(images, shapes), 0.5)

    for x0, y0, x1, y1 in boxes:
        image = np.zeros((y1 - y0 + 2 * MARGIN_PX, x1 - x0 + 2 * MARGIN_PX, 3), np.uint8)
        mask = np.zeros(image.shape[:2], bool)
        mask[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX] = True
        body = faces_of_people.lay_on_gray(image, mask, np.array(mask_box(mask), float))
        faces_of_people.find_faces([body], face)
    return looks


def look_for_none(images: Sequence[np.ndarray], shapes: Shapes) -> list[list[np.ndarray]]:
    """The maps of RetinaFace for images without a face; their shapes are noted."""
    shapes.planned += [image.shape[:2] for image in images]
    height, width = images[0].shape[:2]
    cells = [(height // stride, width // stride) for stride in retina_face.ANCHORS]
    maps = [np.zeros((*cell, n), np.float32) for cell in cells for n in (4, 8, 20)]
    return [maps for _ in images]


def count_hole_shapes(boxes: np.ndarray, max_side_px: int) -> Shapes:
    """The hole that each person leaves, painted alone."""
    shapes = Shapes()

    def net(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
        shapes.planned.append(mask.shape)
        return image

    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for box in boxes:
        x0, y0, x1, y1 = box
        mask = np.zeros(image.shape[:2], bool)
        mask[y0:y1, x0:x1] = True
        shapes.asked.append(find_former_shape(box, max_side_px))
        left, top, right, bottom = lama.crop_with_context(mask)
        part = image[top:bottom, left:right], mask[top:bottom, left:right]
        lama.paint(net, *part, max_side_px)
    return shapes


def find_former_shape(box: Sequence[int], max_side_px: int) -> Size:
    """Height and width as LaMa would see them without whole steps but the package's own."""
    x0, y0, x1, y1 = box
    wide, high = (max(lama.MIN_CONTEXT_PX, int(lama.CONTEXT * s)) for s in (x1 - x0, y1 - y0))
    width = min(WIDTH, x1 + wide) - max(0, x0 - wide)
    height = min(HEIGHT, y1 + high) - max(0, y0 - high)
    scale = min(1.0, max_side_px / max(height, width))
    sides = (max(8, round(side * scale)) for side in (height, width))
    return tuple(int(side + -side % OLD_STEP_PX) for side in sides)
