"""An adapter beside its base and its controls: what is drawn, measured, and written of it."""

import shutil

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.factories.adapters_in_code import make_random
from tests.factories.datasets_in_code import BASE, base_folder, make_dataset, make_options
from workflow_scripts.adapter import evaluate_adapter, prompts
from workflow_scripts.adapter.adapter_file import read_adapter, write_adapter
from workflow_scripts.adapter.grid import draw_grid, name_rows
from workflow_scripts.adapter.intervals import Estimate, Sample
from workflow_scripts.adapter.score_rows import NOTES, list_gaps, list_margins, make_row
from workflow_scripts.adapter.training_data import find_shots, read_split
from workflow_scripts.adapter.trials import Control, check_budget, nearest_to_full
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb
from workflow_scripts.lib.written_files import iter_written
from workflow_scripts.models.checksums import folder_checksum

EMBED = {"name": "by-color", "role": "embed", "loader": "mobilenet"}
DATASET = "character-nella"
NEED_MORE = {"retrieval", "copy_risk", "copied_prompts", "same_image"}  # reference images, stills
CONTROLS = {
    "other_subject": ("other.safetensors", "other.yaml"),
    "shuffled_captions": ("adapter.safetensors", "settings.yaml"),  # an equal: nothing is shown
}
QUICK = {
    "sampling_steps": 1,
    "strengths": [1.0],
    "seeds": [1, 2],
    "prompts": 2,
    "unrelated_prompts": ["a {curly} lighthouse"],
    "images": 3,
    "timesteps": 2,
}


def test_prompts_are_held_out_captions_and_unrelated_ones(tmp_path):
    images = read_split(make_dataset(tmp_path, train=0, held_out=5), "validation")
    chosen = prompts.choose_prompts(images, [], ["a lighthouse"], [4, 5], 2)
    assert chosen.texts == [
        *["nella woman, walk, frame 0"] * 2,
        *["nella woman, walk, frame 2"] * 2,
        *["a lighthouse"] * 2,
    ]
    assert chosen.seeds == [4, 5] * 3
    assert chosen.related.tolist() == [True] * 4 + [False] * 2
    assert chosen.groups.tolist() == [0, 0, 1, 1, 2, 2]


def test_where_few_captions_were_held_out_those_of_other_images_are_drawn(tmp_path):
    dataset = make_dataset(tmp_path, train=6, held_out=2)
    images = [read_split(dataset, split) for split in ("validation", "train")]
    chosen = prompts.choose_prompts(*images, ["a lighthouse"], [4], 4)
    numbers = [text.removeprefix("nella woman, walk, frame ") for text in chosen.texts]
    assert numbers == ["0", "1", "2", "4", "a lighthouse"]


def test_another_subject_is_called_by_its_own_trigger_in_the_same_sentence():
    chosen = prompts.Prompts(
        ["nella woman, night", "two people", "a lighthouse"],
        [1, 2, 3],
        np.array([True, True, False]),
    )
    called = chosen.call("nella woman", "bruno man")
    assert called.texts == ["bruno man, night", "two people"]
    assert (called.seeds, called.related.tolist()) == ([1, 2], [True, True])
    assert chosen.first(1).texts == ["nella woman, night"]


def sample(*values):
    return Sample(np.array(values, float), np.arange(len(values)))


def test_margins_are_of_pairs_and_positive_where_the_adapter_is_better():
    own = {"heldout_loss": sample(0.9, 2.9), "similarity": sample(0.5, 0.7)}
    other = {"heldout_loss": sample(1.0, 3.0), "similarity": sample(0.4, 0.6), "drift": sample(1)}
    rows = list_margins(own, other, "other_subject", 1.0)
    assert [(row["score"], row["over"], row["adapter"]) for row in rows] == [
        ("heldout_loss", "other_subject", "own"),
        ("similarity", "other_subject", "own"),
    ]
    assert [row["value"] for row in rows] == pytest.approx([0.1, 0.1])
    assert [row["low"] for row in rows] == pytest.approx([0.1, 0.1])  # pairs agree exactly
    assert {row["better"] for row in rows} == {"up"}


def test_what_was_memorized_is_the_difference_of_two_gains():
    base = {"train_loss": sample(1.0, 2.0), "heldout_loss": sample(1.0, 3.0)}
    own = {"train_loss": sample(0.5, 1.5), "heldout_loss": sample(0.9, 2.9)}
    (row,) = list_gaps(own, base, 1.0)
    assert (row["score"], row["value"]) == ("overfit_gap", pytest.approx(0.4))


