"""classify_poses: actions from movement, views from shoulders, framing from what is shown."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories.figures import make_pose
from tests.factories.movers import film_mover
from workflow_scripts.film import classify_poses
from workflow_scripts.film.people import actions, joints, pose_labels
from workflow_scripts.lib.images import encode_rle
from workflow_scripts.lib.manifest import read_manifest

RULES = yaml.safe_load(Path("config/options/film.yaml").read_text(encoding="utf-8"))[
    "classify_poses"
]
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
    pose[9, :2] += 20 * np.sin(20 * time_s), -140
    return pose


def lie(time_s: float) -> np.ndarray:
    return make_pose()[:, [1, 0, 2]]


def without_legs(time_s: float) -> np.ndarray:
    pose = make_pose()
    pose[LEGS, 2] = 0.1
    return pose


def make_movement(poses: np.ndarray, shown: np.ndarray | None = None) -> pd.DataFrame:
    shown = np.ones(poses.shape[:2], bool) if shown is None else shown
    return joints.measure_movement(poses, shown, RULES["min_confidence"])


def name(poses: np.ndarray, times: np.ndarray, shown=None) -> tuple[list[str], np.ndarray]:
    """Actions of one track, and how sure they are."""
    words, sure = actions.name_actions(
        make_movement(poses, shown), np.full(len(times), "t"), times, RULES
    )
    return words.tolist(), sure


TIMES = np.arange(12) / 8


@pytest.mark.parametrize(
    ("move", "action"),
    [(stand, "stand"), (walk, "walk"), (run, "run"), (sit, "sit"), (wave, "wave"), (lie, "lie")],
)
def test_action_of_a_track(move, action):
    words, sure = name(np.stack([move(time) for time in TIMES]), TIMES)
    assert words == [action] * 12
    assert (sure > 0.6).all()


def test_legs_that_are_not_seen_tell_no_action():
    words, sure = name(np.stack([without_legs(time) for time in TIMES]), TIMES)
    assert words == ["unknown"] * 12
    assert sure.tolist() == [0] * 12


@pytest.mark.parametrize("turn_deg", [0, 45, 90, 135, 180])
@pytest.mark.parametrize("gait", ["stand", "walk", "run"])
def test_gaits_are_told_from_every_side(gait, turn_deg):
    poses, times = film_mover(gait, turn_deg)
    words, sure = name(poses, times)
    assert words == [gait] * 12
    assert sure.mean() > 0.6


def test_legs_that_swing_from_a_seat_do_not_walk():
    poses = np.stack([walk(time) for time in TIMES])
    poses[:, LEGS, 1] -= 80
    assert name(poses, TIMES)[0] == ["unknown"] * 12


def test_a_raised_arm_that_rests_is_no_wave():
    pose = make_pose()
    pose[9, 1] = 60
    assert name(np.stack([pose] * 12), TIMES)[0] == ["stand"] * 12


def test_a_hand_that_moves_below_the_shoulder_is_no_wave():
    poses = np.stack([wave(time) for time in TIMES])
    poses[:, 9, 1] += 100
    assert name(poses, TIMES)[0] == ["stand"] * 12


@pytest.mark.parametrize(
    ("pose", "action"),
    [
        (stand(0), "stand"),
        (step(0.25, 60), "walk"),
        (step(0.25, 160), "run"),
        (sit(0), "sit"),
        (step(0.25, 0), "unknown"),
        (wave(0), "unknown"),
    ],
    ids=["stand", "feet apart and one lifted", "feet apart and one high", "sit"]
    + ["feet apart on the ground", "a raised hand"],
)
def test_action_of_a_single_image(pose, action):
    words, sure = name(pose[None], np.zeros(1))
    assert words == [action]
    assert sure[0] <= 2 / 3


def test_more_images_that_tell_the_same_are_surer():
    certainties = [name(np.stack([stand(0)] * n), TIMES[:n])[1][0] for n in (1, 4, 12)]
    assert certainties == sorted(certainties)
    assert certainties[2] == pytest.approx(13 / 14)


def test_an_action_at_its_threshold_is_half_sure():
    pose = sit(0)
    pose[[13, 14], 1] = 200 + 100 * (RULES["sit_drop"] - 0.01)
    words, sure = name(np.stack([pose] * 12), TIMES)
    assert words == ["sit"] * 12
    assert sure == pytest.approx([0.5 * 13 / 14] * 12, abs=0.05)


def test_tracks_do_not_mix():
    times = np.tile(np.arange(6) / 8, 2)
    poses = np.stack([*(walk(t) for t in times[:6]), *(stand(t) for t in times[6:])])
    movement = make_movement(poses)
    words, _ = actions.name_actions(movement, np.repeat(["a", "b"], 6), times, RULES)
    assert words.tolist() == ["walk"] * 6 + ["stand"] * 6


WIDE, SIZES = np.array([[150.0, 50, 250, 410]]), np.array([[400.0, HEIGHT]])


@pytest.mark.parametrize(
    ("frame_px", "seen"),
    [(HEIGHT, [True] * 3), (405, [True, True, False]), (320, [True, False, False])]
    + [(215, [False] * 3)],
    ids=["whole", "feet at the cut", "knees at the cut", "hips at the cut"],
)
def test_joints_just_inside_a_cut_are_guesses(frame_px, seen):
    sizes, pose = np.array([[400.0, frame_px]]), make_pose()[None]
    cuts = joints.find_cuts(np.minimum(WIDE, frame_px), sizes)
    shown = joints.find_in_frame(pose, sizes) & ~joints.find_guesses(pose, cuts, sizes)
    assert [shown[0, pair].all() for pair in ([11, 12], [13, 14], [15, 16])] == seen
    assert shown[0, :11].all()  # of what lies above nothing is a guess


def test_knees_beyond_the_frame_are_no_sitting():
    """The net puts the knees of a half figure at the frame's edge, as high as those of a sitter."""
    poses = np.stack([make_pose()] * 12)
    poses[:, [13, 14], 1] = 230
    poses[:, [15, 16], 1] = 238
    sizes = np.tile([400.0, 240], (12, 1))
    cuts = joints.find_cuts(np.tile([150.0, 50, 250, 240], (12, 1)), sizes)
    guesses = joints.find_guesses(poses, cuts, sizes)
    assert name(poses, TIMES)[0] == ["sit"] * 12  # what believing them would give
    assert name(poses, TIMES, ~guesses)[0] == ["unknown"] * 12


