"""estimate_poses: normalized poses, regions handed on, one row per instance."""

import numpy as np
import pandas as pd
import pytest

from tests.factories.figures import make_pose
from workflow_scripts.film import estimate_poses
from workflow_scripts.film.segment_instances import INSTANCES
from workflow_scripts.lib.images import encode_rle, write_image
from workflow_scripts.lib.manifest import read_manifest, write_manifest


@pytest.mark.parametrize(
    "pose",
    [make_pose(), make_pose((500, -40)), make_pose(scale=0.1)],
    ids=["near", "moved", "small"],
)
def test_normalized_pose_knows_neither_place_nor_size(pose):
    normal = estimate_poses.normalize_pose(pose)
    np.testing.assert_allclose(normal[[11, 12]].mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(normal[[5, 6]].mean(0), [0, -1])
    np.testing.assert_allclose(normal[15], [0.3, 2.0])


def test_torso_without_length_gives_no_normalized_pose():
    pose = make_pose()
    pose[[5, 6], 1] = 200
    assert estimate_poses.normalize_pose(pose) is None


def make_instances(folder, regions: list, frames: int = 1) -> str:
    """So many people in each of the frames; the image of a frame is as bright as its number."""
    names = [f"s0001_f{number:06d}" for number in range(frames)]
    rows = [
        {
            "instance_id": f"{name}_i{number:02d}",
            "frame_id": name,
            "shot_id": 1,
            "track_id": "s0001_t00",
            **dict.fromkeys(("x0", "y0"), 10.0),
            **dict.fromkeys(("x1", "y1"), 50.0),
            "score": 0.9,
            "mask": encode_rle(np.zeros((60, 80), bool)),
            "height_px": 60,
            "width_px": 80,
            "area_px": 1,
            "region": region,
        }
        for name in names
        for number, region in enumerate(regions)
    ]
    rows = pd.DataFrame(rows, columns=INSTANCES.names)
    write_manifest(rows, folder / "instances.parquet", INSTANCES)
    files = [f"{name}.png" for name in names]
    pd.DataFrame({"frame_id": names, "file": files}).to_parquet(folder / "frames.parquet")
    for number, file in enumerate(files):
        write_image(folder / "images" / file, np.full((60, 80, 3), number, np.uint8))
    return str(folder / "instances.parquet")


@pytest.mark.parametrize(
    ("regions", "given"),
    [([[30, 40, 50, 0.1], [1, 2, 3, 4]], True), ([None, None], False), ([], None)],
    ids=["regions of the segmenter", "boxes alone", "nobody: no model is opened"],
)
def test_every_instance_gets_a_pose(tmp_path, monkeypatch, regions, given):
    calls = []

    def pose(images, boxes, prompts):
        calls.append(
            (
                [image.shape for image in images],
                boxes.shape,
                None if prompts is None else prompts.shape,
            )
        )
        return np.stack([make_pose()] * len(boxes)).astype(np.float32)

    def load(model, weights):
        assert regions, "a model was opened for nobody"
        return pose

    monkeypatch.setattr(estimate_poses, "load_model", load)
    counts = estimate_poses.main(
        make_instances(tmp_path, regions),
        str(tmp_path / "frames.parquet"),
        str(tmp_path / "images"),
        [],
        str(tmp_path / "poses.parquet"),
        model={"name": "stub", "device": "cpu"},
    )
    table = read_manifest(tmp_path / "poses.parquet")
    assert counts.read == len(table) == len(regions)
    if regions:
        assert calls == [([(60, 80, 3)] * 2, (2, 4), (2, 4) if given else None)]
        assert len(table["keypoints"][0]) == 51
        assert len(table["normalized"][0]) == 34


def test_each_person_is_prompted_by_their_own_region(tmp_path, monkeypatch):
    prompted = {}

    def pose(images, boxes, prompts):
        for image, box, prompt in zip(images, boxes, prompts, strict=True):
            prompted[int(image.max()), int(box[0])] = prompt.tolist()
        return np.stack([make_pose()] * len(boxes)).astype(np.float32)

    monkeypatch.setattr(estimate_poses, "load_model", lambda *_: pose)
    path = make_instances(tmp_path, [[0, 0, 0, 0]] * 2, frames=20)
    table = pd.read_parquet(path)
    frame, number = table.index // 2, table.index % 2
    table["x0"] = (10 + number).astype(np.float32)
    regions = [[n, i, 5, 0] for n, i in zip(frame, number, strict=True)]
    write_manifest(table.assign(region=regions), path, INSTANCES)
    estimate_poses.main(
        path,
        str(tmp_path / "frames.parquet"),
        str(tmp_path / "images"),
        [],
        str(tmp_path / "poses.parquet"),
        model={"name": "stub", "device": "cpu"},
    )
    assert prompted == {(n, 10 + i): [n, i, 5, 0] for n in range(20) for i in range(2)}


def test_people_of_several_frames_are_measured_together(tmp_path, monkeypatch):
    calls = []

    def pose(images, boxes, prompts):
        calls.append(len(images))
        assert prompts[:, 0].tolist() == [30, 1, 5] * (len(images) // 3)
        rows = [
            make_pose((image.max(), row[0])) for image, row in zip(images, prompts, strict=True)
        ]
        return np.stack(rows).astype(np.float32)

    monkeypatch.setattr(estimate_poses, "load_model", lambda *_: pose)
    regions = [[30, 40, 50, 0.1], [1, 2, 3, 4], [5, 6, 7, 8]]
    estimate_poses.main(
        make_instances(tmp_path, regions, frames=64),
        str(tmp_path / "frames.parquet"),
        str(tmp_path / "images"),
        [],
        str(tmp_path / "poses.parquet"),
        model={"name": "stub", "device": "cpu"},
    )
    assert calls == [24] * 8  # 8 frames a call
    table = read_manifest(tmp_path / "poses.parquet")
    found = np.array(table["keypoints"].tolist()).reshape(64, 3, 17, 3)
    moved = found[..., :2] - make_pose()[:, :2]
    assert table["frame_id"].tolist() == [f"s0001_f{n:06d}" for n in range(64) for _ in range(3)]
    np.testing.assert_allclose(moved[:, :, 0, 0], np.arange(64)[:, None].repeat(3, 1), atol=1e-3)
    np.testing.assert_allclose(moved[:, :, 0, 1], np.tile([30, 1, 5], (64, 1)), atol=1e-3)