@pytest.mark.parametrize(("over", "ends"), [("", (0, 1)), ("base", (-0.2, 1.3))])
def test_the_interval_of_a_share_stays_between_0_and_1_and_that_of_a_margin_need_not(over, ends):
    row = make_row("retrieval", Estimate(0.5, -0.2, 1.3, 4, 2), over=over)
    assert (row["low"], row["high"]) == ends


def test_images_are_known_by_their_shots(tmp_path):
    images = read_split(make_dataset(tmp_path, train=5, held_out=0), "train")
    assert find_shots(tmp_path, images).tolist() == [0, 0, 1, 1, 2]
    images[0].image.rename(images[0].image.with_name("mine.png"))
    with pytest.raises(CineloraError, match="does not know train/2_nella woman/mine.png"):
        find_shots(tmp_path, read_split_again(tmp_path))


def read_split_again(folder):
    """The training split, whose renamed image has a caption too."""
    texts = sorted((folder / "train/2_nella woman").glob("*.txt"))
    texts[0].rename(texts[0].with_name("mine.txt"))
    return read_split(folder, "train")


def test_the_grid_shows_a_row_without_the_adapter():
    red = np.full((2, 32, 32, 3), (255, 0, 0), np.uint8)
    page = draw_grid(
        "demo", ["a long prompt " * 9, "b\u00e9"], [1, 2], {"no adapter": red, "1": red}
    )
    shape = page.shape
    assert shape[2] == 3
    assert (page[-20, -20] == (255, 0, 0)).all()
    assert (page == (255, 0, 0)).all(-1).sum() == 4 * 128 * 128


def test_the_grid_names_strengths_and_controls_which_draw_fewer_images():
    red = np.full((2, 32, 32, 3), (255, 0, 0), np.uint8)
    rows = name_rows({None: red, 0.0: red, 1.0: red, "shuffled_captions": red[:1]})
    assert list(rows) == ["no adapter", "strength 1.0", "shuffled captions"]
    page = draw_grid("demo", ["a", "b"], [1, 2], rows)
    assert (page == (255, 0, 0)).all(-1).sum() == 5 * 128 * 128
    assert (page[-20, -20] == 255).all()


def unit(*rows):
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


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
    make_dataset(folder / DATASET, train=4, held_out=3)
    opened = evaluate_adapter.load_model(BASE, [base_folder() / "model_index.json"])
    for number, name in enumerate(["adapter", "other"]):
        write_adapter(folder / f"{name}.safetensors", make_random(opened, number), {})
    settings = {
        "base": "tiny-random-sd (random weights)",
        "base_sha256": opened.sha256,
        "resolution_px": 64,
        "settings": {"background_loss_weight": 0.1},
        "dataset_sha256": "0" * 64,
        "trigger": "nella woman",
        "steps": 4,
        "distinct_images": 6,
    }
    write_settings(folder / "settings.yaml", settings)
    write_settings(folder / "other.yaml", settings | {"trigger": "bruno man"})
    look = embed_by_color(None, None)
    images = [read_rgb(image.image) for image in read_split(folder / DATASET, "train")]
    references = pd.DataFrame({"character": ["nella", "nella", "bruno", "bruno"], "reason": ""})
    references["vector"] = list(look(images))
    references.to_parquet(folder / "references.parquet")
    return folder


def write_settings(path, settings):
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")


def run_main(folder, monkeypatch, **changes):
    load = evaluate_adapter.load_model
    monkeypatch.setattr(
        evaluate_adapter,
        "load_model",
        lambda model, files: (embed_by_color if model["role"] == "embed" else load)(model, files),
    )
    controls = changes.get("controls", {})
    return evaluate_adapter.main(
        dataset=str(folder / changes.get("dataset", DATASET)),
        adapter=str(changes.get("adapter", folder / "adapter.safetensors")),
        settings=str(changes.get("settings", folder / "settings.yaml")),
        control_adapters=[str(folder / file) for file, _ in controls.values()],
        control_settings=[str(folder / file) for _, file in controls.values()],
        references=[str(folder / name) for name in changes.get("references", [])],
        base=str(base_folder()),
        embed_weights=[],
        scores=str(folder / "scores.parquet"),
        values=str(folder / "values.parquet"),
        drawings=str(folder / "drawings.parquet"),
        images=str(folder / "images"),
        grid=str(folder / "grid.png"),
        preview=str(folder / "x.preview.png"),
        how_measured=str(folder / "measured.yaml"),
        title="demo nella",
        character=changes.get("character", ""),
        controls=list(controls),
        options=make_options("evaluate_adapter", **QUICK),
        model=BASE,
        embed=EMBED,
        seed=7,
    )


def read_scores(folder):
    """Values by score, adapter, strength and what a margin is over."""
    rows = pd.read_parquet(folder / "scores.parquet")
    assert list(rows.columns) == evaluate_adapter.SCORES.names
    assert not rows.duplicated(["score", "adapter", "strength", "over"]).any()
    return rows.set_index(["score", "adapter", "strength", "over"])


