import copy
from pathlib import Path

import pytest
import yaml

from workflow_scripts.plan.config import (
    CONFIG as FOLDER,
)
from workflow_scripts.plan.config import (
    find_problems,
    list_datasets,
    read_schema,
    read_shipped,
)

CONFIG = read_shipped()


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The shipped config, in a folder where its film and truth exist."""
    monkeypatch.chdir(tmp_path)
    film = Path(CONFIG["films"]["demo"]["path"])
    film.parent.mkdir(parents=True)
    film.touch()
    truth = Path(CONFIG["films"]["demo"]["truth"])
    truth.mkdir()
    (truth / "frames.csv").touch()
    return copy.deepcopy(CONFIG)


def test_the_shipped_config_has_no_problem(config):
    assert find_problems(config) == []


@pytest.mark.parametrize("name", ["my film", "a/b", "../up", "Große", ""], ids=repr)
def test_a_film_key_that_is_no_folder_name(config, name):
    config["films"][name] = config["films"]["demo"]
    assert any("is no name" in line for line in find_problems(config))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("filter_frame",), {}, "unknown key 'filter_frame'"),
        (("films", "demo", "charakters"), {}, "unknown key 'charakters'"),
        (("shards",), "two", "shards: 'two' is not of type 'integer'"),
        (("shards",), 0, "shards: 0 is less than the minimum"),
        (("films", "demo", "kinds"), ["poses"], "'poses' is not one of"),
        (("films",), {}, "films: {} should be non-empty"),
        (("models", "tier"), "ful", "models.tier: 'ful' is not one of"),
        (("models", "embed"), "mobilenet", "Did you mean 'mobilenet-v2'?"),
        (("only",), ["luca"], "there is no film 'luca'"),
        (("films", "demo", "path"), "no/film.mp4", "there is no file or folder no/film.mp4"),
        (("films", "demo", "truth"), "config", "config holds no frames.csv"),
        (("films", "demo", "characters"), {}, "needs names under characters"),
        (("select_images", "min_score"), {"poses": 0.3}, "'poses' is not one of"),
        (("select_images", "shares"), {"shot": {}}, "'shot' is not one of"),
        (("write_captions", "triggers"), {"character": "x"}, "'character' is not one of"),
        (("write_captions", "triggers"), {"pose": "{x|y}"}, "does not fit"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else "",
)
def test_a_problem_is_said_in_plain_words(config, path, value, words):
    block = config
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value
    problems = find_problems(config)
    assert len(problems) == 1
    assert words in problems[0]


def test_all_problems_are_listed_together(config):
    config["shards"] = "two"
    config["sed"] = 1
    assert len(find_problems(config)) == 2


def test_a_folder_without_images(config, tmp_path):
    (tmp_path / "empty").mkdir()
    config["films"]["demo"]["path"] = "empty"
    assert "holds no images" in find_problems(config)[0]


def test_one_character_dataset_each(config):
    names = list_datasets(config, "demo")
    assert names[:3] == ["character-nella", "character-bruno", "character-pip"]
    assert "pose" in names


def described(schema, path=""):
    """Yield (path, option) for each leaf of the schema that a user can set."""
    for name, option in schema.get("properties", {}).items():
        where = f"{path}.{name}".strip(".")
        yield where, option
        yield from described(option, where)


def test_every_block_is_strict():
    schema = read_schema()
    loose = [
        where
        for where, option in described(schema)
        if option.get("type") == "object" and "additionalProperties" not in option
    ]
    assert loose == []


def test_every_default_stands_in_the_yaml_alone():
    schema = read_schema()
    assert [where for where, option in described(schema) if "default" in option] == []


@pytest.mark.parametrize("overlay", ["demo", "bbb"])
def test_the_overlays_pin_every_role(overlay):
    models = yaml.safe_load((FOLDER / f"overlays/{overlay}.yaml").read_text())["models"]
    roles = read_schema()["properties"]["models"]["properties"]
    assert set(models) == set(roles)
