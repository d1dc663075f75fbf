"""The files of envs/ agree with each other, and name no registry."""

import re
import runpy
from pathlib import Path

ENVS = Path(__file__).resolve().parents[2] / "envs"
LOCK = (ENVS / "requirements.txt").read_text()


def test_the_conda_files_follow_the_lock():
    make_files = runpy.run_path(str(ENVS / "make_conda.py"))["make_files"]
    stale = [name for name, text in make_files(LOCK).items() if (ENVS / name).read_text() != text]
    assert stale == [], "run `make lock`"


def test_the_installer_is_the_locked_one():
    entry = (ENVS / "uv.txt").read_text().split("\n", 1)[1].strip()
    assert entry in LOCK, "copy the entry of uv from requirements.txt to uv.txt"


def test_every_pin_has_a_hash_and_no_address():
    pins = re.findall(r"^[a-z0-9][^\n]*", LOCK, flags=re.MULTILINE)
    assert all(pin.endswith("\\") for pin in pins)
    assert "://" not in LOCK


def test_there_is_one_opencv():
    lines = re.findall(r"^opencv[^\n]*", LOCK, flags=re.MULTILINE)
    installed = [line for line in lines if "== 'never'" not in line]
    assert [line.split("==")[0] for line in installed] == ["opencv-python-headless"]


def test_onnxruntime_is_of_one_version_on_cpu_and_gpu():
    cpu, gpu = (
        re.search(rf"^{name}==(\S+)", text, flags=re.MULTILINE)[1]
        for name, text in (
            ("onnxruntime", LOCK),
            ("onnxruntime-gpu", (ENVS / "gpu.txt").read_text()),
        )
    )
    assert cpu == gpu, "compile envs/gpu.txt again"
