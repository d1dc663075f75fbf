"""With which settings an adapter is trained: defaults, tier, kind, variant; a later one wins."""

import copy

import pytest

from workflow_scripts.models.registry import choose_model, read_registry
from workflow_scripts.plan.adapter_settings import (
    choose_tier,
    resolve_adapter_settings,
    resolve_composition_settings,
    resolve_controls,
    resolve_evaluation_settings,
)
from workflow_scripts.plan.config import CONFIG, find_problems, load_config, read_shipped
from workflow_scripts.plan.inputs import list_measures
from workflow_scripts.plan.schema import find_schema_problems

SHIPPED = {  # of both tiers; what the adapters of earlier versions were trained with
    "rank": 8,
    "alpha": 8,
    "rslora": False,
    "rank_pattern": {},
    "alpha_pattern": {},
    "init": "default",
    "text_encoder": {"train": False, "learning_rate": 0.00005},
    "batch_size": 4,
    "processes": 1,
    "gradient_accumulation_steps": 1,
    "resolution_px": "native",
    "schedule": "cosine",
    "schedule_cycles": 2,
    "schedule_power": 2.0,
    "schedule_levels": [1, 0.3, 0.1],
    "warmup": 0.1,
    "optimizer": "adamw",
    "precision": "auto",
    "gradient_checkpointing": "auto",
    "compile": False,
    "loraplus_lr_ratio": 1,
    "weight_decay": 0.01,
    "max_grad_norm": 1.0,
    "ema_decay": 0,
    "min_snr_gamma": 5.0,
    "noise_offset": 0.03,
    "caption_dropout": 0.05,
    "caption_orders": 1,
    "keep_tokens": 1,
    "background_loss_weight": 0.1,
    "masked_prior_weight": 0,
    "prior_loss_weight": 0,
    "class_images": "",
    "validations": 6,
    "validation_images": 16,
    "checkpoints": 3,
    "kept_checkpoints": 0,
    "samples": 0,
    "tensorboard": False,
    "keep": "best",
    "license": "all rights with the owners of the film",
    "stages": [],
}
TIERS = {
    "light": {"steps": 240, "batch_size": 8, "learning_rate": 0.004},
    "full": {"steps": 2000, "learning_rate": 0.0001},
}


@pytest.fixture
def config():
    """The shipped config, to be changed."""
    return copy.deepcopy(read_shipped())


@pytest.mark.parametrize("tier", TIERS)
def test_the_shipped_settings(config, tier):
    settings = resolve_adapter_settings(config, tier, "pose", "plain")
    assert settings == SHIPPED | TIERS[tier]


@pytest.mark.parametrize(
    ("kind", "variant", "rank"),
    [("pose", "plain", 4), ("style", "plain", 32), ("style", "high", 64), ("pose", "high", 64)],
    ids=["tier", "kind over tier", "variant over kind", "variant over tier"],
)
def test_a_later_block_wins(config, kind, variant, rank):
    config["adapter"]["tiers"]["light"]["rank"] = 4
    config["adapter"]["kinds"] = {"style": {"rank": 32}}
    config["adapter"]["variants"] = {"plain": {}, "high": {"rank": 64, "alpha": 64}}
    settings = resolve_adapter_settings(config, "light", kind, variant)
    assert settings["rank"] == rank
    assert settings["alpha"] == (64 if variant == "high" else 8)
    assert settings.keys() == (SHIPPED | TIERS["light"]).keys()


def test_resolving_changes_no_block(config):
    before = copy.deepcopy(config)
    resolve_adapter_settings(config, "light", "style", "plain")["rank"] = 99
    assert config == before


def test_the_evaluation_takes_its_tier(config):
    light, full = (resolve_evaluation_settings(config, tier) for tier in TIERS)
    assert (light.pop("sampling_steps"), full.pop("sampling_steps")) == (20, 25)
    asked = light.pop("unrelated_prompts"), full.pop("unrelated_prompts")
    assert len(asked[0]) == len(asked[1]) and not {*asked[0]} & {*asked[1]}
    assert light == full
    assert set(light) == set(config["evaluate_adapter"]) - {"tiers"}  # nor controls: they are files


def test_controls_are_those_of_the_tier(config):
    config["evaluate_adapter"]["tiers"]["full"]["controls"] = {"other_subject": False}
    assert resolve_controls(config, "full") == {"other_subject": False}
    assert resolve_controls(config, "light")["other_subject"]


@pytest.mark.parametrize(
    ("base", "tier"), [("light", "light"), ("full", "full"), ("on request", "full")]
)
def test_a_base_on_request_takes_the_settings_of_the_configs_tier(config, base, tier):
    config["models"]["tier"] = "full"
    assert choose_tier({"tier": base}, config) == tier


