"""What changes the hash of a phase: computations that it reaches, and nothing else."""

import textwrap
from pathlib import Path

import pytest

from workflow_scripts.lib.code import Code
from workflow_scripts.lib.errors import CineloraError

SAMPLE = Path(__file__).parent / "every_syntax.txt"
FILES = {
    "__init__": "",
    "lib/__init__": "",
    "lib/errors": "class CineloraError(Exception):\n    pass\n",
    "lib/logs": "import logging\nlog = logging.getLogger('x')\n",
    "lib/phase": """
        from workflow_scripts.lib.logs import log
        class Counts:
            pass
        def progress(items, label, *, total, every_s=30.0):
            yield from items
        """,
    "lib/tools": """
        '''Tools.'''
        import numpy as np
        from workflow_scripts.lib.errors import CineloraError
        LIMIT, OTHER = 1, 2
        def scale(x):
            if x > LIMIT:
                raise CineloraError(f"{x} is more than {LIMIT}")
            return np.sqrt(x)
        def unused(x):
            return x
        class Shape:
            side: int = 1
            def area(self):
                return self.side ** _exponent()
        def _exponent():
            return 2
        """,
    "lib/again": "from workflow_scripts.lib.tools import scale as rescale\n",
    "lib/effects": "import os\nos.environ['A'] = '1'\n",
    "film/areas": "from workflow_scripts.lib.tools import _exponent\ndef one():\n    return 1\n",
    "film/late": "def compute():\n    return 5\n",
    "film/loader": """
        def load_face():
            return _net(1)
        def load_pose():
            return _net(2)
        def _net(n):
            return n
        """,
    "film/phase": """
        '''Reads, leaves.'''
        import workflow_scripts.lib.tools
        from workflow_scripts.film import areas
        from workflow_scripts.lib import effects
        from workflow_scripts.lib import tools as kit
        from workflow_scripts.lib.again import rescale
        from workflow_scripts.lib.phase import Counts, log, progress
        PARTS = (areas,)
        def main(rows: list[int], *, scale: int = 3) -> Counts:
            '''Say.'''
            # why
            if not rows:
                log.warning("no rows")
            log.info("%d rows", len(rows))
            kept = [rescale(row) for row in progress(rows, "rows", total=len(rows))]
            total: int = scale + measure()
            return Counts("rows", len(rows), total)
        def measure():
            from workflow_scripts.film.late import compute
            return kit.Shape().area() + compute() + len(PARTS)
        def by_hand():
            return 7
        if __name__ == "__main__":
            main([])
        """,
}
# edit: (file, text, what comes in its place; "": at the end), whether the phase is another
COMPUTES = {
    "a called function": ("lib/tools", "np.sqrt(x)", "np.sqrt(x) + 1"),
    "a constant in it": ("lib/tools", "LIMIT, OTHER = 1, 2", "LIMIT, OTHER = 5, 2"),
    "which error it raises": ("lib/tools", "raise CineloraError", "raise ValueError"),
    "the library behind a name": ("lib/tools", "import numpy as np", "import math as np"),
    "a private function of a method": ("lib/tools", "return 2", "return 3"),
    "a default in a class": ("lib/tools", "side: int = 1", "side: int = 2"),
    "a class becomes a dataclass": ("lib/tools", "class Shape", "@dataclass\nclass Shape"),
    "what a re-export stands for": ("lib/again", "scale as", "unused as"),
    "a function of a module used as an object": ("film/areas", "return 1", "return 2"),
    "an import inside a function": ("film/late", "return 5", "return 6"),
    "a statement with an effect": ("lib/effects", "'1'", "'2'"),
    "a new statement with an effect": ("lib/effects", "", "print(1)\n"),
    "a default of main": ("film/phase", "scale: int = 3", "scale: int = 4"),
    "what progress goes through": ("film/phase", "progress(rows,", "progress(rows[1:],"),
    "an argument of main": ("film/phase", "scale: int", "factor: int"),
}
SAYS = {
    "a comment": ("film/phase", "# why", "# because"),
    "a docstring": ("film/phase", "'''Say.'''", "'''Tell.'''"),
    "the docstring of a module": ("lib/tools", "'''Tools.'''", "'''Other tools.'''"),
    "formatting": ("film/phase", "return 7", "return (7)"),
    "annotations": ("film/phase", "rows: list[int]", "rows: list[float]"),
    "the annotation of a variable": ("film/phase", "total: int =", "total ="),
    "a message": ("lib/tools", "is more than", "is above"),
    "what a message is made of": (
        "lib/tools",
        "        raise CineloraError(f",
        "        words = str(x)\n        raise CineloraError(words + f",
    ),
    "a log line": ("film/phase", '"%d rows"', '"%d lines"'),
    "a log line more": ("film/phase", '"%d rows"', '"hello")\n    log.info("%d rows"'),
    "when a line is logged": ("film/phase", "if not rows:", "if len(rows) < 2:"),
    "the label of progress": ("film/phase", 'rows, "rows"', 'rows, "lines"'),
    "the interval of progress": ("film/phase", "total=len(rows))", "total=len(rows), every_s=5)"),
    "counts": ("film/phase", 'Counts("rows"', 'Counts("lines"'),
    "how progress is shown": ("lib/phase", "yield from items", "yield from tuple(items)"),
    "the class of errors": ("lib/errors", "pass", "code = 1"),
    "an unused function": ("lib/tools", "return x\n", "return x + 1\n"),
    "a new function": ("lib/tools", "", "def more():\n    return 1\n"),
    "a constant beside the one that is used": ("lib/tools", "OTHER = 1, 2", "OTHER = 1, 3"),
    "a loader that is not asked for": ("film/loader", "_net(1)", "_net(3)"),
    "the guard": ("film/phase", "main([])", "main([1])"),
    "a function for people": ("film/phase", "return 7", "return 8"),
}


