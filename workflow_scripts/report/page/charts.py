"""Charts of the report: the funnel as a waterfall, curves of losses."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
    height: int = 220,
) -> Markup:
    """Held-out loss where it was measured; below it, loss of every step and its running mean.

    Each has a scale of its own: the loss that is trained with is weighted, the other is not.
    """
    known = np.isfinite(losses)
    if not known.any() and not np.isfinite(held_out).any():
        return drawing(width, 40, tag("text", "no step was recorded", y=24, x=8), label="no losses")
    left, right, middle, bottom = 54.0, width - 12.0, height * 0.5, height - 28.0
    span = float(steps.min()), max(float(steps.max()), float(steps.min()) + 1)
    parts = _axis(left, right, bottom, span)
    if np.isfinite(held_out).any():
        panel = Panel((left, 12.0, right, middle - 10), span, _round_range(held_out))
        points = panel.place(steps, held_out)
        dots = (tag("circle", cx=x, cy=y, r=3, class_="dot") for x, y in points)
        parts += [*panel.draw_grid(), _curve(points, "second"), *dots]
    if known.any():
        panel = Panel((left, middle + 10, right, bottom), span, _round_range(losses))
        mean = panel.place(steps[known], _running_mean(losses[known]))
        curves = _curve(panel.place(steps, losses), "faint"), _curve(mean, "curve")
        parts += [*panel.draw_grid(), *curves]
    return drawing(width, height, *parts, label="Loss on held-out images and while training")


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
    span = float(steps.min()), max(float(steps.max()), float(steps.min()) + 1)
    left, right, bottom = 54.0, width - 12.0, height - 28.0
    known = np.concatenate([values, lows, highs])
    known = known[np.isfinite(known)]
    pad = max(float(np.ptp(known)) * 0.08, 1e-9)
    y_range = float(known.min()) - pad, float(known.max()) + pad
    panel = Panel((left, 12.0, right, bottom), span, y_range)
    points = panel.place(steps, values)
    sure = np.isfinite(lows) & np.isfinite(highs)
    ends = [panel.place(steps[sure], side[sure]) for side in (lows, highs)]
    at = np.full(2, np.clip(mark, *span))
    parts = [
        *panel.draw_grid(),
        *_axis(left, right, bottom, span),
        _curve(panel.place(at, np.array(y_range)), "second"),
        *(_curve(pair, "faint") for pair in zip(*ends, strict=True)),
        _curve(points, "curve"),
        *(tag("circle", cx=x, cy=y, r=3, class_="dot") for x, y in points),
    ]
    return drawing(width, height, *parts, label="A score over the steps of the training")


@dataclass(frozen=True)
class Panel:
    """A part of a drawing with scales of its own; `box` is (left, top, right, bottom)."""

    box: tuple[float, float, float, float]
    x_range: tuple[float, float]
    y_range: tuple[float, float]

    def place(self, x: np.ndarray, y: np.ndarray) -> list[tuple[float, float]]:
        """Where values stand in the drawing; those out of range at its edge, gaps left out."""
        (left, top, right, bottom), (low, high) = self.box, self.y_range
        first, last = self.x_range
        xs = left + (x - first) / (last - first) * (right - left)
        ys = bottom - (np.clip(y, low, high) - low) / (high - low) * (bottom - top)
        return [(float(a), float(b)) for a, b in zip(xs, ys, strict=True) if math.isfinite(b)]

    def draw_grid(self) -> list[Markup]:
        """Lines at the ends of its range and in the middle, with their values."""
        left, top, right, bottom = self.box
        lines = zip(np.linspace(bottom, top, 3), np.linspace(*self.y_range, 3), strict=True)
        return [
            part
            for y, value in lines
            for part in (
                _line(left, y, right, y),
                tag("text", f"{value:.3g}", x=left - 8, y=y + 4, class_="muted end"),
            )
        ]


def _axis(left: float, right: float, bottom: float, span: tuple[float, float]) -> list[Markup]:
    """The first and the last step, below the panels."""
    ends = ((left, span[0], ""), (right, span[1], " end"))
    return [
        tag("text", f"step {step:.0f}", x=x, y=bottom + 20, class_=f"muted{side}")
        for x, step, side in ends
    ]


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


def _round_range(values: np.ndarray) -> tuple[float, float]:
    """A little more than most of the data need, and nothing below 0: no loss is negative."""
    finite = values[np.isfinite(values)]
    low, high = float(finite.min()), float(np.quantile(finite, 0.995))
    pad = max((high - low) * 0.08, abs(high) * 0.01, 1e-9)
    return max(low - pad, 0.0), high + pad
