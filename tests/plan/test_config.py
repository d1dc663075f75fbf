"""Everything that is wrong with a config is said at once, in plain words."""

import copy
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.strict_yaml import read_yaml
from workflow_scripts.plan.config import (
    CONFIG as FOLDER,
)
from workflow_scripts.plan.config import (
    find_problems,
    list_datasets,
    load_config,
    merge,
    read_shipped,
)
from workflow_scripts.plan.schema import RENAMED, read_schema

CONFIG = read_shipped()
FILM = "films: {luca: {path: film.mp4, kinds: [style]}}\n"


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The shipped config, in a folder where its film and truth exist."""
    monkeypatch.chdir(tmp_path)
    film = Path(CONFIG["films"]["demo"]["path"])
    film.parent.mkdir(parents=True)
    film.touch()
    Path("film.mp4").touch()
    truth = Path(CONFIG["films"]["demo"]["truth"])
    truth.mkdir()
    (truth / "frames.csv").touch()
    return copy.deepcopy(CONFIG)


def write(name, text):
    """Write a page into the folder of the test; return its path."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refuse(*pages, **extra):
    """The lines of the error that these pages give."""
    with pytest.raises(CineloraError) as hit:
        load_config(pages, extra)
    said, *lines = str(hit.value).split("\n")
    assert said == f"The config has {len(lines)} problem(s):"
    return lines


def set_option(config, path, value):
    """Set the option at a path of names."""
    block = config
    for key in path[:-1]:
        block = block[key]
    block[path[-1]] = value


def test_the_shipped_config_has_no_problem(config):
    assert find_problems(config) == []


@pytest.mark.parametrize("name", ["my film", "a/b", "../up", "Große", "", "luca\n", "-x"], ids=repr)
def test_a_film_key_that_is_no_folder_name(config, name):
    config["films"][name] = config["films"]["demo"]
    assert any("is no name" in line for line in find_problems(config))


@pytest.mark.parametrize("name", ["shared", "recognizer", "attributes", "face_names", "scratch"])
def test_a_film_key_that_is_the_name_of_another_folder(config, name):
    config["films"][name] = config["films"]["demo"]
    assert f"{name!r} is the name of another folder" in find_problems(config)[0]


@pytest.mark.parametrize("name", ["no", "12", "2024-01-01", "010"])
def test_a_film_key_that_yaml_would_take_for_something_else(config, name):
    page = write("page.yaml", FILM.replace("luca", name))
    assert list(load_config([page])["films"]) == [name]


