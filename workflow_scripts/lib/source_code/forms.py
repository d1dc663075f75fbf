"""The canonical form of statements: what they compute, without what they only say.

The form is made from the syntax tree by a walk of our own: `ast.dump` prints the same source in
another way in each version of Python. Comments, formatting, docstrings and annotations have no
part in it, nor have the arguments of errors, log calls, progress bars and counts.
"""

import ast
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from workflow_scripts.lib.source_code.left_out import (
    COUNTS,
    PROGRESS,
    Chain,
    Roles,
    find_role,
    is_plain_error,
    is_quiet,
    name_chain,
    prune,
)

# annotations are read by nobody here, but in the body of a class, where they make fields
UNSAID = {"ctx", "kind", "type_comment", "type_ignores", "annotation", "returns"}


class Scope:
    """What a function, class or comprehension binds, and the names that it asks for."""

    def __init__(self, kind: str):
        self.kind = kind
        self.asked: set[Chain] = set()
        self.bound: set[str] = set()
        self.outer: set[str] = set()  # declared global or nonlocal

    def free(self) -> set[Chain]:
        """Names that come from outside; a class hides nothing from its methods."""
        hidden = set() if self.kind == "class" else self.bound - self.outer
        return {chain for chain in self.asked if chain[0] not in hidden}


