"""Still images as the film's own phases see them: people, joints, faces, light, looks.

Each image is a shot of one frame. The very functions that measure the film measure here; nothing
is named and nothing is judged.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.dataset.framing_measures import measure_complexity
from workflow_scripts.film.fitting import Embed, find_fit, shrink
from workflow_scripts.film.light.measures import MEASURES as LIGHT_MEASURES
from workflow_scripts.film.light.measures import measure_image
from workflow_scripts.film.people.bodies import find_region
from workflow_scripts.film.people.colors import describe_colors
from workflow_scripts.film.people.crops import crop_instance
from workflow_scripts.film.people.face_views import Face as ShownFace
from workflow_scripts.film.people.face_views import make_views, score_faces
from workflow_scripts.film.people.faces import (
    Face,
    find_faces,
    lay_on_gray,
    measure_yaw,
    place_square,
)
from workflow_scripts.film.people.features import MEASURES as FACE_MEASURES
from workflow_scripts.film.people.segmentation import detect_ahead, segment_shot
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.images import RLE, decode_rle
from workflow_scripts.lib.read_ahead import take_batches
from workflow_scripts.models.detections import Detect, FindFaces
from workflow_scripts.models.expressions import Expression

PEOPLE = pa.schema(
    [
        ("instance_id", pa.string()),
        ("drawing_id", pa.string()),
        *((side, pa.float32()) for side in BOX),  # pixels of what was looked at: look_px
        ("score", pa.float32()),  # of the detector
        ("mask", RLE),
        ("height_px", pa.int32()),
        ("width_px", pa.int32()),
        ("area_px", pa.int32()),
        ("keypoints", pa.list_(pa.float32())),  # 17 x (x, y, confidence)
        ("vector", pa.list_(pa.float32())),  # of the person cut out
        ("colors", pa.list_(pa.float32())),  # film/people/colors.py
        ("face", pa.list_(pa.float32())),  # box, pixels of the drawing; null: no face, as below
        ("gaze_yaw", pa.float32()),
        ("log_probabilities", pa.list_(pa.float64())),  # in the order of EMOTIONS
        ("mesh_score", pa.float32()),
        *((name, pa.float32()) for name in FACE_MEASURES),
    ]
)
IMAGES = pa.schema(
    [
        ("drawing_id", pa.string()),
        *((name, pa.float64()) for name in LIGHT_MEASURES),  # without its people
        ("edges", pa.float32()),  # share of edge pixels where nobody stands; null: people are all
        ("vector", pa.list_(pa.float32())),  # of the whole image
    ]
)


@dataclass(frozen=True)
class Eyes:
    """The models of the film's phases, and how those use them."""

    detect: Detect
    segment: Callable
    pose: Callable
    face: FindFaces
    expression: Expression
    mesh: Callable
    embed: Embed
    sure_score: float  # of the detector's row
    options: dict[str, Any]  # tiling_interval, max_gap_s, face_margin, padding, look_px


@dataclass(frozen=True)
class Still:
    """One image as it is looked at, with the people in it."""

    drawing_id: str
    pixels: np.ndarray  # (H, W, 3) RGB
    scale: float  # of the image that was given
    people: pd.DataFrame  # rows of segment_shot
    masks: list[np.ndarray]  # (H, W) bool each


def enlarge(image: np.ndarray, look_px: int) -> tuple[np.ndarray, float]:
    """An image at least `look_px` on its longer side, and the scale: nets know film frames."""
    scale = max(1.0, look_px / max(image.shape[:2]))
    if scale == 1:
        return image, 1.0
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), scale


def measure_stills(
    images: Iterable[tuple[str, np.ndarray]], eyes: Eyes
) -> Iterator[tuple[list[dict], list[dict]]]:
    """Rows of PEOPLE and of IMAGES, some images at a time, in their order."""
    for batch in take_batches(find_people(images, eyes)):
        yield _measure_people(batch, eyes), _measure_images(batch, eyes)


