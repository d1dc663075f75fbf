"""A training that is killed at any moment and run again leaves what a calm one leaves, bit for bit.

Six kills; `make test-kills` makes it fifty.
"""

import os
import signal

import pytest

from tests.factories import killed_trainings

KILLS = int(os.environ.get("KILLS", "6"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    run = killed_trainings.prepare(tmp_path_factory.mktemp("kills"))
    assert run.play() == 0
    assert run.list_leftovers() == []
    return run


def test_the_moments_have_every_file_and_both_stages(calm):
    _, moments = killed_trainings.read_journal(calm)
    steps = [moment.number for moment in moments if moment.kind == "step"]
    assert steps == list(range(1, 12))  # the border lies after 5
    written = {moment.name.rpartition(" half")[0] for moment in moments if "half" in moment.name}
    assert written >= {*killed_trainings.FILES, "settings.yaml", "resume.safetensors"}
    assert written >= {"one of latents", "one of texts", "one of trainings"}


def test_what_a_killed_training_leaves_when_run_again(calm):
    rows = killed_trainings.kill_all(calm, KILLS)
    killed_trainings.show(rows)
    assert len(rows) == KILLS
    assert [row for row in rows if not row[2] or row[3]] == []
    timed = [row for row in rows if row[0].kind == "time"]  # may have come too late
    assert all(row[1] == -signal.SIGKILL for row in rows if row not in timed)