NAN = float("nan")
RANGES = ("analyze_dataset", "recommended")
LIGHT = ("classify_lighting", "thresholds")
WRONG = [
    (("filter_frame",), {}, "unknown key 'filter_frame'. Did you mean 'filter_frames'?"),
    (("films", "demo", "charakters"), {}, "unknown key 'charakters'"),
    (("films", "demo", "path:x"), None, "Is a space missing after the colon?"),
    (("shards",), "two", "shards: 'two' is given, a whole number such as 2 is expected"),
    (("shards",), 2.0, "shards: 2.0 is given, a whole number"),
    (("shards",), True, "shards: true is given, a whole number"),
    (("shards",), 0, "shards: 0 is less than the minimum"),
    (("crop_faces", "margin"), "1:30", "'1:30' is given, a number such as 90 or 0.5"),
    (("crop_faces", "margin"), "010", "'010' is given, a number such as 90 or 0.5"),
    (("extract_frames", "sampling", "crop_bars"), "no", "'no' is given, true or false is expected"),
    (("films", "demo", "characters", "nella", "trigger"), 12, "between quotes it is text"),
    (("films", "demo", "characters", "nella", "trigger"), False, "between quotes it is text"),
    (("films", "demo", "characters", "nella", "trigger"), "nella\n", "is no trigger"),
    (("films", "demo", "characters", "nella\n"), {"trigger": "a", "class": "b"}, "is no name"),
    (("films", "demo", "style", "trigger"), "{film}", "is no trigger"),
    (("films", "demo"), None, "films.demo: nothing is given, a block of lines"),
    (("films", "demo"), "path:x.mp4", "is a space missing after the colon?"),
    (("films", "demo", "kinds"), ["poses"], "'poses' is not known. Did you mean 'pose'?"),
    (("films", "demo", "kinds"), "pose", "'pose' is given, a list such as [a, b] is expected"),
    (("films",), {}, "films: {} should be non-empty"),
    (("models", "tier"), "ful", "models.tier: 'ful' is not known. Did you mean 'full'?"),
    (("models", "embed"), "mobilenet", "Did you mean 'mobilenet-v2'?"),
    (("models", "embeed"), "mobilenet-v2", "unknown key 'embeed'. Did you mean 'embed'?"),
    (("models", "options"), {"embeed": {}}, "unknown key 'embeed'"),
    (("models", "options"), {"base": {"x": 1}}, "has no option 'x'"),
    (("models", "table"), "none.yaml", "there is no file none.yaml"),
    (("only",), ["luca"], "there is no film 'luca'"),
    (("only",), ["demo", "demo"], "non-unique"),
    (("films", "demo", "path"), "no/film.mp4", "there is no file or folder no/film.mp4"),
    (("films", "demo", "path"), "/dev/null", "/dev/null is no file but a pipe or a device"),
    (("films", "demo", "truth"), "config", "config holds no frames.csv"),
    (("films", "demo", "characters"), {}, "needs names under characters"),
    (("filter_frames", "min_brightness"), 0.96, "min_brightness 0.96, max_brightness 0.95: each"),
    ((*RANGES, "close-up"), [0.4, 0.3], "0.4, 0.3: each must be at least as large"),
    (("classify_expressions", "intensity_levels"), [0.7, 0.45], "each must be at least as large"),
    ((*LIGHT, "light_levels", "dark"), 0.4, "dark 0.4, dim 0.3, soft 0.45: each"),
    ((*LIGHT, "night_bright"), 0.55, "night_bright 0.55, moon_bright 0.5"),
    ((*LIGHT, "cold_warm"), 0.8, "cold_warm 0.8, lamp_warm 0.75"),
    (("adapter", "chosen"), "high", "there is no variant 'high'. Known: plain, higher_rank."),
    (("adapter", "kinds"), {"posse": {}}, "unknown key 'posse'. Did you mean 'pose'?"),
    (("adapter", "variants", "a b"), {}, "'a b' is no name"),
    (("adapter", "variants", "high"), {"rang": 64}, "unknown key 'rang'. Did you mean 'rank'?"),
    (("adapter", "defaults", "steps"), 100, "adapter.defaults.steps is adapter.tiers.<tier>.steps"),
    (("adapter", "defaults", "resolution_px"), "big", "native is the base's own"),
    (("adapter", "chosen"), "a b", "'a b' is no name; use small letters"),
    (("adapter", "defaults", "license"), "a\0b", "is no line of text; take out line breaks"),
    (("films", "demo", "path"), "a\nb.mp4", "'a\\nb.mp4' is no path that Snakemake takes"),
    (("films", "demo", "path"), "{film}.mp4", "or link to it, without braces"),
    (("films", "demo", "roster"), "my {x}", "or link to it, without braces"),
    (("films", "demo", "path"), "/dev/zero", "/dev/zero is no file but a pipe or a device"),
    (("films", "demo", "path"), "a" * 300, "cannot be opened (File name too long)"),
    (("films", "demo", "truth"), "a" * 300, "holds no frames.csv"),
    (("films", "demo", "roster"), "nowhere", "films.demo.roster: there is no folder nowhere"),
    (("models", "models_dir"), "film.mp4", "models.models_dir: there is no folder film.mp4"),
    (("models", "table"), "/dev/zero", "models.table: there is no file /dev/zero"),
    (
        ("models",),
        {"tier": "full", "device": "cpu", "options": {"face": {"min_score": "a"}}},
        "models.options.face.min_score: 'a' is given; the table of models has 0.5.",
    ),
    (
        ("models", "options"),
        {"embed": {"batch_size": NAN}},
        "embed.batch_size: NaN is given, true or",
    ),
    (("select_images", "shares"), {"shot_type": {"close_up": 0.4}}, "Did you mean 'close-up'?"),
    (("shards",), 10**400, "(401 characters) is greater than the maximum of 500"),
]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    WRONG,
    ids=[f"{'.'.join(path)}={value!r}" for path, value, _ in WRONG],
)
def test_a_problem_is_said_in_plain_words(config, path, value, words):
    set_option(config, path, value)
    problems = find_problems(config)
    assert len(problems) == 1
    assert words in problems[0]


