import textwrap

import pytest

from workflow_scripts.lib import code


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with a phase that imports one module of lib, and another module it does not."""
    folder = tmp_path / "workflow_scripts"
    (folder / "lib").mkdir(parents=True)
    files = {
        "__init__": "",
        "lib/__init__": "",
        "lib/used": "def f():\n    return 1\n",
        "lib/unused": "X = 1\n",
        "phase": "from workflow_scripts.lib.used import f\n\ndef main():\n    return f()\n",
    }
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(code, "ROOT", tmp_path)
    return folder


def rehash():
    code._imports.cache_clear()
    code._dump.cache_clear()
    code._parse.cache_clear()
    return code.hash_code("phase")


@pytest.mark.parametrize(
    ("file", "text", "changes"),
    [
        ("lib/used", "def f():\n    return 2\n", True),
        ("phase", "from workflow_scripts.lib import used\n\ndef main():\n    return 3\n", True),
        ("lib/used", "# why\ndef f():\n    return 1\n", False),
        ("lib/used", 'def f():\n    """Say one."""\n    return 1\n', False),
        ("lib/used", "def f():\n    return (1)\n", False),
        ("lib/unused", "X = 2\n", False),
    ],
    ids=["imported function", "the script", "comment", "docstring", "formatting", "unrelated"],
)
def test_what_changes_the_hash(package, file, text, changes):
    before = rehash()
    (package / f"{file}.py").write_text(textwrap.dedent(text))
    assert (rehash() != before) == changes


def test_an_unknown_script_is_an_error(package):
    with pytest.raises(FileNotFoundError, match=r"workflow_scripts\.phantom"):
        code.hash_code("phantom")
