"""Two processes train one adapter: as one alone would, whatever happens to either of them."""

import fcntl
import signal
import time

import pandas as pd
import pytest
import torch
import torch.distributed as dist
from safetensors.torch import load_file

from tests.factories import killed_trainings, teams
from tests.factories.datasets_in_code import make_options
from tests.factories.killed_trainings import Moment, Run
from tests.factories.trainings_in_code import encode_splits, finish, make_trainer
from workflow_scripts.adapter.adapter_file import to_kohya, write_adapter
from workflow_scripts.adapter.processes import check_devices, start_team
from workflow_scripts.adapter.settings import check_settings
from workflow_scripts.adapter.training_checks import DivergedError
from workflow_scripts.lib.errors import CineloraError

CLOSE = 1e-5  # of the length of all weights; Adam makes much of gradients that are nearly 0
RATES = (0.004, 0.002)
SIXES = {  # six steps with a border between stages, the second of them sampled by weight
    "batch_size": 8,
    "keep": "last",
    "stages": [
        {**stage, "steps": 3, "learning_rate": rate}
        for stage, rate in zip(killed_trainings.STAGES, RATES, strict=True)
    ],
}
PLAIN = {"stages": [], "steps": 4, "caption_orders": 1, "keep": "last"}
RAISING = (teams.fail_early, teams.fail_late)
ODD = {"batch_size": 11, "gradient_accumulation_steps": 1, "stages": [], "steps": 6, "keep": "last"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    return killed_trainings.prepare(tmp_path_factory.mktemp("processes"))


@pytest.fixture(scope="module")
def play(prepared):
    """Train under a name, once."""

    def once(name, **changes):
        run = Run(prepared.dataset, prepared.base, prepared.folder.with_name(name), changes)
        assert run.play() == 0
        return run

    return once


@pytest.fixture(scope="module")
def of_two(play):
    return play("two", **SIXES, processes=2)


def read_weights(run):
    """In float32, as they are kept for whoever trains the same."""
    (path,) = run.folder.glob("cache/trainings/*/*.safetensors")
    return load_file(path)


def differ(first, second):
    """The length of the difference of all weights, of their own length."""
    assert first.keys() == second.keys()
    whole, other = (torch.cat([one[n].flatten() for n in first]) for one in (first, second))
    return float((whole - other).norm() / whole.norm())


def read_losses(run):
    rows = pd.read_parquet(run.out / "metrics.parquet")
    return rows[["loss", "validation_loss", "grad_norm", "learning_rate"]].dropna(how="all")


def test_two_processes_come_to_what_one_comes_to(play, of_two):
    one = play("one", **SIXES)
    alone, together = read_weights(one), read_weights(of_two)
    assert 0 < differ(alone, together) < CLOSE
    other = read_weights(play("other", **SIXES | {"ema_decay": 0}))
    assert differ(alone, other) > 100 * CLOSE  # or nothing would have been learned
    rows = read_losses(one), read_losses(of_two)
    assert len(rows[0]) == 7
    pd.testing.assert_frame_equal(*rows, rtol=CLOSE)


def test_a_last_batch_with_an_image_for_one_process_only(play):
    alone, together = (read_weights(play(f"odd{n}", **ODD, processes=n)) for n in (1, 2))
    assert 0 < differ(alone, together) < CLOSE


def test_a_killed_job_goes_on_to_the_same_bits(of_two):
    run = Run(of_two.dataset, of_two.base, of_two.folder.with_name("killed"), of_two.changes)
    assert run.play(Moment("step", 4)) == -signal.SIGKILL
    assert (run.out / "checkpoints/resume.safetensors").is_file()
    assert run.play() == 0
    assert run.read() == of_two.read()
    assert run.list_leftovers() == []


def test_processes_end_with_the_first_whatever_they_do(tmp_path):
    path = tmp_path / "lock"
    process = killed_trainings.PACK.Process(target=teams.lead_and_die, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    ends = time.monotonic() + 60
    while not is_free(path) and time.monotonic() < ends:
        time.sleep(0.05)
    assert is_free(path)


def is_free(path):
    """Whether the process that locked it has ended."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def test_a_single_process_takes_the_steps_of_a_trainer_that_knows_of_no_others(play, tmp_path):
    run = play("single", **PLAIN, processes=1)
    trainer = make_trainer(encode_splits(run.dataset), **killed_trainings.OPTIONS | PLAIN)
    finish(trainer, PLAIN["steps"])
    _, weights = trainer.chosen()
    tensors = to_kohya(weights, trainer.alphas(), trainer.base.name_layer)
    digest = write_adapter(tmp_path / "a.safetensors", tensors, {})
    assert run.read()["settings"]["adapter_sha256_of_tensors"] == digest
    with start_team(1, "cpu", teams.fail_early) as team:
        assert team is None
    assert not dist.is_initialized()


def test_sums_are_those_of_all_and_weights_those_of_the_first():
    with start_team(3, "cpu", teams.add_own) as team:
        tensor = teams.make_tensor(team)
        team.meet([tensor], 3)
        assert float(team.add_up(torch.tensor([float(team.rank)]))) == 3
        nobodys, others = torch.ones(2), teams.make_tensor(team)
        team.add_gradients([tensor, nobodys, others])
        assert tensor.detach().unique().tolist() == [5.0]
        assert tensor.grad.unique().tolist() == others.grad.unique().tolist() == [0.5]
        assert nobodys.grad is None
    assert [member.process.exitcode for member in team.members] == [0, 0]
    assert not dist.is_initialized()


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        (teams.fail_early, DivergedError, "the loss of step 3 is nan"),
        (teams.fail_late, ValueError, "of nobody's making"),
        (teams.vanish, CineloraError, r"process 2 of 2 of this training ended.*\(SIGKILL\)"),
        (teams.go_elsewhere, CineloraError, "would go on after step"),
    ],
    ids=["before they meet", "unforeseen", "by a signal", "another checkpoint"],
)
def test_what_ends_a_process_ends_the_job_with_its_message(what, error, words):
    def join():
        with start_team(2, "cpu", what) as team:
            found.append(team)
            team.meet([], 3)
            team.add_up(torch.ones(1))

    found = []
    with pytest.raises(error, match=words) as raised:
        join()
    assert not found[0].members[0].process.is_alive()
    assert not dist.is_initialized()
    # Where it was, for whoever has to mend it
    assert what not in RAISING or f"in {what.__name__}" in raised.value.__notes__[0]


def test_an_error_of_the_first_ends_the_others(tmp_path):
    def join():
        with start_team(2, "cpu", teams.sleep_for_ever, tmp_path / "lock") as team:
            found.append(team)
            team.meet([], 3)
            assert not is_free(tmp_path / "lock")
            raise CineloraError("enough")

    found = []
    with pytest.raises(CineloraError, match="enough"):
        join()
    assert found[0].members[0].process.exitcode == -signal.SIGKILL


def test_a_batch_has_an_image_for_each_process():
    options = make_options("train_adapter", batch_size=2)
    check_settings(options | {"processes": 2})
    with pytest.raises(CineloraError, match="batch_size 2 leaves some of 3 processes without an"):
        check_settings(options | {"processes": 3})


def test_there_are_as_many_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check_devices(2, "cpu")
    check_devices(1, "cuda")
    with pytest.raises(CineloraError, match="2 GPUs are to train one adapter, and this job sees"):
        check_devices(2, "cuda")
