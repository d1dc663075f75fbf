"""Find the face of each person and cut it out. Reads instances and images, leaves face crops.

The person is laid on gray first, so that a neighbor's face cannot be taken for theirs, and the
points of the face must lie on the person. One row per instance whose face is seen; profiles that
the detector does not know, and backs, have none.
"""

from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.people.faces import (
    Body,
    Face,
    find_faces,
    lay_on_gray,
    measure_sharpness,
    measure_yaw,
    place_square,
    place_steady_square,
)
from workflow_scripts.lib.images import (
    clip_box,
    decode_rle,
    make_thumbnail,
    read_rgb,
    write_image,
)
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, progress, run_phase
from workflow_scripts.lib.read_ahead import read_ahead, take_batches
from workflow_scripts.lib.written_files import SUMS
from workflow_scripts.models.registry import load_model

FACES = pa.schema(
    [
        ("instance_id", pa.string()),
        ("frame_id", pa.string()),
        ("x0", pa.float32()),  # box of the face, pixels of the image, end excluded
        ("y0", pa.float32()),
        ("x1", pa.float32()),
        ("y1", pa.float32()),
        ("landmarks", pa.list_(pa.float32())),  # x, y of eyes, nose, corners of the mouth
        ("score", pa.float32()),
        ("sharpness", pa.float32()),  # 0 flat, 1 crisp
        ("gaze_yaw", pa.float32()),  # -1 looks to the left of the image, 0 at us, 1 to the right
        ("file", pa.string()),  # in {shard}_images/: square, as sharp as the film has it
        *SUMS,
        ("crop_x", pa.int32()),  # top left of the crop in the image, and its side
        ("crop_y", pa.int32()),
        ("crop_px", pa.int32()),
        ("thumbnail", pa.list_(pa.uint8())),  # of place_steady_square; lib/images.py
    ]
)
COLUMNS = ["instance_id", "frame_id", "x0", "y0", "x1", "y1", "mask", "height_px", "width_px"]


def open_frame(people: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, np.ndarray, list[Body]]:
    """The people of one frame, its image, and each of them alone."""
    image, bodies = read_rgb(path), []
    for person in people.itertuples():
        mask = decode_rle(person.mask, person.height_px, person.width_px)
        box = np.array([person.x0, person.y0, person.x1, person.y1])
        bodies.append(lay_on_gray(image, mask, box))
    return people, image, bodies


def crop_frame(
    image: np.ndarray, people: pd.DataFrame, faces: list[Face | None], folder: Path, margin: float
) -> list[dict]:
    """Rows of the faces of one image; writes their crops."""
    rows = []
    for person, face in zip(people.itertuples(), faces, strict=True):
        if face is None:
            continue
        left, top, side = place_square(face.box, margin, person.width_px, person.height_px)
        file = f"{person.instance_id}.jpg"
        sums = write_image(folder / file, image[top : top + side, left : left + side])
        x, y, around = place_steady_square(face.box, person.width_px, person.height_px)
        x0, y0, x1, y1 = clip_box(face.box, person.width_px, person.height_px)
        rows.append(
            {
                "instance_id": person.instance_id,
                "frame_id": person.frame_id,
                **dict(zip(("x0", "y0", "x1", "y1"), face.box, strict=True)),
                "landmarks": face.landmarks.ravel(),
                "score": face.score,
                "sharpness": measure_sharpness(image[y0:y1, x0:x1]),
                "gaze_yaw": measure_yaw(face.landmarks),
                "file": file,
                **sums,
                **dict(zip(("crop_x", "crop_y", "crop_px"), (left, top, side), strict=True)),
                "thumbnail": make_thumbnail(image[y : y + around, x : x + around]),
            }
        )
    return rows


def main(
    instances: str,
    frames: str,
    images: str,
    weights: list[str],
    faces: str,
    crops: str,
    *,
    model: dict,
    margin: float,
) -> Counts:
    people = read_manifest(instances, COLUMNS)
    files = read_manifest(frames, ["frame_id", "file"]).set_index("frame_id")["file"]
    log.info("%d instances; %s on %s", len(people), model["name"], model["device"])
    Path(crops).mkdir(parents=True, exist_ok=True)
    rows: list[dict] = []
    if len(people):
        net = load_model(model, weights)
        groups = people.groupby("frame_id", sort=True)
        reader = read_ahead(groups, lambda item: open_frame(item[1], Path(images) / files[item[0]]))
        shown = progress(reader, "looking for faces", total=groups.ngroups)
        for batch in take_batches(shown):
            found = iter(find_faces([body for *_, bodies in batch for body in bodies], net))
            for group, image, _ in batch:
                own = list(islice(found, len(group)))
                rows += crop_frame(image, group, own, Path(crops), margin)
    write_manifest(pd.DataFrame(rows, columns=FACES.names), faces, FACES)
    return Counts("instances", len(people), len(rows), {"no_face": len(people) - len(rows)})


if __name__ == "__main__":
    run_phase(main, snakemake)
