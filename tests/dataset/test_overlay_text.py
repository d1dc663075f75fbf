"""Subtitles, watermarks, titles in images: cropped off, painted over, set aside, or kept."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.factories.dataset_phases import caption, pack, select
from tests.factories.tables import make_film
from workflow_scripts.dataset import overlay_text
from workflow_scripts.dataset.crops import FACE_BOX, add_crop_boxes, cut_boxes
from workflow_scripts.lib.boxes import BOX
from workflow_scripts.lib.kinds import KINDS

SIZE = (960, 540)
STANDING, TO_THE_KNEES = (380.0, 60.0, 580.0, 450.0), (380.0, 60.0, 580.0, 540.0)
SUBTITLE, LOW_SUBTITLE = (290.0, 470.0, 670.0, 505.0), (290.0, 505.0, 670.0, 532.0)
WATERMARK, TITLE = (780.0, 15.0, 940.0, 43.0), (200.0, 220.0, 760.0, 280.0)
CHEST = (200.0, 230.0, 760.0, 265.0)
LARGE, ON_FACE = (0.0, 180.0, 960.0, 400.0), (400.0, 80.0, 560.0, 110.0)


def treat(kind_name: str, body: tuple, texts: list[tuple], option: str = "crop"):
    """The row of one image after treat_overlays, and its final box."""
    kind = KINDS[kind_name]
    row = dict(zip(BOX, body, strict=True)) | {"shot_type": "full", "shot_id": 1}
    row |= {"frame_id": "f", "width_px": SIZE[0], "height_px": SIZE[1]}
    head = (body[0] + 60, body[1] + 5, body[2] - 60, body[1] + 70)
    joints = np.zeros((17, 3))
    joints[:2] = [(*head[:2], 0.9), (*head[2:], 0.9)]
    row |= dict(zip(FACE_BOX, head, strict=True)) | {"keypoints": joints.ravel()}
    rows = pd.DataFrame([row])
    overlays = {"f": overlay_text.grow_boxes(np.array(texts))} if texts else {}
    treated = overlay_text.treat_overlays(kind, rows, overlays, option)
    areas = np.array(treated["free_area"].tolist(), int)
    return treated.iloc[0], cut_boxes(kind, add_crop_boxes(kind, rows), areas)[0]


@pytest.mark.parametrize(
    ("kind", "body", "texts", "option", "done"),
    [
        ("character", STANDING, [], "crop", ""),
        ("character", STANDING, [WATERMARK], "crop", ""),
        ("character", STANDING, [SUBTITLE], "crop", "cropped"),
        ("character", STANDING, [SUBTITLE, LOW_SUBTITLE], "crop", "cropped"),
        ("character", TO_THE_KNEES, [SUBTITLE], "crop", "painted"),
        ("character", STANDING, [CHEST], "crop", "painted"),
        ("character", STANDING, [CHEST, SUBTITLE], "crop", "painted"),
        ("character", STANDING, [TITLE], "crop", "painted"),
        ("character", STANDING, [ON_FACE], "crop", "set_aside"),
        ("character", STANDING, [LARGE], "crop", "set_aside"),
        ("expression", STANDING, [(380.0, 135.0, 580.0, 165.0)], "crop", "cropped"),
        ("expression", STANDING, [ON_FACE], "crop", "set_aside"),
        ("style", STANDING, [WATERMARK, SUBTITLE], "crop", "cropped"),
        ("style", STANDING, [TITLE], "crop", "set_aside"),
        ("background", STANDING, [WATERMARK], "crop", "cropped"),
        ("background", STANDING, [TITLE], "crop", "painted"),
        ("background", STANDING, [LARGE], "crop", "set_aside"),
        ("character", STANDING, [SUBTITLE], "paint", "painted"),
        ("style", STANDING, [SUBTITLE], "paint", "painted"),
        ("style", STANDING, [SUBTITLE], "set_aside", "set_aside"),
        ("style", STANDING, [SUBTITLE], "keep", "kept"),
        ("style", STANDING, [], "keep", ""),
    ],
)
def test_what_is_done(kind, body, texts, option, done):
    row, shown = treat(kind, body, texts, option)
    assert row["overlay_text"] == done
    inside = overlay_text.overlaps(np.array(texts).reshape(-1, 4), shown)
    left = {"": 0, "cropped": 0, "painted": len(row["painted_boxes"])}.get(done, inside.sum())
    assert inside.sum() == left and (done != "painted" or left)
    assert shown[2] - shown[0] > 60 and shown[3] - shown[1] > 60


def test_the_subject_stays_whole_where_the_crop_moves():
    row, shown = treat("character", STANDING, [SUBTITLE])
    assert (shown[:2] <= STANDING[:2]).all() and (shown[2:] >= STANDING[2:]).all()
    assert shown[3] <= SUBTITLE[1]
    _, whole = treat("character", STANDING, [])
    assert whole[3] > SUBTITLE[1]  # or the test would prove nothing


def test_a_crop_that_gives_way_moves_onto_no_other_line():
    above = (300.0, 30.0, 660.0, 50.0)  # beyond what is cut out when there is no other text
    body = (380.0, 150.0, 580.0, 450.0)
    row, shown = treat("character", body, [above])
    assert row["overlay_text"] == "" and shown[1] >= above[3] and shown[3] > SUBTITLE[1]
    row, shown = treat("character", body, [above, SUBTITLE])
    assert row["overlay_text"] == "cropped"
    assert above[3] <= shown[1] and shown[3] <= SUBTITLE[1]


def test_text_of_the_scene_is_no_overlay(tmp_path):
    kinds = ["scene", "subtitle", "watermark", "title", "credit"]
    rows = pd.DataFrame([(name, *SUBTITLE, name) for name in kinds])
    rows.columns = overlay_text.TEXT_COLUMNS
    rows.to_parquet(tmp_path / "text.parquet")
    found = overlay_text.read_overlays(str(tmp_path / "text.parquet"))
    assert sorted(found) == sorted(overlay_text.OVERLAY)
    assert found["title"].tolist() == [[284.75, 464.75, 675.25, 510.25]]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The tiny film; text lies on Nella's legs in shot 2, below her feet in shot 3."""
    paths = make_film(tmp_path_factory.mktemp("film"))
    texts = pd.read_parquet(paths["texts"])
    frames = pd.read_parquet(paths["frames"])["frame_id"]
    for shot, (y0, y1) in {"s0002": (190.0, 204.0), "s0003": (238.0, 252.0)}.items():
        more = frames[frames.str.startswith(shot)].to_frame()
        more = more.assign(x0=70.0, y0=y0, x1=150.0, y1=y1, kind="subtitle")
        texts = pd.concat([texts, more], ignore_index=True)
    texts.to_parquet(paths["texts"])
    return paths


