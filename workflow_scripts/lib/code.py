"""Code as an input: one hash over the syntax trees of a script and of what it imports from here.

Snakemake sees an edited script by its time stamp only, and an edited import not at all. A rule that
carries this hash among its params is run again when, and only when, code that it uses has changed;
comments, formatting and a fresh clone change nothing.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "workflow_scripts"


def hash_code(*modules: str) -> str:
    """Hash the import closure of modules such as "film.dedup_frames"."""
    closure: set[Path] = set()
    for module in modules:
        _collect(_find_file(f"{PACKAGE}.{module}"), closure)
    digest = hashlib.sha256()
    for path in sorted(closure):
        digest.update(path.relative_to(ROOT).as_posix().encode())
        digest.update(_dump(path).encode())
    return digest.hexdigest()[:16]


def _collect(path: Path, closure: set[Path]) -> None:
    if path in closure:
        return
    closure.add(path)
    for imported in _imports(path):
        _collect(imported, closure)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    names: list[str] = []
    for node in ast.walk(_parse(path)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    ours = [name for name in names if name.split(".")[0] == PACKAGE]
    return tuple(file for name in ours if (file := _module_file(name)))


@cache
def _dump(path: Path) -> str:
    return ast.dump(_parse(path))


@cache
def _parse(path: Path) -> ast.Module:
    return _without_docstrings(ast.parse(path.read_text()))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _module_file(name: str) -> Path | None:
    base = ROOT / Path(*name.split("."))
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _find_file(name: str) -> Path:
    if path := _module_file(name):
        return path
    raise FileNotFoundError(f"no module {name} below {ROOT}")
