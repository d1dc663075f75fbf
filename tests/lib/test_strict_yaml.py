"""What people type into a YAML file is read as it is written, or refused in words with a line."""

import pytest

from workflow_scripts.lib.strict_yaml import read_yaml

MEANT = {  # name: (what is written, what it means)
    "no is a word": ("trigger: no", {"trigger": "no"}),
    "off and yes are words": ("a: [off, yes, On]", {"a": ["off", "yes", "On"]}),
    "no, on and off are names": (
        "no: 1\non: 2\noff: 3",
        {"no": 1, "on": 2, "off": 3},
    ),
    "numbers are names": ("12: 1\n1e3: 2\n0x1: 3", {"12": 1, "1e3": 2, "0x1": 3}),
    "a date is a name": ("2024-01-01: 1", {"2024-01-01": 1}),
    "true and null are names": ("true: 1\nnull: 2\n~: 3", {"true": 1, "null": 2, "~": 3}),
    "a date is text": ("trigger: 2024-01-01", {"trigger": "2024-01-01"}),
    "no sixties": ("window_s: 1:30", {"window_s": "1:30"}),
    "no octal": ("a: 010", {"a": "010"}),
    "no infinity": ("a: [.inf, -.INF, .nan]", {"a": [".inf", "-.INF", ".nan"]}),
    "no groups of digits": ("a: 1_000", {"a": "1_000"}),
    "no hexadecimal": ("a: 0x10", {"a": "0x10"}),
    "numbers": (
        "a: [0, -3, +4, 1.5, -.5, 1e-4, 2E3]",
        {"a": [0, -3, 4, 1.5, -0.5, 0.0001, 2000]},
    ),
    "truth": ("a: [true, False, TRUE]", {"a": [True, False, True]}),
    "nothing": ("a: ~\nb: null\nc:", {"a": None, "b": None, "c": None}),
    "quotes": ("a: '12'\nb: \"no\"\nc: '{film} pose'", {"a": "12", "b": "no", "c": "{film} pose"}),
    "anchors and merge keys": (
        "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}",
        {"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}},
    ),
    "CRLF": ("a: 1\r\nb:\r\n  c: 2\r\n", {"a": 1, "b": {"c": 2}}),
    "a byte order mark": ("\ufeffa: 1\n", {"a": 1}),
    "paths": ("a: ~/x\nb: $FILMS/x\nc: C:\\films", {"a": "~/x", "b": "$FILMS/x", "c": "C:\\films"}),
}
REFUSED = {  # name: (what is written, line, words)
    "a doubled name": ("a: 1\nb: 2\na: 3", 3, "a stands in line 1 already"),
    "a doubled name below": ("a:\n  b: 1\n  c: 2\n  b: 3", 4, "b stands in line 2 already"),
    "a doubled name between braces": ("x:\n  {b: 1, b: 2}", 2, "b stands in line 2 already"),
    "a doubled number": ("12: 1\n12: 2", 2, "12 stands in line 1 already"),
    "a tab": ("a:\n\tb: 1", 2, "a tab; indent with spaces"),
    "a film in braces": ("a: 1\nb: {film}", 2, "text with braces needs quotes"),
    "a film in braces, and text": ("b: {film} pose", 1, "such as '{film} background'"),
    "braces as a name": ("{film}: 1", 1, "text with braces or brackets needs quotes"),
    "a list as a name": ("? [a]\n: 1", 1, "a name is one word"),
    "no space": ("a: 1\nb:2\nc: 3", 2, "a space is missing after the colon"),
    "no space, and nothing else": ("# my page\nshards:2", 2, "a space is missing after the colon"),
    "no space between braces": ("a: {b:c, d: e}", 1, "b:c has no value"),
    "a colon in text": ("a: b: c", 1, "text that holds a colon needs quotes"),
    "another indent": ("  a: 1\n b: 2", 2, "start in the same column"),
    "an @": ("a: @luca", 1, "needs quotes"),
    "an alias of nothing": ("a: *b", 1, "text that starts with * needs quotes"),
    "an alias of itself": ("a: &a [*a]", 1, "an alias may not hold itself"),
    "a tag": ("a: !!python/object:os.system x", 1, "has no meaning here"),
    "a tag of a number": ("a: !!float .nan", 1, "has no meaning here"),
    "an open bracket": ("a: [1, 2\nb: 3", 2, "opened and not closed"),
    "an open quote": ("a: 'x\n", 2, "quotes that are opened must be closed"),
    "two documents": ("a: 1\n---\nb: 2", 2, "take away the line ---"),
    "a deep list": ("a: " + "[" * 900 + "]" * 900, 1, "stand in one another more than 20 deep"),
    "a deep block": ("\n".join(" " * n + "a:" for n in range(900)), 21, "more than 20 deep"),
    "deep by aliases": (
        "a0: &a0 [1]\n" + "\n".join(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 40)),
        20,
        "more than 20 deep",
    ),
    "aliases that multiply": (
        "a0: &a0 [1, 2]\n"
        + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)),
        1,
        "with what aliases repeat, it holds more than 50,000 values",
    ),
    "merge keys that multiply": (
        "a0: &a0 {b: 1}\n"
        + "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 5)}]}}" for n in range(1, 9)),
        1,
        "more than 50,000 values",
    ),
    "a number without end": ("a: 1" + "0" * 5000, 1, "a number of 5,001 digits is too long"),
    "a fraction without end": ("a: 1." + "0" * 5000, 1, "a number of 5,002 digits is too long"),
    "a bell": ("a: 1\nb: \x07", 2, "U+0007 may not stand here"),
    "a path between double quotes": (r'a: "C:\pixar"', 1, "use single ones"),
}
NO_MAPPING = {
    "empty": ("", "is empty"),
    "only comments": ("# mine\n", "is empty"),
    "a list": ("- a\n- b\n", "holds a list"),
    "text": ("just text", "holds text"),
}


