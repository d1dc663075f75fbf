"""crop_faces: the right person's face, squares inside the image, where the face looks."""

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.sums import list_changes
from workflow_scripts.film import crop_faces
from workflow_scripts.film.people import faces as faces_of_people
from workflow_scripts.film.segment_instances import INSTANCES
from workflow_scripts.lib.images import encode_rle, read_rgb, write_image
from workflow_scripts.lib.manifest import read_manifest, write_manifest

SKIN = (230, 180, 150)
WIDTH, HEIGHT = 200, 120


def draw(*people: int) -> np.ndarray:
    """Bodies 40 wide with a face 20 wide at the top, at the given left edges."""
    image = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    for left in people:
        image[10:, left : left + 40] = (20, 20, 160)
        image[12:36, left + 10 : left + 30] = SKIN
    return image


def person(left: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[10:, left : left + 40] = True
    return mask


def find_skin(images: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """A face net: the box around everything of the color of skin."""
    return [find_in_one(image) for image in images]


def find_in_one(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(np.abs(image.astype(int) - SKIN).max(2) < 25)
    if not rows.size:
        return np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2))
    x0, y0, x1, y1 = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    shares = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8)])
    points = shares * (x1 - x0, y1 - y0) + (x0, y0)
    return np.array([[x0, y0, x1, y1]], float), np.array([0.9]), points[None]


def test_the_face_is_found_where_it_is_in_the_image():
    body = faces_of_people.lay_on_gray(draw(30), person(30), np.array([30, 10, 70, 120]))
    (face,) = faces_of_people.find_faces([body], find_skin)
    np.testing.assert_allclose(face.box, [40, 12, 60, 36], atol=1.5)
    np.testing.assert_allclose(face.landmarks[2], [50, 26.4], atol=1.5)


def test_faces_of_people_of_several_sizes_are_each_in_their_own_place():
    boxes = np.array([[30, 10, 70, 120], [0, 10, 160, 120]])
    bodies = [faces_of_people.lay_on_gray(draw(30), person(30), box) for box in boxes]
    found = [face.box for face in faces_of_people.find_faces(bodies, find_skin)]
    np.testing.assert_allclose(found, [[40, 12, 60, 36]] * 2, atol=1.5)


def test_a_neighbors_face_is_not_taken():
    image = draw(30, 75)
    image[12:36, 40:60] = (20, 20, 160)  # the first turns their back
    box = np.array([30, 10, 110, 120])  # of a mask that touches the neighbor
    body = faces_of_people.lay_on_gray(image, person(30), box)
    assert faces_of_people.find_faces([body], find_skin) == [None]


