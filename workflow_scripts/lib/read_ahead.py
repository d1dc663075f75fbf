"""Files read and decoded in threads, while a model is at work on those before them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

MAX_READERS = 8  # threads; by its cores, which are all of the machine's unless jobs are bound
AHEAD = 8  # items that they may be ahead of who uses them
AT_ONCE = 8  # items that go through a model together: as many as wait, decoded, for their turn

T = TypeVar("T")
R = TypeVar("R")


def read_ahead(
    items: Iterable[T], read: Callable[[T], R], ahead: int = AHEAD, readers: int = 0
) -> Iterator[R]:
    """`read` of each item, in order; what waits in memory is bounded by `ahead`.

    `readers` 0: as many as there are cores. An item that cannot be read raises in its turn, after
    those before it were handed out.
    """
    readers = readers or min(MAX_READERS, len(os.sched_getaffinity(0)))
    with ThreadPoolExecutor(readers) as pool:
        waiting: deque = deque()
        for item in items:
            waiting.append(pool.submit(read, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def take_batches(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """The items in lists of `size`, in order; the last may be shorter."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
