"""segment_instances: people followed through the shot, looked for again, scenery left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from workflow_scripts.film import segment_instances
from workflow_scripts.film.people import recovery, segmentation
from workflow_scripts.film.people.tracks import Sighting, describe_colors, link_tracks
from workflow_scripts.lib.images import decode_rle, write_image
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.models.detections import Detections, no_detections

HEIGHT, WIDTH = 90, 160
RED, GREEN = (200, 30, 30), (30, 200, 30)
FRAMES = pa.schema(
    [
        ("frame_id", pa.string()),
        ("shot_id", pa.int32()),
        ("frame_no", pa.int64()),
        ("time_s", pa.float64()),
        ("file", pa.string()),
    ]
)
COLORS = {
    "red": np.array([1.0, 0, 0]),
    "green": np.array([0, 1.0, 0]),
    "brick": np.array([0.5, 0, 0.5]),
}


def paint(*people: tuple[int, tuple]) -> np.ndarray:
    """A gray image with a bar 20 px wide and 60 px high per (left, color)."""
    image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
    for left, color in people:
        image[20:80, max(0, left) : left + 20] = color
    return image


def see(image: np.ndarray, score: float = 0.9) -> Detections:
    """A detector of red and of green bars."""
    masks = [np.all(image == color, axis=2) for color in (RED, GREEN)]
    masks = np.stack([mask for mask in masks if mask.any()] or [np.zeros((0, 0), bool)])
    if not masks.size:
        return no_detections(*image.shape[:2], regions=False)
    boxes = [box_of(mask) for mask in masks]
    return Detections(np.array(boxes, np.float32), np.full(len(boxes), score, np.float32))


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


def cut(image: np.ndarray, found: Detections) -> Detections:
    """A segmenter: what is not gray near the middle of each box."""
    rows, masks = [], []
    for row, (x0, _, x1, _) in enumerate(found.boxes.astype(int)):
        x = np.clip((x0 + x1) // 2 + np.arange(-8, 9), 0, image.shape[1] - 1)
        color = next((c for c in (RED, GREEN) if (image[50, x] == c).all(1).any()), None)
        if color is not None:
            rows.append(row)
            masks.append(np.all(image == color, axis=2))
    if not rows:
        return no_detections(*image.shape[:2], regions=False)
    boxes = np.array([box_of(mask) for mask in masks], np.float32)
    return Detections(boxes, found.scores[rows], None, np.stack(masks))


def sighting(time_s: float, x: float, color: str = "red", size: float = 20) -> Sighting:
    box = np.array([x, 20, x + size, 20 + 3 * size], float)
    return Sighting(time_s, box, COLORS[color], 0.9)


@pytest.mark.parametrize(
    ("frames", "numbers"),
    [
        ([[sighting(0, 10)], [sighting(0.1, 14)]], [[0], [0]]),
        ([[sighting(0, 10)], [sighting(0.1, 14, "green")]], [[0], [1]]),
        ([[sighting(0, 10)], [sighting(0.1, 150, "brick")]], [[0], [1]]),
        (
            [
                [sighting(0, 10), sighting(0, 60, "green")],
                [sighting(1, 55), sighting(1, 15, "green")],
            ],
            [[0, 1], [0, 1]],
        ),
        ([[sighting(0, 10)], [], [], [sighting(0.8, 12)]], [[0], [], [], [0]]),
        ([[sighting(0, 10)], [], [], [sighting(1.8, 12)]], [[0], [], [], [1]]),
        ([[sighting(0, 10)], [sighting(3, 12)]], [[0], [0]]),
        (
            [[sighting(0, 10), sighting(0, 90)], [sighting(0.1, 20), sighting(0.1, 80)]],
            [[0, 1]] * 2,
        ),
    ],
    ids=[
        "moves on",
        "other colors in the same place",
        "far away, in half of the colors",
        "two who cross keep their colors",
        "lost for less than the gap",
        "lost for longer than the gap",
        "the next sampled image, seconds later",
        "twins go by place",
    ],
)
def test_link_tracks(frames, numbers):
    assert link_tracks(frames, max_gap_s=1.0) == numbers


def test_colors_are_those_of_the_mask():
    image = paint((10, RED))
    mask = np.all(image == RED, axis=2)
    there, elsewhere = describe_colors(image, mask), describe_colors(image, ~mask)
    assert there.sum() == pytest.approx(1)
    assert np.minimum(there, elsewhere).sum() < 0.6
    assert describe_colors(image, np.zeros_like(mask)).sum() == 0


def test_small_figures_are_looked_for_where_nobody_was_found():
    sizes, calls = [], []

    def detect(images: list[np.ndarray]) -> list[Detections]:
        calls.append(len(images))
        sizes.extend(image.shape[:2] for image in images)
        return [see(image) for image in images]

    image = paint((20, RED), (110, GREEN))
    taken = np.all(image == RED, axis=2)
    found = segmentation.detect_small(image, detect, taken)
    assert set(sizes) == {(45, 45)}
    assert calls == [21]  # all squares at once
    assert len(found) > 0
    assert (found.boxes[:, 0] >= 110).all()
    assert (found.boxes[:, 2] <= 130).all()


def test_prompt_between_two_sightings_lies_between():
    people = recovery.find_people(
        paint((10, RED)), 0.0, cut(paint((10, RED)), see(paint((10, RED))))
    )
    before = people[0]
    after = replace(
        before, sighting=replace(before.sighting, time_s=2.0, box=before.sighting.box + 40)
    )
    prompt = recovery.interpolate_prompt(before, after, 0.5)
    np.testing.assert_allclose(prompt.boxes[0], before.sighting.box + 10)
    np.testing.assert_allclose(
        recovery.interpolate_prompt(before, None, 0.5).boxes[0], before.sighting.box
    )


def segment(images: list[np.ndarray], detections: list[Detections], sure: float = 0.75) -> list:
    frames = [
        recovery.find_people(image, number / 8, cut(image, found)) if len(found) else []
        for number, (image, found) in enumerate(zip(images, detections, strict=True))
    ]
    times = [number / 8 for number in range(len(images))]
    return recovery.recover_people(
        lambda index: images[index], times, frames, cut, sure_score=sure, max_gap_s=1.0
    )


NOBODY = no_detections(HEIGHT, WIDTH, regions=False)


@pytest.mark.parametrize(
    ("seen", "sure", "counts"),
    [
        ([1, 0, 0, 1], 0.75, [1, 1, 1, 1]),
        ([0, 1, 0, 0], 0.75, [1, 1, 1, 1]),
        ([0, 1, 0, 0], 0.95, [0, 1, 0, 0]),
    ],
    ids=["a gap is filled", "one sighting spreads", "a weak sighting does not spread"],
)
def test_recover_people(seen, sure, counts):
    images = [paint((10 + 4 * i, RED)) for i in range(4)]
    detections = [see(p) if s else NOBODY for p, s in zip(images, seen, strict=True)]
    assert [len(people) for people in segment(images, detections, sure)] == counts


def test_who_left_the_image_is_not_found_in_somebody_else():
    images = [paint((10, RED), (40, GREEN)), paint((14, GREEN))]
    people = segment(images, [see(image) for image in images])
    assert [len(frame) for frame in people] == [2, 1]


def run_main(
    tmp_path,
    monkeypatch,
    images: dict[str, np.ndarray | None],
    score: float = 0.9,
    detect=None,
    tiling_interval=8,
):
    rows = []
    for number, (frame_id, image) in enumerate(images.items()):
        if image is not None:
            write_image(tmp_path / "images" / f"{frame_id}.png", image)
        file = "" if image is None else f"{frame_id}.png"
        rows.append((frame_id, int(frame_id[1:5]), number, number / 8, file))
    write_manifest(pd.DataFrame(rows, columns=FRAMES.names), tmp_path / "frames.parquet", FRAMES)
    models = {"d": detect or (lambda images: [see(i, score) for i in images]), "s": cut}
    monkeypatch.setattr(segment_instances, "load_model", lambda model, _: models[model["name"]])
    counts = segment_instances.main(
        str(tmp_path / "frames.parquet"),
        str(tmp_path / "images"),
        [],
        [],
        str(tmp_path / "out.parquet"),
        shard="01of01",
        detect={"name": "d", "sure_score": 0.75},
        segment={"name": "s"},
        tiling_interval=tiling_interval,
        max_gap_s=1.0,
    )
    return counts, read_manifest(tmp_path / "out.parquet")


def test_people_of_a_shot_get_rows_and_tracks(tmp_path, monkeypatch):
    images = {
        "s0001_f000000": paint((10, RED), (90, GREEN)),
        "s0001_f000003": paint((60, RED), (40, GREEN)),
        "s0001_f000006": None,  # a held drawing
        "s0002_f000009": paint((30, GREEN)),
    }
    counts, table = run_main(tmp_path, monkeypatch, images)
    assert (counts.read, counts.found) == (3, {"instances": 5, "tracks": 3})
    assert table["instance_id"].tolist()[:2] == ["s0001_f000000_i00", "s0001_f000000_i01"]
    tracks = table.set_index("instance_id")["track_id"]
    assert tracks["s0001_f000000_i00"] == tracks["s0001_f000003_i01"] == "s0001_t00"
    assert tracks["s0002_f000009_i00"] == "s0002_t00"
    row = table.iloc[0]
    mask = decode_rle(row["mask"], row["height_px"], row["width_px"])
    assert mask.sum() == row["area_px"] == 1200
    assert row[["x0", "y0", "x1", "y1"]].tolist() == [10, 20, 30, 80]
    assert table["region"].isna().all()


def test_who_is_cut_out_twice_is_one_person(tmp_path, monkeypatch):
    def see_twice(images: list[np.ndarray]) -> list[Detections]:
        return [
            (found := see(image)).join(replace(found, scores=found.scores - 0.1))
            for image in images
        ]

    _, table = run_main(
        tmp_path, monkeypatch, {"s0001_f000000": paint((10, RED))}, detect=see_twice
    )
    assert table["score"].tolist() == pytest.approx([0.9])


def test_frames_of_all_shots_go_through_the_detector_together(tmp_path, monkeypatch):
    calls = []

    def detect(images: list[np.ndarray]) -> list[Detections]:
        calls.append(len(images))
        return [see(image, 0.9 - image[0, 0, 0] / 1000) for image in images]

    images = {f"s{n // 3 + 1:04d}_f{n:06d}": paint((10 + n, RED)) for n in range(20)}
    for number, image in enumerate(images.values()):
        image[0, 0] = number  # by which the detector knows it
    counts, table = run_main(tmp_path, monkeypatch, images, detect=detect, tiling_interval=0)
    assert (counts.found, calls) == ({"instances": 20, "tracks": 7}, [8, 8, 4])
    assert table["x0"].tolist() == [10 + n for n in range(20)]  # each in its own frame
    assert table["score"].tolist() == pytest.approx([0.9 - n / 1000 for n in range(20)])


def test_scenery_never_seen_clearly_is_left_out(tmp_path, monkeypatch):
    counts, table = run_main(tmp_path, monkeypatch, {"s0001_f000000": paint((10, RED))}, score=0.6)
    assert len(table) == 0
    assert counts.kept == 1


def test_no_image_means_no_model_and_an_empty_table(tmp_path, monkeypatch):
    counts, table = run_main(tmp_path, monkeypatch, {"s0001_f000000": None})
    assert counts.read == 0
    assert list(table.columns) == segment_instances.INSTANCES.names