def test_painted_text_is_not_learned_and_not_named(film, tmp_path):
    _, rows, told = pack(film, tmp_path / "nella", "character-nella")
    _, kept, _ = pack(film, tmp_path / "kept", "character-nella", overlay_text="keep")
    rows, kept = rows.set_index("image_id"), kept.set_index("image_id")
    one, other = rows.loc["s0002_f000024_i00"], kept.loc["s0002_f000024_i00"]
    assert (one["overlay_text"], other["overlay_text"]) == ("painted", "kept")
    assert "subtitle" not in one["caption"] and "subtitle" in other["caption"]
    legs = slice(190 - one["y0"], 204 - one["y0"]), slice(70 - one["x0"], 150 - one["x0"])
    masks = [
        np.array(Image.open(tmp_path / name / row["mask_file"]))
        for name, row in (("nella", one), ("kept", other))
    ]
    assert masks[0][legs].max() == 0 and masks[1][legs].max() == 255
    images = [
        np.array(Image.open(tmp_path / name / row["file"]), int)
        for name, row in (("nella", one), ("kept", other))
    ]
    changed = np.abs(images[0] - images[1]).max(2) > 40
    above = slice(0, 150 - one["y0"])
    assert changed[legs].any() and not changed[above].any()
    cropped = rows.loc["s0003_f000048_i00"]
    assert cropped["overlay_text"] == "cropped" and cropped["y1"] <= 238
    assert "subtitle" not in cropped["caption"]
    chosen = rows[rows["split"] != ""]["overlay_text"].value_counts()
    assert told["overlay_text"] == {
        "cropped": chosen["cropped"],
        "painted": chosen["painted"],
        "kept": 0,
        "set_aside": 0,
    }


