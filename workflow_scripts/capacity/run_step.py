"""One step on a big film in a process of its own, so that its memory is its alone: prints JSON."""

import importlib
import inspect
import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from workflow_scripts.lib.tables import RESULTS, find, locate
from workflow_scripts.plan.config import read_shipped

CONFIG = read_shipped()


OTHER_NAMES = {"text": "texts", "labels": "poses"}  # what main calls it -> as in lib.tables
OPTIONS = {  # what main takes besides: its block of the config, whole or option by option
    "dedup_frames": CONFIG["dedup_frames"],
    "filter_frames": {"limits": CONFIG["filter_frames"]},
    "identify_characters": CONFIG["identify_characters"] | {"review": [], "characters": []},
    "cluster_scenes": CONFIG["cluster_scenes"] | {"review": []},
    "classify_poses": {"rules": CONFIG["classify_poses"]},
}


def find_arguments(main: Callable, film: Path) -> dict[str, Any]:
    """Paths of a film by the names that the main of a phase gives them."""
    paths: dict[str, Any] = {}
    for name in inspect.signature(main).parameters:
        result = RESULTS.get(OTHER_NAMES.get(name, name))
        if result is None:
            continue
        shards = [str(path) for path in find(result.name, film)]
        paths[name] = shards if "{shard}" in result.path else locate(result.name, film)[0]
    return paths


def run_phase(phase: str, film: Path) -> None:
    """Call the main of a phase of the film."""
    module = importlib.import_module(f"workflow_scripts.film.{phase}")
    module.main(**find_arguments(module.main, film), **OPTIONS[phase])


def search_hashes(count: int) -> int:
    """Find all near pairs of so many random hashes, every tenth a copy with some bits changed."""
    from workflow_scripts.film.dedup_frames import find_pairs

    rng = np.random.default_rng(7)
    codes = rng.integers(2**64, size=count, dtype=np.uint64)
    copies = count // 10
    codes[:copies] = codes[copies : 2 * copies]
    for _ in range(4):
        codes[:copies] ^= np.uint64(1) << rng.integers(64, size=copies).astype(np.uint64)
    left, _ = find_pairs(np.unique(codes), CONFIG["dedup_frames"]["max_distance_within_shot"])
    return len(left)


def find_peak_mb() -> int:
    """Most memory that this process held; getrusage would count what it was forked from, too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def main(step: str, where: str) -> None:
    found = search_hashes(int(where)) if step == "near_hashes" else run_phase(step, Path(where))
    used = resource.getrusage(resource.RUSAGE_SELF)
    row = {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "peak_mb": find_peak_mb()}
    print(json.dumps(row | ({"found": found} if found else {})))


if __name__ == "__main__":
    main(*sys.argv[1:])
