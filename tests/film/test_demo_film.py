"""The demo film and its truth agree with each other, and hold what the accuracy report measures."""

import io
import json
import sys
import zipfile
from pathlib import Path

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

HOME = Path(__file__).parents[2] / "resources" / "demo_film"
TRUTH = HOME / "truth"
sys.path.insert(0, str(HOME))

from maker import camera, geometry, measure, notation, overlays, poses, screenplay  # noqa: E402

needs_film = pytest.mark.skipif(not (HOME / "film.mp4").exists(), reason="the film is not here")
COCO_17 = [
    *["nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"],
    *["left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"],
    *["left_knee", "right_knee", "left_ankle", "right_ankle"],
]
COLUMNS = {
    "frames": "frame_no,time_s,shot_id,location,time_of_day,weather,indoor,is_fade,is_title,"
    "is_blurred,unique_render_id,plate",
    "shots": "shot_id,first_frame,end_frame,transition_in,camera",
    "instances": "frame_no,character,x0,y0,x1,y1,visible_px,occluded_fraction,action,expression,"
    "shot_type,body_yaw_deg,view",
    "keypoints": "frame_no,character,keypoint,x_px,y_px,visible",
    "faces": "frame_no,character,x0,y0,x1,y1,yaw_deg,pitch_deg,face_visible_fraction",
    "duplicates": "frame_no,unique_render_id,copy_no,change_from_previous_frame",
    "text": "frame_no,kind,x0,y0,x1,y1,text",
}


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(TRUTH / f"{name}.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def frames() -> pd.DataFrame:
    return read("frames")


@pytest.fixture(scope="module")
def instances() -> pd.DataFrame:
    return read("instances")


@pytest.fixture(scope="module")
def shots() -> pd.DataFrame:
    return read("shots")


def read_masks(ids: list[str]) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(TRUTH / "masks.zip") as masks:
        return {i: np.asarray(Image.open(io.BytesIO(masks.read(f"masks/{i}.png")))) for i in ids}


# ---- the film and its tables agree


@needs_film
@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name):
    assert ",".join(read(name).columns) == COLUMNS[name]


@needs_film
def test_the_film_has_the_frames_of_the_table(frames):
    with av.open(str(HOME / "film.mp4")) as container:
        stream = container.streams.video[0]
        decoded = sum(1 for _ in container.decode(stream))
        assert (stream.width, stream.height, stream.average_rate) == (960, 540, 24)
    assert decoded == len(frames)
    assert frames["frame_no"].tolist() == list(range(decoded))


@needs_film
def test_shots_tile_the_film(frames, shots):
    assert shots["first_frame"].tolist() == [0, *shots["end_frame"].tolist()[:-1]]
    assert shots["end_frame"].iloc[-1] == len(frames)
    for shot in shots.itertuples():
        inside = frames["frame_no"].between(shot.first_frame, shot.end_frame - 1)
        assert set(frames.loc[inside, "shot_id"]) == {shot.shot_id}


@needs_film
@pytest.mark.parametrize("name", ["instances", "text"])
def test_boxes_lie_inside_the_frame(name):
    boxes = read(name)
    assert (boxes[["x0", "y0"]] >= 0).all(axis=None)
    assert ((boxes["x1"] <= 960) & (boxes["y1"] <= 540)).all()
    assert ((boxes["x1"] > boxes["x0"]) & (boxes["y1"] > boxes["y0"])).all()


@needs_film
def test_masks_agree_with_boxes(frames, instances):
    number = json.loads((TRUTH / "screenplay.json").read_text(encoding="utf-8"))["mask_index"]
    rows = instances.merge(frames[["frame_no", "unique_render_id"]], on="frame_no")
    rows = rows.drop_duplicates(["unique_render_id", "character"]).iloc[::7]
    masks = read_masks(rows["unique_render_id"].unique().tolist())
    assert len(rows) > 20
    for row in rows.itertuples():
        mask = masks[row.unique_render_id] == number[row.character]
        assert measure.box_of(mask) == [row.x0, row.y0, row.x1, row.y1]
        assert mask.sum() == row.visible_px


@needs_film
def test_every_drawing_has_a_mask(frames):
    with zipfile.ZipFile(TRUTH / "masks.zip") as masks:
        assert {Path(name).stem for name in masks.namelist()} == set(frames["unique_render_id"])


@needs_film
def test_plates_are_there_and_stay_with_a_static_camera(frames, shots):
    files = {path.name for path in (TRUTH / "plates").glob("*.jpg")}
    assert set(frames["plate"]) - {""} == files
    static = frames["shot_id"].isin(shots.loc[shots["camera"] == "static", "shot_id"])
    assert (frames.loc[static & (frames["is_title"] == 0), "plate"] != "").all()