def test_joints_off_the_mask_are_not_on_the_body():
    mask = np.ones((420, 400), bool)
    mask[260:] = False  # something in front of the legs
    assert joints.find_on_mask(make_pose(), mask).tolist() == [True] * 13 + [False] * 4


def measure(pose: np.ndarray, frame_px: float = HEIGHT) -> tuple:
    """What framing is judged by, of one pose that shows down to the frame's edge."""
    heights, boxes = np.array([frame_px]), np.array([[150.0, 50, 250, min(410, frame_px)]])
    body = pose_labels.measure_bodies(pose[None], heights, 0.5)
    sizes = np.array([[400.0, frame_px]])
    body["whole"] = pose_labels.find_whole(pose[None], boxes, sizes)
    return next(body.itertuples())


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
    body = measure(turn(degrees))
    assert pose_labels.name_view(body, gaze_yaw, RULES) == view


def test_view_of_a_close_up_asks_the_face_too():
    body = measure(turn(35), 150)
    views = [pose_labels.name_view(body, gaze, RULES) for gaze in (0, 1)]
    assert views == ["front", "three_quarter"]


def test_view_of_a_trunk_that_is_not_seen_is_unknown():
    pose = make_pose()
    pose[[5, 6, 11, 12], 2] = 0.1
    assert pose_labels.name_view(measure(pose), NO_FACE, RULES) == "unknown"


@pytest.mark.parametrize(
    ("frame_px", "shot_type"),
    [(150, "close-up"), (250, "medium"), (405, "medium"), (420, "full"), (1000, "wide")],
    ids=["cut at the chest", "cut at the thighs", "cut at the feet", "all of the body, tall"]
    + ["all of it, small"],
)
def test_shot_type(frame_px, shot_type):
    share = min(1, 370 / frame_px)
    assert pose_labels.name_shot_type(measure(make_pose(), frame_px), share, RULES) == shot_type


@pytest.mark.parametrize(
    ("box", "shift", "whole"),
    [
        ((150, 50, 250, 410), (0, 0), True),
        ((150, 50, 250, 260), (0, 0), False),
        ((150, 0, 250, 300), (0, -110), False),
        ((0, 50, 50, 410), (-200, 0), False),
    ],
    ids=["head to feet", "behind a table", "head beyond the frame", "half beyond its side"],
)
def test_a_half_figure_is_not_whole(box, shift, whole):
    pose = make_pose(shift)[None]
    assert pose_labels.find_whole(pose, np.array([box]), SIZES).tolist() == [whole]


@pytest.mark.parametrize(
    ("in_frame", "on_mask", "occlusion"), [(17, 17, 0), (17, 13, 4 / 17), (13, 13, 0), (0, 0, 0)]
)
def test_occlusion_counts_joints_off_the_mask_but_not_off_the_frame(in_frame, on_mask, occlusion):
    rows = [np.arange(17)[None] < number for number in (in_frame, on_mask)]
    assert pose_labels.measure_occlusion(*rows) == pytest.approx([occlusion])


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
    assert table["score"].between(0.5, 1).all()
    assert table["joints_seen"].map(all).all()


def test_nobody_leaves_an_empty_table(tmp_path):
    tables = make_tables(tmp_path, {"s0000_t00": stand})
    pd.read_parquet(tmp_path / "all.parquet")[:0].to_parquet(tmp_path / "none.parquet")
    tables |= {
        name: [str(tmp_path / "none.parquet")] for name in ("instances", "keypoints", "faces")
    }
    counts = classify_poses.main(**tables, labels=str(tmp_path / "out.parquet"), rules=RULES)
    assert counts.read == 0
    assert read_manifest(tmp_path / "out.parquet").columns.tolist() == classify_poses.LABELS.names
