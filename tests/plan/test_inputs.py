"""What the phases of a dataset read, and which files a film leaves."""

import pytest

from workflow_scripts.models.registry import choose_model, describes_images
from workflow_scripts.plan.inputs import (
    balance_inputs,
    caption_inputs,
    describe_inputs,
    pack_inputs,
    select_inputs,
)
from workflow_scripts.plan.models import identify_model
from workflow_scripts.plan.targets import list_tables

SHARDS = ["01of02", "02of02"]


def test_inputs_name_single_tables_once_and_every_shard():
    inputs = select_inputs("luca", "character-nella", SHARDS)
    assert inputs["identities"] == ["results/luca/identify_characters/identities.parquet"]
    assert inputs["instances"] == [f"results/luca/segment_instances/{s}.parquet" for s in SHARDS]


@pytest.mark.parametrize("name", ["character-nella", "pose", "expression", "style", "lighting"])
def test_expressions_are_read_by_whom_they_show_alone(name):
    selected, said = select_inputs("luca", name, SHARDS), caption_inputs("luca", name, SHARDS, True)
    assert ("expressions" in selected) == (name == "expression")
    assert ("expressions" in said) == (name in ("character-nella", "expression"))
    assert "backgrounds" not in selected | said


def test_selection_and_captions_read_no_folder_of_images():
    for name in ("background", "pose", "style"):
        inputs = select_inputs("x", name, SHARDS) | caption_inputs("x", name, SHARDS, False)
        paths = [path for paths in inputs.values() for path in paths]
        assert paths and all(path.endswith(".parquet") for path in paths)


def test_plates_are_read_where_they_are_shown():
    plates = [f"results/x/inpaint_backgrounds/{shard}_images" for shard in SHARDS]
    assert pack_inputs("x", "background", SHARDS)["plates"] == plates
    assert describe_inputs("x", ["background", "style"], SHARDS)["plates"] == plates
    assert "plates" not in pack_inputs("x", "style", SHARDS)
    assert "plates" not in describe_inputs("x", ["style"], SHARDS)


def test_one_job_describes_what_is_chosen_for_all_its_datasets():
    one = describe_inputs("x", ["expression"], SHARDS)
    two = describe_inputs("x", ["expression", "pose"], SHARDS)
    assert one["selections"] == ["results/x/select_images/expression.parquet"]
    assert two["selections"] == [*one["selections"], "results/x/select_images/pose.parquet"]
    assert {"faces", "expressions"} <= set(one) and set(two) == {*one, "keypoints"}


@pytest.mark.parametrize(
    ("name", "folder"),
    [("pose", "segment_instances"), ("background", "inpaint_backgrounds"), ("style", None)],
)
def test_masks_come_from_their_table(name, folder):
    masks = pack_inputs("x", name, SHARDS).get("masks", [])
    assert masks == ([f"results/x/{folder}/{shard}.parquet" for shard in SHARDS] if folder else [])


def test_balance_of_backgrounds_looks_for_nobody():
    assert balance_inputs("x", "background", SHARDS) == {}
    assert set(balance_inputs("x", "pose", SHARDS)) == {"instances", "keypoints", "poses"}


def test_corrections_are_read_where_there_are_any(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert caption_inputs("luca", "pose", SHARDS, False)["review"] == []
    review = tmp_path / "config/reviews/luca/captions.csv"
    review.parent.mkdir(parents=True)
    review.touch()
    assert caption_inputs("luca", "pose", SHARDS, False)["review"] == [
        "config/reviews/luca/captions.csv"
    ]


@pytest.mark.parametrize(("tier", "looks"), [("light", False), ("full", True)])
def test_only_a_model_that_looks_at_images_describes(tier, looks):
    model = choose_model("caption", {"tier": tier})
    assert describes_images(model) == looks
    inputs = caption_inputs("x", "pose", SHARDS, describes=looks)
    table = "results/x/describe_images/descriptions.parquet"
    wanted = [table] if looks else None
    assert inputs.get("descriptions") == wanted
    files = list_tables("x", ["pose"], ["pose"], SHARDS, describes=looks)
    assert (table in files) == looks
    assert "results/x/write_captions/pose.parquet" in files


@pytest.mark.parametrize(("kind", "are_needed"), [("style", True), ("background", False)])
def test_joints_are_a_result_where_people_are_told_apart_by_them(kind, are_needed):
    joints = {f"results/x/estimate_poses/{shard}.parquet" for shard in SHARDS}
    found = set(list_tables("x", [kind], [kind], SHARDS, has_regions=False))
    assert found & joints == (joints if are_needed else set())
    assert not joints & set(list_tables("x", [kind], [kind], SHARDS))


def test_what_a_model_answered_is_kept_under_its_weights_options_and_code():
    models = {"tier": "full", "options": {"caption": {"max_side_px": 512}}}
    one, other = (identify_model(choose_model("caption", m)) for m in ({"tier": "full"}, models))
    assert one["weights"]["qwen2.5-vl-7b"]["revision"].startswith("cc594898")
    assert one["options"] != other["options"] and one["code"] == other["code"]
