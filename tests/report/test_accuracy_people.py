"""Figures about people on a film of two frames whose truth is made here."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow_scripts.lib.images import encode_rle
from workflow_scripts.report.accuracy import people
from workflow_scripts.report.accuracy.truth import Truth

WIDTH, HEIGHT = 100, 60
BODIES = {"Nella": (10, 20, 30, 58), "Bruno": (60, 20, 80, 58)}  # x0, y0, x1, y1
ACTIONS = {"Nella": "walk", "Bruno": "stand"}
EMOTIONS = {"Nella": "happy", "Bruno": "sad"}


def make_mask(names: list[str], shift: int = 0) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for name in names:
        x0, y0, x1, y1 = BODIES[name]
        mask[y0:y1, x0 + shift : x1 + shift] = list(BODIES).index(name) + 1
    return mask


def joints_of(name: str) -> list[tuple[str, float, float]]:
    x0, y0, x1, y1 = BODIES[name]
    rows = np.linspace(y0 + 1, y1 - 1, 17)
    return [(joint, (x0 + x1) / 2, y) for joint, y in zip(people.JOINTS, rows, strict=True)]


def face_of(name: str) -> tuple[float, float, float, float]:
    x0, y0, _, _ = BODIES[name]
    return x0, y0, x0 + 20, y0 + 22


@pytest.fixture
def truth(tmp_path) -> Truth:
    """Both people in both frames; frame 2 fades and must not count."""
    folder = tmp_path / "truth"
    folder.mkdir()
    frames = [(n, n / 10, f"u{n}", int(n == 2), 0) for n in range(3)]
    columns = ["frame_no", "time_s", "unique_render_id", "is_fade", "is_blurred"]
    pd.DataFrame(frames, columns=columns).to_csv(folder / "frames.csv", index=False)
    rows, joints, faces = [], [], []
    for frame in range(3):
        for name, box in BODIES.items():
            area = (box[2] - box[0]) * (box[3] - box[1])
            rows.append((frame, name, *box, area, 0.0, ACTIONS[name], EMOTIONS[name], "full"))
            joints += [(frame, name, joint, x, y, 1) for joint, x, y in joints_of(name)]
            faces.append((frame, name, *face_of(name), 10.0, 0.0, 1.0))
    columns = ["frame_no", "character", "x0", "y0", "x1", "y1", "visible_px", "occluded_fraction"]
    columns += ["action", "expression", "shot_type"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "instances.csv", index=False)
    columns = ["frame_no", "character", "keypoint", "x_px", "y_px", "visible"]
    pd.DataFrame(joints, columns=columns).to_csv(folder / "keypoints.csv", index=False)
    columns = ["frame_no", "character", "x0", "y0", "x1", "y1", "yaw_deg", "pitch_deg"]
    columns += ["face_visible_fraction"]
    pd.DataFrame(faces, columns=columns).to_csv(folder / "faces.csv", index=False)
    (folder / "screenplay.json").write_text(
        json.dumps({"mask_index": {"Nella": 1, "Bruno": 2}}), encoding="utf-8"
    )
    with zipfile.ZipFile(folder / "masks.zip", "w") as archive:
        for frame in range(3):
            data = io.BytesIO()
            Image.fromarray(make_mask(list(BODIES))).save(data, "PNG")
            archive.writestr(f"masks/u{frame}.png", data.getvalue())
    return Truth(folder)


def write_results(folder: Path, found: list[tuple[int, str, str, np.ndarray]]) -> Path:
    """Tables as the phases leave them; `found` has frame number, person, track, mask (H, W)."""
    frames = [(f"s0001_f{n:06d}", 1, n, n / 10, f"{n}.jpg", WIDTH, HEIGHT, 0, 0) for n in range(3)]
    columns = ["frame_id", "shot_id", "frame_no", "time_s", "file", "width_px", "height_px"]
    columns += ["crop_x", "crop_y"]
    write(folder, "extract_frames/frames", pd.DataFrame(frames, columns=columns))
    rows = [
        {
            "instance_id": f"s0001_f{frame:06d}_i{number:02d}",
            "frame_id": f"s0001_f{frame:06d}",
            "track_id": track,
            "mask": encode_rle(mask),
            "height_px": HEIGHT,
            "width_px": WIDTH,
            "name": name,
        }
        for number, (frame, name, track, mask) in enumerate(found)
    ]
    table = pd.DataFrame(rows)
    write(folder, "segment_instances/01of01", table)
    joints = [np.array([(x, y, 1) for _, x, y in joints_of(name)]) for name in table["name"]]
    poses = table[["instance_id"]].assign(keypoints=[list(j.ravel()) for j in joints])
    write(folder, "estimate_poses/01of01", poses)
    labels = table[["instance_id"]].assign(action="walk", view="front", shot_type="full")
    write(folder, "classify_poses/poses", labels)
    boxes = pd.DataFrame([face_of(n) for n in table["name"]], columns=["x0", "y0", "x1", "y1"])
    write(folder, "crop_faces/01of01", table[["instance_id", "frame_id"]].join(boxes))
    emotions = table[["instance_id"]].assign(emotion="happy")
    write(folder, "classify_expressions/expressions", emotions)
    return folder


def write(folder: Path, name: str, table: pd.DataFrame) -> None:
    path = folder / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path)


def find_all(shift: int = 0) -> list[tuple[int, str, str, np.ndarray]]:
    return [
        (frame, name, f"t_{name}", make_mask([name], shift) > 0)
        for frame in range(3)
        for name in BODIES
    ]


def measure(folder: Path, truth: Truth, found) -> dict[str, float]:
    metrics = people.measure(write_results(folder / "results", found), truth)
    return {name: metric.value for name, metric in metrics.items()}


def test_everybody_found_exactly(tmp_path, truth):
    figures = measure(tmp_path, truth, find_all())
    wholes = ["person_recall", "person_precision", "mask_iou_mean", "track_purity"]
    wholes += ["track_coverage", "pck_05", "pck_10", "face_recall", "face_precision"]
    assert [figures[name] for name in wholes] == [1.0] * len(wholes)
    assert figures["action_accuracy"] == figures["emotion_accuracy"] == 0.5
    assert figures["shot_type_accuracy"] == 1.0
    assert "view_accuracy" not in figures


def test_actions_that_nobody_names_cost_coverage_not_precision(tmp_path, truth):
    results = write_results(tmp_path / "results", find_all())
    labels = pd.read_parquet(results / "classify_poses/poses.parquet")
    labels["action"] = ["walk", "unknown"] * 3  # Nella, who walks, and Bruno, who stands
    write(results, "classify_poses/poses", labels)
    figures = people.measure(results, truth)
    names = ["action_accuracy", "action_precision", "action_coverage"]
    assert [figures[name].value for name in names] == [0.5, 1.0, 0.5]
    assert [figures[name].n for name in names] == [4, 2, 4]


@pytest.mark.parametrize(
    ("height_px", "framing"), [(60, ["full", "full"]), (50, ["medium", "medium"])]
)
def test_a_body_cut_off_at_the_feet_is_in_no_full_shot(truth, height_px, framing):
    rows = truth.instances.query("frame_no == 0").assign(crop_y=0, height_px=height_px)
    assert people.find_true_framing(rows, truth).tolist() == framing


def test_masks_that_miss_by_a_quarter(tmp_path, truth):
    figures = measure(tmp_path, truth, find_all(shift=4))
    assert figures["mask_iou_mean"] == pytest.approx(16 / 24)
    assert figures["person_recall"] == 1.0


def test_one_missed_and_one_that_is_nobody(tmp_path, truth):
    tree = np.zeros((HEIGHT, WIDTH), bool)
    tree[0:50, 40:55] = True
    found = [one for one in find_all() if one[:2] != (0, "Bruno")]
    figures = measure(tmp_path, truth, [*found, (0, "Nella", "t_tree", tree)])
    assert figures["person_recall"] == pytest.approx(3 / 4)
    assert figures["person_precision"] == pytest.approx(3 / 4)
    assert figures["track_coverage"] == pytest.approx(3 / 4)


def test_a_track_of_two_people_is_not_pure(tmp_path, truth):
    found = [(frame, name, "t_one", mask) for frame, name, _, mask in find_all()]
    assert measure(tmp_path, truth, found)["track_purity"] == pytest.approx(1 / 2)


def test_without_tables_there_are_no_figures(tmp_path, truth):
    assert people.measure(tmp_path, truth) == {}
