"""People's corrections: the CSV files below config/reviews/{film}/, read and written in one way.

A file that a person, a spreadsheet or the review app wrote is either understood whole or refused
with every problem and its line. The same correction twice is one; two that contradict each other
are an error, because nobody can tell which is meant. Corrections of what is not in the film are no
error: a person's work outlives a segmentation that numbers anew. They are reported and counted.
"""

import csv
import io
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NoReturn

import pandas as pd

from workflow_scripts.lib.emotions import EMOTIONS, INTENSITIES
from workflow_scripts.lib.errors import CineloraError, show_value
from workflow_scripts.lib.kinds import KINDS
from workflow_scripts.lib.letters import FORBIDDEN, INVISIBLE
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.paths import say_unreadable
from workflow_scripts.lib.phase import log

MAX_MB = 5  # of a file, 100,000 lines and more
SHOWN = 20  # problems named in one message
OTHER_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}  # first bytes -> encoding
SEPARATORS = {";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Column:
    """What may stand in one column of a review file."""

    words: Sequence[str] = ()  # the only values; none: any value, or those that the reader names
    pattern: str = ""  # what a value must fit,
    rule: str = ""  # and the same in words
    optional: bool = False  # the whole column may be left out
    blank: str = "refused"  # an empty value; or "allowed", or "skipped": the row says nothing


@dataclass(frozen=True)
class Review:
    """A review file: its columns, and those that say what a row is about, an id of a table last."""

    key: tuple[str, ...]
    columns: dict[str, Column]


REVIEWS = {
    # id: an instance_id, a track_id or a cluster; an empty character is nobody
    "identities": Review(("id",), {"id": Column(), "character": Column(blank="allowed")}),
    "expressions": Review(  # id: an instance_id or a track_id
        ("id",),
        {
            "id": Column(),
            "emotion": Column(words=EMOTIONS),
            "intensity": Column(words=INTENSITIES, optional=True, blank="allowed"),
        },
    ),
    "locations": Review(
        ("frame_id",),
        {
            "frame_id": Column(),
            "location": Column(pattern=r"[a-z0-9][a-z0-9_-]*", rule="use a-z, 0-9, _ and -"),
        },
    ),
    "captions": Review(
        ("kind", "image_id"),
        {
            "kind": Column(words=list(KINDS)),
            "image_id": Column(),
            "caption": Column(
                pattern=rf"(?s).*[^\s,{FORBIDDEN}{INVISIBLE}].*",
                rule="it says nothing",
                blank="skipped",
            ),
        },
    ),
}
READERS = {  # the phase that reads a file
    "identities": "identify_characters",
    "expressions": "classify_expressions",
    "locations": "cluster_scenes",
    "captions": "write_captions",  # of every kind
}
Words = Mapping[str, Collection[str]]  # column -> its only values, where only the reader knows them


def read_review(
    path: str | Path | Sequence[str | Path], name: str, words: Words | None = None
) -> pd.DataFrame:
    """Corrections in the order of the file, as text, each once, with the `line` that it begins on.

    `path` may be a list of at most one path; "" or an empty list: there is no file, and no rows.
    `name` is a key of REVIEWS; columns that the file may leave out are there, empty.
    """
    paths = [path] if isinstance(path, str | Path) else list(path)
    if not paths or paths == [""]:
        return pd.DataFrame(columns=[*REVIEWS[name].columns, "line"], dtype=object)
    file, review = Path(paths[0]), REVIEWS[name]
    rows = _make_rows(file, _split_lines(file, _decode(file)), review)
    return _check(file, rows, review, words or {})


def write_review(
    rows: pd.DataFrame, path: str | Path, name: str, words: Words | None = None
) -> None:
    """Write corrections that `read_review` takes: same columns, same order, whole or not at all."""
    review = REVIEWS[name]
    strange = [column for column in rows if column not in [*review.columns, "line"]]
    missing = [
        column
        for column, rule in review.columns.items()
        if column not in rows and not rule.optional
    ]
    if strange or missing:
        raise CineloraError(
            f"{path} has the columns {', '.join(review.columns)};"
            f" the rows to be written have {', '.join(map(str, rows.columns))}."
        )
    table = rows.reindex(columns=list(review.columns), fill_value="").reset_index(drop=True)
    if not table.map(lambda value: isinstance(value, str)).all(axis=None):
        raise CineloraError(f"{path}: every value of a correction is a text, also an empty one.")
    table = _check(Path(path), table.assign(line=range(2, len(table) + 2)), review, words or {})
    with replace_when_done(path) as partial, partial.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(review.columns)
        writer.writerows(table[list(review.columns)].itertuples(index=False))


def count_unknown(rows: pd.DataFrame, name: str, known: Collection[str]) -> int:
    """How many corrections are of an id that is not `known` (any more); the log has their lines."""
    ids = rows[REVIEWS[name].key[-1]]
    lost = rows[~ids.isin(list(known))]
    if len(lost):
        shown = zip(lost["line"].head(SHOWN), ids[lost.index], strict=False)
        lines = ", ".join(f"line {line} ({show_value(item)[1:-1]})" for line, item in shown)
        log.warning("%s.csv: %d corrections fit nothing in this film: %s", name, len(lost), lines)
    return len(lost)


def _decode(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    data = _read_bytes(path)
    cure = "Save it again as CSV in UTF-8."
    if mark := OTHER_MARKS.get(data[:2]) or ("UTF-16" if b"\0" in data else ""):
        raise CineloraError(f"{path} is written in {mark}. {cure}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CineloraError(
            f"{path}, line {line}: byte {data[error.start]:#04x} is no UTF-8. {cure}"
        ) from error
    return text


def _read_bytes(path: Path) -> bytes:
    if problem := say_unreadable(path):
        raise CineloraError(f"{problem}.")
    if path.is_dir():
        raise CineloraError(f"{path} is a folder; corrections are a CSV file of that name.")
    try:
        if (size := path.stat().st_size) > MAX_MB * 10**6:
            raise CineloraError(
                f"{path} has {size / 10**6:,.0f} MB; of corrections, {MAX_MB} MB are read."
            )
        return path.read_bytes()
    except OSError as error:
        raise CineloraError(f"{path} cannot be read: {error.strerror}.") from error


def _split_lines(path: Path, text: str) -> list[tuple[int, list[str]]]:
    """Fields of each row that holds any, with the number of its first line."""
    rows, first = [], 1
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, skipinitialspace=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                rows.append((first, [field.strip() for field in fields]))
            first = reader.line_num + 1
    except csv.Error as error:
        raise CineloraError(
            f"{path}, line {first}: {error}. Is there a quote without its partner?\n"
            '  A quote inside a text is written twice: "a ""brave"" boy".'
        ) from error
    return rows


def _make_rows(path: Path, lines: list[tuple[int, list[str]]], review: Review) -> pd.DataFrame:
    """Rows with all columns of the review, and `line`; refused where the fields do not fit."""
    if not lines:
        raise CineloraError(
            f"{path} is empty. Its first line must read {','.join(review.columns)};\n"
            "  delete the file when there is nothing to correct."
        )
    first, header = lines[0]
    if problems := _find_header_problems(header, review):
        _refuse(path, [f"line {first}: {problem}" for problem in problems])
    if problems := [
        f"line {line}: {len(fields)} fields, the header names {len(header)}."
        + (" A text with a comma stands in quotes." if len(fields) > len(header) else "")
        for line, fields in lines[1:]
        if len(fields) != len(header)
    ]:
        _refuse(path, problems)
    rows = pd.DataFrame([fields for _, fields in lines[1:]], columns=header, dtype=object)
    rows = rows.reindex(columns=list(review.columns), fill_value="")
    return rows.assign(line=[line for line, _ in lines[1:]])


def _find_header_problems(header: list[str], review: Review) -> list[str]:
    expected = f"Its first line must read {','.join(review.columns)}"
    if len(header) == 1 and (used := [mark for mark in SEPARATORS if mark in header[0]]):
        return [f"the columns are separated by {SEPARATORS[used[0]]}, not commas. {expected}."]
    needed = [name for name, column in review.columns.items() if not column.optional]
    problems = [f"no column {name}. {expected}." for name in needed if name not in header]
    problems += [
        f"unknown column {show_value(name)}. {_hint(name, review.columns)}"
        for name in dict.fromkeys(header)
        if name not in review.columns
    ]
    doubled = dict.fromkeys(name for name in header if header.count(name) > 1)
    return problems + [f"the column {name} stands there more than once." for name in doubled]


def _check(path: Path, rows: pd.DataFrame, review: Review, words: Words) -> pd.DataFrame:
    """The rows that say something, each once; an error that names everything wrong with them."""
    skipped = [name for name, column in review.columns.items() if column.blank == "skipped"]
    rows = rows[(rows[skipped] != "").all(axis=1)]
    problems = _find_wrong_values(rows, review, words) + _find_contradictions(rows, review)
    if problems:
        _refuse(path, [text for _, text in sorted(problems)])
    return rows.drop_duplicates(list(review.columns), ignore_index=True)


def _find_wrong_values(rows: pd.DataFrame, review: Review, words: Words) -> list[tuple[int, str]]:
    """Line and problem of each value that its column does not take."""
    problems = []
    for name, column in review.columns.items():
        known = words.get(name, column.words or None)
        for line, value in zip(rows["line"], rows[name], strict=True):
            if not value:
                problem = "" if column.blank == "allowed" else f"no {name}."
            elif known is not None and value not in known:
                problem = f"no {name} {show_value(value)}. {_hint(value, known)}"
            elif column.pattern and not re.fullmatch(column.pattern, value):
                problem = f"{name} {show_value(value)}: {column.rule}."
            else:
                problem = ""
            if problem:
                problems.append((line, f"line {line}: {problem}"))
    return problems


def _find_contradictions(rows: pd.DataFrame, review: Review) -> list[tuple[int, str]]:
    """Line and problem of each row that says otherwise than an earlier one of the same key."""
    problems, first = [], {}
    for row in rows.to_dict("records"):
        key = tuple(row[name] for name in review.key)
        said = [row[name] for name in review.columns]
        line, before = first.setdefault(key, (row["line"], said))
        if said != before:
            words = f"lines {line} and {row['line']} say different things of {' '.join(key)}."
            problems.append((row["line"], f"{words} Keep one of them."))
    return problems


def _hint(value: str, known: Collection[str]) -> str:
    near = get_close_matches(value, known, n=1)
    return f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known) or 'none'}."


def _refuse(path: Path, problems: list[str]) -> NoReturn:
    more = [f"and {len(problems) - SHOWN} more."] if len(problems) > SHOWN else []
    lines = "\n".join(f"  {problem}" for problem in [*problems[:SHOWN], *more])
    raise CineloraError(f"{path} cannot be used:\n{lines}")