@pytest.fixture
def page(tmp_path):
    """A place for a page."""
    return tmp_path / "page.yaml"


@pytest.mark.parametrize("name", MEANT)
def test_a_word_means_what_is_written(page, name):
    text, meant = MEANT[name]
    page.write_bytes(text.encode("utf-8"))
    assert read_yaml(page) == (meant, [])


@pytest.mark.parametrize("name", REFUSED)
def test_a_mistake_is_said_with_its_file_and_line(page, name):
    text, line, words = REFUSED[name]
    page.write_bytes(text.encode("utf-8"))
    problems = read_yaml(page)[1]
    assert len(problems) == 1
    assert problems[0].startswith(f"{page}, line {line}: ")
    assert words in problems[0]


@pytest.mark.parametrize("name", NO_MAPPING)
def test_a_file_without_names(page, name):
    text, words = NO_MAPPING[name]
    page.write_text(text, encoding="utf-8")
    values, problems = read_yaml(page)
    assert values == {}
    assert [words in problem and str(page) in problem for problem in problems] == [True]


@pytest.mark.parametrize("data", [b"a: 1\nb: \xfc\n", "a: 1".encode("utf-16")], ids=["l1", "u16"])
def test_what_is_not_utf_8(page, data):
    page.write_bytes(data)
    values, problems = read_yaml(page)
    assert values == {}
    assert len(problems) == 1 and "Save the file as UTF-8" in problems[0]


def test_what_cannot_be_opened(tmp_path):
    assert "there is no file or folder" in read_yaml(tmp_path / "none.yaml")[1][0]
    assert "Is a directory" in read_yaml(tmp_path)[1][0]
    assert "a pipe or a device" in read_yaml("/dev/zero")[1][0]
    assert "File name too long" in read_yaml(tmp_path / ("a" * 300))[1][0]


def test_a_file_that_is_no_page_by_its_size(page):
    page.write_bytes(b"a: 1\n" * 300_000)
    assert "has 1.5 MB; of a file of options, 1 MB is read" in read_yaml(page)[1][0]


def test_all_doubled_names_are_listed(page):
    page.write_text("a: 1\na: 2\nb: {c: 1, c: 2}\n", encoding="utf-8")
    assert len(read_yaml(page)[1]) == 2