def test_everybody_is_looked_at_together_and_once_more_who_is_not_sure():
    image, box = draw(30, 120), np.array([30, 10, 70, 120])
    back = np.where(image == SKIN, np.uint8(60), image)
    bodies = [
        faces_of_people.lay_on_gray(image, person(30), box),
        faces_of_people.lay_on_gray(back, person(30), box),
        faces_of_people.lay_on_gray(image, person(120), box + [90, 0, 90, 0]),
    ]
    calls = []

    def look(images: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        calls.append([image.shape[0] < image.shape[1] * 1.5 for image in images])
        return find_skin(images)

    faces = faces_of_people.find_faces(bodies, look)
    assert calls == [[True, True, True], [False]]  # heads of all, then all of the one who turned
    assert faces[1] is None
    np.testing.assert_allclose([faces[0].box[0], faces[2].box[0]], [40, 130], atol=1.5)


def test_the_surer_face_of_both_looks_is_kept_for_each_person():
    box = np.array([30, 10, 70, 120])
    bodies = [faces_of_people.lay_on_gray(draw(30), person(30), box) for _ in range(5)]
    scores = [[0.9, 0.3, None, 0.5, faces_of_people.SURE], [0.8, 0.7, 0.4]]
    expected, calls = [0.9, 0.8, 0.7, 0.5, faces_of_people.SURE], []

    def look(images: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        calls.append(len(images))
        found = zip(find_skin(images), scores[len(calls) - 1], strict=True)
        return [
            (boxes[:0], np.zeros(0), points[:0])
            if score is None
            else (boxes, np.array([score]), points)
            for (boxes, _, points), score in found
        ]

    faces = faces_of_people.find_faces(bodies, look)
    assert calls == [5, 3]  # the second look is for the unsure alone
    assert [face.score for face in faces] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("box", "square"),
    [
        ((50, 40, 70, 70), (33, 28, 54)),
        ((0, 0, 20, 30), (0, 0, 54)),
        ((170, 90, 200, 120), (146, 66, 54)),
        ((0, 0, 200, 120), (40, 0, 120)),
    ],
    ids=[
        "inside",
        "moved from the corner",
        "moved from the other corner",
        "no more than the image",
    ],
)
def test_square_stays_inside_the_image(box, square):
    assert faces_of_people.place_square(np.array(box), 1.8, WIDTH, HEIGHT) == square


def test_a_box_that_trembles_lies_in_the_same_square():
    boxes = np.array([[500, 300, 540, 360], [501, 298, 541, 362], [499, 302, 541, 358]])
    squares = [faces_of_people.place_steady_square(box, 1920, 1080) for box in boxes]
    np.testing.assert_allclose(squares, [(456, 266, 128)] * 3, atol=1)
    assert {side for *_, side in squares} == {128}
    assert faces_of_people.place_steady_square(np.array([0, 0, 100, 120]), WIDTH, HEIGHT) == (
        0,
        0,
        120,
    )


@pytest.mark.parametrize(
    ("nose_x", "yaw"),
    [(50, 0.0), (60, 1.0), (40, -1.0), (55, 0.5), (90, 1.0)],
    ids=["at us", "right", "left", "half right", "beyond the eyes"],
)
def test_yaw(nose_x, yaw):
    points = np.array([(40, 40), (60, 40), (nose_x, 50), (42, 60), (58, 60)], float)
    assert faces_of_people.measure_yaw(points) == pytest.approx(yaw)


def test_sharpness_falls_with_blur_and_flatness():
    rng = np.random.default_rng(1)
    crisp = rng.integers(0, 255, (64, 64, 3)).astype(np.uint8)
    soft = cv2.GaussianBlur(crisp, (0, 0), 4)
    flat = np.full((64, 64, 3), 90, np.uint8)
    scores = [faces_of_people.measure_sharpness(image) for image in (crisp, soft, flat)]
    assert scores[0] > scores[1] > scores[2] == 0


def make_inputs(folder, people: list[int], frames: int = 1) -> None:
    """Frames of people at the given left edges, of whom the first shows a face."""
    names = [f"s0001_f{number:06d}" for number in range(frames)]
    rows = [
        {
            "instance_id": f"{name}_i{i:02d}",
            "frame_id": name,
            "shot_id": 1,
            "track_id": f"s0001_t{i:02d}",
            "x0": left,
            "y0": 10,
            "x1": left + 40,
            "y1": HEIGHT,
            "score": 0.9,
            "mask": encode_rle(person(left)),
            "height_px": HEIGHT,
            "width_px": WIDTH,
            "area_px": 4400,
            "region": None,
        }
        for name in names
        for i, left in enumerate(people)
    ]
    table = pd.DataFrame(rows, columns=INSTANCES.names)
    write_manifest(table, folder / "instances.parquet", INSTANCES)
    pd.DataFrame({"frame_id": names, "file": "a.png"}).to_parquet(folder / "f.parquet")
    write_image(folder / "a.png", draw(*people[:1]))


def run_main(tmp_path, monkeypatch, net):
    monkeypatch.setattr(crop_faces, "load_model", lambda *_: net)
    counts = crop_faces.main(
        str(tmp_path / "instances.parquet"),
        str(tmp_path / "f.parquet"),
        str(tmp_path),
        [],
        str(tmp_path / "faces.parquet"),
        str(tmp_path / "crops"),
        model={"name": "stub", "device": "cpu"},
        margin=1.8,
    )
    return counts, read_manifest(tmp_path / "faces.parquet")


def test_people_of_several_frames_are_looked_at_together(tmp_path, monkeypatch):
    calls = []

    def look(images: list[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        calls.append(len(images))
        return find_skin(images)

    make_inputs(tmp_path, [30, 120, 150], frames=20)
    counts, table = run_main(tmp_path, monkeypatch, look)
    # heads of the people in 8 frames, then all of those two who turn their backs
    assert calls == [24, 16, 24, 16, 12, 8]
    assert (counts.kept, counts.set_aside) == (20, {"no_face": 40})
    assert table["instance_id"].tolist() == [f"s0001_f{n:06d}_i00" for n in range(20)]


def test_each_face_of_a_batch_is_that_of_its_frame(tmp_path, monkeypatch):
    make_inputs(tmp_path, [30], frames=11)
    files = pd.read_parquet(tmp_path / "f.parquet")
    files["file"] = [f"{n}.png" for n in range(11)]
    files.to_parquet(tmp_path / "f.parquet")
    for number, file in enumerate(files["file"]):
        image = draw(30)
        image[12 : 16 + number, 40:60] = (20, 20, 160)  # the face begins lower and lower
        write_image(tmp_path / file, image)
    _, table = run_main(tmp_path, monkeypatch, find_skin)
    assert table["frame_id"].tolist() == [f"s0001_f{n:06d}" for n in range(11)]
    np.testing.assert_allclose(table["y0"], 16 + np.arange(11), atol=0.6)


@pytest.mark.parametrize("people", [[30, 120], []], ids=["a face and a back", "nobody"])
def test_faces_get_rows_and_crops(tmp_path, monkeypatch, people):
    make_inputs(tmp_path, people)
    counts, table = run_main(tmp_path, monkeypatch, find_skin if people else None)
    assert list_changes(tmp_path / "faces.parquet", tmp_path / "crops") == [""] * len(table)
    assert counts.set_aside["no_face"] == len(people) // 2
    assert table["instance_id"].tolist() == ["s0001_f000000_i00"][: len(people)]
    for row in table.itertuples():
        crop = read_rgb(tmp_path / "crops" / row.file)
        assert crop.shape == (row.crop_px, row.crop_px, 3)
        assert abs(crop[row.crop_px // 2, row.crop_px // 2].astype(int) - SKIN).max() < 12
