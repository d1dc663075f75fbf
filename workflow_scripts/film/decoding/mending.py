"""Frames woven from fields, made whole by FFmpeg's filters.

fieldmatch looks, for each frame, for the field of its neighbors that fits its own: of telecined
film this gives back the frames that were filmed. What stays combed shows two moments; bwdif keeps
the first one's lines and makes the others anew. Frames around which nothing is woven pass as they
are, whatever a film's flags say, so one film may hold shots of all kinds. Repeated frames stay:
they are recognized as held images, and every frame keeps its number and time.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np

from workflow_scripts.film.decoding.fields import FieldSigns, Sign, cut_strips, read_sign
from workflow_scripts.film.decoding.yuv import as_planar, bit_depth, view_planes

STAMP = Fraction(1, 25)  # of frames within the filters, which count them
AROUND = 8  # frames before and after that say whether one is woven
COMBED_PX = (
    20  # of a block of 16x16 pixels: fieldmatch's own 80 pass the outline of a moving drawing
)
MATCHED, DEINTERLACED = "matched", "deinterlaced"


class Timed(NamedTuple):
    """A frame, when it is shown, and what was done to its fields: "" | matched | deinterlaced."""

    time_s: float
    frame: av.VideoFrame
    is_damaged: bool
    fields: str = ""


class Pending:
    """A frame on its way through the filters."""

    def __init__(self, timed: Timed):
        self.timed = timed
        self.strips = cut_strips(view_planes(timed.frame)[0])
        self.sign: Sign = ""
        self.mended: tuple[av.VideoFrame, str] | None = None


class Chain:
    """The two filters, for frames of one size and format."""

    def __init__(self, frame: av.VideoFrame, order: str):
        self.kind = describe(frame)
        self._matching = _make_graph(
            frame, ("fieldmatch", f"order={order}:combmatch=full:combpel={COMBED_PX}")
        )
        self._weaving = _make_graph(
            frame, ("bwdif", f"mode=send_frame:parity={order}:deint=interlaced")
        )
        self._was_combed: deque[bool] = deque()

    def push(self, frame: av.VideoFrame | None) -> list[tuple[av.VideoFrame, bool]]:
        """Frames that are through, in order, and whether no field of a neighbor fitted."""
        self._matching.push(frame)
        mended = []
        for matched in _pull_all(self._matching):
            self._was_combed.append(bool(matched.interlaced_frame))
            self._weaving.push(matched)
            mended += _pull_all(self._weaving)
        if frame is None:
            self._weaving.push(None)
            mended += _pull_all(self._weaving)
        return [(each, self._was_combed.popleft()) for each in mended]


def describe(frame: av.VideoFrame) -> tuple:
    """What must not change within a chain of filters."""
    return frame.width, frame.height, frame.format.name


def mend_fields(film: Iterable[Timed], order: str) -> Iterator[Timed]:
    """The frames of a film in order, those woven from fields made whole; planar formats."""
    pending: deque[Pending] = deque()
    signs: deque[Sign] = deque(maxlen=2 * AROUND + 1)
    chain, given = None, 0  # given: frames of `pending` that the filters have given back
    for number, timed in enumerate(film):
        timed = timed._replace(frame=_reduce_depth(as_planar(timed.frame)))
        timed.frame.pts, timed.frame.time_base = number, STAMP
        if chain is None or chain.kind != describe(timed.frame):
            yield from _drain(chain, pending, given, signs)
            pending.clear()
            chain, given = Chain(timed.frame, order), 0
        pending.append(Pending(timed))
        if len(pending) >= 3:
            _sign(pending, -2)
        given = _take(pending, given, chain.push(timed.frame))
        while len(pending) > AROUND + 1 and given > 0:
            yield _choose(pending, signs)
            given -= 1
    yield from _drain(chain, pending, given, signs)


def _drain(
    chain: Chain | None, pending: deque[Pending], given: int, signs: deque[Sign]
) -> Iterator[Timed]:
    if chain is not None:
        _take(pending, given, chain.push(None))
    while pending:
        yield _choose(pending, signs)


def _take(pending: deque[Pending], given: int, mended: list[tuple[av.VideoFrame, bool]]) -> int:
    for frame, was_combed in mended:
        waiting = pending[given]
        is_same = np.array_equal(cut_strips(view_planes(frame)[0]), waiting.strips)
        waiting.mended = frame, DEINTERLACED if was_combed else "" if is_same else MATCHED
        given += 1
    return given


def _choose(pending: deque[Pending], signs: deque[Sign]) -> Timed:
    """The next frame, mended where its neighbors are woven."""
    around = FieldSigns()
    for sign in [*list(signs)[-AROUND:], *[p.sign for p in list(pending)[: AROUND + 1]]]:
        around.add(sign)
    here = pending.popleft()
    signs.append(here.sign)
    if here.mended is None or not around.is_woven:
        return here.timed
    frame, fields = here.mended
    return here.timed._replace(frame=frame, fields=fields)


def _sign(pending: deque[Pending], place: int) -> None:
    strips = [pending[place + step].strips for step in (-1, 0, 1)]
    pending[place].sign = read_sign(*strips)


def _reduce_depth(frame: av.VideoFrame) -> av.VideoFrame:
    """The frame in 8 bits, all that fieldmatch knows."""
    return frame if bit_depth(frame) == 8 else frame.reformat(format=frame.format.name[:7])


def _make_graph(frame: av.VideoFrame, *filters: tuple[str, str]) -> av.filter.Graph:
    graph = av.filter.Graph()
    last = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=STAMP
    )
    for name, options in filters:
        node = graph.add(name, options)
        last.link_to(node)
        last = node
    last.link_to(graph.add("buffersink"))
    graph.configure()
    return graph


def _pull_all(graph: av.filter.Graph) -> Iterator[av.VideoFrame]:
    while True:
        try:
            yield graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
