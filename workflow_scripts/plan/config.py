"""The config as a whole: defaults, then the user's pages; all that is wrong with it at once.

`python -m workflow_scripts.plan.config <page> ...` checks pages without Snakemake, whose own reader
of --configfile says less of a page that is no YAML.
"""

import operator
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from workflow_scripts.lib.errors import CineloraError, show_value
from workflow_scripts.lib.image_folders import find_images, is_readable
from workflow_scripts.lib.paths import say_unreadable
from workflow_scripts.lib.strict_yaml import read_yaml
from workflow_scripts.models.registry import choose_model, fetchable_films, list_roles
from workflow_scripts.plan.calibration import list_calibrated, nest
from workflow_scripts.plan.schema import AREAS, CONFIG, find_schema_problems
from workflow_scripts.plan.variants import find_variant_problems

PAGE = Path("config/config.yaml")  # of the folder in which Snakemake runs
WANTED = {  # by option: what stands at its path
    "path": ("file", "folder"),
    "roster": ("folder",),
    "table": ("file",),
    "models_dir": ("folder",),
}
VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})", re.ASCII)  # as shells name them
UNNAMABLE = re.compile(r"[{}\r\n]")


def load_config(pages: Sequence[str | Path] = (), extra: Mapping[str, Any] | None = None) -> dict:
    """The shipped options, then `pages` in their order (none: config/config.yaml), then `extra`.

    Raises CineloraError that lists everything that is wrong, one line each.
    """
    read = [read_yaml(path) for path in list_files(pages)]
    problems = [problem for _, found in read for problem in found]
    layers = [*(values for values, _ in read), extra or {}]
    config = reduce(merge, layers, {})
    if all(values for values, _ in read):  # a page that could not be read is problem enough
        unfilled = expand_paths(config)
        others = (find_schema_problems if unfilled else find_problems)(config)
        told = {problem.partition(":")[0] for problem in others}
        problems += [one for one in unfilled if one.partition(":")[0] not in told] + others
    if not problems:
        config = lay_calibrated(config, reduce(merge, layers[len(list_defaults()) :], {}))
        wrong = find_schema_problems(config)
        problems = [f"models.table, calibrated: {problem}" for problem in wrong]
    if problems:
        lines = "\n".join(f"  - {problem}" for problem in problems)
        raise CineloraError(f"The config has {len(problems)} problem(s):\n{lines}")
    return config


def list_files(pages: Sequence[str | Path] = ()) -> list[Path]:
    """The files that a config is read from: shipped options beside the Snakefile, then pages."""
    return [*list_defaults(), *(map(Path, pages) if pages else [_find_page()])]


def list_defaults() -> list[Path]:
    """The files of shipped options, beside the Snakefile."""
    return [CONFIG / f"options/{name}.yaml" for name in ("workflow", *AREAS)]


def read_shipped() -> dict[str, Any]:
    """The config as it ships: every option with its default, then the user's page."""
    own = read_yaml(CONFIG / "config.yaml")[0]
    return lay_calibrated(merge(read_defaults(), own), own)