def test_main_writes_scores_beside_the_base(adapter, monkeypatch):
    counts = run_main(adapter, monkeypatch)
    assert counts.read == 6 + 4 + 6  # without, first ones at 0, at 1: 3 prompts with 2 seeds each
    rows = read_scores(adapter)
    assert set(rows.index.get_level_values("score")) == set(NOTES) - NEED_MORE
    assert rows["base_is_random"].all()
    values = rows["value"]
    assert values["change_at_strength_0", "own", 0.0, ""] == 0
    assert values["pixel_change", "own", 1.0, ""] > 0
    base, own = (values["heldout_loss", *who, ""] for who in (("base", 0.0), ("own", 1.0)))
    assert base != own
    assert values["heldout_loss", "own", 1.0, "base"] == pytest.approx(base - own)
    assert rows["clusters"]["heldout_loss", "own", 1.0, ""] == 2  # shots of three images
    assert rows["clusters"]["similarity", "own", 1.0, ""] == 2  # prompts of four images
    assert read_rgb(adapter / "grid.png").shape[0] > 2 * 128
    assert read_rgb(adapter / "x.preview.png").std() > 1


def test_main_judges_controls_with_the_same_prompts_and_claims_margins(adapter, monkeypatch):
    counts = run_main(
        adapter,
        monkeypatch,
        controls=CONTROLS,
        character="nella",
        references=["references.parquet"],
    )
    assert counts.read == 16 + 2 * 4  # controls draw the captions alone
    rows = read_scores(adapter)
    values = rows["value"]
    levels = [values["heldout_loss", who, 1.0, ""] for who in ("own", *CONTROLS)]
    assert levels[0] == levels[2] != levels[1]
    margins = rows.xs("other_subject", level="over")["value"].droplevel(["adapter", "strength"])
    assert set(margins.index) == {"heldout_loss", "similarity", "retrieval"}
    assert margins["heldout_loss"] == pytest.approx(levels[1] - levels[0])
    equal = rows.xs("shuffled_captions", level="over")
    assert (equal["value"] == 0).all() and (equal["low"] == 0).all() and len(equal) == 3
    film = rows.xs("film", level="adapter")["value"].droplevel(["strength", "over"])
    assert set(film.index) == {"nearest_training", "retrieval", "copy_limit"}
    assert 0 < values["retrieval", "own", 1.0, ""] <= 1
    how = yaml.safe_load((adapter / "measured.yaml").read_text(encoding="utf-8"))
    assert how["adapter"] == {
        "file": "adapter.safetensors", "base": "tiny-random-sd (random weights)",
        "base_sha256": folder_checksum(base_folder()), "dataset_sha256": "0" * 64,
        "trigger": "nella woman",
    }  # fmt: skip
    assert how["controls"]["other_subject"] == {
        "adapter": "other.safetensors", "trigger": "bruno man", "images": 6, "steps": 4
    }  # fmt: skip


def test_every_drawn_image_is_kept_with_its_prompt_seed_and_sums(adapter, monkeypatch):
    stray = adapter / "images/own_9_p00_s1.png"
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"of another evaluation")
    counts = run_main(adapter, monkeypatch, controls=CONTROLS)
    rows = pd.read_parquet(adapter / "drawings.parquet")
    assert rows.columns.tolist() == evaluate_adapter.DRAWINGS.names
    assert len(rows) == counts.read == 16 + 2 * 4
    assert sorted(rows["file"]) == sorted(path.name for path in (adapter / "images").iterdir())
    files = list(iter_written(adapter / "drawings.parquet", adapter / "images"))
    assert len(files) == 24 and not any(file.find_change() for file in files)
    count = rows.groupby(["adapter", "strength"]).size().to_dict()
    full = {(name, 1.0): 4 for name in CONTROLS}
    assert count == {("base", 0.0): 6, ("own", 0.0): 4, ("own", 1.0): 6} | full
    unrelated = rows[~rows["related"]]
    assert set(unrelated["prompt"]) == {"a {curly} lighthouse"} and len(unrelated) == 4
    called = rows[rows["prompt"] != rows["asked"]]
    assert set(called["adapter"]) == {"other_subject"} and len(called) == 4
    assert called["asked"].str.startswith("bruno man, ").all()


