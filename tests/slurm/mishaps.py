"""What happens to jobs on a cluster: cancelled, killed, preempted, hung, gone with their node."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

from tests.factories.cluster_in_use import CLUSTER, call

POLL_S = 0.2


class Mishaps(threading.Thread):
    """Watches a run from outside; each mishap strikes one job, once."""

    def __init__(self, folder: Path):
        super().__init__(daemon=True)
        self.folder = folder
        self.waiting: dict[str, Callable[[], bool]] = {
            "scancel": self._cancel,
            "SIGKILL": self._kill,
            "node lost": self._lose_node,
            "hung": self._hang,
            "preempted": self._preempt,
        }
        self.struck: list[str] = []
        self._lost = 0  # process that ran on the lost node
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
        return bool(self._signal("inpaint_backgrounds.py", signal.SIGKILL))

    def _lose_node(self) -> bool:
        """Pull the plug of the node that read_text runs on; it comes back soon, empty."""
        self._lost = self._find("read_text.py")
        if not self._lost:
            return False
        subprocess.run([str(CLUSTER), "lose", "c1"], check=True)
        subprocess.run([str(CLUSTER), "return", "c1"], check=True)
        return True

    def _hang(self) -> bool:
        """Stop the read_text that came after the lost one, and cut its time, so that it ends."""
        process = self._find("read_text.py")
        if not self._lost or process in (0, self._lost):
            return False
        os.kill(process, signal.SIGSTOP)
        call("scontrol", "update", f"JobId={find_jobs('read_text')[0]}", "TimeLimit=1")
        return True

    def _preempt(self) -> bool:
        """Send a job that takes the GPU from a training that has left a checkpoint."""
        if not list(self.folder.glob("results/short/adapters/*/checkpoints/resume.safetensors")):
            return False
        if not self._signal("train_adapter.py", signal.SIGSTOP):
            return False  # stopped, lest it ends before it is preempted
        urgent = ["--partition=urgent", "--account=films", "--gpus=1", "--output=/dev/null"]
        call("sbatch", *urgent, "--wrap=true")
        return True

    def _signal(self, script: str, number: int) -> int:
        """Send a signal to the process that runs a script; its number, or 0 where there is none."""
        process = self._find(script)
        if process:
            os.kill(process, number)
        return process

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
        return (process / "cmdline").read_text(encoding="utf-8").split("\0")[:-1]
    except OSError:
        return []
