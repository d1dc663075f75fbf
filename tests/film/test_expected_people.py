"""Who must be in an image though no mask shows them: from their track before and after."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film.people.expected import find_missed

SIZE = (100, 200)


def find(seen: dict[int, tuple], times_s: list[float], hole: np.ndarray) -> list[float]:
    frames = [f"f{n}" for n in range(len(times_s))]
    shot = pd.DataFrame({"frame_id": frames, "time_s": times_s})
    rows = [(f"f{n}", "t00", 0.6 + 0.1 * (n == 0), *box) for n, box in seen.items()]
    people = pd.DataFrame(rows, columns=["frame_id", "track_id", "score", "x0", "y0", "x1", "y1"])
    return find_missed(shot, people, lambda n: hole)


def box(x: int) -> tuple[int, int, int, int]:
    return (x, 20, x + 20, 90)


@pytest.mark.parametrize(
    ("seen", "step_s", "expected"),
    [
        ({0: box(20), 1: box(40), 3: box(80)}, 1 / 6, [0, 0, 0.7, 0, 0.7]),
        ({0: box(20), 2: box(60), 4: box(100)}, 2.0, [0, 0.7, 0, 0.7, 0]),
        ({0: box(150), 1: box(170)}, 1 / 6, [0, 0, 0.7, 0, 0]),
        ({0: box(140), 1: box(182)}, 1 / 6, [0, 0, 0, 0, 0]),
        ({0: box(150), 1: box(170)}, 2.0, [0, 0, 0, 0, 0]),
        ({}, 1 / 6, [0, 0, 0, 0, 0]),
    ],
    ids=[
        "between two sightings, and right after the last",
        "between two sightings far apart",
        "half out of the image",
        "gone by then",
        "a moment later is too far to tell",
        "nobody",
    ],
)
def test_who_goes_on_beside_an_image_is_in_it(seen, step_s, expected):
    times_s = [step_s * n for n in range(5)]
    assert find(seen, times_s, np.zeros(SIZE, bool)) == pytest.approx(expected)


def test_who_is_taken_out_with_others_is_not_missed():
    hole = np.zeros(SIZE, bool)
    hole[:, 50:90] = True  # in the hole that somebody else left
    seen = {0: box(20), 1: box(40), 3: box(80), 4: box(100)}
    assert find(seen, [n / 6 for n in range(5)], hole)[2] == 0


@pytest.mark.parametrize(("x", "missed"), [(62, 0), (150, 0.7)], ids=["here", "elsewhere"])
def test_who_is_found_there_under_another_id_is_not_missed(x, missed):
    """The tracker took up a new id; the person was found, and taken out."""
    shot = pd.DataFrame({"frame_id": ["f0", "f1", "f2"], "time_s": [0, 0.2, 0.4]})
    rows = [("f0", "t00", 0.7, *box(40)), ("f2", "t00", 0.7, *box(80)), ("f1", "t01", 0.6, *box(x))]
    people = pd.DataFrame(rows, columns=["frame_id", "track_id", "score", "x0", "y0", "x1", "y1"])
    hole = np.zeros(SIZE, bool)
    hole[:, 150:] = True  # t01 is taken out everywhere
    assert find_missed(shot, people, lambda n: hole)[1] == missed
