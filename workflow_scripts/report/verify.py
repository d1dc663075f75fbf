"""Look at every file that is kept of the films: is it still what was written?

Reads what lies below results/{film}/ and makes nothing there; its own counts and log alone are left
in results/shared/progress/ and logs/shared/. What was changed, emptied, damaged, is gone
or lies in a dataset without being of it is named, with the command that makes it again; the exit
status tells whether there was anything. What is not made yet is said, and is no fault.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.phase import Counts, log, run_phase
from workflow_scripts.lib.read_ahead import read_ahead
from workflow_scripts.lib.renewal import COMMAND, find_output, find_phase
from workflow_scripts.report.kept_files import OLD, Kept, list_kept, read_outputs

RESULTS = Path("results")
THREADS, AHEAD = 4, 16
SHOWN = 5  # files named for one command; the log has all
LAST_WORDS = (
    "Each command makes the files above it again, and all that depends on them; add the\n"
    "--configfile that you run with, if any. Changes of your own go with it: copy what you want to"
    " keep."
)


class Finding(NamedTuple):
    """A file that is not as it was written."""

    path: Path
    wrong: str
    note: str
    links: list[Path]  # other names of the same file


def find_wrong(kept: Iterable[Kept]) -> tuple[int, list[Finding]]:
    """How many files were looked at, and those that are not as written: each once, hard or not."""
    count, found = 0, {}
    looks = read_ahead(kept, lambda one: (one, one.look()), AHEAD, THREADS)
    for (path, _, note), wrong in looks:
        count += 1
        if not wrong:
            continue
        log.info("%s %s", path, wrong)
        finding = found.setdefault(identify(path), Finding(path, wrong, note, []))
        if path not in (finding.path, *finding.links):
            finding.links.append(path)
    return count, list(found.values())


def identify(path: Path) -> tuple:
    """What all names of one file share."""
    if not path.exists():
        return (path,)
    status = path.stat()
    return status.st_dev, status.st_ino


def explain(findings: Sequence[Finding]) -> Iterator[str]:
    """Lines on what was found, by the command that makes it again."""
    old = [finding for finding in findings if finding.wrong == OLD]
    groups = {" ".join(dict.fromkeys(find_phase(f.path) for f in old)): old} if old else {}
    for finding in findings:
        if finding not in old:
            groups.setdefault(find_output(finding.path), []).append(finding)
    for target, group in groups.items():
        for path, wrong, _, links in group[:SHOWN]:
            yield f"  {path} {wrong}"
            yield from (f"    {link} is the same file (a hard link)" for link in links[:SHOWN])
        if len(group) > SHOWN:
            yield f"  and {len(group) - SHOWN} more"
        yield from dict.fromkeys(f"    {finding.note}" for finding in group if finding.note)
        yield f"    {COMMAND} {target}"


def list_unmade(film: str, targets: Collection[str]) -> Iterator[str]:
    """A line on outputs that are not there and that no job has told of, by phase."""
    told = {folder for path in read_outputs(RESULTS / film) for folder in (path, *path.parents)}
    unmade = [one for one in targets if not Path(one).exists() and Path(one) not in told]
    if len(unmade) == len(targets):
        yield f"{film}: nothing is made yet"
    elif unmade:
        phases = ", ".join(dict.fromkeys(map(find_phase, unmade)))
        yield f"{film}: not made yet: {len(unmade)} of {len(targets)} outputs ({phases})"


def main(
    *, targets: Mapping[str, list[str]], datasets: Mapping[str, list[str]], shards: list[str]
) -> Counts:
    """Look at all films: `targets` are the outputs of each film's rules."""
    for line in chain(*(list_unmade(film, files) for film, files in targets.items())):
        log.warning("%s", line)
    kept = chain(*(list_kept(RESULTS / f, targets[f], shards, datasets[f]) for f in targets))
    count, findings = find_wrong(kept)
    if findings:
        lines = "\n".join(explain(findings))
        head = f"{len(findings)} of {count:,} files are not as they were made:"
        raise CineloraError(f"{head}\n{lines}\n{LAST_WORDS}")
    return Counts("files", count, count)


if __name__ == "__main__":
    run_phase(main, snakemake)
