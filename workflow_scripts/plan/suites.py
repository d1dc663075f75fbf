"""Which test suite belongs to which kind of dataset: the shipped one, or the user's own."""

from collections.abc import Mapping
from pathlib import Path

from workflow_scripts.adapter.suites import read_suite
from workflow_scripts.dataset.captions import find_trigger
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.kinds import KINDS, split_name

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
VOCABULARY = "vocabularies/captions.yaml"


def find_suites(own: Mapping[str, str], resources: Path = RESOURCES) -> dict[str, str]:
    """The suite of every kind; CineloraError says all that is wrong with the user's `own`."""
    problems = []
    for kind, path in own.items():
        if not Path(path).is_file():
            problems.append(f"draw_suite.suites.{kind}: there is no file {path}.")
            continue
        try:
            read_suite(path, resources / VOCABULARY)
        except CineloraError as error:
            problems.append(f"draw_suite.suites.{kind}: {error}")
    if problems:
        raise CineloraError("\n".join(problems))
    known = [kind for kind in KINDS if (resources / f"suites/{kind}.yaml").is_file()]
    return {kind: f"resources/suites/{kind}.yaml" for kind in known} | dict(own)


def find_other(dataset: str, film: str, characters: Mapping[str, Mapping[str, str]]) -> str:
    """What calls another character of the film than that of a dataset; "" where there is none."""
    kind, who = split_name(dataset)
    names = sorted(characters)
    if not who or len(names) < 2:
        return ""
    following = names[(names.index(who) + 1) % len(names)]
    return find_trigger(kind, film, {}, {}, dict(characters[following]))[0]
