"""CPU seconds of commands, run in turn: what disturbs one disturbs the others too."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from workflow_scripts.lib.errors import CineloraError

HERE = Path("benchmarks")
WORK = HERE / "scratch"
OUT = WORK / "out"
PEERS = WORK / "peers/bin/python"


@dataclass(frozen=True)
class Command:
    """One thing to measure: what (of ours or peers) on which source."""

    name: str  # unique; its folder of output
    script: str  # "ours" or "peers"
    what: str
    source: str

    @property
    def line(self) -> list[str]:
        python = [sys.executable, "-m", "benchmarks.ours"]
        if self.script == "peers":
            python = [str(PEERS), "benchmarks/peers.py"]
        return [*python, self.what, self.source, str(OUT / self.name)]


def run(command: Command) -> dict:
    """Run once: {cpu_s}, of the whole process tree, and {memory_mb}, of what writes its own."""
    out = Path(command.line[-1])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    log = out.with_suffix(".log")
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(command.line, stdout=file, stderr=file)
        _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise CineloraError(
            f"{' '.join(command.line)} failed:\n{log.read_text(encoding='utf-8')[-2000:]}\n"
            f"  Run that line alone; delete {WORK}/peers to install the peers anew."
        )
    memory = out / "memory.json"
    memory_mb = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else None
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "memory_mb": memory_mb}


def run_in_turn(commands: list[Command], rounds: int, record: Path) -> None:
    """Append a line to `record` per run; every command once, then every command again."""
    with record.open("a", encoding="utf-8") as file:
        for number in range(rounds):
            for command in commands:
                row = asdict(command) | {"round": number} | run(command)
                file.write(json.dumps(row) + "\n")
                file.flush()
                print(f"{number + 1}/{rounds} {command.name}: {row['cpu_s']:.2f} CPU s", flush=True)
