"""When a vision-language model is asked again: after which corrections, and after which not."""

import pytest

from tests.factories import copy_in_code

OVERLAY = ("--configfile", "config/config.yaml", "overlay.yaml")
TARGETS = [f"results/demo/datasets/{name}" for name in ("character-nella", "expression", "style")]
# what is written or changed: (file, text, what comes in its place; no text: a new file), rules
EDITS = {
    "a caption is corrected": (
        "config/reviews/demo/captions.csv",
        "",
        "kind,image_id,caption\n",
        {"write_captions", "pack_dataset"},
    ),
    "a new trigger": (
        "config/config.yaml",
        "nella: {trigger: nella,",
        "nella: {trigger: ohwx,",
        {"write_captions", "pack_dataset"},
    ),
    "core tags": (
        "config/config.yaml",
        "nella: {trigger: nella,",
        "nella: {core_tags: [red scarf], trigger: nella,",
        {"write_captions", "pack_dataset"},
    ),
    "an emotion is corrected": (
        "config/reviews/demo/expressions.csv",
        "",
        "id,emotion\n",
        {"classify_expressions", "select_images", "describe_images", "write_captions"}
        | {"pack_dataset"},
    ),
    "another question": (
        "resources/prompts/captions.yaml",
        "Describe eyes, brows, mouth",
        "Describe eyes, mouth",
        {"describe_images", "write_captions", "pack_dataset"},
    ),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with a caption server, in which every result counts as finished."""
    folder = copy_in_code.copy_project(tmp_path_factory.mktemp("project"))
    (folder / "overlay.yaml").write_text("models: {caption: caption-server}\n", encoding="utf-8")
    copy_in_code.pretend_finished(folder, *OVERLAY)
    return folder


def test_nothing_has_changed_yet(project):
    assert copy_in_code.planned_rules(project, *OVERLAY, "--", *TARGETS) == set()


@pytest.mark.parametrize("name", EDITS)
def test_a_model_is_asked_again_only_where_a_question_changed(project, name):
    file, text, replacement, expected = EDITS[name]
    path = project / file
    before = path.read_text(encoding="utf-8") if text else None
    assert text in (before or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(before.replace(text, replacement, 1) if text else replacement, encoding="utf-8")
    planned = copy_in_code.planned_rules(project, *OVERLAY, "--", *TARGETS)
    path.write_text(before, encoding="utf-8") if text else path.unlink()
    assert planned == expected


def test_all_datasets_are_described_in_one_job_and_one_dataset_alone(tmp_path):
    folder = copy_in_code.copy_project(tmp_path)
    (folder / "overlay.yaml").write_text("models: {caption: caption-server}\n", encoding="utf-8")
    jobs = [
        copy_in_code.planned_jobs(folder, *OVERLAY, "--", *targets)
        for targets in ([], TARGETS[1:2])
    ]
    assert [one["select_images"] for one in jobs] == [8, 1]
    assert [one["describe_images"] for one in jobs] == [1, 1]
