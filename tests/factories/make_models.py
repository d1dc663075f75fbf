"""`make models TIER=full` as a user types it, in a folder of its own, against this machine."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
OUTER = {
    "MAKEFLAGS",
    "MFLAGS",
    "MAKELEVEL",
}  # of a `make` around the test: it would talk of folders
COMMAND = ["make", "models", "TIER=full", "TABLE=own.yaml"]


def make_folder(folder: Path) -> Path:
    """A folder with the Makefile and the code; a table of models and a lock are its own."""
    for name in ("Makefile", "workflow_scripts"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "config").mkdir()
    return folder


def start(
    folder: Path, hub: str, *more: str, command: list[str] = COMMAND, **environment: str
) -> subprocess.Popen:
    """Type a command; the environment is the one that runs this test, without its proxies."""
    dropped = OUTER | {case(name) for name in PROXIES for case in (str.lower, str.upper)}
    inherited = {name: value for name, value in os.environ.items() if name not in dropped}
    own = {"HF_ENDPOINT": hub, "HF_HOME": str(folder / "home"), "HF_HUB_DISABLE_TELEMETRY": "1"}
    own |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "PIP_INDEX_URL": f"{hub}/simple"}
    own |= {"PIP_CONFIG_FILE": os.devnull, "PYTHONPATH": str(ROOT)}
    if command[0] == "make":
        more = ("READY=", f"BIN={Path(sys.executable).parent}", *more)
    return subprocess.Popen(
        [*command, *more],
        cwd=folder,
        env=inherited | own | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(running: subprocess.Popen, what: str, within_s: float = 300) -> tuple[int, str]:
    """Exit status and what the user saw, which `pytest -s` shows too."""
    said, _ = running.communicate(timeout=within_s)
    command = " ".join(part for part in running.args if not part.startswith(("BIN=", "READY=")))
    print(f"\n===== {what}: {command}\n{said}[exit {running.returncode}]")
    return running.returncode, said
