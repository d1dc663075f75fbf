"""What a row of the table of models may say; what is wrong with one that says something else."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from workflow_scripts.lib.checksums import is_sum

Row = dict[str, Any]
Table = Mapping[str, Mapping[str, Row]]
NEEDED = {  # what a row of each section cannot do without
    "files": ("source", "license"),
    "folders": ("source", "license", "members"),
    "films": ("source", "license", "sha256"),
    "models": ("role", "tier", "loader", "files"),
}
PLACES = {  # source -> what says where its files are
    "pypi": ("package", "archive_sha256", "member"),
    "https": ("url",),
    "hf": ("repo", "revision", "member"),
    "file": ("path",),
}
TIERS = ("light", "full", "on request")
NAME = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)  # a name, and no path to elsewhere


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != "" and value.strip().isprintable()


def is_truth(value: Any) -> bool:
    return isinstance(value, bool)


def is_count(value: Any) -> bool:
    return isinstance(value, int) and not is_truth(value) and value > 0


def is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not is_truth(value) and 0 < value < 1e9


def is_block(value: Any) -> bool:
    return isinstance(value, dict)


def are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(one) for one in value)


def are_words(value: Any) -> bool:
    return is_text(value) or (are_texts(value) and value != [])


def are_members(value: Any) -> bool:
    parts = [part for one in value for part in one.split("/")] if are_texts(value) else []
    return bool(parts) and all(NAME.fullmatch(part) for part in parts)


def are_blocks(value: Any) -> bool:
    return isinstance(value, list) and all(is_block(one) for one in value)


LINES = ("license", "training_data", "url", "package", "repo", "revision", "path", "member")
KINDS = {  # key -> what its value must be
    **dict.fromkeys(
        (*LINES, "platform", "loader", "family", "limit"), (is_text, "text in one line")
    ),
    **dict.fromkeys(("role", "tier"), (are_words, "a word, or a list of them")),
    **dict.fromkeys(("sha256", "archive_sha256"), (is_sum, "64 hexadecimal digits")),
    **dict.fromkeys(("commercial", "sdist", "describes", "regions"), (is_truth, "true or false")),
    **dict.fromkeys(
        ("approx_mb", "vram_gb", "ram_mb", "sure_score"), (is_amount, "a number above 0")
    ),
    **dict.fromkeys(("files", "folders"), (are_texts, "a list of names")),
    **dict.fromkeys(("sums", "options", "calibrated"), (is_block, "a block of names and values")),
    "members": (are_members, "a list of files, none outside of the folder and none hidden"),
    "alternatives": (are_blocks, "a list of sources"),
    "bytes": (is_count, "a whole number above 0"),
    "one_source": (is_truth, "true or false"),
    "research": (("data", "weights").__contains__, "data, or weights"),
    "source": (PLACES.__contains__, f"one of {', '.join(PLACES)}"),
}


def check_rows(
    section: str, rows: Any, loaders: list[str], model_keys: set[str] | None
) -> Iterator[str]:
    """What is wrong with the rows of a section; without `model_keys` a model may have any key."""
    if not is_block(rows) or not all(is_block(row) for row in rows.values()):
        yield f"{section} must hold rows, each with a name"
        return
    for name, row in rows.items():
        place = f"{section}.{name}"
        if section != "models" and not NAME.fullmatch(name):
            yield f"{place}: a file or folder is named with letters, digits and . _ + - only"
        needed = [key for key in NEEDED[section] if key != "loader" or row.get("describes", True)]
        extra = set(row) if section == "models" and model_keys is None else (model_keys or set())
        yield from check_row(place, row, (*needed, *list_places(row)), {*KINDS, *extra})
        if row.get("loader", loaders[0]) not in loaders:
            yield f"{place}: there is no loader {row['loader']!r}"


def list_places(row: Row) -> list[str]:
    """The keys that say where the files of a row are; those of a folder are its members."""
    needed = PLACES.get(row["source"], ()) if isinstance(row.get("source"), str) else ()
    return [key for key in needed if key != "member" or "members" not in row]


def check_row(place: str, row: Row, needed: tuple[str, ...], known: set[str]) -> Iterator[str]:
    """What is wrong with one row, its alternative sources and the sums of its members."""
    yield from (f"{place} lacks {key}" for key in needed if key not in row)
    for key, value in row.items():
        fits, words = KINDS.get(key, (None, ""))
        if key not in known:
            hint = get_close_matches(key, known, n=1)
            yield f"{place} has no {key!r}" + (f", did you mean {hint[0]!r}?" if hint else "")
        elif fits and not _fits(fits, value):
            yield f"{place}.{key} is {str(value)[:60]!r}, expected {words}"
        elif key == "alternatives":
            if any("members" in one for one in (row, *value)):
                yield f"{place}.{key}: only a single file has alternatives, no folder of members"
            for number, other in enumerate(value, start=1):
                asked = ("source", "sha256", *list_places(other))
                yield from check_row(f"{place}.{key} {number}", other, asked, known)
        elif key == "sums":
            for member, sums in value.items():
                said = sums if is_block(sums) else {}
                yield from check_row(f"{place}.{key}.{member}", said, ("sha256",), known)
                if member not in (row.get("members") or []):
                    yield f"{place}.{key}.{member} is no member of that folder"


def _fits(check: Any, value: Any) -> bool:
    try:
        return check(value)
    except TypeError:  # a list or a block, where a word is expected
        return False


def check_links(table: Table, roles: list[str]) -> Iterator[str]:
    """What is wrong between rows: files that no row names, roles and tiers that nobody asks for."""
    for name, row in table["models"].items():
        for key in ("files", "folders"):
            for file in row.get(key, []):
                if file not in table[key]:
                    yield f"models.{name}.{key} names {file}, which is no row under {key}"
        for key, choices in (("role", roles), ("tier", TIERS)):
            words = [row[key]] if isinstance(row[key], str) else row[key]
            for word in words:
                if word not in choices:
                    yield f"models.{name}.{key} is {word!r}, expected one of {', '.join(choices)}"
