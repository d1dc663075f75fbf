"""A frame that was emptied, overwritten or deleted stops what reads it, in plain words."""

import importlib
import inspect
from pathlib import Path

import pandas as pd
import pytest

from tests.factories import tables
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.tables import RESULTS
from workflow_scripts.plan.config import read_shipped

CONFIG = read_shipped()
MODEL = {"name": "none", "device": "cpu", "sure_score": 0.5}  # never asked anything
READERS = ["crop_faces", "embed_images", "estimate_poses", "inpaint_backgrounds"]
READERS += ["measure_lighting", "read_text", "segment_instances"]
DAMAGES = {
    "empty": (lambda path: path.write_bytes(b""), r"is empty now \(0 bytes\)"),
    "garbage": (lambda path: path.write_bytes(bytes(300)), r"is no image now \(300 bytes\)"),
    "cut off": (lambda path: path.write_bytes(path.read_bytes()[:2000]), "its end is missing now"),
    "gone": (lambda path: path.unlink(), "it is gone"),
}


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """The tiny film, its frames where extract_frames leaves them."""
    folder = tmp_path_factory.mktemp("film")
    paths = tables.make_film(folder)
    images = folder / "results/tiny/extract_frames/images"
    images.parent.mkdir(parents=True)
    Path(paths["images"]).rename(images)
    people = pd.read_parquet(paths["instances"])
    people.assign(region=[None] * len(people)).to_parquet(paths["instances"])
    return paths | {"images": str(images)}


def make_arguments(main, block, film, left):
    """Arguments of a phase's main: tables of the film, options, places to leave results in."""
    arguments = {}
    for name, parameter in inspect.signature(main).parameters.items():
        kind = str(parameter.annotation)
        if name in block:
            arguments[name] = block[name]
        elif name in film:
            arguments[name] = [film[name]] if "list" in kind else film[name]
        elif "dict" in kind:
            arguments[name] = MODEL
        else:
            arguments[name] = [] if "list" in kind else str(left / name)
    return arguments


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("phase", READERS)
def test_a_damaged_frame_is_named_with_the_command_that_makes_it_again(
    film, tmp_path, monkeypatch, phase, damage
):
    module = importlib.import_module(f"workflow_scripts.film.{phase}")
    if hasattr(module, "load_model"):
        monkeypatch.setattr(module, "load_model", lambda *_: None)
    first = sorted(Path(film["images"]).iterdir())[0]
    whole, (spoil, said) = first.read_bytes(), DAMAGES[damage]
    block = CONFIG.get(phase, {}) | {
        "shard": "01of01",
        "scene_model": None,
        "padding": 0.1,
        "margin": 0.4,
    }
    written = {r.name for r in RESULTS.values() if r.phase == phase}
    inputs = {name: path for name, path in film.items() if name not in written}
    spoil(first)
    try:
        with pytest.raises(CineloraError, match=said) as error:
            module.main(**make_arguments(module.main, block, inputs, tmp_path))
    finally:
        first.write_bytes(whole)
    assert str(first) in str(error.value)
    assert "--forcerun results/tiny/extract_frames/images" in str(error.value)
