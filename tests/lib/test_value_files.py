"""Names and values that a program wrote are read whole, or refused with what makes them again."""

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.value_files import read_values

DAMAGE = {
    "nothing": b"",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "zeros": bytes(64),
    "a list": b"[]",
    "null": b"null",
    "a number": b"5",
    "cut off": b"{",
    "an open list": b"a: [",
    "depth": b"[" * 100_000,
    "another type": b'{"a": "x"}',
    "not there": None,
}


@pytest.mark.parametrize("name", ["datasets/pose/counts.json", "adapters/pose/settings.yaml"])
@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_said_with_the_command_that_makes_it_again(tmp_path, name, data):
    path = tmp_path / "results/tiny" / name
    path.parent.mkdir(parents=True)
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(CineloraError) as hit:
        read_values(path, {"properties": {"a": {"type": "integer"}}})
    assert f"{path} is damaged: " in str(hit.value)
    assert "--forcerun results/tiny/" in str(hit.value)


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999"])
def test_what_is_no_number_in_json_is_refused(tmp_path, number):
    (tmp_path / "a.json").write_text(f'{{"a": {number}}}', encoding="utf-8")
    with pytest.raises(CineloraError, match="is no number"):
        read_values(tmp_path / "a.json")
