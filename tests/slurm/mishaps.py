"""What happens to jobs on a cluster: cancelled, killed, hung until their time is over."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.2


class Mishaps(threading.Thread):
    """Watches a run from outside; each mishap strikes one job, once."""

    def __init__(self, folder: Path):
        super().__init__(daemon=True)
        self.folder = folder
        self.waiting: dict[str, Callable[[], bool]] = {
            "scancel": self._cancel,
            "SIGKILL": self._kill,
            "hung": self._hang,
        }
        self.struck: list[str] = []
        self._over = threading.Event()

    def run(self) -> None:
        while self.waiting and not self._over.wait(POLL_S):
            for name, strike in list(self.waiting.items()):
                if strike():
                    self.struck.append(name)
                    del self.waiting[name]

    def end(self) -> None:
        """Stop watching."""
        self._over.set()
        self.join()

    def _cancel(self) -> bool:
        """End a segment_instances at work by scancel."""
        jobs = find_jobs("segment_instances")
        if not jobs or not self._find("segment_instances.py"):
            return False
        call("scancel", jobs[0])
        return True

    def _kill(self) -> bool:
        """Kill the Python of an inpaint_backgrounds."""
        return self._signal("inpaint_backgrounds.py", signal.SIGKILL)

    def _hang(self) -> bool:
        """Stop a training that has left a checkpoint, and cut its time, so that it ends soon."""
        if not list(self.folder.glob("results/short/adapters/*/checkpoints/resume.pt")):
            return False
        if not self._signal("train_adapter.py", signal.SIGSTOP):
            return False
        call("scontrol", "update", f"JobId={find_jobs('train_adapter')[0]}", "TimeLimit=1")
        return True

    def _signal(self, script: str, number: int) -> bool:
        """Send a signal to the process that runs a script, if there is one."""
        process = self._find(script)
        if process:
            os.kill(process, number)
        return bool(process)

    def _find(self, script: str) -> int:
        """Number of the process that runs a script in our folder; 0 where there is none."""
        for process in Path("/proc").glob("[0-9]*"):
            words = read_command(process)
            if len(words) > 1 and words[-1].endswith(script) and str(self.folder) in words[-1]:
                return int(process.name)
        return 0


def find_jobs(rule: str) -> list[str]:
    """Numbers of a rule's jobs that run."""
    lines = call("squeue", "-h", "-t", "RUNNING", "-o", "%i %k").splitlines()
    return [line.split()[0] for line in lines if rule in line]


def read_command(process: Path) -> list[str]:
    """Command line of a process; empty when it has just ended."""
    try:
        return (process / "cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []


def call(*command: str) -> str:
    """Run a command; return what it printed."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
