"""The film from left to right: shots, transitions, frames kept, where, when and who."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd
from markupsafe import Markup

from workflow_scripts.report.page.images import colors
from workflow_scripts.report.page.svg import drawing, tag

LABEL, LANE, BAR = 120, 26, 16
NAME_LETTERS = 15  # of what stands beside a lane; hover over it for the rest
LETTER = 6.7  # width of a small letter
WORDLESS = ("", "unknown", "none")
TIMES = {"day": "#d9b44a", "sunset": "#e07a3f", "evening": "#a58bc9", "night": "#7590c4"}


@dataclass(frozen=True)
class Span:
    """From one second of the film to another, in a color; `value` is written into it."""

    start_s: float
    end_s: float
    color: str
    value: str


@dataclass(frozen=True)
class Lane:
    """One row of the timeline."""

    name: str
    spans: Sequence[Span]
    is_named: bool = True  # the spans differ: write what they are


def draw_timeline(
    shots: pd.DataFrame, frames: pd.DataFrame, lanes: Sequence[Lane], *, width: int = 980
) -> Markup:
    """Shots on top, ticks of sampled frames below (tall: kept), then one row per lane."""
    length = max(float(shots["end_s"].max()), 1e-6)
    scale = (width - LABEL - 8) / length
    bottom = (len(lanes) + 2) * LANE
    parts = _draw_seconds(length, scale, bottom)
    parts += [_name("shots", 0), *_draw_shots(shots, scale), _name("frames kept", 1)]
    parts += _draw_ticks(frames, scale)
    for i, lane in enumerate(lanes):
        parts.append(_name(lane.name, i + 2))
        spans = merge_narrow(lane.spans, 2 / scale)
        parts += [_draw_span(span, i + 2, scale) for span in spans]
        if lane.is_named:
            parts += _name_spans(lane.spans, i + 2, scale)
    return drawing(width, bottom + 24, *parts, label="Timeline of the film")


def find_lanes(
    frames: pd.DataFrame,
    people: pd.DataFrame,
    locations: pd.DataFrame,
    lighting: pd.DataFrame,
    who: Sequence[str],
) -> list[Lane]:
    """Where, time of day, and one row per character; rows that nobody measured are left out."""
    lanes = []
    for name, table, column in (
        ("place", locations, "location"),
        ("time of day", lighting, "time_of_day"),
    ):
        if len(table):
            values = frames["frame_id"].map(table.set_index("frame_id")[column]).fillna("")
            palette = colors(sorted(set(values) - set(WORDLESS)))
            if column == "time_of_day":
                palette |= {time: tint for time, tint in TIMES.items() if time in palette}
            lanes.append(Lane(name, join_spans(frames, values, palette)))
    tints = colors(who)
    for name in who:
        seen = frames["frame_id"].isin(people.loc[people["character"] == name, "frame_id"])
        spans = join_spans(frames, seen.map({True: name, False: ""}), tints)
        lanes.append(Lane(name, spans, is_named=False))
    return lanes


def join_spans(frames: pd.DataFrame, values: pd.Series, palette: dict[str, str]) -> list[Span]:
    """Join neighboring frames of one shot and one value; "" and unknown leave a gap.

    A frame without an image (held) continues what was seen before it in its shot.
    """
    step = frames["time_s"].diff().median() if len(frames) > 1 else 0.0
    known = values.where(frames["file"] != "").groupby(frames["shot_id"]).ffill().fillna("")
    shots, times = frames["shot_id"].to_numpy(), frames["time_s"].to_numpy(float)
    names = known.to_numpy(object)
    changed = (names[1:] != names[:-1]) | (shots[1:] != shots[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changed) + 1]) if len(names) else []
    ends = [*starts[1:], len(names)]
    until = [*times[1:], np.inf]  # a span ends where the next frame begins, at the latest
    return [
        Span(
            float(times[i]),
            float(min(times[j - 1] + step, until[j - 1])),
            palette[names[i]],
            names[i],
        )
        for i, j in zip(starts, ends, strict=False)
        if names[i] not in WORDLESS
    ]


def merge_narrow(spans: Sequence[Span], least_s: float) -> list[Span]:
    """Join neighbors of one value where one of them is too short to be seen by itself."""
    merged: list[Span] = []
    for span in spans:
        last = merged[-1] if merged else None
        if (
            last
            and last.value == span.value
            and span.start_s - last.end_s < least_s
            and min(span.end_s - span.start_s, last.end_s - last.start_s) < least_s
        ):
            merged[-1] = replace(last, end_s=span.end_s)
        else:
            merged.append(span)
    return merged


def _draw_shots(shots: pd.DataFrame, scale: float) -> list[Markup]:
    parts = []
    pixels = (shots["start_s"] * scale).round()
    for i, shot in enumerate(shots[~pixels.duplicated()].itertuples()):  # one a pixel is enough
        x, wide = LABEL + shot.start_s * scale, (shot.end_s - shot.start_s) * scale
        words = f"shot {shot.shot_id}, {shot.start_s:.1f} to {shot.end_s:.1f} s, {shot.transition}"
        style = "shot" if i % 2 else "shot odd"
        box = {"x": x, "y": 3, "width": max(wide - 1, 0.6), "height": BAR, "rx": 2}
        parts.append(tag("rect", tag("title", words), **box, class_=style))
        if shot.transition in ("fade", "dissolve"):
            mark = f"{x - 5:.1f},3 {x + 5:.1f},3 {x:.1f},11"
            parts.append(tag("polygon", tag("title", shot.transition), points=mark, class_="kept"))
    return parts


def _draw_ticks(frames: pd.DataFrame, scale: float) -> list[Markup]:
    """One tick a pixel column: tall where a frame of it was kept."""
    kept = (frames["reason"] == "").groupby((frames["time_s"] * scale).round(0)).any()
    parts = []
    for x, is_kept in kept.items():
        tall = BAR if is_kept else 5
        box = {"x": LABEL + x, "y": LANE + 2 + BAR - tall, "width": 1.2, "height": tall}
        parts.append(tag("rect", **box, class_="kept" if is_kept else "aside"))
    return parts


def _draw_span(span: Span, row: int, scale: float) -> Markup:
    return tag(
        "rect",
        tag("title", f"{span.value}, {span.start_s:.1f} to {span.end_s:.1f} s"),
        x=LABEL + span.start_s * scale,
        y=row * LANE + 3,
        width=max((span.end_s - span.start_s) * scale - 0.6, 0.8),
        height=BAR,
        rx=2,
        fill=span.color,
    )


def _name_spans(spans: Sequence[Span], row: int, scale: float) -> list[Markup]:
    """Write a value where it begins, if the spans that have it are long enough together."""
    parts = []
    for value, run in groupby(spans, key=lambda span: span.value):
        run = list(run)
        words, start = value.replace("_", " "), LABEL + run[0].start_s * scale
        if (run[-1].end_s - run[0].start_s) * scale > len(words) * LETTER + 10:
            parts.append(tag("text", words, x=start + 5, y=row * LANE + 15, class_="on-bar"))
    return parts


def _name(name: str, row: int) -> Markup:
    words = name if len(name) <= NAME_LETTERS else f"{name[: NAME_LETTERS - 1]}\u2026"
    place = {"x": LABEL - 12, "y": row * LANE + 15, "class_": "muted end"}
    return tag("text", words, tag("title", name), **place)


def _draw_seconds(length: float, scale: float, top: float) -> list[Markup]:
    """A tick every 1, 2, 5, 10 ... seconds, about ten in all."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    step = next((s for s in steps if length / s <= 12), 7200)
    parts = []
    for second in range(0, int(length) + 1, step):
        x, words = LABEL + second * scale, f"{second // 60}:{second % 60:02d}"
        parts += [
            tag("line", x1=x, y1=0, x2=x, y2=top, class_="grid"),
            tag("text", words, x=x, y=top + 16, class_="muted middle"),
        ]
    return parts
