"""embed_images: cut-outs without background, colors whatever the light, rows for every image."""

import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("onnx", reason="the package onnx is not installed: make setup")
from tests.factories.figures import draw_figure, make_pose
from tests.factories.role_models import names, noise, opened
from workflow_scripts.film import embed_images, fitting
from workflow_scripts.film.people.bodies import find_region
from workflow_scripts.film.people.colors import COLORS, compare_colors, describe_colors
from workflow_scripts.film.people.crops import crop_box, crop_instance
from workflow_scripts.lib.images import encode_rle, read_rgb, write_image
from workflow_scripts.models.loaders.mobilenet import load_embed
from workflow_scripts.models.loaders.pixels import Embedder

WEIGHTS = Path("resources/models/mobilenet_v2-b0353104.pth")


def describe(name: str, light: str = "day", **how) -> np.ndarray:
    return describe_colors(*draw_figure(name, light, **how))[None]


@pytest.mark.parametrize("light", ["sunset", "night", "fog"])
def test_colors_outlast_the_light(light):
    same = compare_colors(describe("nella", light), describe("nella"))[0, 0]
    other = compare_colors(describe("nella", light), describe("bruno"))[0, 0]
    assert same < 0.25 < other


def test_a_close_up_is_compared_with_the_upper_part_of_a_figure():
    close_up = describe("pip", legs=False)
    assert compare_colors(close_up, describe("pip"))[0, 0] < 0.1


def test_the_background_is_not_counted():
    there, here = describe("pip", background=20), describe("pip", background=230)
    np.testing.assert_allclose(there, here, atol=1e-6)


@pytest.mark.parametrize(
    "mask", [np.zeros((4, 4), bool), np.eye(4, dtype=bool)], ids=["empty", "four pixels"]
)
def test_colors_of_tiny_masks(mask):
    colors = describe_colors(np.full((4, 4, 3), 90, np.uint8), mask)
    assert colors.shape == (COLORS,)
    assert colors.sum() == pytest.approx(float(mask.any()))


def test_cut_out_is_a_square_without_background():
    image = np.zeros((40, 60, 3), np.uint8)
    image[..., 0] = 255
    mask = np.zeros((40, 60), bool)
    mask[10:30, 20:30] = True
    image[mask] = (0, 0, 255)
    square = crop_instance(image, mask, 0.1)
    assert square.shape == (24, 24, 3)
    colors = {tuple(c) for c in np.unique(square.reshape(-1, 3), axis=0).tolist()}
    assert colors == {(0, 0, 255), (128, 128, 128)}


@pytest.mark.parametrize(
    ("box", "shape"),
    [((10, 10, 20, 30), (24, 14)), ((0, 0, 60, 40), (40, 60)), ((0, 0, 0, 0), (40, 60))],
    ids=["with a margin", "up to the edge", "of nobody"],
)
def test_a_box_is_cut_with_its_surroundings(box, shape):
    assert crop_box(np.zeros((40, 60, 3), np.uint8), box, 0.1).shape[:2] == shape


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((100, 200), (100, 200)), ((720, 1280), (360, 640)), ((2000, 3), (640, 1))],
    ids=["small", "large", "a line"],
)
def test_shrink_keeps_the_shape(shape, expected):
    assert fitting.shrink(np.zeros((*shape, 3), np.uint8)).shape[:2] == expected


def stub_embed(images: list[np.ndarray]) -> np.ndarray:
    means = np.array([image.mean((0, 1)) for image in images], np.float32)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


BOX = (25.0, 10.0, 55.0, 110.0)
JOINTS = make_pose(shift=(-10, 10), scale=0.25)  # of the figure's, upright


@pytest.fixture
def film(tmp_path) -> dict[str, str]:
    """Three frames: Nella, nobody, a held drawing; Nella's background is painted."""
    ids = ["s0001_f000000", "s0001_f000003", "s0001_f000006"]
    files = [f"{ids[0]}.jpg", f"{ids[1]}.jpg", ""]
    image, mask, region = draw_figure("nella")
    empty = np.full_like(image, 100)
    write_image(tmp_path / "images" / files[0], image)
    write_image(tmp_path / "images" / files[1], empty)
    write_image(tmp_path / "clean" / files[0], np.full_like(image, (0, 90, 0)))
    person = {
        "instance_id": [f"{ids[0]}_i00"],
        "frame_id": [ids[0]],
        "mask": [encode_rle(mask)],
        "height_px": [120],
        "width_px": [80],
        "region": [region],
        **{side: [value] for side, value in zip(("x0", "y0", "x1", "y1"), BOX, strict=True)},
    }
    joints = {"instance_id": person["instance_id"], "keypoints": [JOINTS.ravel()]}
    tables = {
        "frames": pd.DataFrame({"frame_id": ids, "shot_id": 1, "file": files}),
        "instances": pd.DataFrame(person),
        "keypoints": pd.DataFrame(joints),
        "backgrounds": pd.DataFrame({"frame_id": ids[:2], "file": [files[0], ""]}),
    }
    for name, table in tables.items():
        table.to_parquet(tmp_path / f"{name}.parquet")
    paths = {name: str(tmp_path / f"{name}.parquet") for name in tables}
    folders = {"images": str(tmp_path / "images"), "background_images": str(tmp_path / "clean")}
    return paths | folders | {"embeddings": str(tmp_path / "embeddings.parquet"), "weights": []}


