"""Code as an input: one hash over the definitions that a phase reaches from its `main`.

Snakemake sees an edited script by its time stamp only, and an edited import not at all. A rule that
carries this hash among its params is run again when, and only when, a definition that it uses has
changed: functions, classes and constants are followed by their names, through imports, into every
module of the package. Statements with effects count in every module that is imported on the way.

Left out is what may change no result: parts of statements (source_code/left_out.py) and whole
modules (PLUMBING). tests/lib/test_plumbing.py holds the package to both.
"""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.source_code.forms import Form
from workflow_scripts.lib.source_code.left_out import COUNTS, ERROR, LOG, PROGRESS, Chain
from workflow_scripts.lib.source_code.modules import Module, read_module

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "workflow_scripts"
# nothing here reaches a table: words of errors, log and progress lines, counts, how a phase runs
PLUMBING = {
    "lib.code",
    "lib.errors",
    "lib.logs",
    "lib.phase",
    "lib.version",
    "lib.source_code.forms",
    "lib.source_code.left_out",
    "lib.source_code.modules",
    "lib.manifest:replace_when_done",
}
ROLES = {"lib.logs:log": LOG, "lib.phase:progress": PROGRESS, "lib.phase:Counts": COUNTS}
EVERYTHING, EFFECTS = "*", ""  # in place of a definition's name

Place = tuple[str, str]  # (module without the package's name, definition)


def hash_code(*entries: str) -> str:
    """Hash what is reached from entries such as "film.dedup_frames" or "models.loaders.fer:load_x".

    A module alone stands for its `main`, or where it has none for all its public definitions.
    """
    return read_code().hash(*entries)


@cache
def read_code() -> "Code":
    """The code of this project, read once per run."""
    return Code(ROOT)


