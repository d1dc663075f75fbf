"""Measure everything beside its peers, then write results.md and its image: `make bench`."""

import sys
from pathlib import Path

from benchmarks.corpus import LENGTHS_S, make_all
from benchmarks.measure import WORK, Command, run_in_turn
from benchmarks.results import write_results

BIG_BUCK_BUNNY = Path("resources/films/bbb.mp4")
ROUNDS = 5
CODES, VECTORS = "1000000", "100000"
ON_FILMS = [
    ("ours", "decode_film"),
    ("ours", "extract"),
    ("ours", "extract_1"),
    ("peers", "ffmpeg"),
    ("peers", "scenedetect"),
]
ON_IMAGES = [
    ("ours", "decode_images"),
    ("ours", "extract"),
    ("ours", "duplicates"),
    ("peers", "imagededup"),
    ("peers", "imagehash"),
    ("peers", "cleanvision"),
]
FILMS = {f"film_{seconds}s": WORK / f"bbb_{seconds}s.mp4" for seconds in LENGTHS_S}
FILMS["corpus"] = WORK / "corpus.mp4"


def list_timed() -> list[Command]:
    """What is run ROUNDS times, in turn."""
    sources = {name: (path, ON_FILMS) for name, path in FILMS.items()}
    sources["images"] = (WORK / "images", ON_IMAGES)
    commands = [
        Command(f"{name}_{what}", script, what, str(source))
        for name, (source, jobs) in sources.items()
        for script, what in jobs
    ]
    searches = [("ours", "search"), ("peers", "faiss")]
    commands += [Command(f"codes_{what}", who, what, CODES) for who, what in searches]
    groupings = [("ours", "group"), ("peers", "kmeans"), ("ours", "vectors")]
    commands += [Command(f"vectors_{what}", who, what, VECTORS) for who, what in groupings]
    return [*commands, Command("start", "ours", "start", "-")]


def list_judged() -> list[Command]:
    """What is run once: for how right it is on the demo film, and for where the time goes."""
    film = "resources/demo_film/film.mp4"
    return [
        Command("demo_extract", "ours", "extract", film),
        Command("demo_scenedetect", "peers", "scenedetect", film),
        Command("parts", "ours", "parts", str(FILMS["film_180s"])),
        Command("image_parts", "ours", "image_parts", str(WORK / "images")),
    ]


def main() -> None:
    make_all(BIG_BUCK_BUNNY, WORK)
    record = WORK / "runs.jsonl"
    record.unlink(missing_ok=True)
    run_in_turn(list_judged(), 1, record)
    run_in_turn(list_timed(), ROUNDS, record)
    write_results(record)


if __name__ == "__main__":
    sys.exit(main())
