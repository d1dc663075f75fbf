"""The files of envs/ agree with each other and with what is imported, and name no registry."""

import ast
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENVS = ROOT / "envs"
LOCK = (ENVS / "requirements.txt").read_text(encoding="utf-8")
DISTRIBUTIONS = {  # whose modules have another name
    "PIL": "pillow",
    "importlinter": "import-linter",
    "cv2": "opencv-python-headless",
    "open_clip": "open-clip-torch",
    "retinaface": "retina-face",
    "sam2": "rf-sam-2",
    "yaml": "pyyaml",
}
OURS = {"workflow_scripts", "tests", "benchmarks", "resources", "maker", "cast"}
BLENDER = {"bpy", "bmesh", "mathutils", "anny", "OpenEXR"}  # maker/README.md: a Python of its own
PEERS = DISTRIBUTIONS | {"faiss": "faiss-cpu"}  # of benchmarks/peers.py


def list_code() -> list[Path]:
    folders = ("workflow_scripts", "tests", "benchmarks", "resources", "envs")
    python = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [path for path in python if "scratch" not in path.parts and path.name != "peers.py"]


def find_imports(path: Path) -> Iterator[str]:
    """Names of the packages that a file imports, anywhere in it, by statement or by pytest."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip":
            yield node.args[0].value.split(".")[0]


def list_third_party() -> dict[str, str]:
    """Modules that are neither Python's nor ours, each with a file that imports it."""
    found = {name: path.name for path in list_code() for name in find_imports(path)}
    rules = [ROOT / "Snakefile", *(ROOT / "rules").rglob("*.smk")]
    assert len(rules) > 20
    for path in rules:
        names = re.findall(
            r"^\s*(?:from|import) (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        found |= dict.fromkeys(names, path.name)
    beside = {path.stem for path in (ROOT / "tests/slurm").glob("*.py")}
    own = OURS | BLENDER | beside | set(sys.stdlib_module_names)
    return {name: file for name, file in found.items() if name not in own}


def name_distribution(module: str, names: dict[str, str] = DISTRIBUTIONS) -> str:
    return names.get(module, module.lower().replace("_", "-"))


def list_declared(path: Path) -> dict[str, str]:
    """What a file of requirements declares, each with the comment behind it."""
    lines = re.findall(
        r"^([\w.-]+)[^#\n]*(?:#(.*))?$", path.read_text(encoding="utf-8"), flags=re.MULTILINE
    )
    return {name.lower().replace("_", "-"): comment.strip() for name, comment in lines}


def test_what_is_imported_is_declared():
    imported = list_third_party()
    assert {"torch", "cv2", "snakemake", "datasets", "pycocotools", "scipy"} <= set(imported)
    declared = list_declared(ENVS / "requirements.in") | list_declared(ENVS / "gpu.txt")
    missing = {m: file for m, file in imported.items() if name_distribution(m) not in declared}
    assert missing == {}, "add a line to envs/requirements.in and run `make lock`"


def test_what_is_declared_is_imported_or_says_why_not():
    declared = list_declared(ENVS / "requirements.in")
    assert len(declared) > 30
    used = set(map(name_distribution, list_third_party()))
    unused = [name for name, why in declared.items() if name not in used and not why]
    assert unused == [], "import it, or say behind it why it is here, or remove it: `make lock`"


def test_what_is_declared_is_locked():
    locked = set(re.findall(r"^([a-z0-9.-]+)==", LOCK, flags=re.MULTILINE))
    assert set(list_declared(ENVS / "requirements.in")) <= locked, "run `make lock`"


def test_the_peers_of_the_benchmark_have_their_own_list():
    declared = list_declared(ROOT / "benchmarks/peers.txt")
    imported = set(find_imports(ROOT / "benchmarks/peers.py"))
    assert "faiss" in imported
    peers = {name_distribution(name, PEERS) for name in imported - set(sys.stdlib_module_names)}
    ours = set(list_declared(ENVS / "requirements.in"))
    assert peers - OURS - ours <= set(declared)


def test_the_conda_files_follow_the_lock():
    make_files = runpy.run_path(str(ENVS / "make_conda.py"))["make_files"]
    stale = [
        name
        for name, text in make_files(LOCK).items()
        if (ENVS / name).read_text(encoding="utf-8") != text
    ]
    assert stale == [], "run `make lock`"


def test_the_installer_is_the_locked_one():
    entry = (ENVS / "uv.txt").read_text(encoding="utf-8").split("\n", 1)[1].strip()
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
            ("onnxruntime-gpu", (ENVS / "gpu.txt").read_text(encoding="utf-8")),
        )
    )
    assert cpu == gpu, "compile envs/gpu.txt again"
