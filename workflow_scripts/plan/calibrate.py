"""Options that suit a model of the roles embed and scene, told from a film that was run with it.

By hand: `make calibrate NAME=demo`, or `python -m workflow_scripts.plan.calibrate demo`. Prints a
page of config with the evidence beside each value; it goes behind the user's own pages, or into the
model's row as `calibrated`. Nobody needs to know who is who, for the film says it itself: halves of
a track are one person, people who are seen together are two; neighboring backgrounds of a shot are
one view, shots far apart are mostly two places. Vectors that do not tell these apart are refused.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from workflow_scripts.film.cluster_scenes import describe_shots, join_tables, remove_common
from workflow_scripts.film.identify_characters import MIN_PAIRS, find_equal_error, read_tracks
from workflow_scripts.film.people.appearance import Appearance
from workflow_scripts.film.people.meetings import FEW, count_images, count_meetings
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.tables import find
from workflow_scripts.plan.calibration import OPTIONS, nest

WEIGHTS = (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
AS_GOOD = 0.95  # of the best separation; of weights that reach it the largest, as clothes change
MERGED = 0.05  # share of pairs of two people nearer than max_distance
VARIED = 0.05  # share of pairs of one person, or of one view, that lie farther apart than the rest
MIXED = 0.1  # share of pairs of shots far apart that are more alike than min_similarity
MAX_ERROR = 0.25  # equal error rate; one of 0.5 is a guess
FAR_SHOTS = 6  # between two shots of which hardly any are of one scene
MIN_SHOT_PAIRS = 20
MAX_PAINTED = 0.3  # share of a background that no frame shows: more says nothing of the place


class Choice(NamedTuple):
    """A value of an option, and what it rests on."""

    option: str
    value: float
    evidence: str


class People(NamedTuple):
    """Looks of halves of tracks (S), and of people who were seen together (P pairs)."""

    early: Appearance
    late: Appearance
    one: Appearance
    other: Appearance
    images: np.ndarray  # (P,) int: in how many images a pair was seen

    def distances(self, vector_weight: float) -> tuple[np.ndarray, np.ndarray]:
        """Distances of one person (S,), and of two (P,) as often as they were seen together."""
        same = np.diag(self.early.distances(self.late, vector_weight))
        two = np.diag(self.one.distances(self.other, vector_weight))
        return same, np.repeat(two, self.images)


def read_people(results: Path) -> People:
    """What a film says of who is one person and who are two."""
    people, tracks, whole, early, late = read_tracks(*list_shards(results, "instances"))
    if not tracks:
        raise CineloraError(
            f"{results} holds no tracks of people: nobody to tell apart.\n"
            "  Take a film in which people are seen together."
        )
    meetings = count_meetings(people, tracks)
    one, other = np.nonzero(np.triu(meetings >= FEW))
    long = np.flatnonzero(count_images(people, tracks) > 1)
    if len(one) < MIN_PAIRS or not len(long):
        raise CineloraError(
            f"{results} shows {len(one)} pairs of people together, and {len(long)} tracks of more\n"
            f"  than one image: too few. Take a film with {MIN_PAIRS} pairs or more."
        )
    parts = [take(early, long), take(late, long), take(whole, one), take(whole, other)]
    return People(*parts, meetings[one, other].astype(int))


def list_shards(results: Path, name: str) -> tuple[list[str], list[str]]:
    """Paths of the shards of a table, and of their embeddings."""
    paths = [[str(path) for path in find(one, results)] for one in (name, "embeddings")]
    if not paths[0] or len(paths[0]) != len(paths[1]):
        raise CineloraError(
            f"{results} holds {len(paths[0])} shards of {name} and {len(paths[1])} of embeddings.\n"
            "  Run the film first."
        )
    return paths[0], paths[1]


def take(appearance: Appearance, rows: np.ndarray) -> Appearance:
    return Appearance(appearance.colors[rows], appearance.vectors[rows])


def measure_separation(same: np.ndarray, two: np.ndarray) -> tuple[float, float]:
    """How near one person keeps, and how far from each other two are, but for a few of each."""
    return float(np.quantile(same, 1 - VARIED)), float(np.quantile(two, MERGED))


def calibrate_embed(people: People) -> list[Choice]:
    """vector_weight and max_distance of identify_characters.

    Separation is how many times farther two people are than one person varies; of the weights it is
    nearly the best for, the largest. No character reaches farther than where few pairs of two are.
    """
    error = find_equal_error(*people.distances(1.0))[1]
    if error > MAX_ERROR:
        raise CineloraError(
            "these vectors do not tell people apart: of pairs of one person and of two,\n"
            f"  {error:.0%} are taken for the other (half would be a guess). Choose another model\n"
            "  for the role embed, or set identify_characters.vector_weight to 0."
        )
    spans = {weight: measure_separation(*people.distances(weight)) for weight in WEIGHTS}
    ratios = {weight: far / max(near, 1e-6) for weight, (near, far) in spans.items()}
    weight = max(w for w, ratio in ratios.items() if ratio >= AS_GOOD * max(ratios.values()))
    near, far = spans[weight]
    seen = f"{len(people.early.colors)} tracks, {len(people.images)} pairs seen together"
    best = max(ratios, key=ratios.__getitem__)
    separation = f"two are {ratios[weight]:.2f} times as far apart as one is wide"
    return [
        Choice(
            "identify_characters.vector_weight",
            weight,
            f"{seen}: {separation} (at best {ratios[best]:.2f}, at {best:g}); error of the vectors "
            f"alone {error:.1%}",
        ),
        Choice(
            "identify_characters.max_distance",
            round(far, 3),
            f"{1 - VARIED:.0%} of tracks within {near:.3f}, {MERGED:.0%} of pairs within this",
        ),
    ]


def calibrate_scene(results: Path) -> list[Choice]:
    """view_similarity and min_similarity of cluster_scenes; near_bonus no film tells."""
    frames = find("frames", results)
    if not frames:
        raise CineloraError(f"{results} holds no table of frames. Run the film first.")
    table, vectors = join_tables(str(frames[0]), *list_shards(results, "backgrounds"))
    good = ((table["painted"] < MAX_PAINTED) & ~table["fade"]).to_numpy(bool)
    table, vectors = table[good].reset_index(drop=True), vectors[good]
    shots = table["shot_id"].to_numpy()
    beside = np.flatnonzero(shots[1:] == shots[:-1])
    ids, means = describe_shots(table, vectors)
    one, other = np.nonzero(np.triu(np.abs(ids[:, None] - ids[None]) > FAR_SHOTS))
    if not len(beside) or len(one) < MIN_SHOT_PAIRS:
        raise CineloraError(
            f"{results} has {len(beside)} pairs of neighboring backgrounds, and {len(one)} of\n"
            "  shots far apart: too few to tell views and places. Take a longer film."
        )
    views = (vectors[beside] * vectors[beside + 1]).sum(1)
    apart = (means[one] * means[other]).sum(1)
    error = find_equal_error(1 - views, 1 - apart)[1]
    if error > MAX_ERROR:
        raise CineloraError(
            f"these vectors do not tell places apart: {error:.0%} of neighbors in a shot and of\n"
            "  shots far apart are taken for the other. Choose another model for the role scene."
        )
    left = remove_common(means)
    places = (left[one] * left[other]).sum(1)
    return [
        Choice(
            "cluster_scenes.view_similarity",
            round(float(np.quantile(views, VARIED)), 3),
            f"{1 - VARIED:.0%} of {len(views)} pairs of neighbors in a shot are more alike",
        ),
        Choice(
            "cluster_scenes.min_similarity",
            round(float(np.quantile(places, 1 - MIXED)), 3),
            f"{MIXED:.0%} of {len(places)} pairs of shots far apart are more alike",
        ),
    ]


def calibrate(results: str | Path) -> tuple[list[Choice], list[str]]:
    """The options that the film in a folder below results/ tells, and why it does not tell more."""
    results = Path(results)
    if not results.is_dir():
        raise CineloraError(f"there is no folder {results}. Run the film first.")
    choices, problems = [], []
    for ask in (lambda: calibrate_embed(read_people(results)), lambda: calibrate_scene(results)):
        try:
            choices += ask()
        except CineloraError as error:
            problems.append(str(error))
    return choices, problems


def write_page(choices: list[Choice], results: str | Path) -> str:
    """A page of config with these values; comments say what each rests on, and what is missing."""
    lines = [f"# Calibrated on {results}, for the models of embed and scene that it was run with."]
    for choice in choices:
        lines.append(f"# {choice.option.partition('.')[2]}: {choice.evidence}")
    told = {choice.option for choice in choices}
    missing = [o for role in ("embed", "scene") for o in OPTIONS[role] if o not in told]
    lines += [f"# no film tells {option}: it stays as it is" for option in missing]
    values = nest({choice.option: choice.value for choice in choices})
    return "\n".join([*lines, yaml.safe_dump(values, sort_keys=False)])


def main(film: str) -> None:
    """Print the page of a film that was run; what it does not tell is an error at the end."""
    choices, problems = calibrate(f"results/{film}")
    if choices:
        print(write_page(choices, f"results/{film}"), end="")
    if problems:
        raise CineloraError("\n".join(problems))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("film", help="a folder below results/, such as demo")
    try:
        main(**vars(parser.parse_args()))
    except CineloraError as error:
        sys.exit(f"ERROR {error}")