PARAMS = {"model": {"name": "stub"}, "padding": 0.05}


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_every_image_gets_a_row(film, monkeypatch, batch_size):
    monkeypatch.setattr(embed_images, "load_model", lambda model, weights: stub_embed)
    counts = embed_images.main(**film, shard="01of01", batch_size=batch_size, **PARAMS)
    rows = pd.read_parquet(film["embeddings"])
    assert list(zip(rows["image_id"], rows["kind"], strict=True)) == [
        ("s0001_f000000", "frame"),
        ("s0001_f000000", "background"),
        ("s0001_f000000_i00", "instance"),
        ("s0001_f000003", "frame"),
        ("s0001_f000003", "background"),
    ]
    thumbnails = np.stack(rows["thumbnail"])
    assert thumbnails.shape == (5, 1024) and thumbnails.dtype == np.uint8
    assert (thumbnails[3:] == 100).all() and np.ptp(thumbnails[2]) > 20
    assert [len(colors) for colors in rows["colors"]] == [0, 0, COLORS, 0, 0]
    vectors = np.stack(rows["vector"])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(vectors[3], vectors[4])  # nobody there: the frame itself
    assert np.abs(vectors[0] - vectors[1]).max() > 0.1
    assert (counts.read, counts.found) == (2, {"instances": 1, "backgrounds": 2})


def test_bodies_without_a_region_are_described_by_their_joints(film, monkeypatch):
    monkeypatch.setattr(embed_images, "load_model", lambda model, weights: stub_embed)
    people = pd.read_parquet(film["instances"]).assign(region=None)
    people.to_parquet(film["instances"])
    embed_images.main(**film, shard="01of01", batch_size=4, **PARAMS)
    rows = pd.read_parquet(film["embeddings"]).set_index("kind")
    figure, mask, _ = draw_figure("nella")
    written = read_rgb(Path(film["images"]) / "s0001_f000000.jpg")
    region = find_region(None, JOINTS, np.array(BOX))
    assert figure.shape == written.shape
    expected = describe_colors(written, mask, region)
    np.testing.assert_allclose(rows.loc["instance", "colors"], expected, atol=1e-6)
    assert np.abs(expected - describe_colors(written, mask)).max() > 0.01


def test_a_segmenter_that_knows_bodies_needs_no_joints(film, monkeypatch):
    monkeypatch.setattr(embed_images, "load_model", lambda model, weights: stub_embed)
    found = []
    for keypoints in (film["keypoints"], []):
        options = {**film, "keypoints": keypoints, "shard": "01of01", "batch_size": 4}
        embed_images.main(**options, **PARAMS)
        found.append(pd.read_parquet(film["embeddings"]))
    pd.testing.assert_frame_equal(*found)


def test_backgrounds_may_have_a_model_of_their_own(film, monkeypatch):
    def load(model, weights):
        return (
            stub_embed if model["name"] == "stub" else lambda images: np.ones((len(images), 4)) / 2
        )

    monkeypatch.setattr(embed_images, "load_model", load)
    scene = {"scene_model": {"name": "places"}, "scene_weights": []}
    embed_images.main(**film, shard="01of01", batch_size=2, **PARAMS, **scene)
    rows = pd.read_parquet(film["embeddings"])
    lengths = rows.groupby("kind")["vector"].agg(lambda vectors: {len(v) for v in vectors})
    assert lengths["background"] == {4}
    assert 4 not in lengths["frame"] | lengths["instance"]
    assert rows["kind"].value_counts().to_dict() == {"frame": 2, "background": 2, "instance": 1}


def test_images_are_scaled_to_their_net_by_who_reads_them(film, monkeypatch):
    main, seen = threading.get_ident(), []

    def load(model, weights):
        side = 32 if model["name"] == "stub" else 16

        def fit(image):
            assert threading.get_ident() != main
            return np.full((side, side, 3), 9, np.uint8)

        def embed(images):
            assert threading.get_ident() == main
            seen.extend((side, image.shape) for image in images)
            return np.ones((len(images), 4)) / 2

        return Embedder(embed, fit)

    monkeypatch.setattr(embed_images, "load_model", load)
    scene = {"scene_model": {"name": "places"}, "scene_weights": []}
    embed_images.main(**film, shard="01of01", batch_size=2, **PARAMS, **scene)
    assert sorted(seen) == [(16, (16, 16, 3))] * 2 + [(32, (32, 32, 3))] * 3


@pytest.mark.parametrize("name", [*names("embed"), *names("scene")])
def test_an_image_that_fits_has_the_same_vector(name):
    net, image = opened(name), noise(400, 640)
    fitted = net.fit(image)
    assert fitted.shape[0] == fitted.shape[1] and fitted.dtype == np.uint8
    np.testing.assert_array_equal(net.fit(fitted), fitted)
    np.testing.assert_array_equal(net([fitted]), net([image]))


def test_an_empty_shard_loads_no_model(film, monkeypatch):
    monkeypatch.setattr(embed_images, "load_model", None)
    for name in ("instances", "keypoints"):
        pd.read_parquet(film[name])[:0].to_parquet(film[name])
    counts = embed_images.main(**film, shard="01of02", batch_size=4, **PARAMS)
    assert counts.read == 0
    assert pd.read_parquet(film["embeddings"]).columns.tolist() == embed_images.EMBEDDINGS.names


@pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"{WEIGHTS} is not there: fetch_model gets it")
def test_mobilenet_gives_the_same_alone_and_in_a_batch():
    embed = load_embed({WEIGHTS.name: WEIGHTS}, device="cpu")
    images = [draw_figure(name)[0] for name in ("nella", "bruno")]
    together = embed(images)
    assert together.shape == (2, 1280)
    np.testing.assert_allclose(np.concatenate([embed([i]) for i in images]), together, atol=1e-5)
    assert embed([]).shape == (0, 1280)
