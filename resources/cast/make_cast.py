"""Draws a cast: `python -m cast.make_cast --seed 1 --people 1000 --out cast`.

Writes `cast_<number>.parquet` (shards.IMAGES) with some thousand images each. Files that are there
are left: run it again to go on, or with --people larger for more. The same seed makes the same
bytes, in whatever parts: --part 0/2 and --part 1/2 make halves, in two processes.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cast.attributes import sample_person
from cast.captions import write_caption
from cast.chances import draw
from cast.places import KINDS, make_place
from cast.shards import encode, read_settings, write_images
from cast.stage import Actor, draw_image

GROUP = 8  # characters that share a film's places, and meet
PLACES = 6  # of a group
GROUPS_PER_FILE = 10
CREWS = {"1": 0.8, "2": 0.14, "3": 0.06}  # people in an image
CAPTIONS = 3  # an image
SEEDS = 1_000_000  # characters of one seed; the next seed's come after them
MAKER = 1  # changes when the same seed makes other images


def make_group(body, seed: int, group: int, people: int, settings: dict) -> Iterator[dict]:
    """Rows of all images of one group of characters."""
    from cast.people import build_figure  # the body model is a package of its own environment

    rng = np.random.default_rng([seed, group])
    cast = [sample_person(seed * SEEDS + group * GROUP + k) for k in range(people)]
    actors = [Actor(person, build_figure(body, person)) for person in cast]
    place_seed = seed * SEEDS + group
    kinds = rng.choice(KINDS, PLACES, replace=False)
    places = [make_place(str(kind), place_seed) for kind in kinds]
    for first, person in enumerate(cast):
        for number in range(settings["images_per_person"]):
            its_rng = np.random.default_rng([seed, group, first, number])
            others = its_rng.permutation([k for k in range(people) if k != first])
            size = int(draw(CREWS, its_rng))
            crew = [actors[k] for k in (first, *others[: size - 1])]
            place = places[its_rng.integers(PLACES)]
            image, mask, row = draw_image(crew, place, settings["size_px"], its_rng)
            yield {
                "image_id": f"p{person.seed:09d}_i{number:03d}",
                "image": encode(image, settings["format"]),
                "mask": encode(mask, "png"),
                "captions": [write_caption(row, its_rng) for _ in range(CAPTIONS)],
                "place_seed": place_seed,
                **row,
            }


def make_file(body, number: int, people: int, path: Path, settings: dict) -> int:
    """Draw and write one file; how many images it holds."""
    rows = []
    for group in range(number * GROUPS_PER_FILE, (number + 1) * GROUPS_PER_FILE):
        count = min(GROUP, people - group * GROUP)
        if count > 0:
            rows += make_group(body, settings["seed"], group, count, settings)
    write_images(rows, path, settings)
    return len(rows)


def find_missing(out: Path, people: int, part: tuple[int, int], settings: dict) -> dict[int, Path]:
    """Files of this part that are not there yet, by number; the others must be of one kind."""
    files = -(-people // (GROUP * GROUPS_PER_FILE))
    paths = {n: out / f"cast_{n:05d}.parquet" for n in range(part[0], files, part[1])}
    for number, path in paths.items():
        if path.exists() and read_settings(path) != file_settings(number, people, settings):
            raise SystemExit(
                f"{path} was made with {read_settings(path)}, not with "
                f"{file_settings(number, people, settings)}: take another --out, or delete it."
            )
    return {number: path for number, path in paths.items() if not path.exists()}


def file_settings(number: int, people: int, settings: dict) -> dict:
    """What a file's bytes depend on; the last one holds fewer people."""
    whole = GROUP * GROUPS_PER_FILE
    return {**settings, "people": min(whole, people - number * whole)}


def main(
    seed: int, people: int, images_per_person: int, size: int, format: str,
    part: tuple[int, int], out: Path,
) -> None:  # fmt: skip
    settings = {
        "maker": MAKER, "seed": seed, "size_px": size, "images_per_person": images_per_person,
        "format": format,
    }  # fmt: skip
    missing = find_missing(out, people, part, settings)
    print(f"{len(missing)} files to make", flush=True)
    if not missing:
        return
    from cast.people import load_body  # takes seconds: not for --help, nor where all is there

    body = load_body()
    started, drawn = time.process_time(), 0
    for number, path in missing.items():
        drawn += make_file(body, number, people, path, file_settings(number, people, settings))
        spent = time.process_time() - started
        print(f"{path}: {drawn} images, {drawn / spent:.1f} a CPU-second", flush=True)


def read_part(text: str) -> tuple[int, int]:
    """ "0/2" -> (0, 2)."""
    index, _, count = text.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise argparse.ArgumentTypeError(f"{text!r} is no part: write 0/2, the first of two")
    return int(index), int(count)


def read_count(text: str) -> int:
    """A whole number of 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="any; each makes a cast of its own")
    parser.add_argument("--people", type=read_count, required=True, help="characters")
    parser.add_argument("--images-per-person", type=read_count, default=12)
    parser.add_argument("--size", type=read_count, default=128, help="pixels a side")
    parser.add_argument("--format", choices=("jpeg", "png"), default="jpeg")
    parser.add_argument("--part", type=read_part, default=(0, 1), help="such as 0/2")
    parser.add_argument("--out", type=Path, required=True, help="folder for the files")
    main(**vars(parser.parse_args()))
