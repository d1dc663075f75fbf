"""Which targets there are, and what is told at the end of a run about datasets without images."""

import json

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.controls import Control
from workflow_scripts.plan.targets import check_targets, list_described, list_empty

DATASETS = {"luca": ["character-nella", "character-old-tom", "pose"], "mia": ["style"]}


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("results/luca/datasets/character", "no dataset 'character'"),
        ("results/luca/datasets/character/", "no dataset 'character'"),
        ("./results/luca/datasets/character-nobody", "no dataset 'character-nobody'"),
        ("results/luca/adapters/style/luca-style.safetensors", "no dataset 'style'"),
        ("results/luca/select_images/poses.parquet", "no dataset 'poses'"),
        ("results/luca/analyze_dataset/character.json", "no dataset 'character'"),
    ],
)
def test_a_target_of_no_dataset_names_those_there_are(target, said):
    with pytest.raises(CineloraError) as error:
        check_targets(["--cores", "4", target], DATASETS)
    assert said in str(error.value)
    assert "It has: character-nella, character-old-tom, pose." in str(error.value)
    assert ("films.luca.characters" in str(error.value)) == ("character" in target)


def test_a_target_of_no_film_names_those_there_are():
    with pytest.raises(CineloraError, match="no film 'luka' is in this run .* There is: luca, mia"):
        check_targets(["results/luka/datasets/pose"], DATASETS)


def test_other_arguments_are_left_alone():
    fine = ["results/luca/datasets/pose", "results/luca/datasets/character-old-tom"]
    fine += ["results/luca/adapters/pose/luca-pose.safetensors", "--configfile", "my/results/page"]
    fine += ["results/luca/segment_instances/01of02.parquet", "results/mia/report/index.html"]
    assert check_targets(fine, DATASETS) is None


def test_empty_datasets_are_listed_with_what_kept_images_out(tmp_path):
    for name, why in (("pose", ["3 x dark: a smaller limit"]), ("character-nella", [])):
        folder = tmp_path / "luca/datasets" / name
        folder.mkdir(parents=True)
        (folder / "counts.json").write_text(
            json.dumps({"candidates": 3, "empty": why}), encoding="utf-8"
        )
    assert list_empty(DATASETS, tmp_path) == [
        f"EMPTY: {tmp_path}/luca/datasets/pose holds no image, of 3:",
        "  3 x dark: a smaller limit",
    ]


@pytest.mark.parametrize("text", ["", "[]", "null", "5", '{"empty": ["x"]}', '{"empty": 5}'])
def test_the_end_of_a_run_survives_damaged_counts(tmp_path, text):
    path = tmp_path / "results/mia/datasets/style/counts.json"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (line,) = list_empty(DATASETS, tmp_path / "results")
    assert f"{path} is damaged" in line and "--forcerun results/mia/datasets/style" in line


def test_without_an_empty_dataset_nothing_is_said(tmp_path):
    assert list_empty(DATASETS, tmp_path) == []


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        ([], "abcd"),
        (["all"], "abcd"),
        (["results/x/report/index.html", "results/x/datasets/b"], "abcd"),
        (["results/x/datasets/b", "results/y/datasets/a"], "bc"),
        (["./results/x/adapters/a/x-a.safetensors"], "ac"),
        (["results/x/evaluate_adapter/a/scores.parquet"], "acd"),
        (["results/x/adapters/a/x-a.preview.png"], "acd"),
        (["results/y/datasets/a"], "c"),
        (None, "c"),
    ],
    ids=[
        *("none", "a rule", "a page", "two films", "an adapter", "a judged one", "its preview"),
        *("another film", "a job"),
    ],
)
def test_described_are_the_datasets_that_are_asked_for_and_those_chosen_before(
    tmp_path, targets, expected
):
    chosen = tmp_path / "x/select_images/c.parquet"
    chosen.parent.mkdir(parents=True)
    chosen.touch()
    beside = {"a": [Control("other_subject", "d")], "b": []}
    assert "".join(list_described(targets, "x", list("abcd"), beside, tmp_path)) == expected
