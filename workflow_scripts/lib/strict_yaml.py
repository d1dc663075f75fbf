"""YAML as people type it: read strictly; what is wrong is said with file and line.

A word means what is written: only true and false are truth values, only digits make numbers, and
a key is always text. YAML 1.1, which PyYAML reads, turns the trigger no into False, 010 into 8,
1:30 into 90 and 1e-4 into text.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError

from workflow_scripts.lib.paths import say_unreadable

TAG = "tag:yaml.org,2002:"
MAX_MB = 1  # of a file; a page of 10,000 lines has less
MAX_DEPTH = 20  # blocks within blocks
TOO_DEEP = f"blocks or lists stand in one another more than {MAX_DEPTH} deep"
MAX_VALUES = 50_000  # with what aliases repeat, which may be very much in a few lines
MAX_DIGITS = 40  # of a number; Python reads no more than 4,300
DIGITS = r"[-+]?(?:0|[1-9][0-9]*)"
PLAIN = [  # tag, what is read as it, first characters; everything else without quotes is text
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", DIGITS, list("-+0123456789")),
    (
        "float",
        rf"(?:{DIGITS}\.[0-9]*|[-+]?\.[0-9]+)(?:[eE][-+]?[0-9]+)?|{DIGITS}[eE][-+]?[0-9]+",
        list("-+.0123456789"),
    ),
    ("merge", r"<<", ["<"]),
]
NO_SPACE = re.compile(r"^\s*(?:- )?[\w-]+:(?!//)\S")  # shards:2
PATTERNS = {  # what a line looks like that cannot be read -> what to do
    re.compile(r"^ *\t"): "a tab; indent with spaces",
    re.compile(
        r":\s*\{[^{}]*\}\s*[^\s,}\]#]"
    ): "text with braces needs quotes, such as '{film} background'",
    NO_SPACE: "a space is missing after the colon",
}
HINTS = {  # what PyYAML says -> what to do
    "that cannot start any token": "text that starts with this character needs quotes",
    "mapping values are not allowed": "text that holds a colon needs quotes, and the lines of one "
    "block start in the same column",
    "found '<block mapping start>'": "the lines of one block start in the same column",
    "expected ',' or": "a bracket or brace is opened and not closed",
    "unknown escape character": "write \\\\ for \\ between double quotes, or use single ones",
    "found undefined alias": "text that starts with * needs quotes",
    "found another document": "take away the line ---, a file is one document",
    "found unexpected end of stream": "quotes that are opened must be closed",
}


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the words of `PLAIN`, without tags, and not endlessly deep."""

    yaml_implicit_resolvers: dict = {}
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        event = self.peek_event()
        if getattr(event, "tag", None):
            said = f"{event.tag} has no meaning here; text that starts with ! needs quotes"
            raise ComposerError(None, None, said, event.start_mark)
        if self.depth > MAX_DEPTH:
            raise ComposerError(None, None, TOO_DEEP, event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


for _tag, _words, _first in PLAIN:
    StrictLoader.add_implicit_resolver(TAG + _tag, re.compile(rf"(?:{_words})\Z"), _first)


def read_yaml(path: str | Path) -> tuple[dict[str, Any], list[str]]:
    """Return what a file of `name: value` lines holds, and in plain words what is wrong with it.

    A file that cannot be read, or holds something else, gives {} and one problem.
    """
    text, problem = _read_text(Path(path))
    if problem:
        return {}, [problem]
    try:
        loader = StrictLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            return {}, [_say_no_mapping(path, node, text)]
        _check_size(node)
        problems = [f"{path}, line {line}: {said}" for line, said in _find_mistakes(node)]
        return loader.construct_document(node), list(dict.fromkeys(problems))
    except yaml.YAMLError as error:
        return {}, [_say_syntax(path, error, text)]


def _read_text(path: Path) -> tuple[str, str]:
    """The text of a file, or what is wrong with it."""
    if problem := say_unreadable(path):
        return "", f"{problem}."
    try:
        if (size := path.stat().st_size) > MAX_MB * 10**6:
            said = f"{size / 10**6:,.1f} MB; of a file of options, {MAX_MB} MB is read."
            return "", f"{path} has {said}"
        return path.read_bytes().decode("utf-8-sig"), ""
    except OSError as error:
        return "", f"{path} cannot be read: {error.strerror}."
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return "", f"{path}, line {line}: this is not UTF-8. Save the file as UTF-8."


def _check_size(root: yaml.Node) -> None:
    """Refuse aliases that hold themselves, go very deep, or make very much out of little."""
    counted, left = 0, [(root, ())]
    while left:
        node, above = left.pop()
        counted += 1
        if node in above:
            raise ComposerError(None, None, "an alias may not hold itself", node.start_mark)
        if len(above) > MAX_DEPTH:
            raise ComposerError(None, None, TOO_DEEP, node.start_mark)
        if counted > MAX_VALUES:
            said = f"with what aliases repeat, it holds more than {MAX_VALUES:,} values"
            raise ComposerError(None, None, said, root.start_mark)
        left += [(child, (*above, node)) for child in _list_children(node)]


def _list_children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [value for _, value in node.value]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _find_mistakes(node: yaml.Node) -> Iterator[tuple[int, str]]:
    """Walk a tree of nodes; yields (line, problem), and makes every key text."""
    if isinstance(node, yaml.MappingNode):
        yield from _find_doubles(node)
        yield from _find_empty(node)
    elif node.tag in (f"{TAG}int", f"{TAG}float") and len(node.value) > MAX_DIGITS:
        node.tag = f"{TAG}str"
        yield node.start_mark.line + 1, f"a number of {len(node.value):,} digits is too long."
    for child in _list_children(node):
        yield from _find_mistakes(child)


def _find_doubles(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    lines: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            said = "a name is one word; text with braces or brackets needs quotes"
            raise ComposerError(None, None, said, key.start_mark)
        if key.tag != TAG + "merge":
            key.tag = TAG + "str"
        line = key.start_mark.line + 1
        if key.value in lines:
            yield line, f"{key.value} stands in line {lines[key.value]} already. Keep one of them."
        lines.setdefault(key.value, line)


def _find_empty(node: yaml.MappingNode) -> Iterator[tuple[int, str]]:
    """Names without a value between braces: {film}, which is text, and {trigger:nella}."""
    for key, value in node.value if node.flow_style else []:
        if isinstance(value, yaml.ScalarNode) and not value.value and not value.style:
            remedy = "text with braces needs quotes, and a colon a space after it"
            yield key.start_mark.line + 1, f"{key.value} has no value: {remedy}."


def _say_no_mapping(path: str | Path, node: yaml.Node | None, text: str) -> str:
    if node is None:
        return f"{path} is empty; lines such as 'shards: 2' are expected."
    line = node.start_mark.line
    if NO_SPACE.match(text.splitlines()[line]):
        return f"{path}, line {line + 1}: a space is missing after the colon."
    held = "a list" if isinstance(node, yaml.SequenceNode) else "text"
    return f"{path} holds {held}; lines such as 'shards: 2' are expected."


def _say_syntax(path: str | Path, error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"{path}, line {line}: the character U+{error.character:04X} may not stand here."
    marks = [mark.line for mark in (error.problem_mark, error.context_mark) if mark]
    lines = dict(enumerate(text.splitlines()))
    near = {n: lines[n] for n in (*marks, marks[0] - 1) if n in lines}  # the cause may stand above
    line, remedy = _find_remedy(error.problem, near)
    return f"{path}, line {(marks[0] if line is None else line) + 1}: {remedy}."


def _find_remedy(problem: str, near: dict[int, str]) -> tuple[int | None, str]:
    """What to do, and in which line where that is known; `near` holds lines by number from 0."""
    if r"'\t'" in problem:
        return None, "a tab; indent with spaces"
    for pattern, remedy in PATTERNS.items():
        for line, text in near.items():
            if pattern.search(text):
                return line, remedy
    hint = next((hint for said, hint in HINTS.items() if said in problem), "")
    return None, f"{problem}; {hint}" if hint else problem
