"""Figures about scenes on a film of five frames whose truth is made here."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workflow_scripts.lib.images import encode_rle, write_image
from workflow_scripts.report.accuracy import scenes
from workflow_scripts.report.accuracy.truth import Truth

WIDTH, HEIGHT = 80, 50
BARS = 5  # pixels of black above and below, which extract_frames cropped
FRAMES = pd.DataFrame(
    [
        (0, 0, "card", "day", "clear", 0, 0, 1, "u0", ""),
        (1, 1, "plaza", "day", "rain", 0, 0, 0, "u1", "shot_01.jpg"),
        (2, 1, "plaza", "day", "rain", 0, 0, 0, "u2", ""),
        (3, 2, "home", "evening", "clear", 1, 0, 0, "u3", ""),
        (4, 2, "home", "evening", "clear", 1, 1, 0, "u4", ""),  # fades: must not count
    ],
    columns=["frame_no", "shot_id", "location", "time_of_day", "weather", "indoor", "is_fade"]
    + ["is_title", "unique_render_id", "plate"],
)
IDS = [f"s{row.shot_id:04d}_f{row.frame_no:06d}" for row in FRAMES.itertuples()]


def make_hole(x0: int = 20) -> np.ndarray:
    hole = np.zeros((HEIGHT, WIDTH), bool)
    hole[10:40, x0 : x0 + 30] = True
    return hole


@pytest.fixture
def truth(tmp_path) -> Truth:
    folder = tmp_path / "truth"
    (folder / "plates").mkdir(parents=True)
    FRAMES.assign(time_s=FRAMES["frame_no"] / 10, is_blurred=0).to_csv(
        folder / "frames.csv", index=False
    )
    lines = [(0, "title", 20, 20, 60, 30, "THE END"), (2, "subtitle", 20, 45, 60, 55, "Who goes?")]
    columns = ["frame_no", "kind", "x0", "y0", "x1", "y1", "text"]
    pd.DataFrame(lines, columns=columns).to_csv(folder / "text.csv", index=False)
    plate = np.full((HEIGHT + 2 * BARS, WIDTH, 3), 100, np.uint8)
    write_image(folder / "plates/shot_01.jpg", plate)
    with zipfile.ZipFile(folder / "masks.zip", "w") as archive:
        for row in FRAMES.itertuples():
            mask = np.zeros((HEIGHT + 2 * BARS, WIDTH), np.uint8)
            if row.shot_id == 1:
                mask[BARS + 12 : BARS + 38, 22:48] = 1
            buffer = io.BytesIO()
            Image.fromarray(mask).save(buffer, "png")
            archive.writestr(f"masks/{row.unique_render_id}.png", buffer.getvalue())
    return Truth(folder)


@pytest.fixture
def results(tmp_path):
    """Everything found and right."""
    folder = tmp_path / "results"
    for name in ("extract_frames", "select_text", "classify_lighting", "cluster_scenes"):
        (folder / name).mkdir(parents=True)
    frames = pd.DataFrame({"frame_id": IDS, "time_s": FRAMES["frame_no"] / 10})
    frames["file"] = [f"{frame_id}.jpg" for frame_id in IDS]
    frames = frames.assign(width_px=WIDTH, height_px=HEIGHT, crop_x=0, crop_y=BARS)
    frames.to_parquet(folder / "extract_frames/frames.parquet")
    text = [(IDS[0], 20.0, 15.0, 60.0, 25.0, "THEEND", "title")]
    text += [(IDS[2], 20.0, 40.0, 60.0, 50.0, "Who goes?", "subtitle")]
    columns = ["frame_id", "x0", "y0", "x1", "y1", "text", "kind"]
    pd.DataFrame(text, columns=columns).to_parquet(folder / "select_text/text.parquet")
    light = FRAMES[["time_of_day", "weather"]].assign(frame_id=IDS)
    light["indoor"] = FRAMES["indoor"].map({0: "outdoor", 1: "indoor"})
    light.to_parquet(folder / "classify_lighting/lighting.parquet")
    places = pd.DataFrame({"frame_id": IDS, "location": FRAMES["location"], "reason": ""})
    places.to_parquet(folder / "cluster_scenes/locations.parquet")
    write_holes(folder, make_hole(), make_hole(35) & make_hole(), 100)
    return folder


def write_holes(folder, hole: np.ndarray, painted: np.ndarray, gray: int) -> None:
    (folder / "inpaint_backgrounds/01of01_images").mkdir(parents=True, exist_ok=True)
    rows = pd.DataFrame({"frame_id": IDS, "file": ["", "a.jpg", "a.jpg", "", ""]})
    nothing = encode_rle(np.zeros((HEIGHT, WIDTH), bool))
    found = rows["file"] != ""
    rows["hole"] = [encode_rle(hole) if there else nothing for there in found]
    rows["painted"] = [encode_rle(painted) if there else nothing for there in found]
    rows.to_parquet(folder / "inpaint_backgrounds/01of01.parquet")
    clean = np.full((HEIGHT, WIDTH, 3), gray, np.uint8)
    write_image(folder / "inpaint_backgrounds/01of01_images/a.jpg", clean)


def change(path, row: int, column: str, value: str) -> None:
    table = pd.read_parquet(path)
    table.loc[row, column] = value
    table.to_parquet(path)


def values(results, truth) -> dict[str, float]:
    return {name: metric.value for name, metric in scenes.measure(results, truth).items()}


def test_everything_right(results, truth):
    metrics = scenes.measure(results, truth)
    ones = [name for name in metrics if not name.startswith(("inpaint", "background"))]
    assert {metrics[name].value for name in ones} == {1.0}
    assert metrics["inpaint_psnr_revealed"].value > 45
    assert metrics["inpaint_psnr_never_revealed"].n == 1  # only frame 1 has a plate
    assert metrics["background_characters_left"].value == 0
    assert metrics["time_of_day_accuracy"].n == 3  # no card, no fade
    assert metrics["weather_accuracy"].n == 2  # outdoors only


@pytest.mark.parametrize(
    ("table", "column", "value", "metric", "expected"),
    [
        ("select_text/text", "kind", "scene", "text_precision", 1 / 2),
        ("select_text/text", "kind", "scene", "text_recall", 1 / 2),
        ("select_text/text", "text", "ELEPHANT", "text_letters", 1 / 2),
        ("classify_lighting/lighting", "time_of_day", "unknown", "time_of_day_accuracy", 2 / 3),
        ("classify_lighting/lighting", "weather", "snow", "weather_accuracy", 1 / 2),
        ("cluster_scenes/locations", "location", "home", "location_purity", 2 / 3),
    ],
    ids=["false text", "missed text", "misread", "unknown is wrong", "weather", "mixed place"],
)
def test_a_mistake_counts(results, truth, table, column, value, metric, expected):
    change(results / f"{table}.parquet", 1, column, value)
    assert values(results, truth)[metric] == pytest.approx(expected)


def test_psnr_of_a_wrong_fill(results, truth):
    write_holes(results, make_hole(), make_hole(35) & make_hole(), 110)
    assert values(results, truth)["inpaint_psnr_revealed"] == pytest.approx(28.1, abs=0.3)


def test_somebody_left_beside_the_hole(results, truth):
    write_holes(results, make_hole(30), make_hole(30), 100)
    assert values(results, truth)["background_characters_left"] == pytest.approx(2 / 3)
    change(results / "cluster_scenes/locations.parquet", 1, "reason", "character_left")
    assert values(results, truth)["background_characters_left"] == pytest.approx(1 / 2)


def test_somebody_left_in_a_blurred_image_counts(results, truth):
    """The truth knows of them; whether a viewer does is no excuse to pack them as scenery."""
    write_holes(results, make_hole(45), make_hole(45), 100)
    table = pd.read_csv(truth.folder / "frames.csv").assign(is_blurred=[0, 1, 1, 0, 0])
    table.to_csv(truth.folder / "frames.csv", index=False)
    measured = scenes.measure(results, Truth(truth.folder))["background_characters_left"]
    assert (measured.value, measured.n) == (pytest.approx(2 / 3), 3)


def test_tables_that_are_missing_are_left_out(results, truth):
    (results / "select_text/text.parquet").unlink()
    (results / "inpaint_backgrounds/01of01.parquet").unlink()
    assert not [name for name in values(results, truth) if name.startswith(("text", "inpaint"))]


def test_a_film_without_named_plates_has_one_for_each_first_drawing(results, truth):
    table = pd.read_csv(truth.folder / "frames.csv").drop(columns="plate")
    table.to_csv(truth.folder / "frames.csv", index=False)
    assert scenes.measure(results, truth)["inpaint_psnr_revealed"].n == 1
