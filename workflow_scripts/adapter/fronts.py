"""Which trials are not beaten: fronts of two objectives under constraints, from plain numbers.

A larger gain and a smaller cost are better. A violation above 0 says by how much a trial breaks its
limits.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Point(NamedTuple):
    """What a trial reached."""

    gain: float
    cost: float
    violation: float = (
        0.0  # sum of what is above the limits; 0: it keeps all of them; inf: it failed
    )


def dominates(first: Point, second: Point) -> bool:
    """Whether the first is better (Deb 2002): what keeps the limits beats what does not."""
    if first.violation != second.violation and (first.violation > 0 or second.violation > 0):
        return first.violation < second.violation
    if math.isinf(first.violation):
        return False
    no_worse = first.gain >= second.gain and first.cost <= second.cost
    return no_worse and (first.gain > second.gain or first.cost < second.cost)


def find_front(points: Sequence[Point]) -> list[int]:
    """Numbers of the points that keep the limits and that none dominates, largest gain first."""
    kept = [n for n, point in enumerate(points) if point.violation <= 0]
    front = [n for n in kept if not any(dominates(points[m], points[n]) for m in kept)]
    return sorted(front, key=lambda n: (-points[n].gain, points[n].cost, n))


def rank_points(points: Sequence[Point]) -> list[int]:
    """Numbers of the points, best first: front after front, in each the loneliest first.

    So NSGA-II chooses its parents (Deb 2002): a half of the points that is spread along the front.
    """
    left, ranked = list(range(len(points))), []
    while left:
        layer = [n for n in left if not any(dominates(points[m], points[n]) for m in left)]
        space = measure_space([points[n] for n in layer])
        ranked += [n for _, n in sorted(zip((-s for s in space), layer, strict=True))]
        left = [n for n in left if n not in layer]
    return ranked


def measure_space(points: Sequence[Point]) -> list[float]:
    """Crowding distance of each point of one front; the ends have infinite space around them."""
    space = [0.0] * len(points)
    for axis in (0, 1):
        order = sorted(range(len(points)), key=lambda n: (points[n][axis], n))
        width = points[order[-1]][axis] - points[order[0]][axis]
        space[order[0]] = space[order[-1]] = math.inf
        for before, n, after in zip(order, order[1:], order[2:], strict=False):
            if width > 0 and math.isfinite(width):
                space[n] += (points[after][axis] - points[before][axis]) / width
    return space


def measure_hypervolume(points: Sequence[Point], worst: Point) -> float:
    """Area between `worst` and the front of those points that keep the limits; larger is better."""
    area, cost = 0.0, worst.cost
    inside = [p for p in points if p.gain > worst.gain and p.cost < worst.cost]
    front = [inside[n] for n in find_front(inside)]
    for point in sorted(front, key=lambda p: p.cost, reverse=True):  # largest gain first
        area += (point.gain - worst.gain) * (cost - point.cost)
        cost = point.cost
    return area
