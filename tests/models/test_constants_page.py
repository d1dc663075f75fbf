"""resources/constants.md: every value is that of the code, every test it names is there."""

import ast
from pathlib import Path

import pytest

from tests import list_constants
from workflow_scripts.models.registry import list_roles

HERE = Path(__file__).parent
ROWS = list_constants.read_rows()
IDS = [f"{row['role']}: {row['what']}" for row in ROWS]


def test_every_role_that_has_a_model_of_its_own_is_there():
    assert {row["role"] for row in ROWS} == set(list_roles()) - {"text"}  # that is the light tier's
    assert len(set(IDS)) == len(ROWS) > 30


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_row_is_as_the_code_is(row):
    text = list_constants.find_file(row).read_text(encoding="utf-8")
    assert text.count(row["line"]) == 1, (
        "the line is not there once: change tests/models/constants.yaml"
    )
    assert row["wrong"] not in ("", row["line"])
    if "read" in row:
        assert list_constants.read_value(row["read"]) == row["value"]
    file, _, name = row["test"].partition("::")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_page_is_that_of_the_table():
    page = list_constants.PAGE.read_text(encoding="utf-8")
    assert page == list_constants.write_page(ROWS), "run python -m tests.list_constants"