def test_nothing_would_be_sampled(config):
    config["extract_frames"]["sampling"] |= {"frames_per_second": 0, "frames_per_shot": 0}
    assert "frames_per_second or frames_per_shot must be above 0" in find_problems(config)[0]


def leaves(block, path=()):
    """Yields (path, value) of each option."""
    for name, value in block.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name), value


NUMBERS = [path for path, value in leaves(CONFIG) if type(value) in (int, float)]


def test_no_number_may_be_infinite_or_no_number(config):
    assert len(NUMBERS) > 90
    for path in NUMBERS:
        for value in (NAN, float("inf"), -float("inf")):
            changed = copy.deepcopy(config)
            set_option(changed, path, value)
            problems = find_problems(changed)
            assert any(line.startswith(".".join(path)) for line in problems), (path, value)


def test_every_old_name_says_the_new_one(config):
    assert len(RENAMED) >= 15
    for old, new in RENAMED.items():
        problems = find_problems(merge(config, nest(tuple(old.split(".")), 1)))
        assert f"{old} is {new} now." in problems


def nest(path, value):
    """A config that sets one option."""
    return {path[0]: nest(path[1:], value)} if path else value


def test_an_old_block_is_named_option_by_option(config):
    config["train_adapter"] = {"rank": 4, "accumulate": 2, "steps": {"light": 10}}
    assert find_problems(config) == [
        "train_adapter.rank is adapter.defaults.rank now.",
        "train_adapter.accumulate is adapter.defaults.gradient_accumulation_steps now.",
        "train_adapter.steps is adapter.tiers.<tier>.steps now.",
    ]


def find_rule(schema, path):
    """The rule of the option at a dotted path; None where there is none."""
    rule = schema
    for name in path.replace("<tier>", "light").split("."):
        while "$ref" in rule and name not in rule.get("properties", {}):
            rule = schema["$defs"][rule["$ref"].rpartition("/")[2]]
        rule = rule.get("properties", {}).get(name)
        if rule in (None, {"not": {}}):
            return None
    return rule


def test_every_new_name_is_known_and_no_old_one():
    schema = read_schema()
    assert [new for new in RENAMED.values() if not find_rule(schema, new)] == []
    assert [old for old in RENAMED if find_rule(schema, old)] == []


def test_all_problems_are_listed_together(config):
    config["shards"] = "two"
    config["sed"] = 1
    assert len(find_problems(config)) == 2


def test_a_folder_without_images(config, tmp_path):
    (tmp_path / "empty").mkdir()
    config["films"]["demo"]["path"] = "empty"
    assert "holds no images" in find_problems(config)[0]


def test_a_folder_of_images_that_no_phase_can_read(config, tmp_path):
    (tmp_path / "phone").mkdir()
    for name in ("1.heic", "2.HEIC", "3.dng"):
        (tmp_path / "phone" / name).touch()
    config["films"]["demo"]["path"] = "phone"
    (problem,) = find_problems(config)
    assert "can be read: 1 .dng, 2 .heic. Convert them" in problem
    (tmp_path / "phone" / "4.gif").touch()
    assert find_problems(config) == []


def test_one_character_dataset_each(config):
    names = list_datasets(config, "demo")
    assert names[:3] == ["character-nella", "character-bruno", "character-pip"]
    assert "pose" in names


# pages, and how they come together


def test_the_page_of_the_folder_is_read_where_none_is_named(config):
    write("config/config.yaml", FILM + "shards: 9\n")
    assert load_config()["shards"] == 9


def test_a_folder_without_a_page_says_what_to_do(config):
    with pytest.raises(CineloraError, match="(?s)There is no config/config.yaml.*Copy .* there"):
        load_config()


def test_where_pages_are_named_the_folders_own_is_not_read(config):
    write("config/config.yaml", "films: {mine: {path: gone.mp4, kinds: [style]}}\nshards: 9\n")
    loaded = load_config([write("other.yaml", FILM)])
    assert list(loaded["films"]) == ["luca"]
    assert loaded["shards"] == CONFIG["shards"]


