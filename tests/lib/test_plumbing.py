"""What the code hash leaves out can reach no table: each use of it in the package is looked at.

Where a test fails here, either the use must go, or what is used must count as code: take it off
PLUMBING in workflow_scripts/lib/code.py, or move it to a module that is not on that list.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from workflow_scripts.lib.code import PACKAGE, PLUMBING, ROOT, Code, is_plumbing
from workflow_scripts.lib.source_code.left_out import (
    COUNTS,
    ERROR,
    LOG,
    PROGRESS,
    find_role,
    is_plain_error,
    name_chain,
)

CODE = Code(ROOT)
FILES = {
    path.relative_to(ROOT / PACKAGE).with_suffix("").as_posix().replace("/", "."): path
    for path in sorted((ROOT / PACKAGE).rglob("*.py"))
    if path.name != "__init__.py"
}
NAMES = [name for name in FILES if name not in PLUMBING]
RULES = re.compile(r"^rule (\w+):\n(.*?)(?=^rule |\Z)", re.MULTILINE | re.DOTALL)
# (module, function, name) -> why its value may be used
TRUSTED = {
    ("adapter.training_run", "make_fingerprints", "hash_code"): "names a checkpoint, no table",
    ("adapter.encodings", "name_encoder", "hash_code"): "what was encoded is kept under it",
    ("adapter.evaluate_adapter", "make_fingerprint", "hash_code"): "tells finished work, no table",
    ("plan.models", "identify_model", "hash_code"): "what a model answered is kept under it",
    ("adapter.train_adapter", "describe", "stamp"): "a version in settings and metadata",
    ("adapter.compose_adapters", "make_fingerprint", "hash_code"): "tells finished work, no table",
    ("adapter.train_adapter", "leave_empty", "stamp"): "a version in settings",
    ("plan.terminal", "format", "VERSION"): "a line on the terminal",
    ("report.build_report", "describe", "stamp"): "a version at the foot of the page",
    ("report.comparison.page", "describe", "stamp"): "a version at the foot of the page",
    ("report.accuracy.write_page", "write_page", "stamp"): "a version on the page of figures",
    ("lib.reviews", "_find_header_problems", "show_value"): "lines of one error",
    ("lib.reviews", "_find_wrong_values", "show_value"): "lines of one error",
    ("lib.reviews", "count_unknown", "show_value"): "a line of the log",
    ("models.damage", "explain_damage", "format_error"): "asks only whether it says enough",
    ("models.fetching.downloads", "", "CineloraError"): "an error of its own is one of ours",
    ("models.fetching.downloads", "refuse", "CineloraError"): "the caller raises it",
    ("plan.config", "_option_problems", "show_value"): "lines of one error",
    ("plan.search", "_find_mistake", "show_value"): "lines of one error",
    ("adapter.training_checks", "", "CineloraError"): "an error of its own is one of ours",
    ("adapter.score_rows", "", "CineloraError"): "an error of its own is one of ours",
    **{
        ("adapter.suites", f"_find_{what}", "show_value"): "lines of one error"
        for what in ("unknown", "contradictions")
    },
    **{
        ("plan.schema", f"_explain_{what}", "show_value"): "lines of one error"
        for what in ("described", "else", "enum", "name", "pattern", "type", "unknown")
    },
}
ANY_ERROR = {"Exception", "BaseException"}
# (module, function) -> why an error of ours that was caught may be passed on
TOLD = {
    ("adapter.processes", "take_part"): "another process raises it",
    ("film.decoding.folder_pass", "_load"): "problems.parquet tells people; nothing decides on it",
    ("models.damage", "explain_damage"): "as words of the next error",
    ("report.kept_files", "list_written"): "asks only whether an earlier version wrote the table",
    ("models.loaders.devices", "__call__"): "asks only whether a GPU's memory was too small",
}
CHANGING = re.compile(
    r"^(write|save|make|append|extend|insert|add|pop|popitem|remove|clear|update|setdefault|sort"
    r"|reverse|unlink|mkdir|rename|replace_with|touch|next|send|seed|shuffle|fill|put)(_\w+)?$"
)


def parse(name: str) -> tuple[ast.Module, dict[ast.AST, ast.AST]]:
    """A module, and the parent of each of its nodes."""
    tree = ast.parse(FILES[name].read_text(encoding="utf-8"))
    return tree, {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def find_parents(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple]:
    """(child, parent) from a node up to its module."""
    while node in parents:
        yield node, parents[node]
        node = parents[node]


def find_function(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> str:
    named = (ast.FunctionDef, ast.AsyncFunctionDef)
    around = [parent for _, parent in find_parents(node, parents) if isinstance(parent, named)]
    return around[0].name if around else ""


def is_annotation(child: ast.AST, parent: ast.AST) -> bool:
    return child in (getattr(parent, "annotation", None), getattr(parent, "returns", None))


def is_guard(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)


def is_harmless(node: ast.AST, parents: dict[ast.AST, ast.AST], roles: dict[str, str]) -> bool:
    """Whether a use of a plumbing name cannot reach a table."""
    above = list(find_parents(node, parents))
    for child, parent in above:
        if is_plain_error(parent, roles) or is_annotation(child, parent) or is_guard(parent):
            return True
        if isinstance(parent, ast.ExceptHandler) and child is parent.type:
            return True
    call = above[0][1]
    if not isinstance(call, ast.Call) or call.func is not node:
        return False
    user, role = above[1][1], find_role(node, roles)
    if role == LOG:
        return isinstance(user, ast.Expr)
    if role == PROGRESS:
        return len(call.args) == 2  # what it goes through, and a label
    if role == COUNTS:
        return isinstance(user, ast.Return)
    return isinstance(user, ast.withitem)


def find_uses(name: str) -> list[tuple[int, str, str]]:
    """(line, function, name) of uses of plumbing that may reach a table."""
    tree, parents = parse(name)
    roles = CODE.roles(name)
    found = []
    for node in ast.walk(tree):
        chain = name_chain(node)
        if not chain or isinstance(parents[node], ast.Attribute):
            continue
        place = CODE.resolve(name, chain)
        if place and is_plumbing(place) and not is_harmless(node, parents, roles):
            found.append((node.lineno, find_function(node, parents), chain[0]))
    return found


def test_there_are_modules_to_look_at():
    assert len(NAMES) > 100
    assert all(name.partition(":")[0] in FILES for name in PLUMBING)


@pytest.mark.parametrize("name", NAMES)
def test_no_use_of_plumbing_reaches_a_table(name):
    uses = [use for use in find_uses(name) if (name, *use[1:]) not in TRUSTED]
    assert uses == [], f"{name}: these uses of plumbing may reach a table"


def test_what_is_trusted_is_there():
    assert {(name, *use[1:]) for name in NAMES for use in find_uses(name)} == set(TRUSTED)


@pytest.mark.parametrize(
    ("body", "harmless"),
    [
        ("raise CineloraError('x')", True),
        ("x = CineloraError('x')", False),
        ("x = [CineloraError]", False),
        ("log.info('x')", True),
        ("x = log.info('x')", False),
        ("x = log.name", False),
        ("for i in progress(x, 'x', total=1): pass", True),
        ("x = progress", False),
        ("return Counts('x', 1, 1)", True),
        ("x = Counts('x', 1, 1).kept", False),
        ("x = run_phase(main, 1)", False),
        ("with replace_when_done(x) as y: pass", True),
        ("y = replace_when_done(x).partial", False),
    ],
)
def test_uses_that_could_reach_a_table_are_found(body, harmless):
    text = (
        "from workflow_scripts.lib.errors import CineloraError\n"
        "from workflow_scripts.lib.manifest import replace_when_done\n"
        "from workflow_scripts.lib.phase import Counts, log, progress, run_phase\n"
    )
    names = {"CineloraError": ERROR, "Counts": COUNTS, "log": LOG, "progress": PROGRESS}
    tree = ast.parse(f"{text}def main(x):\n    {body}\n")
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    used = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in {*names, "run_phase", "replace_when_done"}
    ]
    chains = [parents[n] if isinstance(parents[n], ast.Attribute) else n for n in used]
    assert len(chains) == 1
    assert is_harmless(chains[0], parents, names) == harmless


@pytest.mark.parametrize("name", NAMES)
def test_no_name_of_plumbing_is_bound_again(name):
    tree, _ = parse(name)
    bound = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    bound |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    assert bound & set(CODE.roles(name)) == set()


def list_left_out(name: str) -> Iterator[ast.AST]:
    """Arguments that have no part in the hash: of errors, log lines, progress bars, counts."""
    tree, _ = parse(name)
    roles = CODE.roles(name)
    for node in ast.walk(tree):
        if is_plain_error(node, roles):
            yield node
        elif isinstance(node, ast.Call) and find_role(node.func, roles) in (LOG, COUNTS):
            yield from [*node.args, *(keyword.value for keyword in node.keywords)]
        elif isinstance(node, ast.Call) and find_role(node.func, roles) == PROGRESS:
            yield from [*node.args[1:], *(keyword.value for keyword in node.keywords)]


def test_what_is_left_out_changes_nothing():
    left_out = [(name, node) for name in NAMES for node in list_left_out(name)]
    called = [
        (name, ast.unparse(call))
        for name, node in left_out
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and CHANGING.match((name_chain(call.func) or ("",))[-1] or getattr(call.func, "attr", ""))
    ]
    assert len(left_out) > 200
    assert called == []


def list_rules() -> dict[str, str]:
    """Rule -> its text."""
    paths = sorted((ROOT / "rules").glob("*/*.smk"))
    return {
        rule: text
        for path in paths
        for rule, text in RULES.findall(path.read_text(encoding="utf-8"))
    }


def list_entries() -> list[str]:
    """Phases that rules hash, and every loader."""
    entries = re.findall(r'hash_code\(\s*"([\w.]+)"', "\n".join(list_rules().values()))
    loaders = [
        f"{name}:{definition}"
        for name in FILES
        if name.startswith("models.loaders.")
        for definition in CODE.read(name).definitions
        if definition.startswith("load_")
    ]
    assert len(entries) > 20
    assert len(loaders) > 20
    return entries + loaders


def test_a_rule_hashes_the_loaders_of_the_models_that_it_hands_out():
    rules = list_rules()
    given = {rule: set(re.findall(r'=MODELS\["(\w+)"\]', text)) for rule, text in rules.items()}
    hashed = {rule: set(re.findall(r'LOADERS\["(\w+)"\]', text)) for rule, text in rules.items()}
    assert sum(bool(roles) for roles in given.values()) > 8
    assert given == hashed


def test_every_script_of_a_rule_is_hashed():
    rules = list_rules()
    script = r'"\.\./\.\./workflow_scripts/(.*)\.py"'
    scripts = {
        rule: [name.replace("/", ".") for name in re.findall(script, text)]
        for rule, text in rules.items()
    }
    # of what is fetched the sum says what it is
    scripts = {rule: names for rule, names in scripts.items() if names != ["models.fetch_model"]}
    hashed = {rule: re.findall(r'hash_code\(\s*"([\w.]+)"', rules[rule]) for rule in scripts}
    assert sum(map(bool, scripts.values())) > 20
    assert hashed == scripts


def test_the_words_of_an_error_reach_no_table():
    reached = {name for name, _ in CODE.collect(*list_entries())}
    found = set()
    for name in sorted(reached & set(NAMES)):
        tree, parents = parse(name)
        handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
        told = [node for node in handlers if passes_on(node, parents, CODE.roles(name))]
        found |= {(name, find_function(node, parents)) for node in told}
    assert found == set(TOLD)


def passes_on(handler: ast.ExceptHandler, parents: dict, roles: dict[str, str]) -> bool:
    """Whether it catches an error of ours and uses it elsewhere than in an error or in the log."""
    caught = [node for node in ast.walk(handler.type or handler) if isinstance(node, ast.Name)]
    ours = any(roles.get(node.id) == ERROR or node.id in ANY_ERROR for node in caught)
    uses = [
        [parent for _, parent in find_parents(node, parents)]
        for node in ast.walk(handler)
        if ours and isinstance(node, ast.Name) and node.id == handler.name
    ]
    return any(not any(is_telling(parent, roles) for parent in above) for above in uses)


def is_telling(node: ast.AST, roles: dict[str, str]) -> bool:
    return isinstance(node, ast.Raise) or (
        isinstance(node, ast.Call) and find_role(node.func, roles) == LOG
    )


def test_the_package_does_nothing_that_the_hash_cannot_follow():
    reached = {name for name, _ in CODE.collect(*list_entries())}
    assert len(reached) > 80
    for name in sorted(reached):
        text = FILES[name].read_text(encoding="utf-8") if name in FILES else ""
        assert not re.search(r"get_type_hints|__annotations__|singledispatch", text), name
        loads_by_name = re.search(r"import_module\(|__import__\(", text)
        assert not loads_by_name or name == "models.registry", name  # a rule names its loaders
        for definition in ast.parse(text).body:
            for decorator in getattr(definition, "decorator_list", []):
                used = name_chain(getattr(decorator, "func", decorator))
                found = CODE.resolve(name, used) if used else None
                assert not isinstance(found, tuple), f"{name}: a decorator of ours may register"
