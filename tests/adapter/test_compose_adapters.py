"""Adapters put together on a tiny base: one that undoes another, and one that leaves it alone."""

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tests.factories.datasets_in_code import (
    BASE,
    base_folder,
    make_dataset,
    make_options,
    open_base,
)
from tests.factories.trainings_in_code import encode_splits, finish, make_settings, make_trainer
from workflow_scripts.adapter import compose_adapters
from workflow_scripts.adapter.adapter_file import to_kohya, write_adapter
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb

EMBED = {"name": "by-color", "role": "embed", "loader": "mobilenet"}
QUICK = {"sampling_steps": 1, "images": 8, "timesteps": 4}
NAMES = ["pose", "style", "lighting"]  # what was learned; its opposite; what lies across to it
SETS = 3 + 3 + 1


def embed_by_color(images):
    """Stand-in for the model of the role embed: an 8x8 thumbnail as a vector."""
    thumbs = np.array([i[:: len(i) // 8][:8, ::8][:, :8].ravel() for i in images], float)
    thumbs = thumbs.reshape(len(images), 192) + 1
    return (thumbs / np.linalg.norm(thumbs, axis=1, keepdims=True)).astype(np.float32)


def lay_across(up, rng):
    """As long as `up` (out, rank), and at right angles to all of its columns."""
    found = torch.randn(up.shape, generator=rng, dtype=torch.float64)
    basis = torch.linalg.qr(up.double()).Q
    found = found - basis @ (basis.T @ found)
    return (found * up.norm() / found.norm()).float()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """One trained adapter, its opposite and one at right angles to it, all of one dataset."""
    folder = tmp_path_factory.mktemp("film")
    make_dataset(folder / "data", train=6, held_out=8)
    options = {"steps": 60, "learning_rate": 0.02, "validations": 1}
    trainer = make_trainer(encode_splits(folder / "data"), **options)
    learned = to_kohya(finish(trainer, 60), make_settings().file_alpha, open_base().name_layer)
    rng = torch.Generator().manual_seed(0)
    ups = [key for key in learned if "lora_up" in key]
    adapters = {
        "pose": learned,
        "style": learned | {key: -learned[key] for key in ups},
        "lighting": learned | {key: lay_across(learned[key], rng) * 0.1 for key in ups},
    }
    settings = {
        "base": "tiny-random-sd (random weights)",
        "base_sha256": open_base().sha256,
        "resolution_px": 64,
        "settings": {"background_loss_weight": 0.1},
        "dataset_sha256": "0" * 64,
        "trigger": "nella woman",
        "steps": 60,
        "distinct_images": 6,
    }
    for name, tensors in adapters.items():
        write_adapter(folder / f"{name}.safetensors", tensors, {})
        write_settings(folder / f"{name}.yaml", settings)
    return folder


def write_settings(path, settings):
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def run_main(film, out, monkeypatch, names=NAMES, **changes):
    load = compose_adapters.load_model
    monkeypatch.setattr(
        compose_adapters,
        "load_model",
        lambda model, files: embed_by_color if model["role"] == "embed" else load(model, files),
    )
    out.mkdir(exist_ok=True)
    return compose_adapters.main(
        datasets=[str(film / "data")] * len(names),
        adapters=[str(film / f"{name}.safetensors") for name in names],
        settings=[str(film / f"{name}.yaml") for name in names],
        references=[],
        base=str(base_folder()),
        embed_weights=[],
        scores=str(out / "scores.parquet"),
        layers=str(out / "layers.parquet"),
        grid=str(out / "grid.png"),
        how_measured=str(out / "settings.yaml"),
        title="demo",
        names=names,
        options=make_options("compose_adapters", **QUICK) | changes,
        model=BASE,
        embed=EMBED,
        seed=7,
    )


@pytest.fixture(scope="module")
def composed(film, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        out = tmp_path_factory.mktemp("composed")
        counts = run_main(film, out, patch)
    return out, counts


def read_losses(out):
    """Rows on the loss, by attribute, company and weight."""
    rows = pd.read_parquet(out / "scores.parquet")
    assert list(rows.columns) == compose_adapters.SCORES.names
    return rows[rows["score"] == "heldout_loss"].set_index(["attribute", "beside", "weight"])


def test_every_set_is_drawn_and_measured_and_all_together_at_every_weight(composed):
    out, counts = composed
    assert counts.read == SETS + 1  # and all at the other weight
    rows = pd.read_parquet(out / "scores.parquet")
    assert len(rows) == (3 + 6 + 3 + 3) * 2  # members of all sets; loss and similarity
    assert set(rows["score"]) == {"heldout_loss", "similarity"}
    assert not rows.duplicated(["attribute", "score", "beside", "weight"]).any()
    grid = read_rgb(out / "grid.png")
    assert grid.shape[0] > (1 + SETS + 1) * 128  # without, every set, all at the other weight


def test_the_opposite_undoes_what_was_learned_and_what_lies_across_leaves_it(composed):
    losses = read_losses(composed[0])
    alone = losses.loc["pose", "", 1.0]
    assert alone["gain_low"] > 0  # it did learn
    assert (alone["retention"], alone["change"]) == (pytest.approx(1), 0)
    undone, left = (losses.loc["pose", beside, 1.0] for beside in ("style", "lighting"))
    assert undone["retention"] == pytest.approx(0, abs=0.01)
    assert undone["high"] < 0.1
    assert left["retention"] > 0.8
    assert left["low"] > undone["high"]
    both = losses.loc["pose", "style + lighting", 1.0]
    assert both["retention"] < 0.5


def test_an_attribute_that_gains_nothing_alone_has_no_retention(composed):
    harm = read_losses(composed[0]).loc["style"]
    assert harm.loc[("", 1.0), "gain_low"] < 0
    assert harm["retention"].isna().all() and len(harm) == 5


def test_the_cosines_are_those_that_were_planted(composed):
    layers = pd.read_parquet(composed[0] / "layers.parquet")
    assert list(layers.columns) == compose_adapters.LAYERS.names
    whole = layers[layers["layer"] == ""].set_index(["one", "other"])["cosine"]
    assert whole["pose", "style"] == pytest.approx(-1)
    assert whole["pose", "lighting"] == pytest.approx(0, abs=1e-6)
    each = layers[(layers["layer"] != "") & (layers["other"] == "style")]
    assert len(each) > 4
    assert each.loc[each["one"] == "pose", "cosine"].round(6).eq(-1).all()


def test_the_same_seed_gives_the_same_bytes_and_a_result_is_kept(
    film, composed, monkeypatch, tmp_path
):
    run_main(film, tmp_path, monkeypatch)
    names = ("scores.parquet", "layers.parquet", "grid.png", "settings.yaml")
    pairs = [[(folder / name).read_bytes() for name in names] for folder in (tmp_path, composed[0])]
    assert pairs[0] == pairs[1]
    before = [(tmp_path / name).stat().st_mtime_ns for name in names]
    assert run_main(film, tmp_path, monkeypatch) == composed[1]
    assert [(tmp_path / name).stat().st_mtime_ns for name in names] == before
    how = yaml.safe_load((tmp_path / "settings.yaml").read_text(encoding="utf-8"))
    assert how["adapters"] == NAMES and how["pairs"] == 3 and how["sets"] == SETS + 1


def test_adapters_that_were_not_trained_are_left_out(film, monkeypatch, tmp_path, caplog):
    (tmp_path / "film").mkdir()
    for file in film.iterdir():
        (tmp_path / "film" / file.name).symlink_to(file)
    empty = tmp_path / "film/style.yaml"
    empty.unlink()
    write_settings(empty, {"empty": "nothing was trained"})
    counts = run_main(tmp_path / "film", tmp_path / "two", monkeypatch, weights=[1.0])
    assert counts.read == 3 and "style: its dataset is empty" in caplog.text
    run_main(tmp_path / "film", tmp_path / "one", monkeypatch, names=["pose", "style"])
    assert pd.read_parquet(tmp_path / "one/scores.parquet").empty
    how = yaml.safe_load((tmp_path / "one/settings.yaml").read_text(encoding="utf-8"))
    assert how["empty"] == "1 of 2 adapters were trained: two are needed."


def test_an_adapter_of_another_base_is_an_error(film, monkeypatch, tmp_path):
    for file in film.iterdir():
        (tmp_path / file.name).symlink_to(file)
    settings = yaml.safe_load((film / "style.yaml").read_text(encoding="utf-8"))
    (tmp_path / "style.yaml").unlink()
    write_settings(tmp_path / "style.yaml", settings | {"base_sha256": "0" * 64})
    with pytest.raises(CineloraError, match="is another model"):
        run_main(tmp_path, tmp_path / "out", monkeypatch)
