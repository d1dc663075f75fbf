"""Contact sheets of a suite: one per scenario, prompts across, adapters down, one seed."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.adapter.grid import draw_grid
from workflow_scripts.lib.images import read_rgb, write_image

OWN, BASE = "own", "base"


def write_sheets(title: str, rows: pd.DataFrame, images: str, sheets: str) -> None:
    """Write sheet_<scenario>.png for every scenario; `rows` are drawings that were made."""
    Path(sheets).mkdir(parents=True, exist_ok=True)
    for scenario, part in rows.groupby("scenario", sort=False):
        page = draw_sheet(f"{title}, {str(scenario).replace('_', ' ')}", part, Path(images))
        write_image(Path(sheets) / f"sheet_{scenario}.png", page)


def draw_sheet(title: str, rows: pd.DataFrame, images: Path) -> np.ndarray:
    """The drawings of the first seed, RGB uint8."""
    seed = int(rows["seed"].min())
    first = rows[rows["seed"] == seed].sort_values("prompt_no")
    lines = {}
    groups = first.groupby(["adapter", "step", "strength"], sort=False, dropna=False)
    for tool, own in sorted(groups, key=lambda group: _place(*group[0])):
        lines[name_tool(*tool)] = np.stack([read_rgb(images / file) for file in own["file"]])
    prompts = first.loc[first["adapter"] == BASE, "prompt"].tolist()
    return draw_grid(title, prompts, [seed] * len(prompts), lines)


def _place(adapter: str, step: float | None, strength: float) -> tuple:
    """The base comes first, then the way of the training, the adapter itself, and the others."""
    number = np.inf if pd.isna(step) else step
    return [BASE, OWN].index(adapter) if adapter in (BASE, OWN) else 2, adapter, number, strength


def name_tool(adapter: str, step: float | None, strength: float) -> str:
    """What a row of a sheet or of a table is called."""
    if adapter == BASE:
        return "no adapter"
    if adapter == OWN:
        return f"strength {strength:g}" if pd.isna(step) else f"step {int(step)}"
    return adapter.replace("_", " ")
