"""Charts of the report: the funnel as a waterfall, curves of losses."""

import math
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from workflow_scripts.report.page.blocks import Bar
from workflow_scripts.report.page.funnel import Funnel, format_reason
from workflow_scripts.report.page.svg import drawing, tag

ROW, BAR = 30, 18  # height of a row and of the bar in it


def list_steps(funnel: Funnel) -> list[tuple[str, int, int, str]]:
    """Bars of a waterfall: name, where it starts, how long it is, kind (rest, aside, kept).

    Each reason takes its piece off the right end of what was still there.
    """
    steps, left = [("sampled", 0, funnel.read, "rest")], funnel.read
    for reason, count in funnel.aside.items():
        left -= count
        steps.append((format_reason(reason), left, count, "aside"))
    return [*steps, ("kept", 0, left, "kept")]


def list_bars(funnel: Funnel) -> list[Bar]:
    """The same waterfall as bars of a page."""
    total = max(funnel.read, 1)
    tints = {"rest": "var(--soft)", "aside": "var(--pale)", "kept": ""}
    return [
        Bar(
            name,
            count / total,
            f"−{count}" if kind == "aside" else f"{count}",
            tint=tints[kind],
            start=start / total,
        )
        for name, start, count, kind in list_steps(funnel)
    ]


def draw_funnel(funnel: Funnel, *, width: int = 920, label_width: int = 200) -> Markup:
    """The waterfall as a drawing of its own."""
    scale = (width - label_width - 90) / max(funnel.read, 1)
    rows, parts = list_steps(funnel), []
    for i, (name, start, count, style) in enumerate(rows):
        top = i * ROW + (ROW - BAR) / 2
        x, wide = label_width + start * scale, count * scale
        strong, sign = ("", "−") if style == "aside" else (" strong", "")
        parts += [
            tag("text", name, x=label_width - 14, y=top + 13, class_=f"end{strong}"),
            tag("rect", x=x, y=top, width=max(wide, 1.0), height=BAR, rx=2, class_=style),
            tag("text", f"{sign}{count}", x=x + wide + 8, y=top + 13, class_=f"number{strong}"),
        ]
        if i + 1 < len(rows):
            edge = label_width + (start if style == "aside" else count) * scale
            parts.append(_line(edge, top + BAR, edge, top + ROW))
    return drawing(width, len(rows) * ROW, *parts, label=f"Funnel: {funnel.sum_line}")


def draw_curves(
    steps: np.ndarray,
    losses: np.ndarray,
    held_out: np.ndarray,
    *,
    width: int = 300,
    height: int = 180,
) -> Markup:
    """Loss of every step, its running mean, and the held-out loss where it was measured."""
    known = np.isfinite(losses)
    finite = np.concatenate([losses[np.isfinite(losses)], held_out[np.isfinite(held_out)]])
    if not finite.size:
        return drawing(width, 40, tag("text", "no step was recorded", y=24, x=8), label="no losses")
    low, high = _round_range(float(finite.min()), float(np.quantile(finite, 0.995)))
    box = (54.0, 12.0, width - 12.0, height - 28.0)
    first, last = float(steps.min()), max(float(steps.max()), float(steps.min()) + 1)

    def place(x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
        xs = box[0] + (x - first) / (last - first) * (box[2] - box[0])
        ys = box[3] - (np.clip(y, low, high) - low) / (high - low) * (box[3] - box[1])
        return [(float(a), float(b)) for a, b in zip(xs, ys, strict=True) if math.isfinite(b)]

    points = place(steps, held_out)
    parts = [
        *_axes(box, low, high, int(first), int(last)),
        _curve(place(steps, losses), "faint"),
        _curve(place(steps[known], _running_mean(losses[known])), "curve"),
        _curve(points, "second"),
        *(tag("circle", cx=x, cy=y, r=3, class_="dot") for x, y in points),
    ]
    return drawing(width, height, *parts, label="Loss while training and on held-out images")


def draw_estimates(
    steps: np.ndarray,
    values: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    *,
    mark: float,
    width: int = 300,
    height: int = 180,
) -> Markup:
    """Values over the steps of a training with their intervals (nan: none); one step is marked."""
    known = [each[np.isfinite(each)] for each in (values, lows, highs)]
    together = np.concatenate(known)
    low, high = _round_range(float(together.min()), float(together.max()))
    box = (54.0, 12.0, width - 12.0, height - 28.0)
    first, last = float(steps.min()), max(float(steps.max()), float(steps.min()) + 1)

    def place(x: float, y: float) -> tuple[float, float]:
        across = box[0] + (np.clip(x, first, last) - first) / (last - first) * (box[2] - box[0])
        return float(across), float(box[3] - (y - low) / (high - low) * (box[3] - box[1]))

    points = [place(*pair) for pair in zip(steps, values, strict=True)]
    ends = [
        _curve([place(x, a), place(x, b)], "faint")
        for x, a, b in zip(steps, lows, highs, strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    parts = [
        *_axes(box, low, high, int(first), int(last)),
        _curve([place(mark, low), place(mark, high)], "second"),
        *ends,
        _curve(points, "curve"),
        *(tag("circle", cx=x, cy=y, r=3, class_="dot") for x, y in points),
    ]
    return drawing(width, height, *parts, label="A score over the steps of the training")


def _axes(box: tuple, low: float, high: float, first: int, last: int) -> list[Markup]:
    left, top, right, bottom = box
    parts = []
    for value in np.linspace(low, high, 4):
        y = bottom - (value - low) / (high - low) * (bottom - top)
        parts += [
            _line(left, y, right, y),
            tag("text", f"{value:.3g}", x=left - 8, y=y + 4, class_="muted end"),
        ]
    for x, step, side in ((left, first, ""), (right, last, " end")):
        parts.append(tag("text", f"step {step}", x=x, y=bottom + 20, class_=f"muted{side}"))
    return parts


def _curve(points: Sequence[tuple[float, float]], style: str) -> Markup:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return tag("polyline", points=path, class_=style)


def _line(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return tag("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="grid")


def _running_mean(values: np.ndarray) -> np.ndarray:
    """Mean of the last tenth of the steps seen so far; a single step says little."""
    window = max(1, len(values) // 10)
    sums = np.cumsum(np.insert(values, 0, 0.0))
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(0, ends - window)
    return (sums[ends] - sums[starts]) / (ends - starts)


def _round_range(low: float, high: float) -> tuple[float, float]:
    """A little more than the data need, so that curves do not touch the frame."""
    pad = max((high - low) * 0.08, abs(high) * 0.01, 1e-9)
    return low - pad, high + pad
