"""The demo film's people, named on the path of the full tier: masks without regions, COCO's joints.

Masks and joints are the truth's. Joints beyond the frame lie at its edge, unsure, as nets put them;
vectors know nobody, so that colors alone tell who is who.
"""

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.identity_paths import CAST, describe_references, embed_nothing
from workflow_scripts.film import embed_images, embed_references, identify_characters
from workflow_scripts.lib.images import encode_rle, write_image
from workflow_scripts.lib.manifest import write_manifest
from workflow_scripts.plan.config import read_shipped
from workflow_scripts.report.accuracy.truth import Truth

DEMO = Path("resources/demo_film")
EVERY = 12  # frames of the film; two a second
MIN_PX = 1500  # 0.3 % of the image: a viewer can tell who it is


@cache
def read_frames() -> dict[int, np.ndarray]:
    film, frames = cv2.VideoCapture(str(DEMO / "film.mp4")), {}
    while film.grab():
        number = int(film.get(cv2.CAP_PROP_POS_FRAMES)) - 1
        if number % EVERY == 0:
            frames[number] = film.retrieve()[1][..., ::-1]
    return frames


def place_joints(points: np.ndarray, visible: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Joints (17, 3) as a net gives them that looks no farther than the frame (height, width)."""
    inside = np.clip(points, 0, np.array(size[::-1]) - 1)
    sureness = np.where(visible, 0.9, np.where((inside == points).all(1), 0.5, 0.1))
    return np.column_stack([inside, sureness])


@cache
def list_people() -> pd.DataFrame:
    """Columns of segment_instances and estimate_poses, and who it is, from the truth."""
    truth = Truth(DEMO / "truth")
    joints = truth.table("keypoints").groupby(["frame_no", "character"])
    drawn = truth.frames.set_index("frame_no")
    rows = []
    for person in truth.instances.itertuples():
        if person.frame_no not in read_frames() or person.visible_px < MIN_PX:
            continue
        frame = drawn.loc[person.frame_no]
        mask = truth.mask(frame["unique_render_id"])
        mask = mask == truth.screenplay["mask_index"][person.character]
        points = joints.get_group((person.frame_no, person.character))
        placed = place_joints(points[["x_px", "y_px"]].to_numpy(), points["visible"], mask.shape)
        rows.append(
            {
                "instance_id": f"f{person.frame_no:06d}_{person.character}",
                "frame_id": f"f{person.frame_no:06d}",
                "track_id": f"s{frame['shot_id']:04d}_{person.character}",
                "who": person.character.lower(),
                **{side: float(getattr(person, side)) for side in ("x0", "y0", "x1", "y1")},
                "area_px": person.visible_px,
                "height_px": mask.shape[0],
                "width_px": mask.shape[1],
                "mask": encode_rle(mask),
                "region": None,
                "keypoints": placed.ravel(),
            }
        )
    return pd.DataFrame(rows)


@pytest.fixture
def film(tmp_path) -> dict[str, str]:
    """Paths of what both phases read and leave, by the names of their parameters."""
    paths = {
        name: str(tmp_path / f"{name}.parquet")
        for name in ("frames", "instances", "keypoints", "backgrounds", "embeddings")
    }
    people = list_people()
    ids = sorted(set(people["frame_id"]))
    for name in ids:
        write_image(tmp_path / "images" / f"{name}.jpg", read_frames()[int(name[1:])])
    frames = pd.DataFrame({"frame_id": ids, "shot_id": 1, "file": [f"{i}.jpg" for i in ids]})
    frames.to_parquet(paths["frames"])
    frames[:0].to_parquet(paths["backgrounds"])
    people.drop(columns="keypoints").to_parquet(paths["instances"])
    people[["instance_id", "keypoints"]].to_parquet(paths["keypoints"])
    return paths | {"images": str(tmp_path / "images"), "weights": []}


def test_everybody_is_named_by_masks_and_joints_alone(film, tmp_path, monkeypatch):
    monkeypatch.setattr(embed_images, "load_model", lambda *_: embed_nothing)
    options = {"model": {"name": "none"}, "batch_size": 64, "padding": 0.05}
    embed_images.main(**film, background_images="", shard="01of01", **options)
    references, identities = str(tmp_path / "references"), str(tmp_path / "identities")
    write_manifest(describe_references(embed_nothing), references, embed_references.REFERENCES)
    identify_characters.main(
        *([film["instances"]], [film["embeddings"]], references, [], identities),
        characters=CAST,
        **read_shipped()["identify_characters"],
    )
    found = pd.read_parquet(identities).set_index("instance_id")["character"]
    true = list_people().set_index("instance_id")["who"]
    assert len(true) == 101
    assert set(found[found != true.reindex(found.index)]) <= {""}  # nobody has another's name
    named = (found == true.reindex(found.index)).groupby(true).mean()
    assert named.index.tolist() == CAST
    assert named.min() > 0.9, named.to_dict()