@needs_film
def test_a_plate_shows_the_frame_without_its_people(frames, instances):
    """Outside the people the image is the plate; where they stand it is not."""
    row = frames[(frames["shot_id"] == 3)].iloc[0]
    mask = read_masks([row["unique_render_id"]])[row["unique_render_id"]] > 0
    with av.open(str(HOME / "film.mp4")) as film:
        image = next(f for i, f in enumerate(film.decode(video=0)) if i == row["frame_no"])
    plate = np.asarray(Image.open(TRUTH / "plates" / row["plate"]), float)
    change = np.abs(image.to_ndarray(format="rgb24") - plate).mean(-1)
    assert change[:, :200].mean() < 4 < 20 < change[mask].mean()


@needs_film
def test_equal_ids_are_equal_images(frames):
    """Also in the shot that comes back later."""
    first = frames.groupby("unique_render_id")["shot_id"].transform("min")
    again = frames[frames["shot_id"] != first]
    original = frames[frames["unique_render_id"].isin(again["unique_render_id"])].drop(again.index)
    a, b = original["frame_no"].tolist(), again["frame_no"].tolist()
    assert len(a) == len(b)
    with av.open(str(HOME / "film.mp4")) as film:
        kept = {
            i: f.to_ndarray(format="rgb24").astype(int)
            for i, f in enumerate(film.decode(video=0))
            if i in (a[4], b[4])
        }
    assert np.abs(kept[a[4]] - kept[b[4]]).mean() < 2


@needs_film
def test_keypoints_are_coco(instances):
    keypoints = read("keypoints")
    assert keypoints["keypoint"].iloc[:17].tolist() == COCO_17
    assert len(keypoints) == 17 * len(instances)


@needs_film
def test_size():
    paths = [HOME / "film.mp4", *TRUTH.rglob("*")]
    assert sum(path.stat().st_size for path in paths if path.is_file()) <= 25e6


# ---- what a report needs is in the film


@needs_film
@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        ("character", {"Nella", "Bruno", "Pip"}),
        ("expression", {"neutral", "happy", "sad", "angry", "surprised"}),
        ("action", {"stand", "walk", "run", "sit", "wave"}),
        ("shot_type", {"close-up", "medium", "full", "wide"}),
        ("view", {"front", "three_quarter", "side", "back"}),
    ],
)
def test_people_show_everything(instances, column, wanted):
    assert wanted <= set(instances[column])


@needs_film
def test_every_face_shows_every_expression_in_close_up(instances):
    close = instances[instances["shot_type"] == "close-up"]
    assert len(close[["character", "expression"]].drop_duplicates()) == 15


@needs_film
def test_the_film_shows_everything(frames, shots):
    assert len(shots) >= 25
    assert len(set(frames["location"]) - {"card"}) >= 4
    assert set(frames["time_of_day"]) == {"day", "sunset", "evening", "night"}
    assert set(frames["weather"]) == {"clear", "overcast", "fog", "rain", "snow"}
    assert {"start", "cut", "fade", "dissolve"} == set(shots["transition_in"])
    assert (shots["camera"] == "static").mean() >= 0.5
    assert set(frames["is_fade"]) == {0, 1, 2}
    assert frames["is_blurred"].any() and frames["indoor"].any()
    pairs = frames[["unique_render_id", "shot_id"]].drop_duplicates()
    assert len(pairs) > len(set(pairs["unique_render_id"]))  # a shot that comes back


@needs_film
def test_text_is_burnt_in(frames):
    text = read("text").merge(frames[["frame_no", "shot_id"]], on="frame_no")
    assert len(set(text.loc[text["kind"] == "subtitle", "shot_id"])) == 3
    assert len(set(text.loc[text["kind"] == "watermark", "shot_id"])) == 1
    assert len(set(text.loc[text["kind"] == "title", "shot_id"])) == 2


@needs_film
def test_people_hide_each_other(instances):
    assert (instances["occluded_fraction"] > 0.2).any()


def test_the_roster_shows_everyone():
    roster = HOME.parents[1] / "config/rosters/demo"
    counts = {path.name: len(list(path.glob("*.jpg"))) for path in roster.iterdir()}
    assert counts == {"nella": 6, "bruno": 6, "pip": 6}


# ---- the maker, as far as numpy goes


def test_the_screenplay_is_the_committed_film():
    film = json.loads((TRUTH / "screenplay.json").read_text(encoding="utf-8"))
    built = json.loads(json.dumps(notation.build("screenplay")))
    assert {key: film[key] for key in built} == built


def test_a_repeated_shot_keeps_its_drawings():
    film = notation.build("screenplay")
    again = next(shot for shot in film["shots"] if shot["repeats"] is not None)
    original = film["shots"][again["repeats"]]
    assert again["id"] > original["id"]
    assert notation.render_id(again, 3) == notation.render_id(original, 3)


@pytest.mark.parametrize(("frame", "drawing"), [(0, 0), (2, 0), (3, 1), (29, 3)])
def test_drawings_are_held_on_threes(frame, drawing):
    assert notation.drawing_of({"drawings": 4}, frame) == drawing


