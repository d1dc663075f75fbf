"""Measure everything beside its peers, then write results.md and its picture: `make bench`."""

import sys
from pathlib import Path

from benchmarks.corpus import LENGTHS_S, make_all
from benchmarks.measure import Command, run_in_turn
from benchmarks.results import write_results

BIG_BUCK_BUNNY = Path("resources/films/bbb.mp4")
WORK = Path("benchmarks/scratch")
ROUNDS = 5
CODES = "1000000"
ON_FILMS = [
    ("ours", "decode_film"),
    ("ours", "extract"),
    ("ours", "extract_1"),
    ("peers", "ffmpeg"),
    ("peers", "scenedetect"),
]
ON_PICTURES = [
    ("ours", "decode_pictures"),
    ("ours", "extract"),
    ("ours", "duplicates"),
    ("peers", "imagededup"),
    ("peers", "imagehash"),
    ("peers", "cleanvision"),
]
FOR_SHOTS = {
    "bbb_3min": str(WORK / "bbb_3min.mp4"),
    "demo": "resources/demo_film/film.mp4",
    "corpus": str(WORK / "corpus.mp4"),
}


def list_timed() -> list[Command]:
    """What is run ROUNDS times, in turn."""
    films = {f"film_{s}s": (str(WORK / f"bbb_{s}s.mp4"), ON_FILMS) for s in LENGTHS_S}
    sources = films | {"pictures": (str(WORK / "pictures"), ON_PICTURES)}
    commands = [
        Command(f"{name}_{what}", script, what, source)
        for name, (source, jobs) in sources.items()
        for script, what in jobs
    ]
    searches = [("ours", "search"), ("peers", "faiss")]
    commands += [Command(f"codes_{what}", who, what, CODES) for who, what in searches]
    return [*commands, Command("start", "ours", "start", "-")]


def list_judged() -> list[Command]:
    """What is run once, for how right it is (and how much memory a longer film takes)."""
    commands = [
        Command(f"{name}_{what}", script, what, source)
        for name, source in FOR_SHOTS.items()
        for script, what in (("ours", "extract"), ("peers", "scenedetect"))
    ]
    parts = Command("parts", "ours", "parts", FOR_SHOTS["bbb_3min"])
    pictures = Command("picture_parts", "ours", "picture_parts", str(WORK / "pictures"))
    return [*commands, parts, pictures]


def main() -> None:
    make_all(BIG_BUCK_BUNNY, WORK)
    record = WORK / "runs.jsonl"
    record.unlink(missing_ok=True)
    run_in_turn(list_judged(), 1, record)
    run_in_turn(list_timed(), ROUNDS, record)
    write_results(record)


if __name__ == "__main__":
    sys.exit(main())
