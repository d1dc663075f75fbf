"""The schema of the config, put together from config/schemas/, and its errors in plain words."""

import math
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from workflow_scripts.adapter.sampling import FLAGS, MEASURED, OPEN, UNKNOWN, WORDED
from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.errors import CineloraError, show_value
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.strict_yaml import read_yaml
from workflow_scripts.models.registry import list_roles

CONFIG = Path(__file__).resolve().parents[2] / "config"
VOCABULARY = CONFIG.with_name("resources") / "vocabularies/captions.yaml"
AREAS = ("film", "dataset", "adapter", "report")  # each with options/<area>.yaml and a schema
RENAMED = {  # options and blocks as they were called -> as they are now
    "segment_instances.zoom_every": "segment_instances.tiling_interval",
    "identify_characters.openness": "identify_characters.cluster_threshold_interpolation",
    "inpaint_backgrounds.most_sources": "inpaint_backgrounds.max_sources",
    "cluster_scenes.same_view": "cluster_scenes.view_similarity",
    "classify_expressions.max_turn": "classify_expressions.max_yaw",
    "cluster_scenes.min_likeness": "cluster_scenes.min_similarity",
    "classify_expressions.resting_share": "classify_expressions.prior_correction",
    "classify_poses.min_run_lift": "classify_poses.run_heel",
    "classify_lighting.thresholds.fog_veil": "classify_lighting.thresholds.fog_dark_channel",
    "classify_lighting.thresholds.fog_colour": "classify_lighting.thresholds.fog_color",
    "detect_text.read_every_s": "read_text.read_every_s",
    "detect_text": "select_text",
    "caption_images": "write_captions",
    "caption_images.triggers": "write_captions.triggers",
    **{
        f"pack_dataset.{name}": f"select_images.{name}"
        for name in (
            *("max_images", "max_repeats", "held_out_share", "min_side_px", "min_score"),
            *("max_occlusion", "min_pose_change", "shares"),
        )
    },
    "train_adapter": "adapter.defaults",
    "train_adapter.steps": "adapter.tiers.<tier>.steps",
    "train_adapter.learning_rate": "adapter.tiers.<tier>.learning_rate",
    "train_adapter.accumulate": "adapter.defaults.gradient_accumulation_steps",
    "train_adapter.unmasked_weight": "adapter.defaults.background_loss_weight",
    "train_adapter.licence": "adapter.defaults.license",
    "adapter.defaults.steps": "adapter.tiers.<tier>.steps",
    "adapter.defaults.learning_rate": "adapter.tiers.<tier>.learning_rate",
    "evaluate_adapter.sampling_steps": "evaluate_adapter.tiers.<tier>.sampling_steps",
}
WANTED = {
    "integer": "a whole number such as 2",
    "number": "a number such as 90 or 0.5",
    "string": "text",
    "boolean": "true or false",
    "array": "a list such as [a, b]",
    "object": "a block of lines such as 'name: value'",
    "null": "nothing",
}


def _is_number(_: Any, value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)  # nan would pass every limit
    return _is_integer(_, value)


def _is_integer(_: Any, value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)  # 2.0 is no count


def _check_ascending(
    _: Any, rule: bool | list[list[str]], value: Any, schema: Any
) -> Iterator[ValidationError]:
    """The word `ascending` of our schemas: values of these options, or of a list, may not fall."""
    if not isinstance(value, list if rule is True else dict):
        return  # which the type says
    rows = [list(range(len(value)))] if rule is True else rule
    for keys in rows:
        known = [key for key in keys if rule is True or key in value]
        row = [value[key] for key in known]
        if all(_is_number(_, number) for number in row) and row != sorted(row):
            said = ", ".join(map(str, row)) if rule is True else _name_values(known, row)
            yield ValidationError(f"{said}: each must be at least as large as the one before")


def _name_values(keys: list[str], values: list[float]) -> str:
    return ", ".join(f"{key} {value}" for key, value in zip(keys, values, strict=True))


Validator = extend(
    Draft202012Validator,
    {"ascending": _check_ascending},
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine_many(
        {"number": _is_number, "integer": _is_integer}
    ),
)


@cache
def read_schema() -> dict[str, Any]:
    """The schema of the whole config: of the user's page and each area; roles and kinds added."""
    parts = [_read_part(CONFIG / f"schemas/{name}.schema.yaml") for name in ("config", *AREAS)]
    defs = {name: rule for part in parts for name, rule in part.get("$defs", {}).items()}
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": [name for part in parts for name in part["required"]],
        "properties": {name: rule for part in parts for name, rule in part["properties"].items()},
        "$defs": defs | define_kinds() | {"sampling": define_sampling()},
    }
    models = schema["properties"]["models"]["properties"]
    models |= {role: {"$ref": "#/$defs/text"} for role in list_roles()}
    models["options"]["propertyNames"] = {"enum": list_roles()}
    schema["properties"]["select_images"]["properties"]["shares"]["properties"] = define_shares()
    return schema


def define_kinds() -> dict[str, Any]:
    """Names that the schemas refer to as #/$defs/...: kinds, and what they are balanced over."""
    return {
        "kind": {"enum": list(KINDS)},
        "kind_with_trigger": {"enum": [name for name, kind in KINDS.items() if kind.trigger]},
        "category": {"enum": sorted({kind.category for kind in KINDS.values()})},
    }