def test_ids_and_frames_have_no_gaps():
    film = notation.build("screenplay")
    drawn = notation.to_draw(film)
    starts = np.cumsum([0, *[shot["drawings"] for shot in drawn]])
    assert [shot["first_render"] for shot in drawn] == starts[:-1].tolist()
    assert film["frames"] == sum(shot["frames"] for shot in film["shots"])
    assert len(screenplay.SHOTS) == len(film["shots"])


def test_projection():
    lens = camera.Camera((0, -10, 1), (0, 0, 1), 36, (960, 540))
    middle, right, above = lens.project(np.array([[0, 0, 1], [1, 0, 1], [0, 0, 2]], float))
    assert np.allclose(middle, [480, 270, 10])
    assert np.allclose(right, [480 + 96, 270, 10])  # 36 mm of film are 960 px wide
    assert np.allclose(above, [480, 270 - 96, 10])


def test_the_camera_frames_a_head_in_the_middle():
    joints = np.zeros((1, 17, 3))
    joints[0, 0] = [0, -0.1, 1.6]
    vertices = np.array([[[0, 0, 0], [0, 0, 1.75]]], float)
    person = {"who": notation.who("Nella"), "joints": joints, "v": vertices, "head_h": 0.25}
    lens = camera.aim(notation.shot("plaza", "day", "close-up"), [person], 0.0, (960, 540))
    x, y, _ = lens.project(joints[0, :1])[0]
    assert abs(x - 480) < 1
    assert 200 < y < 340


@pytest.mark.parametrize(
    ("facing", "yaw", "view"),
    [
        (0, 0, "front"),
        (45, 45, "three_quarter"),
        (90, 90, "side"),
        (-140, -140, "three_quarter_back"),
        (180, 180, "back"),
    ],
)
def test_body_yaw(facing, yaw, view):
    lens = camera.Camera((0, -5, 1), (0, 0, 1), 40, (960, 540))
    measured = camera.body_yaw(notation.who("Pip", facing=facing), 0.0, lens)
    assert abs(abs(measured) - abs(yaw)) < 1e-6
    assert camera.view_of(measured) == view


def test_positive_yaw_faces_the_right_of_the_image():
    lens = camera.Camera((0, -5, 1), (0, 0, 1), 40, (960, 540))
    turn, _ = camera.place(notation.who("Pip", facing=60), 0.0)
    nose_x = lens.project((turn @ np.array([0, -1.0, 1]))[None])[0, 0]
    assert nose_x > 480
    assert camera.body_yaw(notation.who("Pip", facing=60), 0.0, lens) > 0


def test_a_cut_mesh_ends_at_the_plane():
    """Vertices beyond the cut move onto it, so that a hem is a line and not a row of teeth."""
    x, z = np.meshgrid(np.arange(4.0), np.arange(5.0))
    points = np.stack([x, 0 * x, z], -1).reshape(-1, 3)
    faces, cuts = geometry.trim(geometry.grid_faces(5, 4, wrap=False), 2.3 - points[:, 2])
    for vertex, mate, fraction in cuts:
        a, b = points[int(mate)], points[int(vertex)]
        points[int(vertex)] = a + fraction * (b - a)
    assert points[np.unique(faces), 2].max() == pytest.approx(2.3)


def test_rigid_fit():
    rng = np.random.default_rng(0)
    points, turn = rng.normal(size=(20, 3)), poses.rotate("z", 30)[:3, :3]
    rotation, shift = geometry.fit_rigid(points, points @ turn.T + [1, 2, 3])
    assert np.allclose(rotation, turn)
    assert np.allclose(shift, [1, 2, 3])


@pytest.mark.parametrize("action", ["stand", "walk", "run", "sit", "wave"])
def test_poses_are_rotations(action):
    matrices = poses.pose(action, 0.4).values()
    assert len(matrices) >= 4
    for matrix in matrices:
        assert np.allclose(matrix @ matrix.T, np.eye(4))


def test_an_unknown_action_is_an_error():
    with pytest.raises(LookupError, match="jump"):
        poses.pose("jump", 0.0)


def test_a_fade_ends_in_black():
    shot = notation.shot("plaza", "day", "full", s=1.5, fade_out=0.5, fade_in=0.25) | {
        "drawings": 12
    }
    brightness = [overlays.fade_of(shot, k) for k in range(12)]
    assert brightness[0] == brightness[-1] == 0
    assert brightness[2:8] == [1.0] * 6


def test_a_dissolve_mixes_the_two_shots_at_the_cut():
    a = {"id": 0, "drawings": 8}
    b = {"id": 1, "drawings": 8, "dissolve_in": 0.5}
    found = [overlays.find_dissolve([a, b], shot, k) for shot in (a, b) for k in range(8)]
    weights = [0 if mix is None else mix[2] for mix in found]
    assert weights[5:11] == pytest.approx([0, 0.2, 0.4, 0.4, 0.2, 0])


def test_the_box_of_a_mask():
    mask = np.zeros((10, 20), bool)
    mask[2:5, 7:11] = True
    assert measure.box_of(mask) == [7, 2, 11, 5]
