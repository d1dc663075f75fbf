"""What a user reads of a training that is given something wrong: `tests.list_training_messages`."""

import pytest

from tests.factories.bad_trainings import CASES, play


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_said_plainly(tmp_path, name):
    said = play(name, tmp_path)
    assert [words for words in CASES[name].says if words not in said] == []
    assert "Traceback" not in said and "UNEXPECTED" not in said


def test_there_are_enough_cases():
    assert len(CASES) >= 40