class Form:
    """The form of statements of one module: `text`, `names` asked of the module, `imports`.

    `roles` tells which names of the module are errors, the log, the progress bar or counts.
    """

    def __init__(self, statements: Sequence[ast.AST], roles: Roles):
        self.roles = roles
        self.imports: set[tuple[str, str]] = set()  # (module, name or "") inside functions
        self._out: list[str] = []
        self._scopes = [Scope("module")]
        for node in prune(statements, roles):
            self._visit(node)
        self.names = self._scopes[0].asked
        self.text = " ".join(self._out)

    def _visit(self, node: ast.AST) -> None:
        getattr(self, f"_visit_{type(node).__name__}", self._visit_any)(node)

    def _visit_any(self, node: ast.AST) -> None:
        self._out.append(f"({type(node).__name__}")
        for field in _fields(type(node)):
            self._write(field, getattr(node, field))
        self._out.append(")")

    def _write(self, label: str, value: Any) -> None:
        """One field of a node; an empty one leaves no trace, as each version has others."""
        if isinstance(value, list):
            if value and isinstance(value[0], ast.stmt):
                value = prune(value, self.roles)
            if not value:
                return
            self._out.append(f"{label}[")
            for item in value:
                self._visit(item) if isinstance(item, ast.AST) else self._out.append(repr(item))
            self._out.append("]")
        elif isinstance(value, ast.AST):
            self._out.append(label)
            self._visit(value)
        elif value is not None:
            self._out.append(f"{label}={value!r}")

    # -- names and scopes

    def _enter(self, kind: str, bound: Iterable[str] = ()) -> None:
        self._scopes.append(Scope(kind))
        self._scopes[-1].bound.update(bound)

    def _leave(self) -> None:
        free = self._scopes.pop().free()
        self._scopes[-1].asked |= free

    def _bind(self, name: str | None) -> None:
        if name:
            self._scopes[-1].bound.add(name)

    def _visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._scopes[-1].asked.add((node.id,))
        else:
            self._bind(node.id)
        self._out.append(f"(Name {node.id})")

    def _visit_Attribute(self, node: ast.Attribute) -> None:
        chain = name_chain(node)
        if not chain:
            return self._visit_any(node)
        self._scopes[-1].asked.add(chain)
        return self._out.append(f"(Name {'.'.join(chain)})")

    def _visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        around = next(s for s in reversed(self._scopes) if s.kind != "comprehension")
        around.bound.add(node.target.id)
        self._visit_any(node)

    def _visit_Global(self, node: ast.Global | ast.Nonlocal) -> None:
        self._scopes[-1].outer.update(node.names)
        self._scopes[-1].asked.update((name,) for name in node.names)
        self._visit_any(node)

    _visit_Nonlocal = _visit_Global

    def _visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        self._bind(node.name)
        self._visit_any(node)

    def _visit_MatchAs(self, node: ast.MatchAs | ast.MatchStar) -> None:
        self._bind(node.name)
        self._visit_any(node)

    _visit_MatchStar = _visit_MatchAs

    def _visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self._bind(node.rest)
        self._visit_any(node)

    def _visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name.partition(".")[0])
            self.imports.add((alias.name, ""))
        self._visit_any(node)

    def _visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._bind(alias.asname or alias.name)
            self.imports.add((name_source(node), alias.name))
        self._visit_any(node)

    # -- definitions

    def _visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._bind(node.name)
        self._out.append(f"({type(node).__name__} {node.name}")
        self._write("decorators", node.decorator_list)
        self._enter_function(node.args)
        self._write("body", node.body)
        self._leave()
        self._out.append(")")

    _visit_AsyncFunctionDef = _visit_FunctionDef

    def _visit_Lambda(self, node: ast.Lambda) -> None:
        self._out.append("(Lambda")
        self._enter_function(node.args)
        self._visit(node.body)
        self._leave()
        self._out.append(")")

    def _enter_function(self, arguments: ast.arguments) -> None:
        """Write the signature; defaults are computed outside."""
        kinds = {
            "only": arguments.posonlyargs,
            "any": arguments.args,
            "more": [arguments.vararg] if arguments.vararg else [],
            "named": arguments.kwonlyargs,
            "rest": [arguments.kwarg] if arguments.kwarg else [],
        }
        names = {kind: [argument.arg for argument in found] for kind, found in kinds.items()}
        self._out.append(" ".join(f"{kind}={found}" for kind, found in names.items() if found))
        self._write("defaults", arguments.defaults)
        self._write("named_defaults", arguments.kw_defaults)
        self._enter("function", (name for found in names.values() for name in found))

    def _visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._bind(node.name)
        self._out.append(f"(ClassDef {node.name}")
        for field in ("decorator_list", "bases", "keywords"):
            self._write(field, getattr(node, field))
        self._enter("class")
        for field in node.body:
            if isinstance(field, ast.AnnAssign):
                self._visit_field(field)
        self._write("body", [s for s in node.body if not isinstance(s, ast.AnnAssign)])
        self._leave()
        self._out.append(")")

    def _visit_field(self, node: ast.AnnAssign) -> None:
        """A field of a dataclass; its annotation may say ClassVar, but uses nothing."""
        self._visit_any(node)
        self._enter("annotation")
        self._visit(node.annotation)
        self._scopes.pop()

    def _visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._visit_any(ast.Assign([node.target], node.value))

    def _visit_comprehension_of(self, node: ast.AST) -> None:
        first = node.generators[0]
        self._out.append(f"({type(node).__name__}")
        self._visit(first.iter)  # still outside: [x for x in x] asks for the outer x
        self._enter("comprehension")
        self._visit(first.target)
        self._write("ifs", first.ifs)
        self._write("async", first.is_async)
        self._write("generators", node.generators[1:])
        for field in ("key", "value", "elt"):
            self._write(field, getattr(node, field, None))
        self._leave()
        self._out.append(")")

    _visit_ListComp = _visit_SetComp = _visit_GeneratorExp = _visit_comprehension_of
    _visit_DictComp = _visit_comprehension_of

    # -- values

    def _visit_Constant(self, node: ast.Constant) -> None:
        self._out.append(f"(Constant {type(node.value).__name__} {node.value!r})")

    def _visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """An f-string; versions of Python cut the text between its fields differently."""
        self._out.append("(JoinedStr")
        text = ""
        for part in node.values:
            if isinstance(part, ast.Constant):
                text += part.value
                continue
            self._out.append(repr(text))
            text = ""
            self._visit(part)
        self._out.append(f"{text!r})")

    # -- what is left out

    def _visit_Raise(self, node: ast.Raise) -> None:
        if not is_plain_error(node, self.roles):
            return self._visit_any(node)
        self._out.append("(Raise")
        self._visit(node.exc.func if isinstance(node.exc, ast.Call) else node.exc)
        return self._out.append(")")

    def _visit_Assert(self, node: ast.Assert) -> None:
        self._out.append("(Assert")
        self._visit(node.test)
        self._out.append(")")

    def _visit_Call(self, node: ast.Call) -> None:
        role = find_role(node.func, self.roles)
        if role == PROGRESS and node.args:
            self._visit(node.args[0])
        elif role == COUNTS and is_quiet(node):
            self._out.append("(Counts)")
        else:
            self._visit_any(node)


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    return tuple(field for field in kind._fields if field not in UNSAID)


def name_source(node: ast.ImportFrom) -> str:
    """The module that names are imported from."""
    if node.level or not node.module:
        raise ValueError(f"line {node.lineno}: the code hash follows absolute imports only")
    return node.module