def read_own(
    pages: Sequence[str | Path] = (), extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What the user sets, without the shipped options: `pages` and `extra` as in `load_config`."""
    read = (read_yaml(path)[0] for path in list_files(pages)[len(list_defaults()) :])
    return reduce(merge, [*read, extra or {}], {})


def read_defaults() -> dict[str, Any]:
    """The shipped options alone, as they hold for models that nobody calibrated."""
    return reduce(merge, (read_yaml(path)[0] for path in list_defaults()), {})


def lay_calibrated(config: dict[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The config with what was calibrated for its models; what the user's `own` pages say wins."""
    values = reduce(operator.or_, list_calibrated(config["models"]).values())
    blocks = {
        phase: merge(merge(config[phase], options), own.get(phase) or {})
        for phase, options in nest(values).items()
    }
    return config | blocks


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one config over another: blocks are joined, everything else is replaced."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(old, Mapping)
        merged[key] = merge(old, value) if both else value
    return merged


def _find_page() -> Path:
    if not PAGE.is_file():
        raise CineloraError(
            f"There is no {PAGE} in {Path.cwd()}.\n"
            f"  Copy {CONFIG / 'config.yaml'} there and name your film in it,\n"
            "  or name a page of yours: snakemake --configfile <page>."
        )
    return PAGE


def expand_paths(config: dict[str, Any]) -> list[str]:
    """Fill in ~ and $VARIABLES in every path, in place; say which could not be filled in."""
    problems = []
    for where, block, key in _list_paths(config):
        try:
            block[key] = expand_path(block[key])
        except CineloraError as error:
            problems.append(f"{where}.{key}: {error}")
    return problems


def expand_path(path: str) -> str:
    """Fill in ~ and $VARIABLES, a//b becomes a/b; raises CineloraError where one is not known."""
    for match in VARIABLE.finditer(path):
        name = match[1] or match[2]
        if name not in os.environ:
            raise CineloraError(f"the variable {name} of {path} is not set in this shell.")
    filled = os.path.expandvars(path)
    try:
        filled = str(Path(filled).expanduser()) if filled else ""
    except (RuntimeError, ValueError) as error:
        raise CineloraError(f"there is no home folder for {path}.") from error
    if odd := UNNAMABLE.search(filled):
        raise CineloraError(
            f"{show_value(filled)} has {show_value(odd[0])} in it, which Snakemake reads as more"
            " than a name. Rename the file or folder, or link to it, without braces and line ends."
        )
    return filled


def _list_paths(config: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yields (where, block, key) of each option that is a path, as far as the types are right."""
    blocks = {"models": (config.get("models"), ("table", "models_dir"))}
    films = config.get("films")
    for name, film in films.items() if isinstance(films, dict) else []:
        blocks[f"films.{name}"] = (film, ("path", "truth", "roster"))
    for where, (block, keys) in blocks.items():
        for key in keys:
            if isinstance(block, dict) and isinstance(block.get(key), str):
                yield where, block, key


def find_problems(config: dict[str, Any]) -> list[str]:
    """Say in plain words everything that is wrong with the config; [] when it is fine."""
    if problems := find_schema_problems(config):
        return problems
    films, only = config["films"], config["only"]
    unknown = [
        f"only: there is no film {name!r}. Known: {', '.join(films)}."
        for name in only
        if name not in films
    ]
    chosen = {name: film for name, film in films.items() if not only or name in only}
    return [
        *unknown,
        *_place_problems({**config, "films": chosen}),
        *_film_problems(chosen),
        *_model_problems(config["models"]),
        *find_variant_problems(config["adapter"]),
    ]


def _place_problems(config: dict[str, Any]) -> list[str]:
    """What does not stand at the paths of the config; films that a rule fetches need not."""
    return [
        f"{where}.{key}: {problem}."
        for where, block, key in _list_paths(config)
        if key in WANTED and not (key == "path" and block[key] in fetchable_films())
        if (problem := _say_missing(block[key], WANTED[key]))
    ]


def _say_missing(path: str, wanted: Sequence[str]) -> str:
    if wanted == WANTED["path"] or name_place(path) in wanted:
        return say_unreadable(Path(path))
    return f"there is no {' or '.join(wanted)} {path} (seen from {Path.cwd()})"


def name_place(path: str | Path) -> str:
    """What stands at a path: "file", "folder", or "" for nothing, devices, what may not be seen."""
    try:
        mode = Path(path).stat().st_mode
    except OSError:
        return ""
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else ""


def _film_problems(films: dict[str, Any]) -> list[str]:
    problems = []
    for name, film in films.items():
        if name_place(film["path"]) == "folder":
            problems += _folder_problems(f"films.{name}.path", Path(film["path"]))
        if "character" in film.get("kinds", ["character"]) and not film.get("characters"):
            problems.append(f"films.{name}: the kind character needs names under characters.")
        if film.get("truth") and name_place(Path(film["truth"]) / "frames.csv") != "file":
            problems.append(
                f"films.{name}.truth: {film['truth']} holds no frames.csv; the layout of a truth"
                " folder stands in resources/demo_film/README.md."
            )
    return problems


def _folder_problems(where: str, path: Path) -> list[str]:
    if any(map(is_readable, find_images(path))):
        return []
    counts = Counter(image.suffix.lower() for image in find_images(path))
    if not counts:
        return [f"{where}: the folder {path} holds no images."]
    found = ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))
    return [
        f"{where}: none of the images in the folder {path} can be read: {found}."
        " Convert them to PNG or JPEG."
    ]


def _model_problems(models: dict[str, Any]) -> list[str]:
    problems = []
    if "table" in models and name_place(models["table"]) != "file":
        return []  # which is said already
    for role in list_roles():
        try:
            choose_model(role, models)
            problems += _option_problems(role, models)
        except CineloraError as error:
            problems.append(str(error))
    if not problems:
        try:
            list_calibrated(models)
        except CineloraError as error:
            problems.append(str(error))
    return list(dict.fromkeys(problems))  # a broken table is one problem, not one a role


def _option_problems(role: str, models: dict[str, Any]) -> list[str]:
    """Options of a model whose values are of another sort than those in its row of the table."""
    known = choose_model(role, models | {"options": {}}).get("options", {})
    return [
        f"models.options.{role}.{name}: {show_value(value)} is given;"
        f" the table of models has {show_value(known[name])}."
        for name, value in models.get("options", {}).get(role, {}).items()
        if _name_sort(value) != _name_sort(known[name])
    ]


def _name_sort(value: Any) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if is_number else type(value).__name__


def list_datasets(config: dict[str, Any], film: str) -> list[str]:
    """Names of a film's datasets: each kind once, the kind character once per character."""
    block = config["films"][film]
    names = []
    for kind in block["kinds"]:
        if kind == "character":
            names += [f"character-{name}" for name in block["characters"]]
        else:
            names.append(kind)
    return names


if __name__ == "__main__":
    try:
        load_config(sys.argv[1:])
    except CineloraError as error:
        sys.exit(str(error))
    print("The config has no problem.")
