"""Odd films through the whole workflow: nobody in them, too small, asked for what they lack."""

import json

import pandas as pd
import pytest

from tests.factories.copy_in_code import SMALL, prepare_run
from tests.factories.films_in_code import write_film
from tests.factories.odd_films import draw_scenery
from tests.factories.runs import snakemake

pytestmark = pytest.mark.workflow


def make_run(folder, size, kinds):
    """A folder for a run of a film of one shot of landscape; the arguments that name it."""
    prepare_run(folder)
    write_film(folder / "film.mp4", draw_scenery(3, 48, size))
    page = f"films: {{short: {{path: film.mp4, kinds: [{kinds}], characters: {{nella: {{}}}}}}}}"
    page = page.replace("nella: {}", "nella: {trigger: nella, class: woman}")
    (folder / "film.yaml").write_text(
        f"{page}\nadapter: {{tiers: {{light: {{steps: 2}}}}}}\n", encoding="utf-8"
    )
    return [*SMALL, "film.yaml"]


def test_a_film_of_one_shot_without_people_ends_with_a_report(tmp_path):
    folder = tmp_path / "run"
    arguments = make_run(folder, (384, 288), "pose")
    said = snakemake(folder, *arguments)
    assert "EMPTY: results/short/datasets/pose holds no image, of 0:" in said
    assert "nobody was found in the film" in said
    results = folder / "results/short"
    phases = json.loads((results / "progress.json").read_text(encoding="utf-8"))["phases"]
    assert len(phases) > 15 and {phase["status"] for phase in phases.values()} == {"done"}
    assert len(list(results.glob("segment_instances/*of02.parquet"))) == 2
    page = (results / "report/index.html").read_text(encoding="utf-8")
    assert "The dataset pose is empty." in page
    assert pd.read_parquet(results / "evaluate_adapter/pose/scores.parquet").empty
    assert not list(results.glob("datasets/pose/*.toml"))


def test_a_film_that_is_too_small_stops_before_any_model_is_asked(tmp_path):
    folder = tmp_path / "run"
    arguments = make_run(folder, (256, 192), "style, pose")
    said = snakemake(folder, "--cores", "1", *arguments, check=False)
    assert "side of the film's images is 192 px at most" in said
    assert "filter_frames.min_side_px is 256 px. Set it to 192 or less" in said
    assert "please report it" not in said
    assert not (folder / "results/short/segment_instances").exists()
    assert not (folder / "results/short/inpaint_backgrounds").exists()


@pytest.mark.parametrize("name", ["character", "character-nobody"])
def test_a_dataset_that_the_film_has_not_is_refused_with_those_it_has(tmp_path, name):
    folder = tmp_path / "run"
    arguments = make_run(folder, (384, 288), "style, character")
    said = snakemake(folder, *arguments, "--", f"results/short/datasets/{name}", check=False)
    assert f"the film short has no dataset '{name}'." in said
    assert "It has: style, character-nella." in said
    assert "Traceback" not in said
