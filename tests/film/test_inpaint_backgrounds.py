"""inpaint_backgrounds: holes, registration, real pixels behind people; then the phase on a shot."""

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.factories.sums import list_changes
from workflow_scripts.film import inpaint_backgrounds
from workflow_scripts.film.places import plates
from workflow_scripts.film.places.holes import blend_seam, dilate, dilate_masks, find_shadow
from workflow_scripts.film.places.shot import Shot, choose_sources
from workflow_scripts.lib.images import decode_rle, encode_rle, mask_box, read_rgb, write_image
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
    table[["x0", "y0", "x1", "y1"]] = np.array([mask_box(m) for m in masks]).reshape(-1, 4)
    return table.assign(track_id="t00", score=0.9, height_px=HEIGHT, width_px=WIDTH)


def make_shot(folder, names: list[str], masks: list[np.ndarray]) -> Shot:
    tables = [make_table([name], [mask]) for name, mask in zip(names, masks, strict=True)]
    return Shot([folder / f"{name}.png" for name in names], tables, 0.02, 0.05)


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
    areas = dilate_masks([make_person(80)], 3, 0.2)
    assert areas.hole[50, 77]
    assert not areas.hole[50, 76]
    assert areas.hole[95, 80 - 3 - 12]
    assert areas.ground[99, 30]
    assert not (areas.hole & areas.ground).any()


def test_who_leaves_the_image_below_has_no_feet():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50:, 80:100] = True
    areas = dilate_masks([mask], 3, 0.5)
    assert not areas.hole[: HEIGHT - 8, :77].any()
    assert not areas.ground.any()


def test_a_hole_reaches_further_where_the_image_cuts_somebody():
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50:, 80:100] = True
    hole = dilate_masks([mask], 3, 0.5).hole
    assert hole[HEIGHT - 1, 74]
    assert not hole[HEIGHT - 1, 73]
    assert not hole[HEIGHT - 10, 76]


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


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 11, 16, 33])
def test_sort_stack(count):
    values = np.random.default_rng(count).integers(0, 256, (count, 200, 3), np.uint8)
    assert np.array_equal(plates.sort_stack(values.copy()), np.sort(values, axis=0))


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
        plates.make_view(np.ascontiguousarray(wide[:, x : x + WIDTH]), nobody, nobody)
        for x in (0, shift)
    ]
    matrix, registration_error = plates.register(*views)
    assert registration_error < plates.MAX_REGISTRATION_ERROR
    assert matrix[0, 2] / matrix[2, 2] == pytest.approx(shift, abs=0.5)


def test_register_refuses_another_scene():
    nobody = np.zeros((HEIGHT, WIDTH), bool)
    scenes = (make_scene(), 255 - make_scene())
    views = [plates.make_view(image, nobody, nobody) for image in scenes]
    assert plates.register(*views)[1] > plates.MAX_REGISTRATION_ERROR


@pytest.mark.parametrize("light", [1.0, 0.6], ids=["same light", "in a fade"])
def test_real_pixels_are_found_behind_a_walker(film, light):
    scene, names, masks, folder = film
    dark = (read_rgb(folder / f"{names[2]}.png") * light).astype(np.uint8)
    write_image(folder / f"{names[2]}.png", dark)
    shot = make_shot(folder, names, masks)
    image, hole, painted = inpaint_backgrounds.clean(shot, 2, 10, telea.fill)
    assert masks[2][~hole].sum() == 0
    assert painted.sum() == 0
    assert np.array_equal(image[~hole], dark[~hole])  # bit for bit
    assert psnr(image[hole], scene[hole] * light) > 30


def test_a_shadow_beside_the_feet_goes_too():
    plate = np.full((HEIGHT, WIDTH, 3), 180, np.uint8)
    areas = dilate_masks([make_person(80)], 3, 0.05)
    image = plate.copy()
    image[94:98, 104:150] = 120
    image[94:98, 20:30] = 120  # darker, but it does not touch the person: not their shadow
    shadow = find_shadow(image, plate, areas.hole, areas.ground)
    assert shadow[96, 112:148].all()
    assert not shadow[96, 20:30].any()


@pytest.mark.parametrize(
    ("box", "expected"),
    [((80, 30, 104, 100), 0.9), ((0, 0, 20, 20), 0.0)],
    ids=["in the hole", "elsewhere"],
)
def test_find_leftover(box, expected):
    (part,) = inpaint_backgrounds.crop_around(hole := dilate(make_person(80), 4, 4), hole)
    # the part begins half of the hole's size before the hole: x = 60, y = 0
    found = Detections(np.float32([box]) - np.float32([60, 0, 60, 0]), np.float32([0.9]))
    assert inpaint_backgrounds.find_leftover(part, found) == pytest.approx(expected)


