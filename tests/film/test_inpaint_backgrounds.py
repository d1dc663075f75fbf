"""inpaint_backgrounds: holes, registration, real pixels behind people; then the phase on a shot."""

import cv2
import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film import inpaint_backgrounds
from workflow_scripts.film.inpaint_backgrounds import Shot, choose_sources
from workflow_scripts.film.places import plates
from workflow_scripts.film.places.holes import blend_seam, dilate, dilate_masks, find_shadow
from workflow_scripts.lib.images import decode_rle, encode_rle, read_rgb, write_image
from workflow_scripts.models.detections import Detections
from workflow_scripts.models.loaders import telea

HEIGHT, WIDTH = 120, 200


def make_scene(width: int = WIDTH) -> np.ndarray:
    """A wall with bricks of many colors: texture to register on."""
    colors = np.random.default_rng(3).integers(40, 220, (HEIGHT // 8, width // 8, 3), np.uint8)
    bricks = cv2.resize(colors, (width, HEIGHT), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(bricks, (0, 0), 0.8)


def make_person(x: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[30:100, x : x + 24] = True
    return mask


def paint(scene: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], np.uint8([200, 30, 30]), scene)


def make_table(names: list[str], masks: list[np.ndarray]) -> pd.DataFrame:
    table = pd.DataFrame({"frame_id": names, "mask": [encode_rle(mask) for mask in masks]})
    return table.assign(height_px=HEIGHT, width_px=WIDTH)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * np.log10(255**2 / max(np.mean((a.astype(float) - b) ** 2), 1e-9))


@pytest.fixture
def film(tmp_path):
    """A shot of six images: somebody walks past a wall, and is away in none of them."""
    scene, names = make_scene(), [f"s0000_f{n:06d}" for n in range(6)]
    masks = [make_person(10 + 30 * n) for n in range(6)]
    for name, mask in zip(names, masks, strict=True):
        write_image(tmp_path / f"{name}.png", paint(scene, mask))
    return scene, names, masks, tmp_path


@pytest.mark.parametrize(
    ("x_px", "y_px"), [(3, 3), (3, 7), (30, 30)], ids=["round", "higher", "on a small copy"]
)
def test_dilate_reaches_as_far_as_it_says(x_px, y_px):
    dot = np.zeros((HEIGHT, WIDTH), bool)
    dot[60, 100] = True
    rows, columns = np.nonzero(dilate(dot, x_px, y_px))
    assert 0 <= 60 - rows.min() - y_px <= 3
    assert 0 <= columns.max() - 100 - x_px <= 3


def test_a_hole_reaches_further_at_the_feet():
    hole, ground = dilate_masks([make_person(80)], 3, 0.2)
    assert hole[50, 77]
    assert not hole[50, 76]
    assert hole[95, 80 - 3 - 12]
    assert ground[99, 30]
    assert not (hole & ground).any()


def test_who_leaves_the_image_below_has_no_feet():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50:, 80:100] = True
    hole, ground = dilate_masks([mask], 3, 0.5)
    assert not hole[:, :77].any()
    assert not ground.any()


@pytest.mark.parametrize(
    ("count", "target", "most", "expected"),
    [(1, 0, 4, []), (4, 1, 9, [0, 2, 3]), (100, 50, 6, [0, 32, 49, 51, 67, 99])],
    ids=["alone", "short shot", "nearest and spread"],
)
def test_choose_sources(count, target, most, expected):
    assert choose_sources(count, target, most) == expected


@pytest.mark.parametrize(
    ("known", "expected"),
    [([1, 1, 1], 20), ([1, 0, 1], 105), ([0, 0, 1], 200), ([0, 1, 1], 110)],
    ids=["middle of three", "mean of two", "one", "without the darkest"],
)
def test_take_median(known, expected):
    values = np.uint8([10, 20, 200])[:, None, None].repeat(3, 2)
    assert plates.take_median(values, np.array(known, bool)[:, None]).tolist() == [[expected] * 3]


def test_only_the_hole_changes_and_its_rim_blends():
    image, filled = np.full((40, 40, 3), 100, np.uint8), np.full((40, 40, 3), 200, np.uint8)
    hole = np.zeros((40, 40), bool)
    hole[10:30, 10:30] = True
    mixed = blend_seam(image, filled, hole)
    assert np.array_equal(mixed[~hole], image[~hole])
    assert 100 < mixed[10, 20, 0] < 200
    assert (mixed[15:25, 15:25] == 200).all()


@pytest.mark.parametrize("shift", [0, 9], ids=["at rest", "pan"])
def test_register_finds_the_camera_move(shift):
    wide, nobody = make_scene(WIDTH + 16), np.zeros((HEIGHT, WIDTH), bool)
    views = [
        plates.make_view(np.ascontiguousarray(wide[:, x : x + WIDTH]), nobody) for x in (0, shift)
    ]
    matrix, registration_error = plates.register(*views)
    assert registration_error < plates.MAX_REGISTRATION_ERROR
    assert matrix[0, 2] / matrix[2, 2] == pytest.approx(shift, abs=0.5)


def test_register_refuses_another_scene():
    nobody = np.zeros((HEIGHT, WIDTH), bool)
    views = [plates.make_view(image, nobody) for image in (make_scene(), 255 - make_scene())]
    assert plates.register(*views)[1] > plates.MAX_REGISTRATION_ERROR


@pytest.mark.parametrize("light", [1.0, 0.6], ids=["same light", "in a fade"])
def test_real_pixels_are_found_behind_a_walker(film, light):
    scene, names, masks, folder = film
    dark = (read_rgb(folder / f"{names[2]}.png") * light).astype(np.uint8)
    write_image(folder / f"{names[2]}.png", dark)
    tables = [make_table([name], [mask]) for name, mask in zip(names, masks, strict=True)]
    shot = Shot([folder / f"{name}.png" for name in names], tables, 0.02, 0.05)
    image, hole, painted = inpaint_backgrounds.clean(shot, 2, 10, telea.fill)
    assert masks[2][~hole].sum() == 0
    assert painted.sum() == 0
    assert np.array_equal(image[~hole], dark[~hole])  # bit for bit
    assert psnr(image[hole], scene[hole] * light) > 30


def test_a_shadow_beside_the_feet_goes_too():
    plate = np.full((HEIGHT, WIDTH, 3), 180, np.uint8)
    hole, ground = dilate_masks([make_person(80)], 3, 0.05)
    image = plate.copy()
    image[94:98, 104:150] = 120
    image[94:98, 20:30] = 120  # darker, but it does not touch the person: not their shadow
    shadow = find_shadow(image, plate, hole, ground)
    assert shadow[96, 112:148].all()
    assert not shadow[96, 20:30].any()


@pytest.mark.parametrize(
    ("box", "expected"),
    [((80, 30, 104, 100), 0.9), ((0, 0, 20, 20), 0.0)],
    ids=["in the hole", "elsewhere"],
)
def test_find_leftover(box, expected):
    hole = dilate(make_person(80), 4, 4)

    def detect(part: np.ndarray) -> Detections:
        # the part begins half of the hole's size before the hole: x = 60, y = 0
        shifted = np.float32([box]) - np.float32([60, 0, 60, 0])
        return Detections(shifted, np.float32([0.9]))

    found = inpaint_backgrounds.find_leftover(np.zeros((HEIGHT, WIDTH, 3), np.uint8), hole, detect)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize("size", [8, 200], ids=["small hole", "large hole, on a small copy"])
def test_telea_changes_only_the_hole(size):
    image, mask = np.full((300, 300, 3), 90, np.uint8), np.zeros((300, 300), bool)
    mask[20 : 20 + size, 20 : 20 + size] = True
    image[mask] = 255
    image[0] = 10
    filled = telea.fill(image, mask)
    assert np.array_equal(filled[~mask], image[~mask])
    assert abs(filled[mask].astype(int) - 90).max() <= 12


def test_a_shard_is_cleaned(film, monkeypatch):
    scene, names, masks, folder = film
    write_image(folder / "empty.png", scene)
    frames = pd.DataFrame({"frame_id": [*names, "s0001_f000006", "s0001_f000007"]})
    frames["shot_id"], frames["frame_no"] = [0] * 6 + [1, 1], np.arange(8)
    frames["file"] = [*(f"{name}.png" for name in names), "empty.png", ""]
    frames.to_parquet(folder / "frames.parquet")
    make_table(names, masks).to_parquet(folder / "instances.parquet")
    nobody = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    loaded = {"inpaint": telea.fill, "detect": lambda image: nobody}
    monkeypatch.setattr(inpaint_backgrounds, "load_model", lambda model, _: loaded[model["role"]])
    out, images = folder / "01of01.parquet", folder / "01of01_images"
    counts = inpaint_backgrounds.main(
        *(folder / "frames.parquet", folder, folder / "instances.parquet", [], [], out, images),
        shard="01of01",
        inpaint_model={"role": "inpaint", "name": "telea"},
        detect_model={"role": "detect", "name": "nobody"},
        grow=0.02,
        shadow=0.05,
        max_sources=8,
    )
    rows = pd.read_parquet(out).set_index("frame_id")
    assert counts.found == {"cleaned": 6}
    assert rows["file"].tolist() == [*(f"{name}.jpg" for name in names), ""]
    assert rows.loc[names, "revealed"].min() == 1
    assert sorted(path.name for path in images.iterdir()) == [f"{name}.jpg" for name in names]
    hole = decode_rle(rows.loc[names[3], "hole"], HEIGHT, WIDTH)
    assert psnr(read_rgb(images / f"{names[3]}.jpg")[hole], scene[hole]) > 28


def test_no_people_need_no_model(tmp_path):
    frames = pd.DataFrame({"frame_id": ["s0000_f000000"], "shot_id": [0], "frame_no": [0]})
    frames.assign(file="a.png").to_parquet(tmp_path / "frames.parquet")
    write_image(tmp_path / "a.png", make_scene())
    make_table([], []).to_parquet(tmp_path / "instances.parquet")
    model = {"name": "none", "loader": "does_not_exist", "role": "inpaint"}
    inpaint_backgrounds.main(
        *(tmp_path / "frames.parquet", tmp_path, tmp_path / "instances.parquet", [], []),
        *(tmp_path / "01of01.parquet", tmp_path / "01of01_images"),
        shard="01of01",
        inpaint_model=model,
        detect_model=model,
        grow=0.02,
        shadow=0.05,
        max_sources=8,
    )
    assert pd.read_parquet(tmp_path / "01of01.parquet")["covered"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("missed", "moving"), [(True, True), (False, False)], ids=["somebody missed", "all found"]
)
def test_somebody_whom_the_detector_missed_is_seen_to_move(film, missed, moving):
    _, names, masks, folder = film
    tables = [make_table([name], [mask]) for name, mask in zip(names, masks, strict=True)]
    tables[3] = tables[3][:0] if missed else tables[3]
    shot = Shot([folder / f"{name}.png" for name in names], tables, 0.02, 0.05)
    share = inpaint_backgrounds.measure_moving(shot, 3, 8, shot.hole(3))
    assert (share > 0.02) is moving
