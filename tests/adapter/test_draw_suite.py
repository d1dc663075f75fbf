"""A suite drawn by the base, an adapter, what was kept of its training, variants and controls."""

import pandas as pd
import pytest
import yaml

from tests.factories.adapters_in_code import make_random
from tests.factories.datasets_in_code import BASE, base_folder, open_base
from workflow_scripts.adapter import draw_suite
from workflow_scripts.adapter.adapter_file import write_adapter
from workflow_scripts.adapter.draw_suite import DRAWINGS, list_tools
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.images import read_rgb

SUITE = """
scenarios:
  near:
    asks: {people: 1}
    prompts:
      - {text: "{trigger}, close-up", asks: {shot_type: close-up}}
      - {text: "{trigger}, wide shot", asks: {shot_type: wide}}
      - {text: "{trigger}, medium shot", asks: {shot_type: medium}}
  together:
    asks: {people: 2}
    prompts:
      - {text: "{trigger}, with {other}, daytime", asks: {time_of_day: day}}
      - {text: "{trigger}, with {other}, night", asks: {time_of_day: night}}
"""
OPTIONS = {
    "sampling_steps": 1,
    "prompts": 2,
    "guidance": 1.0,
    "strengths": [0.5, 1.0],
    "seeds": [3, 4],
}
TRAINED = {
    "base": "tiny-random-sd (random weights)",
    "resolution_px": 64,
    "settings": {"rank": 2, "kept_checkpoints": 2},
    "dataset_sha256": "0" * 64,
    "trigger": "nella woman",
    "steps": 4,
    "distinct_images": 6,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Adapters of random weights, what was kept of one, their settings, and a suite."""
    folder = tmp_path_factory.mktemp("film")
    opened = open_base()
    (folder / "kept").mkdir()
    for seed, name in enumerate(["nella", "bruno", "longer", "kept/nella.step000002"]):
        write_adapter(folder / f"{name}.safetensors", make_random(opened, seed), {})
    for name, trigger in (
        ("nella", "nella woman"),
        ("bruno", "bruno man"),
        ("longer", "nella woman"),
    ):
        facts = TRAINED | {"base_sha256": opened.sha256, "trigger": trigger}
        write_settings(folder / f"{name}.yaml", facts)
    (folder / "suite.yaml").write_text(SUITE, encoding="utf-8")
    return folder


def write_settings(path, facts):
    path.write_text(yaml.safe_dump(facts), encoding="utf-8")


def draw(folder, out, other="bruno man", controls=("bruno",), variants=(), **changes):
    paths = {"settings": folder / "nella.yaml", "suite": folder / "suite.yaml"}
    paths |= {name: changes.pop(name) for name in list(changes) if name in paths}
    return draw_suite.main(
        suite=str(paths["suite"]),
        vocabulary="resources/vocabularies/captions.yaml",
        adapter=str(folder / "nella.safetensors"),
        settings=str(paths["settings"]),
        kept=str(folder / "kept"),
        control_adapters=[str(folder / f"{name}.safetensors") for name in controls],
        control_settings=[str(folder / f"{name}.yaml") for name in controls],
        variant_adapters=[str(folder / f"{name}.safetensors") for name in variants],
        variant_settings=[str(folder / f"{name}.yaml") for name in variants],
        base=str(base_folder()),
        drawings=str(out / "drawings.parquet"),
        images=str(out / "images"),
        title="demo nella",
        other=other,
        controls=["other_subject" for _ in controls],
        variants=list(variants),
        options=OPTIONS | changes,
        model=BASE,
    )


@pytest.fixture(scope="module")
def drawn(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("drawn")
    counts = draw(folder, out, variants=["longer"])
    return out, counts, pd.read_parquet(out / "drawings.parquet")


def test_everything_is_drawn_from_the_same_prompts_and_seeds(drawn):
    out, counts, rows = drawn
    assert list(rows.columns) == DRAWINGS.names
    assert (counts.kept, counts.set_aside) == (6 * 4 * 2, {})
    tools = rows.groupby(["adapter", "strength"], dropna=False).size().to_dict()
    assert tools == {
        ("base", 0.0): 8,
        ("own", 0.5): 8,
        ("own", 1.0): 16,  # itself, and what was kept
        ("other_subject", 1.0): 8,
        ("longer", 1.0): 8,
    }
    assert rows.loc[rows["step"].notna(), "step"].unique().tolist() == [2]
    assert rows["drawing_id"].is_unique
    assert sorted(path.name for path in (out / "images").iterdir()) == sorted(rows["file"])


def test_a_row_says_what_was_asked(drawn):
    rows = drawn[2].set_index("drawing_id")
    row = rows.loc["own_1_near_p01_s3"]
    assert (row["prompt"], row["seed"]) == ("nella woman, close-up", 3)
    assert (row["asked_people"], row["asked_shot_type"]) == ("1", "close-up")
    assert pd.isna(row["asked_emotion"])
    assert not (rows["prompt"].str.contains("medium")).any()  # the third prompt: two are drawn


def test_another_subject_is_called_by_its_own_trigger_and_stands_beside_ours(drawn):
    rows = drawn[2].set_index("drawing_id")["prompt"]
    assert rows["own_1_together_p01_s3"] == "nella woman, with bruno man, daytime"
    assert rows["other_subject_1_together_p01_s3"] == "bruno man, with nella woman, daytime"
    assert rows["longer_1_together_p01_s3"] == "nella woman, with bruno man, daytime"


def test_adapters_change_what_the_base_draws_each_in_its_own_way(drawn):
    out, _, rows = drawn
    names = ["base_0", "own_0.5", "own_1", "own_step000002_1", "other_subject_1", "longer_1"]
    images = [read_rgb(out / "images" / f"{name}_near_p01_s3.png") for name in names]
    assert len(images) == 6
    assert len({image.tobytes() for image in images}) == 6


def test_the_same_is_drawn_again(folder, drawn, tmp_path):
    draw(folder, tmp_path, variants=["longer"])
    again = pd.read_parquet(tmp_path / "drawings.parquet")
    pd.testing.assert_frame_equal(again, drawn[2])


def test_without_another_character_the_prompts_keep_their_rows(folder, tmp_path):
    counts = draw(folder, tmp_path, other="", controls=(), strengths=[1.0])
    rows = pd.read_parquet(tmp_path / "drawings.parquet")
    assert counts.set_aside == {"no_other_character": 12}
    together = rows[rows["scenario"] == "together"]
    assert (len(together), set(together["file"]), set(together["reason"])) == (
        12,
        {""},
        {"no_other_character"},
    )


def test_of_an_empty_dataset_nothing_is_drawn(folder, tmp_path):
    write_settings(tmp_path / "empty.yaml", {"empty": "no image"})
    counts = draw(folder, tmp_path, settings=tmp_path / "empty.yaml")
    assert (counts.read, len(pd.read_parquet(tmp_path / "drawings.parquet"))) == (0, 0)
    assert (tmp_path / "images").is_dir()


def test_a_control_of_another_training_is_refused_but_not_for_what_was_kept(folder, tmp_path):
    facts = yaml.safe_load((folder / "bruno.yaml").read_text(encoding="utf-8"))
    few = facts | {"settings": {"rank": 2, "kept_checkpoints": 0}}
    for name, settings in (("fewer", few), ("wider", facts | {"settings": {"rank": 8}})):
        write_settings(folder / f"{name}.yaml", settings)
        (folder / f"{name}.safetensors").write_bytes((folder / "bruno.safetensors").read_bytes())
    assert draw(folder, tmp_path, controls=["fewer"], strengths=[1.0]).kept == 32
    with pytest.raises(CineloraError, match="is no control of this adapter: its settings"):
        draw(folder, tmp_path, controls=["wider"])


def test_what_is_compared_is_drawn_at_full_strength_only():
    own, others = ("own.safetensors", "nella"), {"other_subject": ("b.safetensors", "bruno")}
    tools = list_tools(own, {60: "kept.safetensors"}, others, [0.5, 0.9], "bruno")
    found = [(tool.label, tool.trigger, tool.other) for tool in tools]
    assert found == [
        ("base_0", "nella", "bruno"),
        ("own_0.5", "nella", "bruno"),
        ("own_0.9", "nella", "bruno"),
        ("own_step000060_0.9", "nella", "bruno"),
        ("other_subject_0.9", "bruno", "nella"),
    ]