class Code:
    """The source of the package below `root`, read as far as it is asked for, and never run."""

    def __init__(self, root: Path):
        self.root = root
        self._modules: dict[str, Module | None] = {}
        self._roles: dict[str, dict[str, str]] = {}
        self._found: dict[Place, tuple[str, tuple[Place, ...]]] = {}

    def hash(self, *entries: str) -> str:
        """Sixteen hexadecimal digits; the same on every version of Python."""
        digest = hashlib.sha256()
        for place, form in sorted(self.collect(*entries).items()):
            digest.update(f"{':'.join(place)} {form}\n".encode())
        return digest.hexdigest()[:16]

    def collect(self, *entries: str) -> dict[Place, str]:
        """Everything that is reached from the entries: (module, definition) -> hash of its form."""
        waiting = [place for entry in entries for place in self._enter(entry)]
        reached: dict[Place, str] = {}
        while waiting:
            place = waiting.pop()
            if place not in reached:
                reached[place], uses = self._read(place)
                waiting += uses
        return {place: form for place, form in reached.items() if form}

    def read(self, name: str) -> Module | None:
        """A module by its name without the package's; None where there is no such file."""
        if name not in self._modules:
            base = self._folder(name)
            files = (base.with_suffix(".py"), base / "__init__.py")
            path = next((path for path in files if path.is_file()), None)
            self._modules[name] = read_module(path, name) if path else None
        return self._modules[name]

    def resolve(self, name: str, chain: Chain) -> Place | str | None:
        """What a name means in a module: a place here, words for a library's, None for Python's.

        The whole module (EVERYTHING) where one is used in a way that cannot be followed.
        """
        module, first = self._known(name), chain[0]
        if first in module.definitions:
            return name, first
        if first in module.imports:
            return self._follow(*module.imports[first], chain[1:])
        if first in ("globals", "vars"):
            return name, EVERYTHING
        stars = [self._follow(star, first, chain[1:]) for star in module.stars]
        return next((found for found in stars if found), None)

    def roles(self, name: str) -> dict[str, str]:
        """Which names of a module are errors, the log, the progress bar or counts."""
        if name not in self._roles:
            self._roles[name] = {}
            for local in [*self._known(name).imports, *self._known(name).definitions]:
                place = self.resolve(name, (local,))
                if isinstance(place, tuple):
                    role = ERROR if place[0] == "lib.errors" else ROLES.get(":".join(place))
                    self._roles[name] |= {local: role} if role else {}
        return self._roles[name]

    def _known(self, name: str) -> Module:
        if (module := self.read(name)) is None:
            raise CineloraError(
                f"There is no module {PACKAGE}.{name} below {self.root}.\n"
                "  A rule hashes it as its code: correct its name in the rule file."
            )
        return module

    def _enter(self, entry: str) -> list[Place]:
        name, _, definition = entry.partition(":")
        known = self._known(name).definitions
        if not definition:
            public = [key for key in known if not key.startswith("_")]
            chosen = ["main"] if "main" in known else public
            return [(name, EFFECTS), *((name, key) for key in chosen)]
        found = self.resolve(name, (definition,))
        if not isinstance(found, tuple):
            raise CineloraError(
                f"{PACKAGE}.{name} has no {definition!r}, which a rule hashes as its code.\n"
                f"  It has: {', '.join(known)}."
            )
        return [(name, EFFECTS), found]

    def _follow(self, source: str, attribute: str, rest: Chain) -> Place | str:
        """Where an import leads: to `attribute` ("": none) of the module `source`, then `rest`."""
        if source != PACKAGE and not source.startswith(f"{PACKAGE}."):
            return f"{source}.{attribute}".rstrip(".")
        chain = (attribute, *rest) if attribute else rest
        name = source.removeprefix(PACKAGE).removeprefix(".")
        while chain:
            module = self.read(name)
            if module and (chain[0] in module.definitions or chain[0] in module.imports):
                return self.resolve(name, chain)
            deeper = f"{name}.{chain[0]}".removeprefix(".")
            if self.read(deeper) is None and not self._folder(deeper).is_dir():
                break
            name, chain = deeper, chain[1:]
        return name, EVERYTHING

    def _folder(self, name: str) -> Path:
        return self.root / PACKAGE / Path(*name.split("."))

    def _read(self, place: Place) -> tuple[str, tuple[Place, ...]]:
        """Hash of the form of a place, and the places that it uses."""
        if place not in self._found:
            name, definition = place
            if is_plumbing(place):
                self._found[place] = "", ()
            elif definition == EVERYTHING:
                self._found[place] = "", self._everything(name)
            elif definition == EFFECTS:
                form, uses = self._hash(name, self._known(name).effects)
                self._found[place] = form, (*uses, *self._loaded(name))
            else:
                statements = self._known(name).definitions[definition]
                form, uses = self._hash(name, statements)
                self._found[place] = form, (*uses, (name, EFFECTS))
        return self._found[place]

    def _everything(self, name: str) -> tuple[Place, ...]:
        """All definitions of a module; of a package, of all modules in it."""
        files = sorted(self._folder(name).glob("**/*.py"))
        inner = [file.relative_to(self.root / PACKAGE).with_suffix("") for file in files]
        names = [".".join(p.parts).removesuffix("__init__").rstrip(".") for p in inner] or [name]
        return tuple((n, key) for n in names for key in [EFFECTS, *self._known(n).definitions])

    def _loaded(self, name: str) -> Iterator[Place]:
        """Modules that an import of this one runs: the packages around it, and its imports."""
        parts = name.split(".")
        around = [".".join(parts[:n]) for n in range(1, len(parts))]
        loads = self._known(name).loads
        ours = (load.removeprefix(f"{PACKAGE}.") for load in loads if load.startswith(PACKAGE))
        return ((other, EFFECTS) for other in [*around, *ours] if self.read(other))

    def _hash(self, name: str, statements: Iterable) -> tuple[str, list[Place]]:
        form = Form(list(statements), self.roles(name))
        meanings = {chain: self.resolve(name, chain) for chain in form.names}
        meanings |= {pair: self._follow(*pair, ()) for pair in form.imports}
        if not form.text:
            return "", []
        uses = [place for place in meanings.values() if isinstance(place, tuple)]
        said = sorted(
            f"{'.'.join(chain)}={_say(found)}" for chain, found in meanings.items() if found
        )
        return hashlib.sha256(" ".join([form.text, *said]).encode()).hexdigest(), uses


def is_plumbing(place: Place | str) -> bool:
    """Whether nothing of it may reach a table."""
    return place[0] in PLUMBING or ":".join(place) in PLUMBING


def _say(found: Place | str) -> str:
    return found if isinstance(found, str) else ":".join(found)
