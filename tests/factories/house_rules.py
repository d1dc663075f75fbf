"""What a test may not do, read from its syntax tree; tests/test_house_rules.py walks all tests."""

import ast
from collections.abc import Iterator

OWN = {"self", "cls"}  # what a class of a test keeps to itself is its own affair
FOREIGN = {"_workflow"}  # of Snakemake's API, which gives no other way to its rules
LISTINGS = {"glob", "rglob", "iterdir"}
OPENERS = {
    "Image",
    "os",
    "av",
    "zipfile",
    "tarfile",
    "tifffile",
    "opener",
    "opened",
    "self._masks",
}
LITERALS = (ast.Tuple, ast.List, ast.Set, ast.Dict)


def list_private_names(source: str) -> list[str]:
    """Each use of a name with a leading underscore that is not the file's own: "line: name"."""
    found = []
    for node in ast.walk(ast.parse(source)):
        found += [f"{node.lineno}: {name}" for name in _used_names(node) if _is_private(name)]
    return found


def _used_names(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Attribute):
        is_own = isinstance(node.value, ast.Name) and node.value.id in OWN
        return [] if is_own else [node.attr]
    if isinstance(node, ast.ImportFrom):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.Call) and _called(node) in ("setattr", "getattr", "delattr"):
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        return [text.rpartition(".")[2] for text in texts if isinstance(text, str)]
    return []


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in FOREIGN


def _called(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def list_test_imports(source: str) -> list[str]:
    """Each import of a test file by another: "line: module"."""
    found = []
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module or ''}.{alias.name}" for alias in node.names]
        for name in names:
            parts = name.split(".")
            if "tests" in parts[:1] and any(part.startswith("test_") for part in parts):
                found.append(f"{node.lineno}: {name}")
    return found


def list_empty_passes(source: str) -> list[str]:
    """Each test that passes when what it walks over is empty: "line: name".

    A test needs a check outside of loops over what was computed, and a loop with checks over a
    listing of files needs one of that listing.
    """
    functions = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef))
    tests = (function for function in functions if function.name.startswith("test_"))
    return [f"{t.lineno}: {t.name}" for t in tests if not _has_anchor(t) or _lists_unseen(t)]


def _has_anchor(test: ast.FunctionDef) -> bool:
    """Whether something is checked whatever the loops walk over."""
    looped = {id(node) for loop in _loops(test) for node in ast.walk(loop)}
    return any(id(check) not in looped and not _is_vacuous(check) for check in _checks(test))


def _loops(test: ast.FunctionDef) -> Iterator[ast.For]:
    """Loops over what may be empty."""
    for node in ast.walk(test):
        if isinstance(node, ast.For) and not _is_sure(node.iter):
            yield node


def _is_sure(values: ast.expr) -> bool:
    """Whether an iterable cannot be empty: written out, or a constant of the module."""
    if isinstance(values, ast.Name):
        return values.id.isupper()
    if isinstance(values, ast.Dict):
        return bool(values.keys)
    if isinstance(values, LITERALS):
        return any(not isinstance(value, ast.Starred) for value in values.elts)
    if isinstance(values, ast.Call) and isinstance(values.func, ast.Name):
        inner = [arg for arg in values.args if not isinstance(arg, ast.Starred)]
        if values.func.id == "range":
            return all(isinstance(arg, ast.Constant) and arg.value for arg in inner[-1:])
        return values.func.id in ("zip", "enumerate", "sorted") and any(map(_is_sure, inner))
    is_call = isinstance(values, ast.Call) and isinstance(values.func, ast.Attribute)
    return is_call and values.func.attr in ("items", "values") and _is_sure(values.func.value)


def _checks(test: ast.FunctionDef) -> Iterator[ast.AST]:
    for node in ast.walk(test):
        is_call = isinstance(node, ast.Call) and _called(node).startswith(("assert_", "check_"))
        is_raises = isinstance(node, ast.Call) and _called(node) in ("raises", "warns")
        if isinstance(node, ast.Assert) or is_call or is_raises:
            yield node


def _is_vacuous(check: ast.AST) -> bool:
    """`assert all(… for x in xs)` and `assert not any(…)` hold when xs is empty."""
    if not isinstance(check, ast.Assert):
        return False
    test, wanted = check.test, "all"
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, wanted = test.operand, "any"
    if not (isinstance(test, ast.Call) and _called(test) == wanted and test.args):
        return False
    walk = test.args[0]
    return isinstance(walk, ast.GeneratorExp) and not _is_sure(walk.generators[0].iter)


def _lists_unseen(test: ast.FunctionDef) -> bool:
    """Whether a loop with checks walks over files that nothing counts."""
    listed = {
        target.id
        for node in ast.walk(test)
        if isinstance(node, ast.Assign) and _lists_files(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for loop in _loops(test):
        if not any(True for _ in _checks(loop)):
            continue
        names = {node.id for node in ast.walk(loop.iter) if isinstance(node, ast.Name)} & listed
        if _lists_files(loop.iter) or (names and not names & _counted(test, loop)):
            return True
    return False


def _lists_files(value: ast.expr) -> bool:
    calls = (node for node in ast.walk(value) if isinstance(node, ast.Call))
    return any(_called(call) in LISTINGS for call in calls)


def _counted(test: ast.FunctionDef, loop: ast.For) -> set[str]:
    """Names that a check outside of the loop speaks of."""
    inside = {id(node) for node in ast.walk(loop)}
    checks = [c for c in _checks(test) if id(c) not in inside and not _is_vacuous(c)]
    return {n.id for check in checks for n in ast.walk(check) if isinstance(n, ast.Name)}


def list_unencoded(source: str) -> list[str]:
    """Each text file that is opened in whatever encoding the machine has: "line: call"."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [f"{call.lineno}: {_called(call)}" for call in calls if _is_unencoded(call)]


def _is_unencoded(call: ast.Call) -> bool:
    name, is_method = _called(call), isinstance(call.func, ast.Attribute)
    if any(keyword.arg == "encoding" for keyword in call.keywords):
        return False
    if name in ("read_text", "write_text"):
        return len(call.args) <= (name == "write_text")
    if name != "open" or (is_method and ast.unparse(call.func.value) in OPENERS):
        return False
    modes = [*call.args[0 if is_method else 1 :][:1]]
    modes += [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    values = [node.value for mode in modes for node in ast.walk(mode) if hasattr(node, "value")]
    return not any(isinstance(value, str) and "b" in value for value in values)
