"""What a module holds, read from its source: definitions, imports, statements with effects."""

import ast
from dataclasses import dataclass, field
from pathlib import Path

from workflow_scripts.lib.source_code.forms import name_source

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
COMPOUND = (ast.If, ast.Try, ast.With, ast.For, ast.While)


@dataclass
class Module:
    """The top level of one file; nothing of it is run."""

    name: str
    definitions: dict[str, list[ast.AST]] = field(default_factory=dict)  # all that make one name
    imports: dict[str, tuple[str, str]] = field(
        default_factory=dict
    )  # name -> (module, name or "")
    stars: list[str] = field(default_factory=list)  # modules of `from module import *`
    loads: set[str] = field(default_factory=set)  # what may be modules that an import of it runs
    effects: list[ast.stmt] = field(default_factory=list)  # what an import of it does besides


def read_module(path: Path, name: str) -> Module:
    """Parse a file and sort its statements."""
    module = Module(name)
    for node in ast.parse(path.read_text(encoding="utf-8"), path).body:
        _sort(node, module)
    return module


def _sort(node: ast.stmt, module: Module) -> None:
    if isinstance(node, ast.Import | ast.ImportFrom):
        _add_import(node, module)
    elif isinstance(node, DEFINITIONS):
        _define(module, node.name, node)
    elif isinstance(node, ast.Assign) and all(_names(target) for target in node.targets):
        _add_assignment(node, module)
    elif isinstance(node, ast.AnnAssign | ast.AugAssign) and isinstance(node.target, ast.Name):
        _define(module, node.target.id, node)
    elif isinstance(node, COMPOUND):
        if not _is_guard(node):
            _add_compound(node, module)
    elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        module.effects.append(node)


def _define(module: Module, name: str, node: ast.AST) -> None:
    module.definitions.setdefault(name, []).append(node)


def _add_import(node: ast.Import | ast.ImportFrom, module: Module) -> None:
    if isinstance(node, ast.ImportFrom):
        source = name_source(node)
        module.loads.add(source)
        for alias in node.names:
            module.loads.add(f"{source}.{alias.name}")
            if alias.name == "*":
                module.stars.append(source)
            else:
                module.imports[alias.asname or alias.name] = (source, alias.name)
        return
    for alias in node.names:  # `import a.b` binds a, and a.b is asked of it
        module.loads.add(alias.name)
        first = alias.name.partition(".")[0]
        module.imports[alias.asname or first] = (alias.name if alias.asname else first, "")


def _add_assignment(node: ast.Assign, module: Module) -> None:
    """A constant; `A, B = 1, 2` makes two that have nothing to do with each other."""
    (target, *others), value = node.targets, node.value
    pairs = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and not others
    if pairs and len(target.elts) == len(value.elts) and not _has_star([*target.elts, *value.elts]):
        for part, its_value in zip(target.elts, value.elts, strict=True):
            for name in _names(part):
                _define(module, name, ast.Assign([part], its_value))
        return
    for each in node.targets:
        for name in _names(each):
            _define(module, name, node)


def _add_compound(node: ast.stmt, module: Module) -> None:
    """A branch, a try, a loop: it is run at every import, and may define names as well."""
    module.effects.append(node)
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import | ast.ImportFrom):
            _add_import(inner, module)
        elif isinstance(inner, DEFINITIONS):
            _define(module, inner.name, node)
        elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            _define(module, inner.id, node)


def _names(target: ast.expr) -> list[str]:
    """The names that an assignment to `target` makes; none where it changes an object."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Starred):
        return _names(target.value)
    if isinstance(target, ast.Tuple | ast.List):
        parts = [_names(part) for part in target.elts]
        return [name for part in parts for name in part] if all(parts) else []
    return []


def _has_star(nodes: list[ast.expr]) -> bool:
    return any(isinstance(node, ast.Starred) for node in nodes)


def _is_guard(node: ast.stmt) -> bool:
    """Whether it is `if __name__ == "__main__":`."""
    tested = ast.walk(node.test) if isinstance(node, ast.If) else ()
    return any(isinstance(part, ast.Name) and part.id == "__name__" for part in tested)