def test_a_later_page_wins_and_the_command_line_wins_over_all(config):
    pages = [
        write("a.yaml", FILM + "shards: 3\nseed: 1\n"),
        write("b.yaml", "shards: 4\nseed: 2\n"),
    ]
    loaded = load_config(pages, {"seed": 3, "models": {"device": "cuda"}})
    assert (loaded["shards"], loaded["seed"]) == (4, 3)
    assert loaded["models"] == {"tier": "light", "device": "cuda"}


def test_an_overlay_alone_says_what_it_is(config):
    lines = refuse(write("over.yaml", "shards: 4\n"))
    assert len(lines) == 1
    assert "--configfile config/config.yaml <overlay>" in lines[0]


def test_mistakes_of_several_pages_and_of_the_config_come_together(config):
    first = write("a.yaml", FILM + "shards: 0\nseed: 1\nseed: 2\n")
    second = write("b.yaml", "only: [x]\nonly: [luca]\n")
    lines = refuse(first, second)
    assert len(lines) == 3
    assert "a.yaml, line 4: seed stands in line 3 already" in lines[0]
    assert "b.yaml, line 2: only" in lines[1]
    assert "shards: 0 is less" in lines[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("films:\n\tluca: x\n", "page.yaml, line 2: a tab"),
        ("", "page.yaml is empty"),
        ("- luca\n", "page.yaml holds a list"),
        (FILM + "write: {film} pose\n", "page.yaml, line 2: text with braces"),
        (FILM + "shards:2\n", "page.yaml, line 2: a space is missing"),
    ],
    ids=["tab", "empty", "list", "braces", "no space"],
)
def test_a_page_that_cannot_be_read_is_the_only_problem(config, text, words):
    lines = refuse(write("page.yaml", text))
    assert len(lines) == 1 and words in lines[0]


@pytest.mark.parametrize("value", [NAN, float("inf")], ids=repr)
def test_the_command_line_is_checked_too(config, value):
    assert "crop_faces.margin" in refuse(write("a.yaml", FILM), crop_faces={"margin": value})[0]


def test_merge_joins_blocks_and_replaces_the_rest():
    below = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merge(below, {"a": {"c": [3]}, "d": {"e": 2}}) == {
        "a": {"b": 1, "c": [3]},
        "d": {"e": 2},
    }
    assert below == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


# paths


PATHS = {
    ("films", "luca", "path"): "film.mp4",
    ("films", "luca", "truth"): "truth",
    ("films", "luca", "roster"): "roster",
    ("models", "models_dir"): "weights",
    ("models", "table"): "own.yaml",
}


@pytest.mark.parametrize("path", ["${é}/film.mp4", "$PLACE/film.mp4", "${HOME", "$LINES/film.mp4"])
def test_what_snakemake_would_fill_in_is_refused_once(config, monkeypatch, path):
    monkeypatch.setenv("PLACE", "${HOME}x")
    monkeypatch.setenv("LINES", "a\nb")
    with pytest.raises(
        CineloraError, match=r"has 1 problem.*\n.*films\.luca\.path: .*without braces"
    ):
        load_config([write("a.yaml", FILM)], nest(("films", "luca", "path"), path))


@pytest.mark.parametrize("form", ["~", "$PLACE", "${PLACE}"])
@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_paths_are_filled_in(config, tmp_path, monkeypatch, path, form):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PLACE", str(tmp_path / "home"))
    for name in ("film.mp4", "truth/frames.csv"):
        write(f"home/{name}", "")
    write("home/own.yaml", "models: {}\n")
    for name in ("roster", "weights"):
        Path("home", name).mkdir()
    loaded = load_config([write("a.yaml", FILM)], nest(path, f"{form}/{PATHS[path]}"))
    for name in path:
        loaded = loaded[name]
    assert loaded == f"{tmp_path}/home/{PATHS[path]}"


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_a_variable_that_is_not_set(config, monkeypatch, path):
    monkeypatch.delenv("NOWHERE", raising=False)
    page = write("a.yaml", FILM)
    with pytest.raises(CineloraError, match="the variable NOWHERE of .* is not set in this shell"):
        load_config([page], nest(path, "$NOWHERE/x"))


