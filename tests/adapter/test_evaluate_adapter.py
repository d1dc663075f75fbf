import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from workflow_scripts.adapter import evaluate_adapter, prompts
from workflow_scripts.adapter.adapter_file import read_adapter, write_adapter
from workflow_scripts.adapter.grid import draw_grid
from workflow_scripts.adapter.metrics import (
    bootstrap_difference,
    bootstrap_mean,
    diversity,
    find_copies,
    measure_images,
)
from workflow_scripts.adapter.training_data import read_split
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb

EMBED = {"name": "by-color", "role": "embed", "loader": "mobilenet"}
RESAMPLING = {"resamples": 500, "rng": np.random.default_rng(0)}
QUICK = {
    "sampling_steps": 1,
    "strengths": [1.0],
    "seeds": [1, 2],
    "prompts": 2,
    "unrelated_prompts": ["a {curly} lighthouse"],
    "images": 2,
    "timesteps": 2,
    "bootstrap": 200,
}


def unit(*rows):
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_the_interval_holds_the_mean():
    values = np.random.default_rng(1).normal(5, 1, 200)
    mean, low, high = bootstrap_mean(values, **RESAMPLING)
    assert low < mean < high
    assert 0.2 < high - low < 0.35  # 2 x 1.96 / sqrt(200) = 0.28


@pytest.mark.parametrize("values", [[], [1.0]], ids=["none", "one"])
def test_an_interval_needs_two_values(values):
    mean, low, high = bootstrap_mean(np.array(values), **RESAMPLING)
    assert np.isnan(low)
    assert np.isnan(high)
    assert np.isnan(mean) == (not values)


def test_a_difference_of_equal_sets_is_not_significant():
    values = np.random.default_rng(2).normal(0, 1, 50)
    difference, low, high = bootstrap_difference(values, values, **RESAMPLING)
    assert difference == 0
    assert low < 0 < high


def test_intervals_are_the_percentiles_of_resampled_means():
    """What the intervals of earlier adapters were made of: the same draws give the same ends."""
    first, second = np.random.default_rng(3).normal(0, 1, (2, 12))
    rng = np.random.default_rng(9)
    draws = [values[rng.integers(0, 12, (300, 12))].mean(1) for values in (first, first, second)]
    expected = np.percentile([draws[0], draws[1] - draws[2]], [2.5, 97.5], axis=1).T
    rng = np.random.default_rng(9)
    found = [
        bootstrap_mean(first, resamples=300, rng=rng)[1:],
        bootstrap_difference(first, second, resamples=300, rng=rng)[1:],
    ]
    assert np.allclose(found, expected, rtol=1e-12)


def test_a_collapsed_model_loses_diversity():
    groups = np.array([0, 0, 1, 1])
    alive = diversity(unit([1, 0], [0, 1], [1, 1], [1, -1]), groups)
    collapsed = diversity(unit([1, 0], [1, 0], [1, 0], [1, 0]), groups)
    assert collapsed.max() < 1e-6
    assert alive.min() > 0.9


def test_a_copier_is_flagged_and_an_artist_is_not():
    rng = np.random.default_rng(3)
    training = unit(*rng.normal(size=(20, 16)))
    held_out = unit(*(training[:10] + rng.normal(size=(10, 16)) * 0.2))
    copies = unit(*(training[:5] + rng.normal(size=(5, 16)) * 0.001))
    new = unit(*rng.normal(size=(5, 16)))
    assert find_copies(copies, training, held_out).all()
    assert not find_copies(new, training, held_out).any()


def test_a_drawn_copy_of_the_base_has_no_drift_and_no_gain():
    base, stills = unit([1, 0], [0, 1], [1, 1]), unit([1, 0.1], [0.1, 1])
    related = np.array([True, True, False])
    figures = measure_images(base, base, related, np.arange(3), stills, stills)
    assert np.abs(figures["similarity_gain"]).max() == 0
    assert np.abs(figures["drift"]).max() < 1e-6


