"""Whether a wrong constant is noticed: each of tests/models/constants.yaml in turn, and its test.

`python -m tests.mutate_constants` prints a line for each; `python -m tests.mutate_constants detect`
those of one role. Every test runs with the right line as well: one that fails then would notice
anything. Nothing on the disk changes: a child process has the wrong line in memory.
"""

import contextlib
import importlib
import io
import os
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
HEAVY = (
    *("cv2", "onnx", "onnxruntime", "open_clip", "pandas", "rtmlib", "scipy.optimize"),
    *("simple_lama_inpainting", "torch", "torchvision.models"),
    *(
        f"transformers.models.{name}"
        for name in (
            "dinov2.modeling_dinov2",
            "owlv2.modeling_owlv2",
            "qwen2_5_vl.modeling_qwen2_5_vl",
            "sam2.modeling_sam2",
            "sam2_video.modeling_sam2_video",
        )
    ),
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
)
PASSED, FAILED = 0, 1  # exit statuses of pytest
WORDS = {(PASSED, FAILED): "noticed", (PASSED, PASSED): "NOT NOTICED"}  # right line, wrong line


def put_into_code(path: Path, text: str) -> None:
    """Have Python take `text` for what stands in a file."""
    usual: Callable = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, name: str) -> Any:
        if Path(self.path) == path:
            return compile(text, str(path), "exec")
        return usual(self, name)

    SourceFileLoader.get_code = get_code


def put_into_table(folder: str, text: str) -> None:
    """Have the registry read another table of models."""
    from workflow_scripts.models import registry

    registry.TABLE = Path(folder) / "models.yaml"
    registry.TABLE.write_text(text, encoding="utf-8")


def play(test: str, path: Path, text: str) -> None:
    """Run a test with this text of a file; the process ends with the exit status of pytest."""
    with TemporaryDirectory() as folder:
        if path.suffix == ".yaml":
            put_into_table(folder, text)
        else:
            put_into_code(path, text)
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            status = pytest.main(["-q", "-x", "-p", "no:cacheprovider", f"tests/models/{test}"])
    sys.exit(int(status))


def run_test(test: str, path: Path, text: str) -> int | None:
    """The exit status of pytest, in a child that has the packages, and none of our modules yet."""
    child = get_context("fork").Process(target=play, args=(test, path, text))
    child.start()
    child.join()
    return child.exitcode


def judge(row: dict[str, Any], path: Path, right: dict[str, int | None]) -> str:
    """What came of a wrong constant; `right` keeps how each test ends with the right one."""
    text, test = path.read_text(encoding="utf-8"), row["test"]
    if text.count(row["line"]) != 1:
        return f"{row['line']!r} is in {path.name} {text.count(row['line'])} times"
    if test not in right:
        right[test] = run_test(test, path, text)
    ended = right[test], run_test(test, path, text.replace(row["line"], row["wrong"]))
    return WORDS.get(ended, f"pytest ended with {ended}")


def main(roles: list[str]) -> int:
    rows = yaml.safe_load((ROOT / "tests/models/constants.yaml").read_text(encoding="utf-8"))
    if unknown := set(roles) - {row["role"] for row in rows}:
        sys.exit(f"no constants of {', '.join(sorted(unknown))}")
    places = {"models.yaml": "resources", "diffusion.py": "workflow_scripts/models"}
    for name in HEAVY:  # once, and not in each child
        importlib.import_module(name)
    right, found = {}, []
    for row in rows:
        if roles and row["role"] not in roles:
            continue
        path = ROOT / places.get(row["file"], "workflow_scripts/models/loaders") / row["file"]
        found.append(judge(row, path, right))
        change = f"{row['line'].strip()} -> {row['wrong'].strip()}"
        print(f"{found[-1]:<12} {row['role']}: {row['what']}: {change}", flush=True)
    print(f"{found.count('noticed')} of {len(found)} noticed")
    return len(found) - found.count("noticed")


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
