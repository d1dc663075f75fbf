"""The hash against imagehash."""

from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from tests.factories.films_in_code import draw_scene
from workflow_scripts.film.decoding import hashes
from workflow_scripts.film.decoding.measures import LUMA_THUMBNAIL, reduce_luma, shrink
from workflow_scripts.film.decoding.video import Film
from workflow_scripts.film.decoding.yuv import jpeg_planes

DEMO = Path(__file__).parents[2] / "resources/demo_film/film.mp4"


def test_distance_to_imagehash():
    distances = []
    for seed in range(60):
        image = draw_scene(seed, (320, 180))
        gray = np.asarray(Image.fromarray(image).convert("L"))
        theirs = int(str(imagehash.phash(Image.fromarray(image))), 16)
        distances.append((hashes.hash_luma(shrink(gray)) ^ theirs).bit_count())
    assert np.mean(np.array(distances) <= 2) >= 0.9
    assert max(distances) <= 6


def test_distance_to_imagehash_on_a_film():
    with Film(DEMO, 2) as film:
        frames = [frame for number, (_, frame) in enumerate(film) if number % 12 == 0]
    distances = []
    for frame in frames:
        luma = jpeg_planes(frame)[0]
        theirs = int(str(imagehash.phash(Image.fromarray(luma))), 16)
        distances.append((hashes.hash_luma(reduce_luma(luma)[1]) ^ theirs).bit_count())
    assert len(distances) > 90
    assert np.mean(np.array(distances) <= 2) >= 0.9
    assert max(distances) <= 4


def test_the_hash_of_the_mirror_image():
    for seed in range(20):
        luma = shrink(draw_scene(seed, (320, 180))[..., 1])
        mirrored = np.ascontiguousarray(luma[:, ::-1])
        assert hashes.mirror_hash(hashes.hash_luma(luma), luma) == hashes.hash_luma(mirrored)


def test_the_hash_of_the_mirror_image_of_a_film_by_its_postcards():
    with Film(DEMO, 2) as film:
        frames = [frame for number, (_, frame) in enumerate(film) if number % 24 == 0]
    off = []
    for frame in frames:
        small = reduce_luma(jpeg_planes(frame)[0])[1]
        wanted = hashes.hash_luma(np.ascontiguousarray(small[:, ::-1]))
        code = hashes.mirror_hash(hashes.hash_luma(small), shrink(small, LUMA_THUMBNAIL))
        off.append((code ^ wanted).bit_count())
    assert np.mean(np.array(off) <= 4) >= 0.9


def test_a_hash_survives_brightness_and_size():
    image = draw_scene(4, (320, 180))[..., 1]
    half = shrink(image, (160, 90))
    code = hashes.hash_luma(shrink(image))
    assert (code ^ hashes.hash_luma(half)).bit_count() <= 2
    assert (code ^ hashes.hash_luma((half * 0.7).astype(np.uint8))).bit_count() <= 4