def define_shares() -> dict[str, Any]:
    """What may have a share, by what a kind is balanced over; places and lights may be any."""
    words = read_vocabulary(VOCABULARY)["words"]
    listed = {kind.category: list(words[kind.category]) for kind in KINDS.values() if kind.expected}
    share = {"$ref": "#/$defs/share"}
    return {
        category: {
            "type": "object",
            "description": f"Wanted share of each {category}.",
            "propertyNames": {"enum": [*names, "unknown"]},
            "additionalProperties": share,
        }
        for category, names in listed.items()
    }


def define_sampling() -> dict[str, Any]:
    """By which columns a stage may draw its images; of those with known words, by which words."""
    words = read_vocabulary(VOCABULARY)["words"]
    known = {name: [*words[name], UNKNOWN] for name in WORDED}
    known |= {name: ["true", "false", UNKNOWN] for name in FLAGS}
    weights = {
        "type": "object",
        "description": "Weight of an image by its value.",
        "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1000},
    }
    columns = dict.fromkeys((*OPEN, *MEASURED), weights)
    columns |= {name: weights | {"propertyNames": {"enum": known[name]}} for name in known}
    return {"type": "object", "additionalProperties": False, "properties": columns}


def _read_part(path: Path) -> dict[str, Any]:
    part, problems = read_yaml(path)
    if problems:
        raise CineloraError("\n".join(problems))
    return part


def find_schema_problems(config: dict[str, Any]) -> list[str]:
    """Say in plain words what of the config the schema does not allow; [] when it is fine."""
    errors = sorted(Validator(read_schema()).iter_errors(config), key=_sort_key)
    return list(dict.fromkeys(line for error in errors for line in _explain(error)))


def _sort_key(error: ValidationError) -> list[str]:
    return list(map(str, error.path))


def _explain(error: ValidationError) -> list[str]:
    where = ".".join(str(part) for part in error.path)
    if error.validator == "additionalProperties":
        return _explain_unknown(error, where)
    if error.validator == "not" and where in RENAMED:
        return [f"{where} is {RENAMED[where]} now."]
    if "propertyNames" in error.schema_path:
        said = _explain_name(error)
    else:
        said = SAID.get(error.validator, _explain_else)(error)
    return [f"{where or 'the config'}: {said}{'' if said.endswith('?') else '.'}"]


def _explain_unknown(error: ValidationError, where: str) -> list[str]:
    known = list(error.schema.get("properties", {}))
    lines = []
    for key in (key for key in error.instance if key not in known):
        path = f"{where}.{key}".strip(".")
        lines += _explain_renamed(path, error.instance[key]) or [
            f"{where or 'the config'}: unknown key {show_value(key)}. {_suggest(key, known)}"
        ]
    return lines


def _explain_renamed(path: str, value: Any) -> list[str]:
    """What an old option is called now; of an old block, each option that is set in it."""
    if path not in RENAMED:
        return []
    if not isinstance(value, dict):
        return [f"{path} is {RENAMED[path]} now."]
    inner = [f"{path}.{key}" for key in value]
    new = [RENAMED.get(old, f"{RENAMED[path]}{old.removeprefix(path)}") for old in inner]
    return [f"{old} is {name} now." for old, name in zip(inner, new, strict=True)]


def _suggest(key: str, known: list[str]) -> str:
    if ":" in key:
        return "Is a space missing after the colon?"
    near = get_close_matches(key, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."


def _explain_name(error: ValidationError) -> str:
    name = show_value(error.instance)
    if error.validator == "not":
        return f"{name} is the name of another folder below results/; choose another name"
    if error.validator == "enum":
        hint = _suggest(str(error.instance), error.validator_value)
        return f"unknown key {name}. {hint.rstrip('.')}"
    if error.validator == "maxLength":
        return f"{name} is longer than {error.validator_value} characters"
    return _explain_pattern(error)


def _explain_type(error: ValidationError) -> str:
    value, wanted = error.instance, error.validator_value
    words = [WANTED[one] for one in ([wanted] if isinstance(wanted, str) else wanted)]
    said = f"{show_value(value)} is given, {' or '.join(words)} is expected"
    if wanted == "string" and isinstance(value, bool | int | float):
        return f"{said}; between quotes it is text"
    if wanted == "object" and isinstance(value, str) and ":" in value:
        return f"{said}; is a space missing after the colon?"
    return said


def _explain_enum(error: ValidationError) -> str:
    words = [str(word) for word in error.validator_value]
    near = get_close_matches(str(error.instance), words, n=1)
    remedy = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(words)}"
    return f"{show_value(error.instance)} is not known. {remedy}".rstrip(".")


def _explain_pattern(error: ValidationError) -> str:
    return f"{show_value(error.instance)} is no {error.schema['title']}"


def _explain_required(error: ValidationError) -> str:
    missing = [key for key in error.validator_value if key not in error.instance]
    said = f"{' and '.join(missing)} must be given"
    if "films" in missing:
        said += ", and an overlay after your own page: --configfile config/config.yaml <overlay>"
    return said


def _explain_described(error: ValidationError) -> str:
    return f"{show_value(error.instance)} does not fit. {error.schema['description']}".rstrip(".")


def _explain_else(error: ValidationError) -> str:
    said = error.message.removeprefix(repr(error.instance))  # as messages of limits begin
    return (f"{show_value(error.instance)}{said}" if said != error.message else said).rstrip(".")


SAID = {
    "type": _explain_type,
    "enum": _explain_enum,
    "pattern": _explain_pattern,
    "required": _explain_required,
    "anyOf": _explain_described,
    "oneOf": _explain_described,
}
