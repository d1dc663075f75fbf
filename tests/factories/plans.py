"""Plans after many changes, each a real `snakemake -n`, in one process: half a second a plan.

As a script it runs in the folder of a project, reads a JSON list of changes, and prints one JSON
object a plan; `make_plans` calls it so.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass
class Change:
    """What is different from the project as it was when its results were made."""

    config: dict[str, Any] = field(default_factory=dict)  # as after --config
    edits: list[tuple[str, str, str]] = field(default_factory=list)  # file, text, what replaces it


@dataclass
class Plan:
    """What a dry run would do, by rules."""

    rules: set[str]  # that have a job
    first: set[str]  # of these, those that run for a reason of their own, upstream of the others
    heavy: set[str]  # of the rules, those that ask for a GPU, or read or write folders of images
    error: str = ""
    after: dict[str, set[str]] = field(default_factory=dict)  # rule -> rules that use its files
    numbers: dict[str, list[str]] = field(default_factory=dict)  # rule -> plain numbers in params

    def add_downstream(self, rules: set[str]) -> set[str]:
        """The rules, and all that come after them."""
        found, waiting = set(), list(rules)
        while waiting:
            rule = waiting.pop()
            if rule not in found:
                found.add(rule)
                waiting += self.after.get(rule, ())
        return found

    def upstream_of(self, rule: str) -> set[str]:
        """Rules whose files it uses, however far away; not itself."""
        everything = {*self.after, *(name for names in self.after.values() for name in names)}
        return {name for name in everything - {rule} if rule in self.add_downstream({name})}


def make_plans(folder: Path, changes: list[Change]) -> list[Plan]:
    """One plan for each change of a project whose results count as finished."""
    command = [sys.executable, str(Path(__file__).resolve())]
    text = json.dumps([asdict(change) for change in changes])
    run = subprocess.run(command, input=text, capture_output=True, text=True, cwd=folder)
    assert run.returncode == 0, run.stderr[-4000:]
    rows = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    assert len(rows) == len(changes), run.stdout[-2000:] + run.stderr[-2000:]
    return [read_plan(row) for row in rows]


@contextmanager
def edited(path: Path, text: str, replacement: str) -> Iterator[None]:
    """Change a file (or make it) for a while; afterwards it is as it was, its time stamp too.

    No text: the replacement is added at the end.
    """
    before = (path.read_text(encoding="utf-8"), path.stat()) if path.exists() else None
    old = before[0] if before else ""
    assert text in old, f"{path} does not hold {text!r}"
    after = old.replace(text, replacement, 1) if text else old + replacement
    path.write_text(after, encoding="utf-8")
    try:
        yield
    finally:
        if before:
            path.write_text(before[0], encoding="utf-8")
            os.utime(path, ns=(before[1].st_atime_ns, before[1].st_mtime_ns))
        else:
            path.unlink()


def read_plan(row: dict[str, Any]) -> Plan:
    """The plan that the script printed."""
    after = {rule: set(names) for rule, names in row["after"].items()}
    parts = (set(row[name]) for name in ("rules", "first", "heavy"))
    return Plan(*parts, row["error"], after, row["numbers"])


def plan(config: dict[str, Any]) -> dict[str, Any]:
    """Plan as `snakemake -n --config` would, with the triggers of profiles/default."""
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
        SchedulingSettings,
    )

    quiet = OutputSettings(quiet={Quietness.ALL})
    with SnakemakeApi(quiet) as api:
        workflow = api.workflow(
            snakefile=Path("Snakefile"),
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(config=config),
        )
        dag_api = workflow.dag(DAGSettings(**read_profile()))
        dag_api.execute_workflow(
            executor="dryrun", scheduling_settings=SchedulingSettings(scheduler="greedy")
        )
        return describe(workflow._workflow.dag)


def forget_code() -> None:
    """Have the next plan read the project's code anew: it was edited."""
    if code := sys.modules.get("workflow_scripts.lib.code"):
        code.read_code.cache_clear()


def read_profile() -> dict[str, Any]:
    """What decides on re-runs in the profile that Snakemake loads by itself."""
    from humanfriendly import parse_size
    from snakemake.settings.types import RerunTrigger

    profile = yaml.safe_load(Path("profiles/default/config.yaml").read_text(encoding="utf-8"))
    triggers = (RerunTrigger.parse_choice(name) for name in profile["rerun-triggers"])
    size = parse_size(str(profile["max-checksum-file-size"]))
    return {"rerun_triggers": frozenset(triggers), "max_checksum_file_size": size}


def describe(dag: Any) -> dict[str, Any]:
    """Rules of a planned DAG, as plain lists."""
    jobs = list(dag.jobs)
    needed = [job for job in jobs if dag.needrun(job)]
    first = [job for job in needed if not any(map(dag.needrun, dag.dependencies[job]))]
    after: dict[str, set[str]] = {}
    for job in jobs:
        for before in dag.dependencies[job]:
            after.setdefault(before.rule.name, set()).add(job.rule.name)
    numbers = {
        job.rule.name: [
            name for name, value in job.params.items() if isinstance(value, int | float)
        ]
        for job in jobs
    }
    return {
        "rules": sorted({job.rule.name for job in needed}),
        "first": sorted({job.rule.name for job in first}),
        "heavy": sorted({job.rule.name for job in needed if is_heavy(job, dag)}),
        "after": {rule: sorted(names) for rule, names in after.items()},
        "numbers": numbers,
        "error": "",
    }


def is_heavy(job: Any, dag: Any) -> bool:
    """Whether a job asks for a GPU, or reads or writes a folder of images."""
    read = [
        out
        for maker, files in dag.dependencies[job].items()
        for out in maker.output
        if out in files
    ]
    folders = [file for file in (*job.output, *read) if file.is_directory]
    return bool(job.resources.get("gpu", 0)) or bool(folders)


def main() -> None:
    yaml.SafeLoader = yaml.CSafeLoader  # a quarter of a plan is reading YAML, the same each time
    nothing = {"rules": [], "first": [], "heavy": [], "after": {}, "numbers": {}}
    for change in json.load(sys.stdin):
        with ExitStack() as edits:
            for file, *texts in change["edits"]:
                edits.enter_context(edited(Path(file), *texts))
            if change["edits"]:
                forget_code()
            try:
                row = plan(change["config"])
            except Exception as error:  # any: the test that asked for the plan says what it wanted
                row = nothing | {"error": f"{type(error).__name__}: {error}"}
        if change["edits"]:
            forget_code()
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
