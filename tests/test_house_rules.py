"""Rules of the house for tests and for what ships; each is first shown what it must find."""

from pathlib import Path

import pytest

from tests.factories import house_rules

TESTS = Path(__file__).resolve().parent
SHIPPED = [
    path
    for part in ("workflow_scripts", "benchmarks", "envs")
    for path in sorted((TESTS.parent / part).rglob("*.py"))
]
FILES = sorted(path for path in TESTS.rglob("*.py") if "__pycache__" not in path.parts)
FOUND = {  # (rule, what it must find)
    "a private method": ("list_private_names", "trainer._backward(0)"),
    "a private function that is imported": ("list_private_names", "from a.b import _c"),
    "a private method that is replaced": ("list_private_names", "patch.setattr(T, '_check', 1)"),
    "a private function that is replaced by path": (
        "list_private_names",
        "monkeypatch.setattr('a.b._c', 1)",
    ),
    "a test file that is imported": ("list_test_imports", "from tests.film.test_a import make"),
    "a module that is a test file": ("list_test_imports", "from tests.film import test_a"),
    "a text that is read": ("list_unencoded", "path.read_text()"),
    "a text that is written": ("list_unencoded", "path.write_text(text)"),
    "a file of text": ("list_unencoded", "open(path, 'w')"),
    "a path of text": ("list_unencoded", "path.open()"),
    "no check at all": ("list_empty_passes", "def test_a():\n run()"),
    "checks in a loop only": ("list_empty_passes", "def test_a(xs):\n for x in xs: assert x"),
    "all of perhaps nothing": ("list_empty_passes", "def test_a(xs):\n assert all(x for x in xs)"),
    "not any of perhaps nothing": (
        "list_empty_passes",
        "def test_a(xs):\n assert not any(x for x in xs)",
    ),
    "files that are not counted": (
        "list_empty_passes",
        "def test_a(p):\n assert p\n for f in p.glob('*'): assert f",
    ),
    "a list of files that is not counted": (
        "list_empty_passes",
        "def test_a(p):\n assert p\n fs = sorted(p.glob('*'))\n for f in fs: assert f",
    ),
}
ALLOWED = {
    "a class's own": ("list_private_names", "class A:\n def b(self): self._c = self._c.__len__()"),
    "a text with an underscore": ("list_private_names", "name = 'a' + '_b'"),
    "a factory": ("list_test_imports", "from tests.factories.films_in_code import make_film"),
    "a text in UTF-8": ("list_unencoded", "path.read_text('utf-8'); open(p, encoding='utf-8')"),
    "bytes": ("list_unencoded", "open(path, 'rb'); path.open('wb'); path.open(mode='rb')"),
    "an image": ("list_unencoded", "Image.open(path)"),
    "a loop over a constant": ("list_empty_passes", "def test_a():\n for x in NAMES: assert x"),
    "a loop over what is written out": (
        "list_empty_passes",
        "def test_a():\n for x in (1, 2): assert x",
    ),
    "a loop, and a count": (
        "list_empty_passes",
        "def test_a(p):\n fs = list(p.glob('*'))\n assert len(fs) == 3\n for f in fs: assert f",
    ),
    "an expected error": ("list_empty_passes", "def test_a():\n with pytest.raises(E): run()"),
    "a check of numpy's": ("list_empty_passes", "def test_a():\n np.testing.assert_allclose(1, 1)"),
}


@pytest.mark.parametrize("name", FOUND)
def test_a_rule_finds_what_it_is_for(name):
    rule, source = FOUND[name]
    assert len(getattr(house_rules, rule)(source)) == 1


@pytest.mark.parametrize("name", ALLOWED)
def test_a_rule_leaves_the_rest_alone(name):
    rule, source = ALLOWED[name]
    assert getattr(house_rules, rule)(source) == []


def look(rule: str) -> list[str]:
    """What a rule finds in all files of the tests: "path:line: name"."""
    assert len(FILES) > 80, "the tests were not found"
    find = getattr(house_rules, rule)
    return [
        f"{path.relative_to(TESTS)}:{line}"
        for path in FILES
        for line in find(path.read_text(encoding="utf-8"))
    ]


def test_tests_use_public_names_only():
    assert look("list_private_names") == []


def test_no_test_file_imports_another():
    assert look("list_test_imports") == [], "move what they share to tests/factories/"


def test_no_test_passes_without_having_checked_anything():
    assert look("list_empty_passes") == [], "check a count outside of the loop"


def test_every_file_of_text_says_which_encoding_it_has():
    assert len(SHIPPED) > 150, "the code was not found"
    found = [
        f"{path.relative_to(TESTS.parent)}:{line}"
        for path in [*SHIPPED, *FILES]
        for line in house_rules.list_unencoded(path.read_text(encoding="utf-8"))
    ]
    assert found == [], 'add encoding="utf-8": other machines have other defaults'