def test_a_home_that_nobody_has(config):
    lines = refuse(write("a.yaml", FILM), films={"luca": {"path": "~nobody-at-all/x"}})
    assert "films.luca.path: there is no home folder for ~nobody-at-all/x" in lines[0]


@pytest.mark.parametrize("sign", ["$", "100 $", "a$-b", "$\u00fc"])
def test_a_dollar_that_begins_no_variable_stays(config, sign):
    Path(sign).touch()
    loaded = load_config([write("a.yaml", FILM)], {"films": {"luca": {"path": sign}}})
    assert loaded["films"]["luca"]["path"] == sign


# a table of models of one's own


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("models: {a: {tier: full, loader: telea, files: []}}", "models.a lacks role"),
        ("models: {a: {role: inpaint, tier: full, loader: tela, files: []}}", "no loader 'tela'"),
        ("models: [a]", "models must hold rows"),
        ("models: {a: }\n", "a has no value"),
        ("modells: {}", "unknown section 'modells'"),
        ("files: {a.bin: {source: file}}", "files.a.bin lacks license"),
        ("files: {}\nfiles: {}", "line 2: files stands in line 1 already"),
        ("", "is empty"),
    ],
)
def test_a_table_of_models_is_checked(config, text, words):
    config["models"]["table"] = str(write("own.yaml", text))
    problems = find_problems(config)
    assert len(problems) == 1
    assert words in problems[0]


# the shipped files


def described(schema, path=""):
    """Yield (path, option) for each leaf of the schema that a user can set."""
    for name, option in schema.get("properties", {}).items():
        where = f"{path}.{name}".strip(".")
        yield where, option
        yield from described(option, where)


def all_options():
    """Options of the schema, and those of its definitions."""
    schema = read_schema()
    return [*described(schema), *described({"properties": schema["$defs"]}, "$defs")]


def test_every_block_is_strict():
    options = all_options()
    assert len(options) > 150
    loose = [
        where
        for where, option in options
        if option.get("type") == "object" and "additionalProperties" not in option
    ]
    assert loose == []


def test_every_default_stands_in_the_yaml_alone():
    assert [where for where, option in all_options() if "default" in option] == []


def test_every_reference_is_defined():
    schema = read_schema()
    wanted = set(re.findall(r"'\$ref': '#/\$defs/(\w+)'", str(schema)))
    assert len(wanted) > 15
    assert wanted == set(schema["$defs"])


def test_the_shipped_files_are_read_without_a_word():
    paths = sorted(FOLDER.rglob("*.yaml"))
    assert len(paths) >= 14
    assert {path.name: read_yaml(path)[1] for path in paths} == {path.name: [] for path in paths}


def test_no_file_of_options_speaks_of_anothers():
    paths = sorted(FOLDER.glob("options/*.yaml"))
    blocks = [block for path in paths for block in read_yaml(path)[0]]
    assert len(paths) == 5
    assert len(blocks) == len(set(blocks)) > 15


def test_the_page_is_short():
    assert len((FOLDER / "config.yaml").read_text(encoding="utf-8").splitlines()) < 80


@pytest.mark.parametrize("overlay", ["demo", "bbb"])
def test_the_pages_of_make_stand_alone(overlay, monkeypatch):
    monkeypatch.chdir(FOLDER.parent)
    loaded = load_config([FOLDER / f"overlays/{overlay}.yaml"])
    assert loaded["only"] == list(loaded["films"]) == [overlay]
    assert loaded["models"] == {"tier": "light", "device": "cpu"}


def test_the_full_tier_is_an_overlay_of_the_page(monkeypatch):
    monkeypatch.chdir(FOLDER.parent)
    loaded = load_config([FOLDER / "config.yaml", FOLDER / "overlays/full.yaml"])
    assert loaded["models"] == {"tier": "full", "device": "cuda"}
    assert "demo" in loaded["films"]


# the check without Snakemake


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [(FILM, 0, "The config has no problem."), (FILM + "\tx: 1\n", 1, "line 2: a tab")],
    ids=["fine", "wrong"],
)
def test_pages_are_checked_by_hand(config, text, status, words):
    command = [sys.executable, "-m", "workflow_scripts.plan.config", str(write("a.yaml", text))]
    environment = os.environ | {"PYTHONPATH": str(FOLDER.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == status
    assert words in done.stdout + done.stderr
