"""What has no part in the form of code, as it can change no result: words, logs, progress, counts.

`roles` tells which names of a module stand for our errors, the log, the progress bar and counts.
"""

import ast
import builtins
from collections.abc import Mapping, Sequence

ERROR, LOG, PROGRESS, COUNTS = "error", "log", "progress", "counts"
LOG_CALLS = {(n,) for n in ("debug", "info", "warning", "error", "exception", "critical")}
ACTING = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
SPEAKING = (StopIteration, StopAsyncIteration, SystemExit)  # their argument is a value
HARMLESS = {"len", "any", "all", "isinstance", "min", "max", "sum", "bool", "set", "sorted"}

Chain = tuple[str, ...]  # ("np", "linalg", "norm"): a name, and the attributes asked of it
Roles = Mapping[str, str]


def prune(statements: Sequence[ast.AST], roles: Roles) -> list[ast.AST]:
    """Statements without those that compute nothing."""
    kept = [node for node in statements if not _is_silent(node, roles)]
    if kept and is_plain_error(kept[-1], roles):  # what only leads up to its message
        while len(kept) > 1 and _assigns_names(kept[-2]):
            del kept[-2]
    return kept


def is_plain_error(node: ast.AST, roles: Roles) -> bool:
    """Whether it raises one of our errors, or Python's, whose arguments are words only."""
    if not isinstance(node, ast.Raise) or node.exc is None or not is_quiet(node):
        return False
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    if find_role(raised, roles) == ERROR:
        return True
    own = getattr(builtins, raised.id, None) if isinstance(raised, ast.Name) else None
    is_error = isinstance(own, type) and issubclass(own, BaseException)
    return is_error and not issubclass(own, SPEAKING)


def find_role(node: ast.AST, roles: Roles) -> str | None:
    """What the name that an expression begins with stands for."""
    chain = name_chain(node)
    return roles.get(chain[0]) if chain else None


def is_quiet(node: ast.AST) -> bool:
    """Whether leaving it out cannot take away an assignment or a turn of a generator."""
    return not any(isinstance(inner, ACTING) for inner in ast.walk(node))


def name_chain(node: ast.AST) -> Chain | None:
    """("a", "b", "c") of the expression a.b.c; None of any other."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else None


def _is_silent(node: ast.AST, roles: Roles) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or _is_log_line(node.value, roles)
    if isinstance(node, ast.If):
        empty = not prune(node.body, roles) and not prune(node.orelse, roles)
        return empty and is_quiet(node.test) and _calls_harmless(node.test)
    return isinstance(node, ast.Pass) or (isinstance(node, ast.AnnAssign) and node.value is None)


def _is_log_line(node: ast.expr, roles: Roles) -> bool:
    chain = name_chain(node.func) if isinstance(node, ast.Call) else None
    logs = chain and roles.get(chain[0]) == LOG and chain[1:] in LOG_CALLS
    return bool(logs) and is_quiet(node)


def _calls_harmless(node: ast.AST) -> bool:
    calls = (inner.func for inner in ast.walk(node) if isinstance(inner, ast.Call))
    return all(isinstance(call, ast.Name) and call.id in HARMLESS for call in calls)


def _assigns_names(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else []
    return bool(targets) and all(isinstance(t, ast.Name) for t in targets) and is_quiet(node)