def find_people(images: Iterable[tuple[str, np.ndarray]], eyes: Eyes) -> Iterator[Still]:
    """Each image with its people; the detector sees several at once."""
    waiting: list[tuple[str, float]] = []

    def open_images() -> Iterator[np.ndarray]:
        for drawing_id, image in images:
            pixels, scale = enlarge(image, eyes.options["look_px"])
            waiting.append((drawing_id, scale))
            yield pixels

    for pixels, found in detect_ahead(open_images(), eyes.detect):
        drawing_id, scale = waiting.pop(0)
        frame = {"frame_id": drawing_id, "shot_id": 0, "file": "", "time_s": 0.0}
        rows = segment_shot(
            pd.DataFrame([frame]),
            Path(),
            iter([(pixels, found)]),
            eyes.detect,
            eyes.segment,
            tiling_interval=eyes.options["tiling_interval"],
            sure_score=eyes.sure_score,
            max_gap_s=eyes.options["max_gap_s"],
        )
        masks = [decode_rle(row["mask"], row["height_px"], row["width_px"]) for row in rows]
        yield Still(drawing_id, pixels, scale, pd.DataFrame(rows), masks)


def _measure_images(batch: list[Still], eyes: Eyes) -> list[dict]:
    fit = find_fit(eyes.embed)
    vectors = eyes.embed([fit(shrink(still.pixels)) for still in batch])
    rows = []
    for still, vector in zip(batch, vectors, strict=True):
        covered = np.zeros(still.pixels.shape[:2], bool)
        for mask in still.masks:
            covered |= mask
        light = measure_image(still.pixels, covered)
        edges, _ = measure_complexity(still.pixels, covered)
        rows.append({"drawing_id": still.drawing_id, **light, "edges": edges, "vector": vector})
    return rows


def _measure_people(batch: list[Still], eyes: Eyes) -> list[dict]:
    """Rows of everybody in some images; each net sees all of them at once."""
    seen = [(still, n) for still in batch for n in range(len(still.people))]
    if not seen:
        return []
    table = pd.concat([still.people for still in batch if len(still.people)], ignore_index=True)
    boxes = table[BOX].to_numpy(np.float32)
    regions = table["region"].tolist()
    known = any(region is None for region in regions)
    own = None if known else np.array(regions, np.float32)
    joints = eyes.pose([still.pixels for still, _ in seen], boxes, own)
    fit, padding = find_fit(eyes.embed), eyes.options["padding"]
    figures = [crop_instance(still.pixels, still.masks[n], padding) for still, n in seen]
    vectors = eyes.embed([fit(shrink(figure)) for figure in figures])
    faces = _measure_faces(seen, boxes, eyes)
    rows = []
    for row, (still, n), points, vector, face in zip(
        table.to_dict("records"), seen, joints, vectors, faces, strict=True
    ):
        box = np.array([row[side] for side in BOX])
        region = find_region(row["region"], points, box)
        looks = {"vector": vector, "colors": describe_colors(still.pixels, still.masks[n], region)}
        kept = dict.fromkeys(PEOPLE.names)  # None where no face is seen
        kept |= {name: row[name] for name in PEOPLE.names if name in row}
        kept |= {"drawing_id": still.drawing_id, "keypoints": np.ravel(points)}
        rows.append(kept | looks | face)
    return rows


def _measure_faces(seen: list[tuple[Still, int]], boxes: np.ndarray, eyes: Eyes) -> list[dict]:
    """What is known of each person's face; {} of those whose face is not seen."""
    bodies = [
        lay_on_gray(still.pixels, still.masks[n], box)
        for (still, n), box in zip(seen, boxes, strict=True)
    ]
    faces = find_faces(bodies, eyes.face)
    numbers = [number for number, face in enumerate(faces) if face is not None]
    shown = [_show_face(str(n), seen[n][0], faces[n], eyes) for n in numbers]
    found: list[dict] = [{} for _ in seen]
    if not shown:
        return found
    for number, row in zip(numbers, score_faces(shown, eyes.expression, eyes.mesh), strict=True):
        face, still = faces[number], seen[number][0]
        row = {name: value for name, value in row.items() if name != "instance_id"}
        own = {"face": face.box / still.scale, "gaze_yaw": measure_yaw(face.landmarks)}
        found[number] = row | own
    return found


def _show_face(name: str, still: Still, face: Face, eyes: Eyes) -> ShownFace:
    """The face cut out as crop_faces does."""
    height, width = still.pixels.shape[:2]
    left, top, side = place_square(face.box, eyes.options["face_margin"], width, height)
    crop = np.ascontiguousarray(still.pixels[top : top + side, left : left + side])
    box, points = face.box - [left, top, left, top], face.landmarks - [left, top]
    views = make_views(crop, box, eyes.expression.view_px)
    return ShownFace(name, crop, box, points[:2], views)
