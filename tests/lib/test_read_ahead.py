import threading
from itertools import islice

import pytest

from workflow_scripts.lib import read_ahead as module
from workflow_scripts.lib.read_ahead import read_ahead, take_batches


def test_items_come_in_their_order():
    assert list(read_ahead(range(50), lambda n: n * n)) == [n * n for n in range(50)]


def test_an_item_that_cannot_be_read_raises_after_those_before_it():
    items = read_ahead([3, 2, 1, 0, 5], lambda n: 6 // n)
    assert list(islice(items, 3)) == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(items)


def test_no_more_than_ahead_items_wait():
    taken = []
    items = read_ahead((taken.append(n) or n for n in range(100)), lambda n: n, ahead=4)
    assert [next(items) for _ in range(10)] == list(range(10))
    assert len(taken) == 10 + 4


def test_the_next_item_is_read_while_the_first_is_in_use():
    second_was_read = threading.Event()
    items = read_ahead([0, 1, 2], lambda n: second_was_read.set() if n == 1 else None)
    next(items)
    assert second_was_read.wait(timeout=10)


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (4, 4), (64, 8)])
def test_as_many_read_as_a_job_has_cores(monkeypatch, cores, expected):
    met = threading.Barrier(expected)  # is passed only if so many read at once
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: range(cores))
    items = read_ahead(range(2 * expected), lambda n: met.wait(timeout=10) < expected)
    assert list(items) == [True] * 2 * expected


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (3, [3]), (4, [4]), (10, [4, 4, 2])], ids=lambda value: str(value)
)
def test_items_are_taken_in_batches(count, sizes):
    batches = list(take_batches(iter(range(count)), 4))
    assert [len(batch) for batch in batches] == sizes
    assert [item for batch in batches for item in batch] == list(range(count))


def test_a_batch_takes_no_more_items_than_it_holds():
    items = iter(range(10))
    batches = take_batches(items, 4)
    assert (next(batches), next(items)) == ([0, 1, 2, 3], 4)
