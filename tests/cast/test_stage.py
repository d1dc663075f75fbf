import numpy as np
import pyarrow.parquet as pq
import pytest
from cast import shards, stage, truth
from cast.attributes import Part
from cast.captions import write_caption
from cast.framing import Posed
from cast.places import make_place
from cast.postures import find_posture
from cast.rasterizer import Camera, Light, rasterize

from tests.factories.cast_in_code import JOINTS, make_actor

SIZE = 96


@pytest.fixture(scope="module")
def drawn():
    """Thirty images of one or two figures, with their masks and rows."""
    actors, places = (
        [make_actor(1), make_actor(2)],
        [make_place("beach", 1), make_place("kitchen", 1)],
    )
    return [
        stage.draw_image(
            actors[: 1 + k % 2], places[k % 3 % 2], SIZE, np.random.default_rng([5, k])
        )
        for k in range(30)
    ]


def test_the_same_seed_draws_the_same_image(drawn):
    again = stage.draw_image(
        [make_actor(1)], make_place("beach", 1), SIZE, np.random.default_rng([5, 0])
    )
    assert again[0].tobytes() == drawn[0][0].tobytes()
    assert again[2] == drawn[0][2]
    assert drawn[0][0].tobytes() != drawn[2][0].tobytes()


def test_boxes_masks_and_pixels_agree(drawn):
    people = [(mask, person) for _, mask, row in drawn for person in row["people"]]
    assert len(people) > 30
    for mask, person in people:
        own = mask == person["person"]
        assert own.sum() == pytest.approx(person["visible_px"], rel=0.12, abs=30)
        rows, columns = np.nonzero(own)
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        np.testing.assert_allclose(person["box"], found, atol=1.5)


def test_seen_joints_lie_on_their_person(drawn):
    on, shown = 0, 0
    for _, mask, row in drawn:
        for person in row["people"]:
            joints = np.reshape(person["keypoints"], (17, 3))
            x, y = np.floor(joints[joints[:, 2] > 0, :2]).astype(int).T
            near = np.pad(mask == person["person"], 2)
            shown += len(x)
            on += sum(near[r : r + 5, c : c + 5].any() for c, r in zip(x, y, strict=True))
    assert shown > 200 and on == shown


def test_rows_say_what_was_drawn(drawn):
    rows = [row for _, _, row in drawn]
    assert {row["place"] for row in rows} == {"beach", "kitchen"}
    assert {row["indoor"] for row in rows if row["place"] == "kitchen"} == {"indoor"}
    assert {row["weather"] for row in rows if row["indoor"] == "indoor"} == {"unknown"}
    assert len({row["shot_type"] for row in rows}) >= 3
    assert all(row["people"][0]["person"] == 1 for row in rows)
    backs = [row["people"][0] for row in rows if row["people"][0]["view"] == "back"]
    assert len(backs) >= 1
    assert {person["visible"]["gender"] for person in backs} == {"unknown"}


def test_captions_can_be_written_of_every_row(drawn):
    said = [write_caption(row, np.random.default_rng(k)) for k, (_, _, row) in enumerate(drawn)]
    assert len(set(said)) > 25
    assert not any("unknown" in text or "none" in text for text in said)


def test_rows_come_back_from_their_file(drawn, tmp_path):
    rows = [
        {"image_id": f"i{k}", "image": shards.encode(image, "png"), "mask": shards.encode(mask, "png"),
         "captions": ["a"], "place_seed": 1, **row}
        for k, (image, mask, row) in enumerate(drawn)
    ]  # fmt: skip
    shards.write_images(rows, tmp_path / "a" / "cast.parquet", {"seed": 1})
    assert shards.read_settings(tmp_path / "a" / "cast.parquet") == {"seed": 1}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["cast.parquet"]
    back = pq.read_table(tmp_path / "a" / "cast.parquet").to_pylist()
    assert len(back) == 30
    for (image, mask, row), found in zip(drawn, back, strict=True):
        assert (shards.decode(found["image"]) == image).all()
        assert (shards.decode(found["mask"]) == mask).all()
        assert (
            found["people"][0]["visible"]["top_color"] == row["people"][0]["visible"]["top_color"]
        )
        assert dict(found["people"][0]["parts_px"]) == pytest.approx(row["people"][0]["parts_px"])


