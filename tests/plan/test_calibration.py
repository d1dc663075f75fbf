"""Options that suit one model: they come from its row, and lie under the user's pages."""

from pathlib import Path

import pytest
import yaml

from tests.factories.options import change_option, list_options
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.models.registry import choose_model, list_roles
from workflow_scripts.plan.calibration import OPTIONS, list_calibrated, list_uncalibrated
from workflow_scripts.plan.config import load_config, read_own

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "config/config.yaml"]
FULL = [*PAGES, ROOT / "config/overlays/full.yaml"]
DEPENDING = {(role, option) for role, options in OPTIONS.items() for option in options}
ROW = {
    "role": "expression",
    "tier": "on request",
    "loader": "fer",
    "files": ["emotion_model_quantized.tflite"],
}


@pytest.fixture(autouse=True)
def in_project(monkeypatch):
    monkeypatch.chdir(ROOT)


def load(pages, *changes: tuple) -> dict:
    extra = {}
    for path, value in changes:
        extra |= change_option(path, value)
    return load_config(pages, extra)


def with_row(folder: Path, calibrated) -> dict:
    """The block `models` for a table of the user's with one net of expressions."""
    table = folder / "table.yaml"
    rows = {"models": {"mine": ROW | {"calibrated": calibrated}}}
    table.write_text(yaml.safe_dump(rows), encoding="utf-8")
    return {"models": {"table": str(table), "expression": "mine"}}


def test_what_depends_on_a_model_is_an_option_and_says_so():
    shipped = {path.removesuffix(f".{emotion}") for path in list_options() for emotion in ["fear"]}
    assert len(DEPENDING) == 17
    assert {option for _, option in DEPENDING} <= shipped
    assert set(OPTIONS) <= set(list_roles())
    page = (ROOT / "config/options/film.yaml").read_text(encoding="utf-8")
    marks = {role: page.count(f"[{role}]") for role in OPTIONS}
    assert marks == {role: len(options) for role, options in OPTIONS.items()}


def test_every_model_of_the_light_tier_is_calibrated():
    config = load(PAGES)
    assert not any(list_uncalibrated(config["models"], {}).values())
    assert {
        (r, o) for r, row in list_calibrated(config["models"]).items() for o in row
    } == DEPENDING


def test_what_was_made_for_one_model_is_not_laid_on_another():
    light, full = (load(pages)["classify_expressions"] for pages in (PAGES, FULL))
    assert (light["bias"]["fear"], light["bias"]["disgust"], light["prior_correction"]) == (
        *(-1.5, -0.7),
        0.5,
    )
    assert set(full["bias"].values()) == {0.0} and full["prior_correction"] == 0.0
    mixed = load(PAGES, ("models.expression", "hsemotion-b0"))
    assert mixed["classify_expressions"] == full
    assert mixed["identify_characters"] == load(PAGES)["identify_characters"]


def test_a_detector_that_sees_small_figures_enlarges_none():
    tiles = [load(pages)["segment_instances"]["tiling_interval"] for pages in (PAGES, FULL)]
    assert tiles == [8, 0]


def test_the_user_has_the_last_word_of_each_part():
    config = load(PAGES, ("classify_expressions.bias.fear", -0.25))
    assert config["classify_expressions"]["bias"]["fear"] == -0.25
    assert config["classify_expressions"]["bias"]["disgust"] == -0.7
    assert config["classify_expressions"]["prior_correction"] == 0.5


def test_what_the_user_sets_is_not_called_uncalibrated():
    shipped = load(FULL)["identify_characters"]["vector_weight"]
    change = change_option("identify_characters.vector_weight", shipped)  # also to what it was
    config = load_config(FULL, change)
    found = list_uncalibrated(config["models"], read_own(FULL, change))
    assert found["embed"] == ["identify_characters.max_distance"]
    assert found["expression"] == list(OPTIONS["expression"])
    assert found["caption"] == []


def test_a_model_of_the_users_brings_its_own(tmp_path):
    row = with_row(tmp_path, {"classify_expressions.prior_correction": 0.2})
    config = load_config(PAGES, row)
    assert config["classify_expressions"]["prior_correction"] == 0.2
    assert config["classify_expressions"]["bias"]["fear"] == 0.0


@pytest.mark.parametrize(
    ("calibrated", "words"),
    [
        ({"classify_expressions.max_yaw": 0.3}, "mine is calibrated for 'classify_expr"),
        ({"classify_expressions.min_score": 7}, "calibrated: classify_expressions.min_score: 7"),
        (
            {"select_text.min_confidence": 0.5},
            "'select_text.min_confidence', which is no option .* of the role expression. Known: cl",
        ),
        (["min_score"], "mine.calibrated is .*, expected a block of names"),
    ],
    ids=["no option of a model", "a value that is not allowed", "one of another role", "a list"],
)
def test_what_is_wrong_in_a_row_is_told(tmp_path, calibrated, words):
    with pytest.raises(CineloraError, match=words):
        load_config(PAGES, with_row(tmp_path, calibrated))


def test_jobs_that_load_a_model_do_not_run_again_for_it():
    assert all("calibrated" not in choose_model(r, {"tier": "light"}) for r in ("embed", "scene"))