def test_what_can_be_neither_is_set_aside_with_a_reason(film, tmp_path):
    texts = pd.read_parquet(film["texts"])
    low = texts["frame_id"].str.startswith("s0002")
    middle = texts.assign(y0=texts["y0"].mask(low, 115.0), y1=texts["y1"].mask(low, 145.0))
    middle.to_parquet(tmp_path / "text.parquet")
    paths = film | {"texts": str(tmp_path / "text.parquet")}
    _, rows = select(paths, tmp_path / "style.parquet", "style")
    of_shot = rows[rows["frame_id"].str.startswith("s0002")]
    assert set(of_shot["reason"]) == {"overlay_text"} and len(of_shot) == 4
    assert set(of_shot["split"]) == {""}
    _, rows, told = pack(paths, tmp_path / "style", "style")
    assert told["overlay_text"]["set_aside"] == told["set_aside"]["overlay_text"] == 4


def test_whole_frames_are_cut_and_the_rest_stays_linked(film, tmp_path):
    _, rows, _ = pack(film, tmp_path / "style", "style")
    rows = rows[rows["split"] != ""]
    cut = rows[rows["frame_id"].str.startswith("s0003")]
    assert len(cut) and (cut["y1"] < 238).all() and (cut["overlay_text"] == "cropped").all()
    sizes = [Image.open(tmp_path / "style" / name).size for name in cut["file"]]
    assert sizes == [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in cut[BOX].to_numpy()]
    linked = rows[rows["overlay_text"] == ""]
    assert len(linked)
    assert all((tmp_path / "style" / name).stat().st_nlink > 1 for name in linked["file"])


def test_captions_follow_the_option(film, tmp_path):
    said = {}
    for option in ("crop", "paint", "set_aside", "keep"):
        _, rows = caption(film, tmp_path / "said.parquet", "style", overlay_text=option)
        said[option] = rows["caption"].str.contains("subtitle").sum()
    assert said["crop"] == said["paint"] == 0
    assert said["keep"] == said["set_aside"] == 11


def test_only_a_close_up_gives_up_a_part_of_its_body():
    """A medium shot that lost its hips would be none, and its caption says it is one."""
    sides = dict(zip([*BOX, *FACE_BOX], [*TO_THE_KNEES, *[np.nan] * 4], strict=True))
    kind, frame = KINDS["character"], np.array([0, 0, *SIZE])
    spared = {
        shot: overlay_text.find_subject(kind, sides | {"shot_type": shot}, frame)[3]
        for shot in ("close-up", "medium", "full")
    }
    assert spared["close-up"] < spared["medium"] == spared["full"] == SIZE[1]


def test_a_strip_is_no_image():
    """What is left beside a line must hold a side of the smallest training image."""
    area, box = np.array([0, 0, 960, 540]), np.array([300.0, 58, 640, 90])
    face = np.array([400.0, 2, 440, 46])
    assert (overlay_text.cut_off(area, box[None], face) == area).all()
    assert overlay_text.cut_off(area, box[None] + [0, 10, 0, 10], face)[3] == 68


def test_the_margin_of_a_vertical_line_is_that_of_its_letters():
    upright = overlay_text.grow_boxes(np.array([[800.0, 60, 840, 480]]))[0]
    assert upright.tolist() == [794, 54, 846, 486]