def test_a_shot_is_looked_at_again_together_and_each_image_keeps_its_own_answer():
    empty, calls = np.zeros((HEIGHT, WIDTH), bool), []

    def detect(images: list[np.ndarray]) -> list[Detections]:
        calls.append([image.shape[:2] for image in images])
        return [find_light(image) for image in images]

    def find_light(image: np.ndarray) -> Detections:
        (box,) = np.float32([mask_box(image[..., 0] > 0)])
        whole = image.shape[:2] == (HEIGHT, WIDTH)
        return Detections(
            box[None], np.float32([image.max() / 100 if whole else image.max() / 200])
        )

    holes = [make_person(80), empty, make_person(30), empty, make_person(80)]
    cleaned = []
    for number, hole in enumerate(holes):
        image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        image[40:80, 85:100] = 10 * (number + 1)  # in the holes of the first and the last
        cleaned.append((image, hole))
    models = inpaint_backgrounds.Models(None, detect, lambda image, found: found, 0.6)
    looks = inpaint_backgrounds.look_again(cleaned, models)
    assert [len(shapes) for shapes in calls] == [8]  # five images, and the surroundings of three
    assert [look["missed"] for look in looks] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [look["leftover"] for look in looks] == pytest.approx([0.05, 0, 0, 0, 0.25])


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
    frames["time_s"] = np.arange(8) / 6
    frames["file"] = [*(f"{name}.png" for name in names), "empty.png", ""]
    frames.to_parquet(folder / "frames.parquet")
    make_table(names, masks).to_parquet(folder / "instances.parquet")
    nobody, looked = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)), []
    loaded = {
        "inpaint": telea.fill,
        "detect": lambda images: looked.append(len(images)) or [nobody] * len(images),
        "segment": None,
    }
    monkeypatch.setattr(inpaint_backgrounds, "load_model", lambda model, _: loaded[model["role"]])
    out, images = folder / "01of01.parquet", folder / "01of01_images"
    counts = inpaint_backgrounds.main(
        *(folder / "frames.parquet", folder, folder / "instances.parquet", [], [], [], out, images),
        shard="01of01",
        inpaint_model={"role": "inpaint", "name": "telea"},
        detect_model={"role": "detect", "name": "nobody", "sure_score": 0.6},
        segment_model={"role": "segment", "name": "nobody"},
        grow=0.02,
        shadow=0.05,
        max_sources=8,
    )
    rows = pd.read_parquet(out).set_index("frame_id")
    assert counts.found == {"cleaned": 6}
    assert looked == [12, 1]  # a call a shot: its images, and the holes of those with people
    assert list_changes(out, images) == [""] * 6
    assert rows["file"].tolist() == [*(f"{name}.jpg" for name in names), ""]
    assert rows.loc[names, "revealed"].min() == 1
    assert sorted(path.name for path in images.iterdir()) == [f"{name}.jpg" for name in names]
    hole = decode_rle(rows.loc[names[3], "hole"], HEIGHT, WIDTH)
    assert psnr(read_rgb(images / f"{names[3]}.jpg")[hole], scene[hole]) > 28


def run_on_nobody(folder, monkeypatch, found: Detections, shown: bool) -> pd.DataFrame:
    """The phase on one frame in which no mask is, with a detector that finds something."""
    frames = pd.DataFrame({"frame_id": ["s0000_f000000"], "shot_id": [0], "frame_no": [0]})
    frames = frames.assign(file="a.png" if shown else "", time_s=0.0)
    frames.to_parquet(folder / "frames.parquet")
    write_image(folder / "a.png", make_scene())
    make_table([], []).to_parquet(folder / "instances.parquet")
    loaded = {
        "detect": lambda images: [found] * len(images),
        "segment": lambda image, prompts: prompts,
    }
    monkeypatch.setattr(inpaint_backgrounds, "load_model", lambda model, _: loaded[model["role"]])
    inpaint_backgrounds.main(
        *(folder / "frames.parquet", folder, folder / "instances.parquet", [], [], []),
        *(folder / "01of01.parquet", folder / "01of01_images"),
        shard="01of01",
        inpaint_model={"role": "none", "name": "none"},
        detect_model={"role": "detect", "sure_score": 0.6},
        segment_model={"role": "segment"},
        grow=0.02,
        shadow=0.05,
        max_sources=8,
    )
    return pd.read_parquet(folder / "01of01.parquet")


