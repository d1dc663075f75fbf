"""measure_lighting: measures of images made in code; then the phase on one shard of a film."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.lit_images import HEIGHT, NOBODY, WIDTH, drop, make_landscape, make_wall
from workflow_scripts.film import measure_lighting
from workflow_scripts.film.light.measures import MEASURES, measure_image
from workflow_scripts.lib.images import encode_rle, write_image
from workflow_scripts.lib.manifest import read_manifest

MIN_SKY, MIN_SPECKS, RAIN_SHAPE = 0.02, 2.0, 2.0  # of these images, made in code


def name_falling(specks: float, shape: float) -> str:
    if not specks >= MIN_SPECKS:  # also nan
        return ""
    return "rain" if shape >= RAIN_SHAPE else "snow"


@pytest.mark.parametrize(
    ("color", "low", "high"),
    [
        ((160, 160, 160), -0.1, 0.1),
        ((220, 130, 70), 2.0, 5.0),
        ((60, 80, 130), -4.0, -1.5),
    ],
    ids=["gray", "orange", "blue"],
)
def test_warm_is_red_against_blue_in_stops(color, low, high):
    assert low < measure_image(make_wall(color), NOBODY)["warm"] < high


def test_people_are_left_out():
    person = NOBODY.copy()
    person[40:180, 100:200] = True
    image = np.where(person[..., None], np.uint8([255, 60, 0]), make_wall((120, 120, 120)))
    measures = measure_image(image, person)
    assert abs(measures["warm"]) < 0.1
    assert measures["color"] < 0.05


def paint(image: np.ndarray, box: tuple, color: tuple) -> np.ndarray:
    """A copy of the image with a rectangle (x0, y0, x1, y1) of a color."""
    image, (x0, y0, x1, y1) = image.copy(), box
    image[y0:y1, x0:x1] = color
    return image


GRAY = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
WALL = (0, 0, WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("image", "name", "low", "high"),
    [
        (GRAY, "middle", 0.49, 0.51),
        (paint(GRAY, (0, 0, WIDTH // 4, HEIGHT), (255,) * 3), "glare", 0.22, 0.28),
        (paint(GRAY, (0, 0, WIDTH // 2, HEIGHT), (30,) * 3), "shade", 0.15, 0.4),
        (GRAY, "texture", 0.0, 0.001),
        (paint(GRAY, (0, 0, WIDTH, HEIGHT // 2), (60, 60, 180)), "warm_dark", -5, -2),
        (paint(GRAY, (0, 0, WIDTH, HEIGHT // 2), (250, 190, 120)), "warm_bright", 1.5, 3),
        (paint(GRAY, WALL, (100, 160, 100)), "tint", 1.2, 1.7),
        (paint(GRAY, (0, 0, WIDTH // 2, HEIGHT), (200, 40, 40)), "red", 0.45, 0.55),
        (paint(GRAY, (0, 0, WIDTH // 2, HEIGHT), (220, 180, 40)), "yellow", 0.45, 0.55),
        (paint(GRAY, (0, 0, WIDTH // 2, HEIGHT), (40, 180, 40)), "green", 0.45, 0.55),
        (paint(GRAY, (0, 0, WIDTH // 2, HEIGHT), (40, 60, 200)), "blue", 0.45, 0.55),
        (paint(GRAY, (0, 0, WIDTH // 10, HEIGHT), (200, 40, 40)), "vivid", 0.7, 0.9),
        (paint(GRAY, (0, 90, WIDTH, HEIGHT), (20,) * 3), "smooth_top", 0.4, 0.6),
        (paint(GRAY, (0, 90, WIDTH, HEIGHT), (20,) * 3), "smooth_tone", 0.48, 0.52),
        (paint(GRAY, (0, 0, WIDTH, 90), (200, 150, 90)), "smooth_warm", 2, 3),
        (paint(GRAY // 3, (100, 100, 112, 112), (255, 220, 150)), "lamps", 0.001, 0.01),
        (paint(GRAY // 3, (100, 100, 112, 112), (150, 220, 255)), "lamps", 0.0, 0.0),
        (paint(GRAY, (0, 120, WIDTH, HEIGHT), (20,) * 3), "top_tone", 0.38, 0.46),
        (paint(GRAY, (0, 0, WIDTH, 60), (200, 150, 90)), "top_warm", 2, 3),
        (paint(GRAY, (0, 0, WIDTH, 60), (200, 20, 20)), "top_color", 0.8, 0.95),
        (paint(make_wall((90, 90, 90)), (0, 0, WIDTH, 60), (90,) * 3), "top_texture", -1, -0.02),
        (paint(GRAY, (0, 120, WIDTH, HEIGHT), (20,) * 3), "top_dark_channel", 0.35, 0.46),
    ],
)
def test_a_measure_means_what_its_name_says(image, name, low, high):
    assert low <= measure_image(image, NOBODY)[name] <= high


@pytest.mark.parametrize("people", [NOBODY, ~NOBODY], ids=["nobody", "all covered"])
def test_an_image_of_any_size_has_all_measures_finite(people):
    for image in (GRAY, GRAY * 0, make_landscape()[:90]):
        measures = measure_image(image, people[: len(image)])
        assert tuple(measures) == MEASURES
        assert np.isfinite(list(measures.values())).all()


@pytest.mark.parametrize(
    ("image", "sky"),
    [
        (make_landscape(), True),
        (make_wall((150, 160, 200)), False),
        (np.full((HEIGHT, WIDTH, 3), (200, 180, 150), np.uint8), False),
        (make_landscape()[::-1], False),
    ],
    ids=["smooth and blue above", "bricks", "a warm wall", "blue below"],
)
def test_find_sky(image, sky):
    measures = measure_image(np.ascontiguousarray(image), NOBODY)
    assert (measures["sky"] > MIN_SKY) is sky


@pytest.mark.parametrize(
    ("size", "falling"), [((1, 12), "rain"), ((4, 4), "snow")], ids=["streaks", "flakes"]
)
def test_what_falls_is_seen_in_time(size, falling):
    grays = [
        cv2.cvtColor(drop(make_wall((90, 90, 90)), n, size), cv2.COLOR_RGB2GRAY) for n in range(3)
    ]
    specks = measure_lighting.measure_specks(*grays, ~NOBODY)
    assert name_falling(*specks) == falling


@pytest.mark.parametrize("shift", [0, 1, 12], ids=["at rest", "slow pan", "fast pan"])
def test_a_moving_camera_is_no_weather(shift):
    wide = cv2.cvtColor(cv2.resize(make_wall((90, 90, 90)), (400, HEIGHT)), cv2.COLOR_RGB2GRAY)
    grays = [np.ascontiguousarray(wide[:, n * shift : n * shift + WIDTH]) for n in range(3)]
    specks = measure_lighting.measure_specks(*grays, ~NOBODY)
    assert name_falling(*specks) == ""


@pytest.mark.parametrize(("free_px", "measured"), [(400, False), (WIDTH * HEIGHT // 2, True)])
def test_a_speck_in_the_corner_of_a_close_up_is_no_snowfall(free_px, measured):
    free = (np.arange(WIDTH * HEIGHT) < free_px).reshape(HEIGHT, WIDTH)
    before = cv2.cvtColor(make_wall((90, 90, 90)), cv2.COLOR_RGB2GRAY)
    now = before.copy()
    now[0:2, 10:12] = 255
    specks, shape = measure_lighting.measure_specks(before, now, before, free)
    assert np.isfinite(specks) == np.isfinite(shape) == measured
    assert name_falling(specks, shape) == ""


def write_film(folder: Path, shots: dict[int, list[np.ndarray]]) -> None:
    """Frames of a film, their images, and one person on the first of them."""
    rows = []
    for shot, images in shots.items():
        for image in images:
            frame_id = f"s{shot:04d}_f{len(rows):06d}"
            write_image(folder / f"{frame_id}.png", image)
            rows.append((frame_id, shot, f"{frame_id}.png"))
    table = pd.DataFrame(rows, columns=["frame_id", "shot_id", "file"])
    table.to_parquet(folder / "frames.parquet")
    people = pd.DataFrame({"frame_id": [rows[0][0]], "mask": [encode_rle(~NOBODY)]})
    people = people.assign(height_px=HEIGHT, width_px=WIDTH)
    people.to_parquet(folder / "people.parquet")


def measure(folder: Path, shard: str) -> pd.DataFrame:
    names = ("frames.parquet", "", "people.parquet", "out.parquet")
    counts = measure_lighting.main(*(folder / name for name in names), shard=shard)
    rows = read_manifest(folder / "out.parquet")
    assert counts.read == len(rows)
    return rows


def test_a_shard_is_measured_shot_by_shot(tmp_path):
    wall = make_wall((115, 110, 100))
    shots = {0: [wall], 1: [drop(wall, n, (1, 12)) for n in range(4)], 2: [wall] * 3}
    write_film(tmp_path, shots)
    rows = measure(tmp_path, "01of01")
    assert rows["frame_id"].is_monotonic_increasing
    assert rows["compared"].tolist() == [False, False, True, True, False, False, True, False]
    assert rows["specks"].notna().tolist() == rows["compared"].tolist()
    assert (rows["specks"].iloc[2:4] > 2).all() and rows["specks"].iloc[6] == 0
    parts = [measure(tmp_path, shard) for shard in ("01of02", "02of02")]
    assert all(len(part) for part in parts)
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), rows)


def test_images_of_different_sizes_are_not_compared(tmp_path):
    wall = make_wall((115, 110, 100))
    write_film(tmp_path, {0: [wall, wall[:, :200], wall]})
    (tmp_path / "people.parquet").unlink()
    nobody = pd.DataFrame({"frame_id": [], "mask": [], "height_px": [], "width_px": []})
    nobody.to_parquet(tmp_path / "people.parquet")
    assert measure(tmp_path, "01of01")["compared"].tolist() == [False] * 3


def test_a_shard_without_images_leaves_an_empty_table(tmp_path):
    write_film(tmp_path, {0: [make_wall((115, 110, 100))]})
    rows = measure(tmp_path, "01of02")
    assert len(rows) == 0
    assert rows.columns.tolist() == measure_lighting.MEASURES.names
