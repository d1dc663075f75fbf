"""Who is beside whom: one double detection forbids nothing, twins stay apart."""

import numpy as np
import pandas as pd
import pytest

from workflow_scripts.film.people.clusters import link_average
from workflow_scripts.film.people.meetings import (
    FEW,
    are_two,
    count_images,
    count_meetings,
    find_doubles,
    weigh_meetings,
)
from workflow_scripts.lib.boxes import share_overlap

ALONE, BESIDE, INSIDE = (0, 0, 60, 100), (100, 0, 160, 100), (5, 0, 55, 90)


def film(**tracks) -> pd.DataFrame:
    """Instances of tracks: name=(numbers of their frames, box)."""
    rows = [
        (f"f{number:03d}", name, *map(float, box))
        for name, (numbers, box) in tracks.items()
        for number in numbers
    ]
    return pd.DataFrame(rows, columns=["frame_id", "track_id", "x0", "y0", "x1", "y1"])


def weigh(people, *tracks):
    names = list(tracks)
    return weigh_meetings(count_meetings(people, names), count_images(people, names))


def test_meetings_are_the_images_in_which_two_stand_apart():
    people = film(a=(range(10), ALONE), b=(range(5, 9), BESIDE), c=(range(20, 25), ALONE))
    meetings = weigh(people, "a", "b", "c")
    assert meetings.tolist() == [[0, 4, 0], [4, 0, 0], [0, 0, 0]]
    assert count_images(people, ["a", "b", "c", "none"]).tolist() == [10, 4, 5, 0]


@pytest.mark.parametrize(
    ("frames", "box", "weight"),
    [
        (range(5, 6), BESIDE, 1),
        (range(10), INSIDE, 0),
        (range(5, 9), (50, 0, 110, 100), 4),
    ],
    ids=["once", "in the same place all the time", "arm in arm"],
)
def test_a_double_detection_weighs_little(frames, box, weight):
    people = film(a=(range(10), ALONE), b=(frames, box))
    assert weigh(people, "a", "b")[0, 1] == weight


@pytest.mark.parametrize(("length", "weight"), [(1, 1), (2, FEW), (5, 5)])
def test_two_who_fill_a_short_shot_are_two(length, weight):
    people = film(a=(range(length), ALONE), b=(range(length), BESIDE))
    assert weigh(people, "a", "b")[0, 1] == weight


def test_share_overlap_is_of_the_smaller_box():
    boxes = [np.array(box, float) for box in (ALONE, INSIDE, BESIDE)]
    assert share_overlap(boxes[0], boxes[1]) == 1 and share_overlap(boxes[0], boxes[2]) == 0
    assert share_overlap(boxes[0], np.array([30.0, 0, 90, 100])) == pytest.approx(0.5)
    assert share_overlap(boxes[0], np.zeros(4)) == 0


@pytest.mark.parametrize(
    ("meetings", "one", "other", "two"),
    [(2, 30, 30, False), (3, 30, 30, True), (4, 100, 90, False), (5, 100, 2000, True)]
    + [(11, 2000, 2000, False), (12, 2000, 2000, True)],
    ids=["too few", "a few", "hardly ever, for so many", "often, for the smaller"]
    + ["some images of a long film", "two seconds of it"],
)
def test_how_often_two_people_meet(meetings, one, other, two):
    assert are_two(np.array(meetings), np.array(one), np.array(other)) == two


def link(people, tracks, distances, *, limit=0.3, seeds=None):
    """Labels of tracks; `distances` by pair, 0.5 where none is given."""
    count = len(tracks)
    matrix = np.full((count, count), 0.5)
    np.fill_diagonal(matrix, 0)
    for pair, value in distances.items():
        one, other = (tracks.index(name) for name in pair)
        matrix[one, other] = matrix[other, one] = value
    apart = np.zeros((count, count), bool)
    evidence, images = weigh(people, *tracks), count_images(people, tracks)
    return link_average(matrix, apart, np.arange(count), limit, evidence, images).tolist()


def test_a_double_detection_does_not_part_a_character_from_her_name():
    """The double looks like her images, and is nearer to them than she is in her longest shot."""
    people = film(image=((), ALONE), main=(range(40), ALONE), double=([7], BESIDE))
    pairs = {("image", "double"): 0.005, ("image", "main"): 0.01, ("main", "double"): 0.02}
    assert link(people, ["image", "main", "double"], pairs) == [0, 0, 0]


def test_a_double_detection_with_a_following_does_not_either():
    """What was found twice for a while joined her other shots before: for so many it is little."""
    people = film(
        main=(range(40), ALONE), double=(range(4), BESIDE), other=(range(100, 200), ALONE)
    )
    near = {("double", "other"): 0.01, ("main", "other"): 0.02, ("main", "double"): 0.02}
    assert len(set(link(people, ["main", "double", "other"], near))) == 2  # 4 of 40: too often
    people = film(
        main=(range(90), ALONE), double=(range(4), BESIDE), other=(range(100, 200), ALONE)
    )
    assert len(set(link(people, ["main", "double", "other"], near))) == 1


def test_twins_side_by_side_stay_apart():
    """They look the same; who is who elsewhere follows from the little that differs."""
    people = film(
        one=(range(20), ALONE),
        two=(range(20), BESIDE),
        one_later=(range(30, 50), ALONE),
        two_later=(range(40, 60), BESIDE),
    )
    tracks = ["one", "two", "one_later", "two_later"]
    alike = {(a, b): 0.02 for a in tracks for b in tracks if a < b}
    alike |= {("one", "one_later"): 0.01, ("two", "two_later"): 0.01}
    labels = link(people, tracks, alike)
    assert labels[0] == labels[2] != labels[1] == labels[3]


def test_twins_in_short_shots_stay_apart():
    tracks = [f"{who}{shot}" for shot in range(4) for who in "ab"]
    places = {
        name: (range(9 * int(name[1]), 9 * int(name[1]) + 2), BOX[name[0]]) for name in tracks
    }
    alike = {(p, q): 0.01 if p[0] == q[0] else 0.02 for p in tracks for q in tracks if p != q}
    labels = link(film(**places), tracks, alike)
    assert len(set(labels[::2])) == 1 == len(set(labels[1::2])) and labels[0] != labels[1]


BOX = {"a": ALONE, "b": BESIDE}


def test_a_name_is_given_once_a_frame():
    rows = pd.DataFrame(
        [
            ("f1", "nella", "long", 900, "reference"),
            ("f1", "nella", "short", 2000, "reference"),
            ("f1", "pip", "short", 100, "reference"),
            ("f2", "nella", "long", 900, "reference"),
            ("f2", "nella", "said", 10, "review"),
            ("f3", "nella", "long", 900, "reference"),
            ("f3", "", "other", 900, "none"),
            ("f3", "", "another", 900, "none"),
            ("f4", "nella", "said", 10, "review"),
            ("f4", "nella", "said too", 10, "review"),
        ],
        columns=["frame_id", "character", "track_id", "area_px", "source"],
    )
    doubles = find_doubles(rows)
    assert rows.loc[doubles, "track_id"].tolist() == ["short", "long"]
    assert rows.loc[doubles, "frame_id"].tolist() == ["f1", "f2"]