@pytest.fixture
def package(tmp_path):
    """A package with a phase and what it imports."""
    for name, text in FILES.items():
        path = tmp_path / f"workflow_scripts/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return tmp_path


def edit(root, file, text, replacement):
    path = root / f"workflow_scripts/{file}.py"
    before = path.read_text(encoding="utf-8")
    assert text in before
    after = before.replace(text, replacement, 1) if text else before + replacement
    path.write_text(after, encoding="utf-8")


def hash_phase(root):
    return Code(root).hash("film.phase", "film.loader:load_pose")


@pytest.mark.parametrize("name", COMPUTES)
def test_another_computation_is_another_hash(package, name):
    before = hash_phase(package)
    edit(package, *COMPUTES[name])
    assert hash_phase(package) != before


@pytest.mark.parametrize("name", SAYS)
def test_words_and_what_is_not_reached_change_nothing(package, name):
    before = hash_phase(package)
    edit(package, *SAYS[name])
    assert hash_phase(package) == before


def test_what_is_reached_is_known_by_name(package):
    reached = {":".join(place) for place in Code(package).collect("film.phase")}
    assert reached == {
        "film.phase:main",
        "film.phase:measure",
        "film.phase:PARTS",
        "film.areas:one",
        "film.late:compute",
        "lib.effects:",
        "lib.tools:scale",
        "lib.tools:LIMIT",
        "lib.tools:Shape",
        "lib.tools:_exponent",
    }


@pytest.mark.parametrize(
    ("entry", "reached"),
    [
        ("film.loader:load_pose", {"load_pose", "_net"}),
        ("film.loader", {"load_pose", "load_face", "_net"}),
        ("lib.again:rescale", {"scale", "LIMIT"}),
    ],
    ids=["one function", "a module without main: what is public", "a name that is imported"],
)
def test_entries(package, entry, reached):
    assert {name for _, name in Code(package).collect(entry)} == reached


@pytest.mark.parametrize(
    ("body", "reached"),
    [
        ("def main(f): return f()", False),
        ("def main():\n    f = 1\n    return f", False),
        ("def main(): return [f for f in g()]", False),
        ("def main(): return [f for f in f()]", True),
        ("def main():\n    f = 1\n    return lambda: f", False),
        ("def main():\n    global f\n    f = 2", True),
        ("def main():\n    def f(): return 2\n    return f()", False),
        ("class A:\n    f = 1\n    def g(self): return f()\ndef main(): return A()", True),
        ("def main():\n    try: g()\n    except OSError as f: return f", False),
        ("def main(x):\n    match x:\n        case [f, *_]: return f", False),
        ("@f\ndef main(): pass", True),
        ("def main(x=f()): pass", True),
        ("def main(x: f): pass", False),
        ("class A(f): pass\ndef main(): return A()", True),
        ("class A:\n    x: f\ndef main(): return A()", False),
        ("def main(): return globals()['f']()", True),
        ("def main():\n    raise ValueError(f())", False),
        ("def main():\n    raise StopIteration(f())", True),
        ("def main(x):\n    assert x, f()", False),
    ],
)
def test_names_are_followed_as_python_looks_them_up(tmp_path, body, reached):
    folder = tmp_path / "workflow_scripts"
    folder.mkdir()
    text = f"def f(): return 1\ndef g(): return 2\n{body}\n"
    (folder / "phase.py").write_text(text, encoding="utf-8")
    assert (("phase", "f") in Code(tmp_path).collect("phase")) == reached


def test_a_field_of_another_kind_is_another_class(tmp_path):
    folder = tmp_path / "workflow_scripts"
    folder.mkdir()
    hashes = []
    for kind in ("int", "ClassVar[int]"):
        text = f"class A:\n    x: {kind} = 1\ndef main(): return A()\n"
        (folder / "phase.py").write_text(text, encoding="utf-8")
        hashes.append(Code(tmp_path).hash("phase"))
    assert hashes[0] != hashes[1]


def test_every_python_finds_the_same_hash(tmp_path):
    folder = tmp_path / "workflow_scripts"
    folder.mkdir()
    (folder / "sample.py").write_text(SAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert Code(tmp_path).hash("sample") == "c2d8cee0ae4ebf6e"


@pytest.mark.parametrize(
    ("entry", "found"),
    [("phantom", r"workflow_scripts\.phantom"), ("film.loader:load_hand", "load_hand.*load_pose")],
    ids=["no such module", "no such function"],
)
def test_an_entry_that_is_not_there_is_an_error(package, entry, found):
    with pytest.raises(CineloraError, match=f"(?s){found}"):
        Code(package).hash(entry)
