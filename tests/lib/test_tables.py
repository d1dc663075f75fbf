"""The registry of results: it names what the rules declare, and the schemas of its tables."""

import importlib
import re
from pathlib import Path

import pytest

from workflow_scripts.lib.tables import PHASES, RESULTS, find, list_names, locate

ROOT = Path(__file__).resolve().parents[2]
TABLES = [result for result in RESULTS.values() if result.schema]


def list_outputs() -> dict[str, set[str]]:
    """Paths below results/{film}/ that the rules declare as outputs, by rule."""
    outputs = {}
    for path in (ROOT / "rules").glob("*/*.smk"):
        for rule, body in re.findall(
            r"^rule (\w+):\n(.*?)(?=^rule |\Z)", path.read_text(encoding="utf-8"), re.M | re.S
        ):
            declared = re.search(r"^    output:\n(.*?)^    \w", body, re.M | re.S)
            paths = re.findall(r'"results/\{film\}/([^"]+)"', declared[1] if declared else "")
            outputs |= {rule: set(paths)} if paths else {}
    return outputs


def test_every_declared_output_is_registered_and_every_registered_one_declared():
    outputs = list_outputs()
    assert len(outputs) >= 20
    registered = {
        phase: {r.path for r in RESULTS.values() if r.phase == phase and r.is_declared}
        for phase in PHASES
    }
    assert outputs == registered


def test_there_are_tables_to_check():
    assert len(TABLES) >= 24


@pytest.mark.parametrize("result", TABLES, ids=lambda result: result.name)
def test_the_schema_of_a_table_begins_with_its_key(result):
    module = importlib.import_module(f"workflow_scripts.{result.module}")
    schema = getattr(module, result.schema)
    assert schema.names[0] == result.key
    assert result.path.endswith(".parquet")


def test_what_is_no_table_has_no_key():
    others = [result for result in RESULTS.values() if not result.schema]
    assert others and not any(result.key for result in others)


def test_paths_of_single_files_of_shards_and_of_datasets():
    shards = ["01of02", "02of02"]
    assert locate("identities", "results/luca", shards) == [
        "results/luca/identify_characters/identities.parquet"
    ]
    assert locate("faces", "r", shards) == [f"r/crop_faces/{shard}.parquet" for shard in shards]
    assert locate("packed", "r", dataset="pose") == ["r/datasets/pose/dataset.parquet"]
    assert locate("accuracy", "r") == ["r/accuracy.json"]


def test_what_is_there_is_found_in_order(tmp_path):
    for name in ("02of02", "01of02", "answers"):
        (tmp_path / "segment_instances").mkdir(exist_ok=True)
        (tmp_path / f"segment_instances/{name}.parquet").touch()
    assert [path.stem for path in find("instances", tmp_path)] == ["01of02", "02of02"]
    assert find("faces", tmp_path) == []


def test_names_come_in_the_order_in_which_phases_run():
    assert list_names(["pack_dataset", "extract_frames"]) == [
        "frames", "shots", "problems", "images", "dataset"
    ]  # fmt: skip
