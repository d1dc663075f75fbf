"""Folders in which a run can be, and the path of Python on the command lines of jobs."""

import shlex

import pytest

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.plan.folders import check_folders, quote_python


@pytest.mark.parametrize("name", ["my film", 'it\'s "#1"', "100 % $HOME", "日本 é", "-x;&*"])
def test_a_folder_of_any_script_is_taken(name):
    check_folders(["/films", f"/films/{name}"])
    python = f"/films/{name}/bin/python"
    assert shlex.split(quote_python(python)) == [python]
    assert quote_python(quote_python(python)) == quote_python(python)


@pytest.mark.parametrize("name", ["{film}", "a}", "a\nb", "a\tb", "caf\udce9"], ids=repr)
def test_a_folder_that_snakemake_cannot_take_is_refused(name):
    with pytest.raises(CineloraError, match="Rename or move the folder") as hit:
        check_folders(["/films", f"/films/{name}"])
    assert all(line.isprintable() for line in str(hit.value).encode().decode().split("\n"))