def test_prompts_are_held_out_captions_and_unrelated_ones(tmp_path):
    images = read_split(make_dataset(tmp_path, train=0, held_out=5), "validation")
    chosen = prompts.choose_prompts(images, ["a lighthouse"], [4, 5], 2)
    assert chosen.texts == [
        *["nella woman, walk, frame 0"] * 2,
        *["nella woman, walk, frame 2"] * 2,
        *["a lighthouse"] * 2,
    ]
    assert chosen.seeds == [4, 5] * 3
    assert chosen.related.tolist() == [True] * 4 + [False] * 2
    assert chosen.groups.tolist() == [0, 0, 1, 1, 2, 2]


def test_losses_are_compared_in_pairs():
    base = np.array([1.0, 2.0]), np.array([1.0, 3.0])
    adapted = np.array([0.5, 1.5]), np.array([0.9, 2.9])
    rows = evaluate_adapter.measure_losses({0.0: base, 1.0: adapted}, **RESAMPLING)
    table = {(row["score"], row["strength"]): row for row in rows}
    assert table["heldout_gain", 1.0]["value"] == pytest.approx(0.1)
    assert table["heldout_gain", 1.0]["low"] == pytest.approx(0.1)  # pairs agree exactly
    assert table["overfit_gap", 1.0]["value"] == pytest.approx(0.4)
    assert ("heldout_gain", 0.0) not in table


def test_the_grid_shows_a_row_without_the_adapter():
    red = np.full((2, 32, 32, 3), (255, 0, 0), np.uint8)
    page = draw_grid(
        "demo", ["a long prompt " * 9, "b\u00e9"], [1, 2], {"no adapter": red, "1": red}
    )
    shape = page.shape
    assert shape[2] == 3
    assert (page[-20, -20] == (255, 0, 0)).all()
    assert (page == (255, 0, 0)).all(-1).sum() == 4 * 128 * 128


