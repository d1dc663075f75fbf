"""Every phase takes tables without a row, as an empty shard leaves them, and leaves such ones."""

import importlib
import inspect

import pandas as pd
import pytest

from tests.factories import films_in_code
from tests.factories.odd_films import draw_scenery, write_empty
from workflow_scripts.film import extract_frames
from workflow_scripts.lib.manifest import select_shard
from workflow_scripts.lib.tables import RESULTS
from workflow_scripts.plan.config import read_shipped

CONFIG = read_shipped()
MODEL = {"name": "none", "device": "cpu", "sure_score": 0.5}  # never opened: nobody is looked at
PHASES = sorted({r.module for r in RESULTS.values() if r.schema and r.module.startswith("film.")})
PHASES.remove("film.extract_frames")  # a film has at least one frame
OUTPUTS = {  # of main, by the names of their tables where those differ
    "film.select_text": {"text": "texts"},
    "film.estimate_poses": {"poses": "keypoints"},
    "film.classify_poses": {"labels": "poses"},
    "film.score_expressions": {"scores": "expression_scores"},
}
INPUTS = {"text": "texts", "scores": "expression_scores"}
FOLDERS = ("images", "crops", "background_images", "backgrounds_images")


def name_measures():
    """The name of what measure_lighting leaves, which its readers call measures."""
    return next(r.name for r in RESULTS.values() if r.module == "film.measure_lighting")


def find_table(module, name):
    """The table that a parameter of a phase stands for; "" where it is none."""
    table = name_measures() if name == "measures" else OUTPUTS.get(module, {}).get(name)
    table = table or INPUTS.get(name, name)
    return table if table in RESULTS and RESULTS[table].schema else ""


def make_arguments(module, folder, frames):
    """Arguments of a phase's main for empty tables, and the paths that it shall leave."""
    main = importlib.import_module(f"workflow_scripts.{module}").main
    (folder / "roster").mkdir(exist_ok=True)
    block, arguments, left = CONFIG.get(module.partition(".")[2], {}), {}, {}
    options = {
        "shard": "01of02",
        "characters": ["nella"],
        "limits": block,
        "roster": str(folder / "roster"),
    }
    options |= {"rules": block, "padding": 0.1, "scene_model": None, "margin": 0.4}
    for name, parameter in inspect.signature(main).parameters.items():
        table = find_table(module, name)
        if name in block or name in options and parameter.kind is parameter.KEYWORD_ONLY:
            arguments[name] = block.get(name, options.get(name))
        elif name in FOLDERS:
            (folder / name).mkdir(exist_ok=True)
            arguments[name] = [] if "list" in str(parameter.annotation) else str(folder / name)
        elif table and RESULTS[table].module == module:
            arguments[name] = left[table] = str(folder / "left" / f"{table}.parquet")
        elif name == "frames":
            arguments[name] = str(frames)
        elif name == "model" and parameter.kind is not parameter.KEYWORD_ONLY:
            arguments[name] = "resources/light_models/lighting.json"
        elif table:
            shards = [write_empty(folder, table, f"{table}.{n}.parquet") for n in (1, 2)]
            arguments[name] = shards if "list" in str(parameter.annotation) else shards[0]
        elif parameter.kind is parameter.KEYWORD_ONLY and "dict" in str(parameter.annotation):
            arguments[name] = MODEL
        else:
            arguments[name] = []  # weights, reviews
    return main, arguments, left


def test_the_phases_are_found():
    assert len(PHASES) == 17


@pytest.mark.parametrize("module", PHASES)
def test_no_row_at_all(module, tmp_path):
    frames = write_empty(tmp_path, "frames")
    main, arguments, left = make_arguments(module, tmp_path, frames)
    counts = main(**arguments)
    assert (counts.read, counts.kept) == (0, 0)
    assert left
    for table, path in left.items():
        result = RESULTS[table]
        schema = getattr(importlib.import_module(f"workflow_scripts.{module}"), result.schema)
        assert pd.read_parquet(path).columns.tolist() == schema.names
        assert pd.read_parquet(path).empty


@pytest.fixture(scope="module")
def one_shot(tmp_path_factory):
    """The frames of a film of one shot, and what sees none of them: the first of two shards."""
    folder = tmp_path_factory.mktemp("one_shot")
    film = films_in_code.write_film(folder / "film.mp4", draw_scenery(1, 24))
    paths = [str(folder / name) for name in ("frames.parquet", "shots.parquet", "problems.parquet")]
    sampling = CONFIG["extract_frames"]["sampling"]
    extract_frames.main(
        str(film), *paths, str(folder / "images"), sampling=sampling, max_unreadable=0.1
    )
    frames = pd.read_parquet(paths[0])
    assert len(frames) >= 3
    assert select_shard(frames, "01of02").empty
    return paths[0]


@pytest.mark.parametrize(
    "module",
    ["segment_instances", "inpaint_backgrounds", "embed_images", "measure_lighting"]
    + ["estimate_poses", "crop_faces", "score_expressions", "identify_characters"]
    + ["classify_poses", "classify_expressions"],
)
def test_a_shard_without_a_shot_and_a_shot_without_people(one_shot, module, tmp_path):
    main, arguments, left = make_arguments(f"film.{module}", tmp_path, one_shot)
    counts = main(**arguments)
    assert (counts.read, counts.kept) == (0, 0)
    assert [len(pd.read_parquet(path)) for path in left.values()] == [0]


@pytest.mark.parametrize("module", ["dedup_frames", "select_text", "filter_frames"])
def test_frames_of_one_shot_in_which_nothing_was_found(one_shot, module, tmp_path):
    main, arguments, left = make_arguments(f"film.{module}", tmp_path, one_shot)
    if module == "filter_frames":
        dedup, parts, groups = make_arguments("film.dedup_frames", tmp_path, one_shot)
        dedup(**parts)
        arguments["groups"] = groups["groups"]
    frames = len(pd.read_parquet(one_shot))
    assert main(**arguments).read == frames
    assert [len(pd.read_parquet(path)) for path in left.values()] == [
        0 if module == "select_text" else frames
    ]