def test_jpeg_is_near_and_broken_bytes_are_told(drawn):
    image = drawn[0][0]
    near = shards.decode(shards.encode(image, "jpeg"))
    assert np.abs(near.astype(int) - image).mean() < 4
    with pytest.raises(ValueError, match="These 3 bytes are no image"):
        shards.decode(b"abc")


def draw_front(azimuth: float, facing: float = 0.0):
    actor = make_actor()
    points, joints, head = stage.framing.stand(
        actor.figure.mesh.points, JOINTS, np.eye(3), (0, 0), facing
    )
    posed = Posed(points, joints, head, 0.25, facing)
    a = np.radians(azimuth)
    camera = Camera(np.array([4 * np.sin(a), -4 * np.cos(a), 1.0]), np.array([0, 0, 0.9]), 30)
    mesh = stage.replace(actor.figure.mesh, points=points, person=1)
    return posed, camera, rasterize([mesh], camera, Light(), 128)


@pytest.mark.parametrize(
    ("azimuth", "facing", "yaw"), [(0, 0, 0), (40, 0, 40), (40, 40, 0), (0, 150, 150)]
)
def test_the_head_is_measured_against_the_lens(azimuth, facing, yaw):
    posed, camera, _ = draw_front(azimuth, facing)
    found, pitch = truth.look_at_head(posed, camera)
    assert abs(found) == pytest.approx(yaw, abs=1.5)
    assert abs(pitch) < 8


def test_joints_of_the_far_side_are_hidden():
    posed, camera, drawing = draw_front(90)  # from the person's left
    seen = dict(
        zip(truth.JOINTS, truth.see_joints(posed, camera, drawing, 1)[:, 2] > 0, strict=True)
    )
    assert seen["left_elbow"] and seen["left_shoulder"] and seen["left_wrist"]
    assert not seen["right_elbow"] and not seen["right_wrist"]


def test_parts_are_counted_in_pixels_of_the_image():
    _, _, drawing = draw_front(0)
    names = {int(part): part.name for part in Part}
    counts = truth.count_parts(drawing, 1, names)
    scale = 128 / (2 * 4 * np.tan(np.radians(15)))  # pixels a meter at the person
    assert counts["TOP"] == pytest.approx(0.36 * 0.55 * scale**2, rel=0.15)
    assert set(counts) >= {"FACE", "HAIR", "IRIS", "LIPS", "BOTTOM", "SLEEVE"}
    assert truth.count_parts(drawing, 2, names) == {}


def make_joints(**moved) -> np.ndarray:
    """Seen joints of a figure that stands with its arms down, some moved (x, y)."""
    joints = np.c_[JOINTS[:, 0] * 100, (1.7 - JOINTS[:, 2]) * 100, np.ones(17)]
    for name, place in moved.items():
        joints[truth.JOINTS.index(name), :2] = place
    return joints


@pytest.mark.parametrize(
    ("moved", "words"),
    [
        ({}, ["arms_lowered", "legs_straight"]),
        ({"right_wrist": (-24, 10)}, ["one_arm_raised", "legs_straight"]),
        ({"right_wrist": (-24, 10), "left_wrist": (24, 8)}, ["both_arms_raised", "legs_straight"]),
        ({"right_wrist": (0, 58)}, ["one_arm_bent", "legs_straight"]),
        ({"right_wrist": (-24, 32)}, ["legs_straight"]),  # level with the shoulder: neither
        ({"left_knee": (60, 90), "left_ankle": (60, 140)}, ["arms_lowered", "one_knee_bent"]),
    ],
    ids=lambda value: ",".join(value),
)
def test_postures(moved, words):
    assert find_posture(make_joints(**moved)) == words


def test_hidden_limbs_have_no_posture():
    joints = make_joints()
    joints[[9, 10, 15, 16], 2] = 0
    assert find_posture(joints) == []