@pytest.mark.parametrize(
    ("scores", "missed"), [([], 0.0), ([0.3, 0.54], 0.9)], ids=["nobody", "nearly sure of one"]
)
def test_frames_without_masks_are_looked_at_too(tmp_path, monkeypatch, scores, missed):
    boxes = np.tile(np.float32([10, 10, 30, 90]), (len(scores), 1))
    found = Detections(boxes, np.array(scores, np.float32))
    rows = run_on_nobody(tmp_path, monkeypatch, found, shown=True)
    assert rows["covered"].tolist() == [0.0]
    assert rows["missed"].tolist() == pytest.approx([missed])


def test_no_images_need_no_model(tmp_path, monkeypatch):
    assert run_on_nobody(tmp_path, monkeypatch, None, shown=False).empty


@pytest.mark.parametrize(
    ("missed", "moving"), [(True, True), (False, False)], ids=["somebody missed", "all found"]
)
def test_somebody_whom_the_detector_missed_is_seen_to_move(film, missed, moving):
    _, names, masks, folder = film
    shot = make_shot(folder, names, masks)
    shot.masks[3] = shot.masks[3][:0] if missed else shot.masks[3]
    share = inpaint_backgrounds.measure_moving(shot, 3, 8, shot.areas(3).hole)
    assert (share > 0.02) is moving


def test_a_person_who_stands_still_is_not_revealed_by_a_poor_mask(film):
    """Two of six masks miss half of somebody who does not move: they show it, not the wall."""
    scene, names, _, folder = film
    person, half = make_person(80), make_person(80)
    half[:, 92:] = False
    for name in names:
        write_image(folder / f"{name}.png", paint(scene, person))
    shot = make_shot(folder, names, [half if n in (1, 4) else person for n in range(6)])
    for target in (0, 1):
        image, hole, painted = inpaint_backgrounds.clean(shot, target, 10, telea.fill)
        assert hole[person].all()
        assert painted[person].all()
        red = (image[..., 0] > 180) & (image[..., 1] < 60)
        assert not red[person].any()


@pytest.mark.parametrize(
    ("what", "color"), [("shoe", (20, 20, 20)), ("shadow", None)], ids=["shoe", "soft shadow"]
)
def test_what_is_beside_a_walker_for_a_while_goes_with_them(film, what, color):
    """A shoe that the mask missed; a shadow that does not touch the feet."""
    scene, names, masks, folder = film
    part = np.zeros((HEIGHT, WIDTH), bool)
    part[88:96, 115:124] = True  # beside the third figure, which ends at x = 94
    drawn = paint(scene, masks[2])
    dark = np.uint8(color) if color else (drawn * 0.7).astype(np.uint8)
    write_image(folder / f"{names[2]}.png", np.where(part[..., None], dark, drawn))
    shot = make_shot(folder, names, masks)
    image, hole, painted = inpaint_backgrounds.clean(shot, 2, 10, telea.fill)
    assert hole[part].all()
    assert not painted[part].any()
    assert psnr(image[part], scene[part]) > 30


def test_rain_beside_a_walker_stays(film):
    scene, names, masks, folder = film
    drops = np.zeros((HEIGHT, WIDTH), bool)
    drops[40:43, 130:133] = drops[60:63, 150:153] = drops[20:23, 140:143] = True
    drawn = np.where(drops[..., None], np.uint8(255), paint(scene, masks[2]))
    write_image(folder / f"{names[2]}.png", drawn)
    image, hole, _ = inpaint_backgrounds.clean(make_shot(folder, names, masks), 2, 10, telea.fill)
    assert not hole[drops].any()
    assert np.array_equal(image[drops], drawn[drops])


def test_a_camera_that_creeps_takes_no_scenery_out(tmp_path):
    """A pale wall with one dark door moves so slowly that the camera seems to rest."""
    wide = (130 + 0.1 * (make_scene(WIDTH + 16).astype(float) - 130)).astype(np.uint8)
    wide[:90, 130:150] = (40, 60, 90)
    person, names = make_person(80), [f"c{n}" for n in range(8)]
    for n, name in enumerate(names):
        shift = np.float32([[1, 0, -2 * n], [0, 1, 0]])
        moved = cv2.warpAffine(wide, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
        write_image(tmp_path / f"{name}.png", paint(moved, person))
    shot = make_shot(tmp_path, names, [person] * 8)
    assert sum(source.rests for source in shot.lay_over(0, 10)) >= 3
    _, hole, _ = inpaint_backgrounds.clean(shot, 0, 10, telea.fill)
    assert not (hole & ~shot.areas(0).hole)[:, 125:].any()