def test_the_values_behind_every_mean_are_kept_and_tell_what_they_are_of(adapter, monkeypatch):
    run_main(adapter, monkeypatch, controls=CONTROLS)
    values = pd.read_parquet(adapter / "values.parquet")
    assert values.columns.tolist() == evaluate_adapter.VALUES.names
    keys = ["score", "adapter", "strength"]
    assert not values.duplicated([*keys, "subject", "seeds"]).any()
    means = values.groupby(keys)["value"].agg(["mean", "size"])
    levels = read_scores(adapter).reset_index()
    levels = levels[levels["over"].eq("") & levels["score"].ne("change_at_strength_0")]
    levels = levels[levels["adapter"].ne("film") & levels["score"].ne("overfit_gap")]
    levels = levels[levels["n"] > 0].set_index(keys)  # prompts_kept takes two unrelated prompts
    assert len(means) == len(levels) > 20
    np.testing.assert_allclose(means["mean"], levels["value"].loc[means.index])
    assert (means["size"] == levels["n"].loc[means.index]).all()
    of = values.groupby("score")[["subject", "seeds"]].agg(set)
    assert of.loc["drift", "subject"] == {"a {curly} lighthouse"}
    assert of.loc["diversity", "seeds"] == {"1 2"}
    assert of.loc["heldout_loss", "seeds"] == {""}
    assert "2_nella woman/nella_validation_0000.png" in of.loc["heldout_loss", "subject"]


def test_a_drawing_that_was_changed_is_drawn_anew(adapter, monkeypatch):
    run_main(adapter, monkeypatch)
    drawing = adapter / "images/own_1_p00_s1.png"
    before = drawing.read_bytes()
    drawing.write_bytes(b"damaged")
    run_main(adapter, monkeypatch)
    assert drawing.read_bytes() == before


def test_a_control_whose_dataset_was_empty_is_left_out(adapter, monkeypatch, tmp_path, caplog):
    write_settings(tmp_path / "empty.yaml", {"empty": "nothing was trained"})
    controls = {"other_subject": ("other.safetensors", tmp_path / "empty.yaml")}
    run_main(adapter, monkeypatch, controls=controls)
    assert "other_subject: not compared, nothing was trained" in caplog.text
    assert set(read_scores(adapter).index.get_level_values("over")) == {"", "base"}


@pytest.mark.parametrize("what", ["base_sha256", "resolution_px", "settings"])
def test_a_control_of_another_budget_is_an_error(what):
    trained = {"base_sha256": "a", "resolution_px": 64, "settings": {"steps": 4}}
    check_budget(Control("other_subject", "x.safetensors", trained), trained)
    other = Control("other_subject", "x.safetensors", trained | {what: "other"})
    with pytest.raises(CineloraError, match=f"x.safetensors is no control.*{what}"):
        check_budget(other, trained)


@pytest.mark.parametrize(("strengths", "shown"), [([0.5, 1.0, 1.5], 1.0), ([0.3, 0.8], 0.8)])
def test_the_preview_is_drawn_at_the_strength_that_comes_nearest_to_full(strengths, shown):
    assert nearest_to_full(strengths) == shown


def test_other_shots_or_another_control_are_measured_anew(adapter, monkeypatch):
    table = adapter / DATASET / "dataset.parquet"
    before, times = table.read_bytes(), []
    for shot, controls in ((None, {}), (99, {}), (99, CONTROLS)):
        if shot:
            pd.read_parquet(table).assign(shot_id=shot).to_parquet(table)
        run_main(adapter, monkeypatch, controls=controls)
        times.append((adapter / "scores.parquet").stat().st_mtime_ns)
    assert len(set(times)) == 3
    assert np.isnan(read_scores(adapter)["low"]["heldout_loss", "own", 1.0, ""])  # of one shot
    table.write_bytes(before)


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


def test_a_trial_that_changes_nothing_has_no_score(adapter, monkeypatch, tmp_path):
    shutil.copytree(adapter, tmp_path / "trial")
    settings = yaml.safe_load((adapter / "settings.yaml").read_text(encoding="utf-8"))
    text = yaml.safe_dump(settings | {"trial": "1_2"})
    (tmp_path / "trial/settings.yaml").write_text(text, encoding="utf-8")
    tensors = read_adapter(adapter / "adapter.safetensors").tensors
    dead = {key: value * (0 if "lora_up" in key else 1) for key, value in tensors.items()}
    write_adapter(tmp_path / "trial/adapter.safetensors", dead, {})
    run_main(tmp_path / "trial", monkeypatch)
    assert pd.read_parquet(tmp_path / "trial/scores.parquet").empty
    measured = yaml.safe_load((tmp_path / "trial/measured.yaml").read_text(encoding="utf-8"))
    assert "changes no pixel" in measured["empty"]


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
    assert pd.read_parquet(tmp_path / "drawings.parquet").empty
    assert (tmp_path / "images").is_dir() and not list((tmp_path / "images").iterdir())
    assert read_rgb(tmp_path / "grid.png").min() < 128  # words on white
    assert "nothing was trained" in caplog.text
