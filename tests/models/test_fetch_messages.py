"""What a user reads when weights cannot be fetched: `python -m tests.list_fetch_messages`."""

import pytest

from tests.factories.fetch_cases import CASES, play

QUICK = [name for name, case in CASES.items() if not case.is_slow]


@pytest.mark.parametrize("name", QUICK)
def test_what_goes_wrong_is_said_plainly(tmp_path, name):
    status, said, there = play(name, tmp_path)
    for words in CASES[name].says:
        assert words in said
    assert "Traceback" not in said and "secret" not in said
    assert (status == 0) == CASES[name].works == bool(there)
