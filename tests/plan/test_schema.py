"""Every option of the schema, met by values of every wrong sort: each is refused by its name."""

import copy

import pytest

from workflow_scripts.plan.config import merge, read_shipped
from workflow_scripts.plan.schema import find_schema_problems, read_schema

CONFIG = read_shipped()
SCHEMA = read_schema()
EXAMPLES = {"films": "demo", "films.demo.characters": "nella"}  # names that the config has
NAN, INF = float("nan"), float("inf")
WRONG = {  # by type
    "number": [None, True, "a", "", "1\n", "2024-01-01", [1], {"a": 1}, NAN, INF, -INF, 10**400],
    "string": [
        None,
        True,
        7,
        1.5,
        ["a"],
        {"a": 1},
        "",
        "a\nb",
        "a\n",
        "a\0b",
        "\ud800",
        "x" * 9999,
    ],
    "boolean": [None, 0, 1, "no", "", [True], NAN],
    "array": [None, True, 7, "a", {"a": 1}, NAN],
    "object": [None, True, 7, "a", "", [1], NAN],
}
NAMES = ["", "a b", "a\n", "\na", "../a", "-a", "Ä", "a" * 99, "a\0"]


def resolve(rule):
    """A rule with what it refers to."""
    if "$ref" not in rule:
        return rule
    return resolve(SCHEMA["$defs"][rule["$ref"].rpartition("/")[2]]) | rule | {"$ref": None}


def walk(rule, path=""):
    """Yields (path, rule) of every value that may stand in a config, blocks and lists too."""
    rule = {key: value for key, value in resolve(rule).items() if key != "$ref"}
    yield path, rule
    for name, inner in rule.get("properties", {}).items():
        if inner != {"not": {}}:
            yield from walk(inner, f"{path}.{name}".strip("."))
    if isinstance(rule.get("additionalProperties"), dict):
        names = resolve(rule.get("propertyNames", {})).get("enum", ["a"])
        name = EXAMPLES.get(path, names[0])
        yield from walk(rule["additionalProperties"], f"{path}.{name}")
    if "items" in rule and not path.endswith(".0"):
        yield from walk(rule["items"], f"{path}.0")


OPTIONS = dict(walk(SCHEMA))


def list_wrong(rule):
    """Values that a rule must not take."""
    if "enum" in rule:
        return ["nix", "", None, 7, True, [rule["enum"][0]], {}, NAN]
    if "oneOf" in rule:
        flags = [] if {"type": "boolean"} in rule["oneOf"] else [True]
        return ["nix", "", None, [64], {}, NAN, 1, 63, 2049, 64.5, *flags]
    if isinstance(rule["type"], list):
        return [NAN, INF, -INF, {"a": 1}]
    kind = "number" if rule["type"] == "integer" else rule["type"]
    wrong = [
        value for value in WRONG[kind] if kind != "string" or value != "" or "maxLength" in rule
    ]
    if kind == "number":
        least, most = rule.get("minimum", rule.get("exclusiveMinimum")), rule.get("maximum")
        most = rule["exclusiveMaximum"] if most is None else most
        wrong += [least - 1, most + 1, -(10**400)] + (
            [least + 0.5] if rule["type"] == "integer" else []
        )
    if rule.get("uniqueItems"):
        wrong.append(["a", "a"])
    if rule.get("ascending") is True:
        wrong += [[0.9, 0.1], [0.1], [0.1, 0.2, 0.3]]
    return wrong


def set_values(values):
    """A config in which values stand at their paths; a 0 in a path is the first of a list."""
    config = copy.deepcopy(CONFIG)
    for path, value in values.items():
        config = place(config, path.split("."), value)
    return config


def place(block, names, value):
    """A block with a value below these names; what stands beside it stays, also in lists."""
    if not names:
        both = isinstance(block, dict) and isinstance(value, dict)
        return merge(block, value) if both else value
    name, *below = names
    if name == "0":
        is_block = isinstance(block, list) and block and isinstance(block[0], dict)
        return [place(block[0] if is_block else None, below, value)]
    block = block if isinstance(block, dict) else {}
    return block | {name: place(block.get(name), below, value)}


def list_accepted(values):
    """Those of several values, by path, that no short line of the errors names."""
    lines = find_schema_problems(set_values(values))
    assert max(map(len, lines), default=0) < 700
    named = {line.split(": ")[0] for line in lines}
    return [(path, value) for path, value in values.items() if path not in named]


def test_every_number_has_a_least_and_a_largest_value():
    numbers = {p: r for p, r in OPTIONS.items() if r.get("type") in ("number", "integer")}
    assert len(numbers) > 120
    limits = ({"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"})
    assert [p for p, rule in numbers.items() if not all(side & set(rule) for side in limits)] == []


@pytest.mark.parametrize("group", ["options", "in lists"])
def test_a_wrong_value_is_refused_by_the_name_of_its_option(group):
    wrong = {
        path: list_wrong(rule)
        for path, rule in OPTIONS.items()
        if rule.get("type") != "object"
        and "properties" not in rule
        and ("0" in path.split(".")) == (group == "in lists")
    }
    assert len(wrong) > {"options": 150, "in lists": 10}[group]
    assert min(map(len, wrong.values())) >= 4
    accepted = []
    for place in range(max(map(len, wrong.values()))):  # all options at once, each its next one
        accepted += list_accepted({p: v[place] for p, v in wrong.items() if place < len(v)})
    assert accepted == []


def test_a_wrong_block_is_refused_by_its_name():
    blocks = [path for path, rule in OPTIONS.items() if path and rule.get("type") == "object"]
    assert len(blocks) > 30
    assert [hit for p in blocks for v in WRONG["object"] for hit in list_accepted({p: v})] == []


def test_a_wrong_name_is_refused_by_the_name_of_its_block():
    blocks = [path for path, rule in OPTIONS.items() if "propertyNames" in rule]
    assert len(blocks) >= 10
    assert [hit for p in blocks for name in NAMES for hit in list_accepted({p: {name: {}}})] == []
