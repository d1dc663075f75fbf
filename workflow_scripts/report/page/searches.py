"""What a search of settings found, where there was one: a drawing, and the trials on the front."""

import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from workflow_scripts.lib.manifest import read_manifest
from workflow_scripts.report.page.blocks import Chart, Table
from workflow_scripts.report.page.film import Film

COLUMNS = ["trial", "purpose", "parameters", "gain", "drift", "on_front"]
CONFIRMED = ["confirmations", "confirmed_gain", "confirmed_drift"]
NOTE = (
    "The further up, the more the adapter gained; the further left, the less everything else"
    " changed. Nothing that was tried lies above and left of the line. The best of many measured"
    " values is mostly too good: what counts is what was reached with other seeds."
)


def show_search(film: Film, dataset: str) -> list[Chart | Table]:
    """A drawing and a table; nothing where no search was asked for, which is no part of `all`."""
    front, chart = (film.results.path(name, dataset) for name in ("front", "chart"))
    if not (front.is_file() and chart.is_file()):
        return []
    rows = read_manifest(front, COLUMNS + CONFIRMED)
    tried = int((rows["purpose"] == "search").sum())
    best = film.results.path("best", dataset)
    found = rows[rows["on_front"]].sort_values("drift", kind="stable")
    head = ["trial", "settings", "gain", "drift", "with other seeds: gain", "drift"]
    table = [_list_row(row) for row in found.itertuples()]
    note = f"{len(found)} of {len(rows)} trainings. The best, to be trained: {best}."
    return [
        Chart(f"A search: {tried} trials with other settings", _embed(chart), NOTE),
        Table("On its front", head, table, note=note),
    ]


def _list_row(row: pd.Series) -> list[str]:
    settings = json.loads(row.parameters)
    words = ", ".join(f"{name} {_format(value)}" for name, value in settings.items())
    again = [_format(row.confirmed_gain), _format(row.confirmed_drift)]
    return [row.trial, words, _format(row.gain), _format(row.drift), *again]


def _format(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return "" if np.isnan(value) else f"{value:.3g}"


def _embed(path: Path) -> Markup:
    """The drawing as an image of its own, so that its names and styles do not meet the page's."""
    data = base64.b64encode(path.read_bytes()).decode()
    words = "Gain over drift of every trial, and the front"
    return Markup('<img alt="{}" src="data:image/svg+xml;base64,{}">').format(words, data)
