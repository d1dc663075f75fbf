import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from resources.light_models.recipe import data
from tests.factories.cast_shards import COLORS, make_cast, make_row
from workflow_scripts.lib.errors import CineloraError


def test_shards_become_images_and_codes(tmp_path):
    cast = data.open_cast(make_cast(tmp_path / "cast", images=20), side_px=64)
    assert cast.images.shape == (20, 64, 64, 3)
    assert cast.table["image_id"].tolist() == [f"i{n:05d}" for n in range(20)]
    tops = cast.table["top_color"]
    seen = [cast.images[n, 60, 32].tolist() == list(COLORS[top]) for n, top in enumerate(tops)]
    assert seen == [True] * 20
    column = cast.words.attributes[cast.words.column("top_color")]
    assert [column.values[code] for code in cast.codes[:, cast.words.column("top_color")]] == list(
        tops
    )
    assert set(cast.codes[:, cast.words.column("glasses")]) == {-1}
    hidden = cast.codes[:, cast.words.column("place")] == -1
    assert hidden.tolist() == [number % 5 == 0 for number in range(20)]
    assert cast.table["person_id"].tolist() == [number // 4 for number in range(20)]


def test_images_are_decoded_once_and_anew_when_a_shard_changes(tmp_path, monkeypatch):
    folder = make_cast(tmp_path / "cast", images=8)
    decoded = []
    real = data.decode_image
    monkeypatch.setattr(data, "decode_image", lambda *a: decoded.append(1) or real(*a))
    first = np.array(data.open_cast(folder, side_px=64).images)
    assert len(decoded) == 8
    assert np.array_equal(data.open_cast(folder, side_px=64).images, first)
    assert len(decoded) == 8
    shutil.copy(folder / "part_0.parquet", folder / "part_1.parquet")
    changed = data.open_cast(folder, side_px=64).images
    assert len(decoded) == 16
    assert np.array_equal(changed[4:], first[:4])


@pytest.mark.parametrize(
    ("image", "said"),
    [(b"", "bytes of no image"), (b"GIF89a", "bytes of no image")],
    ids=["empty", "no image"],
)
def test_an_image_that_is_none_is_named(tmp_path, image, said):
    row = make_row(7, np.random.default_rng(0)) | {"image_id": "i7", "image": image}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    with pytest.raises(CineloraError, match=f"i7 is {said}"):
        data.open_cast(tmp_path, side_px=64)


def test_an_image_that_is_too_small_is_named(tmp_path):
    with pytest.raises(CineloraError, match="i00000 is 64 x 64 px; the recipe needs .* 128 px"):
        data.open_cast(make_cast(tmp_path, images=2), side_px=128)


def test_a_folder_without_shards_is_an_error(tmp_path):
    with pytest.raises(CineloraError, match="holds no shards"):
        data.open_cast(tmp_path, side_px=64)


def test_numbers_belong_to_seed_purpose_and_step():
    draws = [data.rng_for(*key).integers(1 << 60) for key in KEYS]
    assert draws[0] == draws[1]
    assert len(set(draws)) == len(KEYS) - 1


KEYS = [(1, "clip", 5), (1, "clip", 5), (2, "clip", 5), (1, "vae", 5), (1, "clip", 6)]


def test_augmented_images_are_the_same_image_cut_and_mirrored():
    image = np.zeros((1, 64, 64, 3), np.uint8)
    image[:, :, :32] = 200  # the left half is bright
    sides = [data.augment(image, np.random.default_rng(seed), 48)[0] for seed in range(40)]
    assert {side.shape for side in sides} == {(48, 48, 3)}
    bright_left = [bool(side[:, :8].mean() > 150 > 50 > side[:, -8:].mean()) for side in sides]
    bright_right = [bool(side[:, -8:].mean() > 150 > 50 > side[:, :8].mean()) for side in sides]
    assert sum(bright_left) + sum(bright_right) == 40
    assert 8 < sum(bright_left) < 32


def make_person(px: float, **visible) -> dict:
    acting = {"view": "front", "action": "stand", "expression": "happy"}
    looks = {"glasses": "none", "hat": "cap", **visible, "accessories": []}
    return {"seed": 1, "box": [0, 0, 9, 9], "visible_px": px, **acting, "visible": looks}


@pytest.mark.parametrize(
    ("others", "glasses"),
    [
        ([], "none"),
        ([(50, "glasses")], "none"),
        ([(51, "glasses")], "unknown"),
        ([(90, "none"), (10, "glasses")], "unknown"),
        ([(90, "none")], "none"),
        ([(90, "unknown")], "none"),
    ],
    ids=["alone", "twice as large", "nearly", "one of three differs", "all agree", "not seen"],
)
def test_of_several_people_only_what_is_true_of_the_image_is_kept(others, glasses):
    people = [make_person(100), *(make_person(px, glasses=value) for px, value in others)]
    flat = data.flatten(make_row(0, np.random.default_rng(0)) | {"people": people})
    assert flat["glasses"] == glasses
    assert (flat["hat"], flat["action"], flat["people"]) == ("cap", "stand", str(len(people)))


def test_a_person_is_cut_out_and_claims_nothing_of_the_whole_image(tmp_path):
    cast = data.open_cast(make_cast(tmp_path / "cast", images=12), side_px=64)
    chosen, cropped = np.arange(2, 10), np.arange(8) % 2 == 1
    images, codes = data.cut_people(cast, chosen, cropped, np.random.default_rng(0))
    hidden = [cast.words.column(name) for name in ("shot_type", "place", "people")]
    shown = [n for n in range(codes.shape[1]) if n not in hidden]
    assert np.array_equal(images[~cropped], cast.images[chosen][~cropped])
    assert np.array_equal(codes[~cropped], cast.codes[chosen][~cropped])
    assert (codes[np.ix_(cropped, hidden)] == -1).all()
    assert np.array_equal(codes[:, shown], cast.codes[chosen][:, shown])
    assert (cast.codes[:, hidden[0]] != -1).all(), "the cast itself stays as it was"
    for image, whole in zip(images[cropped], cast.images[chosen][cropped], strict=True):
        # the box is 8..56 x 12..64, of which 5 to 13 px more are kept: the top row is gone, or not
        assert image.shape == (64, 64, 3)
        assert not np.array_equal(image, whole)


def test_a_crop_ends_with_the_image():
    image = np.arange(64, dtype=np.uint8)[:, None, None].repeat(64, 1).repeat(3, 2)
    crop = data.crop_person(image, np.array([30, 40, 40, 60]), 0.25)  # 5 px around
    assert crop.shape == (29, 20, 3)
    assert (crop[0, 0, 0], crop[-1, 0, 0]) == (35, 63)


def test_a_piece_keeps_its_scale():
    image = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(1, 64, 64, 3).astype(np.uint16)
    piece = data.cut_pieces(image, 16, np.random.default_rng(0))[0]
    assert piece.shape == (16, 16, 3)
    assert (piece[1:, :, 0] - piece[:-1, :, 0] == 64 * 3).all()