def embed_by_color(_model, _weights):
    """Stand-in for the model of the role embed: an 8x8 thumbnail as a vector."""

    def embed(images):
        thumbs = [image[:: len(image) // 8][:8, ::8][:, :8].ravel() for image in images]
        return unit(*(thumb.astype(float) + 1 for thumb in thumbs)) if thumbs else np.zeros((0, 8))

    return embed


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A folder with a dataset and an adapter of random weights: no training needed to judge it."""
    folder = tmp_path_factory.mktemp("film")
    make_dataset(folder / "nella", train=4, held_out=3)
    opened = evaluate_adapter.load_model(BASE, [base_folder() / "model_index.json"])
    rng, tensors = torch.Generator().manual_seed(0), {}
    for name, module in opened.pipeline.unet.named_modules():
        if name.endswith(("attn2.to_q", "attn2.to_v")):
            key = f"lora_unet_{name.replace('.', '_')}"
            tensors[f"{key}.alpha"] = torch.tensor(2.0)
            tensors[f"{key}.lora_down.weight"] = torch.randn(2, module.in_features, generator=rng)
            tensors[f"{key}.lora_up.weight"] = torch.randn(module.out_features, 2, generator=rng)
    write_adapter(folder / "adapter.safetensors", tensors, {})
    settings = {
        "base": "tiny-random-sd (random weights)",
        "base_sha256": opened.sha256,
        "resolution_px": 64,
        "settings": {"background_loss_weight": 0.1},
        "dataset_sha256": "0" * 64,
    }
    (folder / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


def run_main(folder, monkeypatch, **changes):
    load = evaluate_adapter.load_model
    monkeypatch.setattr(
        evaluate_adapter,
        "load_model",
        lambda model, files: (embed_by_color if model["role"] == "embed" else load)(model, files),
    )
    return evaluate_adapter.main(
        dataset=str(folder / "nella"),
        adapter=str(changes.get("adapter", folder / "adapter.safetensors")),
        settings=str(changes.get("settings", folder / "settings.yaml")),
        base=str(base_folder()),
        embed_weights=[],
        scores=str(folder / "scores.parquet"),
        grid=str(folder / "grid.png"),
        preview=str(folder / "x.preview.png"),
        how_measured=str(folder / "measured.yaml"),
        title="demo nella",
        options=make_options("evaluate_adapter", **QUICK),
        model=BASE,
        embed=EMBED,
        seed=7,
    )


def test_main_writes_scores_beside_the_base(adapter, monkeypatch):
    counts = run_main(adapter, monkeypatch)
    assert counts.read == 3 * 6  # without, at 0, at 1; two captions and one prompt, two seeds each
    rows = pd.read_parquet(adapter / "scores.parquet")
    assert list(rows.columns) == evaluate_adapter.SCORES.names
    assert set(rows["score"]) == set(evaluate_adapter.NOTES)
    assert rows["base_is_random"].all()
    values = rows.set_index(["score", "strength"])["value"]
    assert values["change_at_strength_0", 0.0] == 0
    assert values["pixel_change", 1.0] > 0
    assert values["heldout_loss", 0.0] != values["heldout_loss", 1.0]
    gain = values["heldout_loss", 0.0] - values["heldout_loss", 1.0]
    assert values["heldout_gain", 1.0] == pytest.approx(gain)
    assert read_rgb(adapter / "grid.png").shape[0] > 2 * 128
    assert read_rgb(adapter / "x.preview.png").std() > 1


@pytest.mark.parametrize(("strengths", "shown"), [([0.5, 1.0, 1.5], 1.0), ([0.3, 0.8], 0.8)])
def test_the_preview_is_drawn_at_the_strength_that_comes_nearest_to_full(strengths, shown):
    assert evaluate_adapter.nearest_to_full(strengths) == shown


def test_an_evaluation_of_the_same_adapter_is_kept(adapter, monkeypatch):
    counts = run_main(adapter, monkeypatch)
    files = [adapter / name for name in ("scores.parquet", "x.preview.png", "measured.yaml")]
    before = [file.stat().st_mtime_ns for file in files]
    assert run_main(adapter, monkeypatch) == counts
    assert [file.stat().st_mtime_ns for file in files] == before
    files[1].write_bytes(b"damaged")
    assert run_main(adapter, monkeypatch) == counts
    assert read_rgb(files[1]).std() > 1


def test_an_adapter_of_another_base_is_an_error(adapter, monkeypatch, tmp_path):
    settings = yaml.safe_load((adapter / "settings.yaml").read_text(encoding="utf-8"))
    settings["base_sha256"] = "0" * 64
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    with pytest.raises(CineloraError, match="is another model"):
        run_main(adapter, monkeypatch, settings=tmp_path / "settings.yaml")


def test_an_adapter_that_changes_nothing_is_an_error(adapter, monkeypatch, tmp_path):
    tensors = read_adapter(adapter / "adapter.safetensors").tensors
    dead = {key: value * (0 if "lora_up" in key else 1) for key, value in tensors.items()}
    write_adapter(tmp_path / "adapter.safetensors", dead, {})
    with pytest.raises(CineloraError, match="changes no pixel"):
        run_main(adapter, monkeypatch, adapter=tmp_path / "adapter.safetensors")


def test_a_layer_that_is_not_loaded_is_an_error(adapter, monkeypatch, tmp_path):
    tensors = read_adapter(adapter / "adapter.safetensors").tensors
    foreign = {key.replace("down_blocks_0", "down_blocks_7"): v for key, v in tensors.items()}
    write_adapter(tmp_path / "adapter.safetensors", foreign, {})
    with pytest.raises(CineloraError, match="could not load all of them"):
        run_main(adapter, monkeypatch, adapter=tmp_path / "adapter.safetensors")


def test_of_an_adapter_that_was_not_trained_nothing_is_drawn(tmp_path, monkeypatch, caplog):
    (tmp_path / "settings.yaml").write_text(
        yaml.safe_dump({"empty": "nothing was trained"}), encoding="utf-8"
    )
    counts = run_main(tmp_path, monkeypatch)
    assert (counts.read, counts.kept) == (0, 0)
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert scores.empty and scores.columns.tolist() == evaluate_adapter.SCORES.names
    assert read_rgb(tmp_path / "grid.png").min() < 128  # words on white
    assert "nothing was trained" in caplog.text
