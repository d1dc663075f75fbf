"""People's corrections before a run: which files there are, whether they can be used, what is not.

They are read here once more than by the phases, so that a wrong line stops no run after hours.
"""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.image_folders import format_name
from workflow_scripts.lib.reviews import READERS, REVIEWS, read_review
from workflow_scripts.plan.targets import PACKING, list_phases

SLIGHT = 0.75  # similarity of two names from which one is the other misspelt: dmeo is demo
FOLDER = Path("config/reviews")
NAMES = {f"{name}.csv" for name in REVIEWS}


def find_reviews(film: str, name: str = "*") -> list[str]:
    """Files of people's corrections of a film: that of this name, or all; perhaps none.

    Links to nothing are files too: they say that somebody wanted one to be read.
    """
    names = sorted(REVIEWS) if name == "*" else [name]
    paths = [FOLDER / film / f"{one}.csv" for one in names]
    return [str(path) for path in paths if path.exists() or path.is_symlink()]


def check_reviews(films: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines about corrections of what a film does not make; `films` as in the config.

    Raises CineloraError that says all that is wrong with the files of these films.
    """
    problems, unused = [], []
    for film, block in films.items():
        phases = [*list_phases(block["kinds"]), *PACKING]
        words = {"identities": {"character": sorted(block.get("characters") or {})}}
        for path in find_reviews(film):
            try:
                rows = read_review(path, Path(path).stem, words.get(Path(path).stem))
            except CineloraError as error:
                problems.append(str(error))
                continue
            if len(rows) and READERS[Path(path).stem] not in phases:
                unused.append(f"{path} is not used: films.{film}.kinds has no kind that reads it.")
            kinds = rows.get("kind", rows["line"].iloc[:0])
            other = kinds[~kinds.isin(block["kinds"])].value_counts().to_dict()
            unused += [
                f"{path}: {count} of kind {kind}, which films.{film}.kinds has not; not used."
                for kind, count in other.items()
            ]
    if problems:
        raise CineloraError("\n".join(problems))
    return unused


def list_unread(films: Collection[str]) -> list[str]:
    """Lines about what lies below config/reviews/ under names that nobody reads."""
    lines = []
    for path in _list_shown(FOLDER):
        if not path.is_dir():
            if path.name != "README.md":
                lines.append(f"{_name(path)} is not read: corrections lie in {FOLDER}/<film>/.")
        elif path.name not in films:  # of a film that is not in the config, or of a misspelt one
            near = _find_near(path.name, films)
            if near and (not (FOLDER / near).exists() or _is_misspelt(path, near)):
                lines.append(f"{_name(path)}/ is not read: did you mean {near}/?")
        else:
            lines += [
                f"{_name(file)} is not read: {_hint(file.name)}"
                for file in _list_shown(path)
                if file.name not in NAMES
            ]
    return lines


def _is_misspelt(folder: Path, film: str) -> bool:
    """Whether a folder beside that of a film holds corrections, and has almost its name; another
    number is another film."""
    digits, others = (re.sub(r"\D", "", name) for name in (folder.name, film))
    is_near = digits == others and bool(get_close_matches(folder.name.lower(), [film], 1, SLIGHT))
    return is_near and any(file.name in NAMES for file in _list_shown(folder))


def _list_shown(folder: Path) -> list[Path]:
    """What lies in a folder, without hidden files and copies that editors leave."""
    return sorted(p for p in folder.glob("*") if p.name[0] not in ".#~" and p.name[-1] != "~")


def _name(path: Path) -> str:
    """A path of one printable line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in format_name(path))


def _hint(name: str) -> str:
    near = _find_near(name, NAMES)
    return f"did you mean {near}?" if near else f"files here are {', '.join(sorted(NAMES))}."


def _find_near(name: str, known: Collection[str]) -> str:
    return next(iter(get_close_matches(name.strip().lower(), known, n=1)), "")
