"""classify_poses: actions from movement, views from shoulders, framing from what is shown."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories.figures import make_pose
from workflow_scripts.film import classify_poses
from workflow_scripts.lib.images import encode_rle
from workflow_scripts.lib.manifest import read_manifest

RULES = yaml.safe_load(Path("config/options/film.yaml").read_text())["classify_poses"]
HEIGHT = 500
LEGS = [13, 14, 15, 16]


def stand(time_s: float) -> np.ndarray:
    return make_pose()


def step(time_s: float, lift: float, spread: float = 60) -> np.ndarray:
    """The feet swing to and fro, a stride a second; each is lifted by `lift` px in turn."""
    pose, phase = make_pose(), np.sin(2 * np.pi * time_s)
    pose[[13, 15], 0] += spread * phase
    pose[[14, 16], 0] -= spread * phase
    pose[15, 1] -= lift * max(0, phase)
    pose[16, 1] -= lift * max(0, -phase)
    return pose


def walk(time_s: float) -> np.ndarray:
    return step(time_s, 20)


def run(time_s: float) -> np.ndarray:
    return step(time_s, 160)


def sit(time_s: float) -> np.ndarray:
    pose = make_pose()
    pose[LEGS, 1] -= 80
    return pose


def wave(time_s: float) -> np.ndarray:
    pose = make_pose()
    pose[9, 1] = 60 + 10 * np.sin(20 * time_s)
    return pose


def lie(time_s: float) -> np.ndarray:
    return make_pose()[:, [1, 0, 2]]


def without_legs(time_s: float) -> np.ndarray:
    pose = make_pose()
    pose[LEGS, 2] = 0.1
    return pose


def measure(pose: np.ndarray) -> pd.DataFrame:
    return classify_poses.measure_bodies(pose[None], np.array([HEIGHT]), 0.5)


@pytest.mark.parametrize(
    ("move", "action"),
    [
        (stand, "stand"),
        (walk, "walk"),
        (run, "run"),
        (sit, "sit"),
        (wave, "wave"),
        (lie, "lie"),
        (without_legs, "unknown"),
    ],
)
def test_action_of_a_track(move, action):
    times = np.arange(12) / 8
    poses = np.stack([move(time) for time in times])
    bodies = classify_poses.measure_bodies(poses, np.full(12, HEIGHT), 0.5)
    actions, agreement = classify_poses.name_actions(bodies, np.full(12, "t"), times, RULES)
    assert set(actions) == {action}
    assert agreement.min() == 1


@pytest.mark.parametrize(
    ("pose", "action"),
    [(stand(0), "stand"), (step(0.25, 20), "walk"), (step(0.25, 160), "run"), (sit(0), "sit")],
    ids=["stand", "feet apart", "feet apart and one high", "sit"],
)
def test_action_of_a_single_image(pose, action):
    actions, _ = classify_poses.name_actions(measure(pose), np.array(["t"]), np.zeros(1), RULES)
    assert actions.tolist() == [action]


def test_tracks_do_not_mix():
    times = np.tile(np.arange(6) / 8, 2)
    poses = np.stack([*(walk(t) for t in times[:6]), *(stand(t) for t in times[6:])])
    bodies = classify_poses.measure_bodies(poses, np.full(12, HEIGHT), 0.5)
    actions, _ = classify_poses.name_actions(bodies, np.repeat(["a", "b"], 6), times, RULES)
    assert actions.tolist() == ["walk"] * 6 + ["stand"] * 6


def turn(degrees: float) -> np.ndarray:
    """Shoulders as wide as seen from there; under 0 when left and right have changed sides."""
    pose = make_pose()
    half = 100 * RULES["shoulder_width"] / 2 * np.cos(np.radians(degrees))
    pose[[5, 6], 0] = 200 + half, 200 - half
    return pose


NO_FACE = float("nan")


@pytest.mark.parametrize(
    ("degrees", "gaze_yaw", "view"),
    [
        (0, 0, "front"),
        (0, 1, "front"),
        (45, 0, "three_quarter"),
        (90, NO_FACE, "side"),
        (90, 1, "side"),
        (135, NO_FACE, "back"),
        (180, NO_FACE, "back"),
        (180, 0, "front"),
    ],
    ids=[
        "front",
        "only the head is turned",
        "half turned",
        "profile, no face found",
        "profile with a face",
        "three-quarter back",
        "back",
        "a face that is seen: the net swapped the sides",
    ],
)
def test_view(degrees, gaze_yaw, view):
    body = next(measure(turn(degrees)).itertuples())
    assert classify_poses.name_view(body, gaze_yaw, RULES) == view


def test_view_of_a_close_up_asks_the_face_too():
    body = classify_poses.measure_bodies(turn(35)[None], np.array([150]), 0.5)
    views = [classify_poses.name_view(next(body.itertuples()), gaze, RULES) for gaze in (0, 1)]
    assert views == ["front", "three_quarter"]


def test_view_of_a_trunk_that_is_not_seen_is_unknown():
    pose = make_pose()
    pose[[5, 6, 11, 12], 2] = 0.1
    assert classify_poses.name_view(next(measure(pose).itertuples()), NO_FACE, RULES) == "unknown"


@pytest.mark.parametrize(
    ("frame_px", "shot_type"),
    [(150, "close-up"), (250, "medium"), (410, "full"), (1000, "wide")],
    ids=["cut at the chest", "cut at the thighs", "all of the body, tall", "all of it, small"],
)
def test_shot_type(frame_px, shot_type):
    body = classify_poses.measure_bodies(make_pose()[None], np.array([frame_px]), 0.5)
    share = min(1, 370 / frame_px)
    assert classify_poses.name_shot_type(next(body.itertuples()), share, RULES) == shot_type


def test_occlusion_counts_joints_off_the_mask_but_not_off_the_frame():
    mask = np.ones((420, 400), bool)
    assert classify_poses.measure_occlusion(make_pose(), mask) == 0
    mask[260:] = False  # something in front of the legs: 4 of 17 joints
    assert classify_poses.measure_occlusion(make_pose(), mask) == pytest.approx(4 / 17)
    assert classify_poses.measure_occlusion(make_pose(), mask[:260]) == 0


def make_tables(folder: Path, moves: dict[str, callable]) -> dict[str, list[str] | str]:
    """One track of four images per move."""
    mask = np.ones((HEIGHT, 400), bool)
    rows = []
    for track, (name, move) in enumerate(moves.items()):
        for number in range(4):
            frame = f"s{track:04d}_f{number:06d}"
            rows.append((f"{frame}_i00", frame, name, number / 8, move(number / 8).ravel()))
    table = pd.DataFrame(
        rows, columns=["instance_id", "frame_id", "track_id", "time_s", "keypoints"]
    )
    table = table.assign(x0=150.0, y0=50.0, x1=250.0, y1=410.0, width_px=400, height_px=HEIGHT)
    table["gaze_yaw"] = 0.0
    table["mask"] = [encode_rle(mask)] * len(table)
    table.to_parquet(folder / "all.parquet")
    table[:1].to_parquet(folder / "faces.parquet")
    paths = dict.fromkeys(("instances", "keypoints"), [str(folder / "all.parquet")])
    return {
        **paths,
        "faces": [str(folder / "faces.parquet")],
        "frames": str(folder / "all.parquet"),
    }


def test_every_instance_is_labeled(tmp_path):
    tables = make_tables(tmp_path, {"s0000_t00": stand, "s0001_t00": walk})
    out = tmp_path / "poses.parquet"
    counts = classify_poses.main(**tables, labels=str(out), rules=RULES)
    table = read_manifest(out)
    assert counts.read == counts.kept == len(table) == 8
    assert table["action"].tolist() == ["stand"] * 4 + ["walk"] * 4
    assert table["shot_type"].unique().tolist() == ["full"]
    assert not table["truncated"].any()
    assert table["score"].between(0, 1).all()


def test_nobody_leaves_an_empty_table(tmp_path):
    tables = make_tables(tmp_path, {"s0000_t00": stand})
    pd.read_parquet(tmp_path / "all.parquet")[:0].to_parquet(tmp_path / "none.parquet")
    tables |= {
        name: [str(tmp_path / "none.parquet")] for name in ("instances", "keypoints", "faces")
    }
    counts = classify_poses.main(**tables, labels=str(tmp_path / "out.parquet"), rules=RULES)
    assert counts.read == 0
    assert read_manifest(tmp_path / "out.parquet").columns.tolist() == classify_poses.LABELS.names