def test_every_base_names_its_family():
    bases = [row for row in read_registry()["models"].values() if row["role"] == "base"]
    assert len(bases) >= 2
    assert all(row.get("family") for row in bases)
    assert choose_model("base", {"tier": "light"})["family"] == "sd15"


def stage(**sampling):
    return {"steps": 9, "learning_rate": 0.1, "sampling": sampling}


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (stage(shot_typ={"wide": 3}), "unknown key 'shot_typ'. Did you mean 'shot_type'?"),
        (stage(shot_type={"wyde": 3}), "unknown key 'wyde'. Did you mean 'wide'?"),
        (stage(occluded={"yes": 3}), "unknown key 'yes'. Known: true, false, unknown."),
        (stage(location={"park": -1}), "stages.0.sampling.location.park: -1"),
        (stage() | {"epochs": 2}, "steps or epochs, one of them"),
        ({"learning_rate": 0.1}, "steps or epochs, one of them"),
        ({"steps": 9}, "learning_rate must be given"),
    ],
    ids=["column", "word", "flag", "negative", "two lengths", "no length", "no rate"],
)
def test_a_wrong_stage_is_said_with_the_config(config, one, words):
    config["adapter"]["variants"]["staged"] = {"stages": [one]}
    problems = find_schema_problems(config)
    assert len(problems) == 1
    assert words in problems[0]


def test_options_that_do_not_go_together_are_said_with_the_config(config):
    config["adapter"]["variants"]["plain"] = {"optimizer": "schedule_free_adamw"}
    config["adapter"]["kinds"] = {"style": {"init": "pissa"}, "pose": {"init": "pissa"}}
    first, second = find_problems(config)
    assert first == (
        "adapter.variants.plain, all kinds: optimizer schedule_free_adamw averages in place of a"
        " schedule: set schedule to constant, not cosine."
    )
    assert second.startswith(
        "adapter.variants.plain, pose, style: init pissa changes the weights of the base"
    )


def test_more_processes_than_images_are_said_with_the_config(config):
    config["adapter"]["variants"]["plain"] = {"processes": 9}
    assert find_problems(config) == [
        "adapter.variants.plain, all kinds: batch_size 8 leaves some of 9 processes without an"
        " image: set batch_size to 9 or more, or take fewer."
    ]
    config["adapter"]["variants"]["plain"] = {"processes": 8}
    assert find_problems(config) == []


def test_what_no_training_knows_is_said_with_the_config(config):
    config["adapter"]["variants"]["plain"] = {"precision": "float8", "schedule_levels": []}
    problems = find_schema_problems(config)
    assert len(problems) == 2
    assert "'float8' is not known. Did you mean 'float32'?" in problems[0]
    assert "schedule_levels" in problems[1]


@pytest.mark.parametrize("kind", ["character", "background"])
def test_the_recipe_of_three_stages(kind, monkeypatch):
    monkeypatch.chdir(CONFIG.parent)
    pages = [CONFIG / "config.yaml", CONFIG / "overlays/three_stages.yaml"]
    loaded = load_config(pages)
    settings = resolve_adapter_settings(loaded, "full", kind, loaded["adapter"]["chosen"])
    stages = settings["stages"]
    assert [one["learning_rate"] for one in stages] == [1e-4, 5e-5, 2e-5]
    assert [bool(one.get("sampling")) for one in stages] == [False, True, False]
    assert sum(one["steps"] for one in stages) == TIERS["full"]["steps"]


def test_the_recipe_that_keeps_the_base(monkeypatch):
    monkeypatch.chdir(CONFIG.parent)
    pages = [CONFIG / "config.yaml", CONFIG / "overlays/keep_the_base.yaml"]
    loaded = load_config(pages)
    settings = resolve_adapter_settings(loaded, "light", "pose", loaded["adapter"]["chosen"])
    assert (settings["masked_prior_weight"], settings["prior_loss_weight"]) == (1.0, 1.0)


def test_measures_are_an_input_where_a_stage_draws_by_them():
    read = list_measures("demo", "pose", [stage(), stage(people={"2": 3})])
    assert read == ["results/demo/analyze_dataset/pose.parquet"]
    assert list_measures("demo", "pose", [stage(shot_type={"wide": 3})]) == []
    assert list_measures("demo", "pose", []) == []


def test_a_composition_draws_as_the_evaluation_does(config):
    options = resolve_composition_settings(config, "light")
    shared = resolve_evaluation_settings(config, "light")
    for name in ("sampling_steps", "guidance", "images", "timesteps"):
        assert options.pop(name) == shared[name]
    assert set(options) == set(config["compose_adapters"]) - {"datasets"}  # they are files
    assert len(options) == 3
