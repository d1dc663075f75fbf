"""Options told from a film itself: what is one, what is two, and vectors that know neither."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from workflow_scripts.film.people.colors import COLORS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan import calibrate
from workflow_scripts.plan.calibration import OPTIONS

SHOTS, FRAMES, WIDTH = 16, 5, 32
PEOPLE = list(combinations(range(4), 2))  # who is in a shot, in turn


def make_looks(count: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Means (count, width) of length 1."""
    means = rng.normal(size=(count, width))
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def vary(mean: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    vector = mean + noise * rng.normal(size=len(mean)) / np.sqrt(len(mean))
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def write_film(folder: Path, *, noise: float = 0.3, color_noise: float = 0.3) -> Path:
    """Tables of a film of four people and three places; every shot shows two people."""
    rng = np.random.default_rng(5)
    people, places = (make_looks(count, WIDTH, rng) for count in (4, 3))
    paints = np.abs(rng.normal(size=(4, COLORS)))
    frames, instances, embedded, backgrounds = [], [], [], []
    for shot in range(SHOTS):
        for moment in range(FRAMES):
            frame_id = f"s{shot:04d}_f{shot * FRAMES + moment:06d}"
            frames.append((frame_id, shot, f"{frame_id}.jpg", False, 0.5))
            backgrounds.append((frame_id, 0.2, 0.1, 0.0, 0.0, 0.0))
            place = vary(places[shot * 3 // SHOTS], 0.4 * noise, rng)
            embedded.append((frame_id, "background", place, np.zeros(0, np.float32)))
            for place_in_frame, who in enumerate(PEOPLE[shot % len(PEOPLE)]):
                name, x = f"{frame_id}_i{place_in_frame:02d}", 200.0 * place_in_frame
                track = f"s{shot:04d}_t{place_in_frame:02d}"
                instances.append((name, frame_id, track, 900, x, 0.0, x + 90, 200.0))
                paint = paints[who] * (1 + color_noise * rng.random(COLORS))
                colors = (paint / paint.sum()).astype(np.float32)
                embedded.append((name, "instance", vary(people[who], noise, rng), colors))
    columns = {
        "extract_frames/frames": (frames, ["frame_id", "shot_id", "file", "fade", "sharpness"]),
        "segment_instances/01of01": (
            instances,
            ["instance_id", "frame_id", "track_id", "area_px", "x0", "y0", "x1", "y1"],
        ),
        "embed_images/01of01": (embedded, ["image_id", "kind", "vector", "colors"]),
        "inpaint_backgrounds/01of01": (
            backgrounds,
            ["frame_id", "covered", "filled", "leftover", "missed", "moving"],
        ),
    }
    for name, (rows, names) in columns.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows, columns=names).to_parquet(path)
    return folder


def shuffle(folder: Path, kind: str) -> None:
    """Give every image of a kind the vector of another."""
    path = folder / "embed_images/01of01.parquet"
    rows = pd.read_parquet(path)
    where = np.flatnonzero(rows["kind"] == kind)
    order = np.random.default_rng(1).permutation(where)
    vectors = rows["vector"].to_list()
    rows["vector"] = [
        vectors[order[np.searchsorted(where, n)]] if n in where else v
        for n, v in enumerate(vectors)
    ]
    rows.to_parquet(path)


def values_of(folder: Path) -> dict[str, float]:
    choices, problems = calibrate.calibrate(folder)
    assert problems == []
    return {choice.option.partition(".")[2]: choice.value for choice in choices}


def test_vectors_that_say_more_than_colors_weigh_more(tmp_path):
    good = values_of(write_film(tmp_path / "good", noise=0.3, color_noise=9.0))
    poor = values_of(write_film(tmp_path / "poor", noise=2.0, color_noise=0.1))
    assert poor["vector_weight"] < 0.5 < good["vector_weight"]


def test_limits_lie_between_what_is_one_and_what_is_two(tmp_path):
    film = write_film(tmp_path)
    found, people = values_of(film), calibrate.read_people(film)
    same, two = people.distances(found["vector_weight"])
    assert np.quantile(same, 0.95) < found["max_distance"] < np.median(two)
    assert (two < found["max_distance"] - 0.001).mean() <= 0.05
    assert len(same) == 2 * SHOTS and len(two) == SHOTS * FRAMES
    assert 0.9 < found["view_similarity"] < 1
    assert -0.5 < found["min_similarity"] < 0.9


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        ("instance", "do not tell people apart", {"view_similarity", "min_similarity"}),
        ("background", "do not tell places apart", {"vector_weight", "max_distance"}),
    ],
)
def test_vectors_that_know_nothing_are_refused(tmp_path, kind, words, told):
    film = write_film(tmp_path)
    assert len(values_of(film)) == 4
    shuffle(film, kind)
    choices, (problem,) = calibrate.calibrate(film)
    assert f"these vectors {words}" in problem
    assert {choice.option.partition(".")[2] for choice in choices} == told


def test_a_film_that_shows_nobody_together_says_so(tmp_path):
    film = write_film(tmp_path)
    path = film / "segment_instances/01of01.parquet"
    rows = pd.read_parquet(path)
    rows[rows["x0"] == 0].to_parquet(path)
    _, (problem,) = calibrate.calibrate(film)
    assert f"shows 0 pairs of people together, and {SHOTS} tracks" in problem


@pytest.mark.parametrize(
    ("missing", "count"), [("embed_images", 2), ("segment_instances", 1), ("extract_frames", 1)]
)
def test_a_film_that_was_not_run_says_so(tmp_path, missing, count):
    film = write_film(tmp_path / "film")
    (film / missing).rename(tmp_path / "elsewhere")
    _, problems = calibrate.calibrate(film)
    assert ["Run the film first." in problem for problem in problems] == [True] * count
    with pytest.raises(CineloraError, match="there is no folder .*nowhere. Run the film first"):
        calibrate.calibrate(tmp_path / "nowhere")


def test_what_is_not_told_is_an_error_after_the_rest(tmp_path, monkeypatch, capsys):
    shuffle(write_film(tmp_path / "results/tiny"), "instance")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CineloraError, match="do not tell people apart"):
        calibrate.main("tiny")
    assert list(yaml.safe_load(capsys.readouterr().out)) == ["cluster_scenes"]


def test_what_is_printed_is_a_page_of_config(tmp_path, monkeypatch, capsys):
    write_film(tmp_path / "results/tiny")
    monkeypatch.chdir(tmp_path)
    calibrate.main("tiny")
    said = capsys.readouterr().out
    page = yaml.safe_load(said)
    options = {f"{block}.{name}" for block, values in page.items() for name in values}
    known = {*OPTIONS["embed"], *OPTIONS["scene"]}
    assert options == known - {"cluster_scenes.near_bonus"}
    assert "no film tells cluster_scenes.near_bonus" in said
