"""Accuracy and calibration of models of light on tables of `tables`, by cross-validation.

    python -m resources.light_models.recipe.lighting.judge cycles.parquet cast.parquet

Each row is a shot that stands alone: no other image of its shot or place helps it. Kinds of places
are left out in folds; a renderer is left out as a whole. Beside them: the commonest class, and each
renderer's model on the other.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from resources.light_models.recipe.lighting.train import fold_kinds, train
from workflow_scripts.film.light.model import LightModel
from workflow_scripts.film.light.shots import find_sides

BINS = np.linspace(0.5, 1, 6)


def name_rows(model: LightModel, rows: pd.DataFrame) -> pd.DataFrame:
    """The side of each row and its probability, as of a shot of no place, however unsure."""
    numbers = range(len(rows))
    alone = rows.reset_index(drop=True).assign(shot_id=numbers, location="", compared=True)
    return find_sides(alone, model, 0.0)


def leave_kinds_out(rows: pd.DataFrame, others: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Words of rows by models that saw neither their kinds of places nor those of `others`."""
    folds, parts = fold_kinds(rows["kind"].to_numpy()), []
    for fold in np.unique(folds):
        out = folds == fold
        apart = others[~others["kind"].isin(set(rows.loc[out, "kind"]))]
        model = train(pd.concat([rows[~out], apart], ignore_index=True), seed)
        parts.append(name_rows(model, rows[out]).set_axis(rows.index[out]))
    return pd.concat(parts).loc[rows.index]


def score(rows: pd.DataFrame, found: pd.DataFrame) -> float:
    """Share of rows with the right side."""
    return float((found["indoor"].to_numpy() == rows["indoor"].to_numpy()).mean())


def name_commonest(rows: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({"indoor": rows["indoor"].mode()[0]}, index=rows.index)


def find_calibration_error(rows: pd.DataFrame, found: pd.DataFrame) -> float:
    """Expected calibration error of the likelier side's probability, over five equal bins."""
    sure = found["indoor_probability"].to_numpy()
    right = found["indoor"].to_numpy() == rows["indoor"].to_numpy()
    bins, error = np.digitize(sure, BINS[1:-1]), 0.0
    for number in np.unique(bins):
        inside = bins == number
        error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return float(error)


def compare(tables: dict[str, pd.DataFrame], seed: int) -> pd.DataFrame:
    """Figures by (renderer judged, what was learned from)."""
    figures = {}
    for name, rows in tables.items():
        others = pd.concat([t for n, t in tables.items() if n != name] or [rows[:0]])
        found = {"commonest class": name_commonest(rows),
                 "this renderer": leave_kinds_out(rows, rows[:0], seed)}  # fmt: skip
        if len(others):
            found["other renderer"] = name_rows(train(others, seed), rows)
            found["both"] = leave_kinds_out(rows, others, seed)
        for learned, words in found.items():
            figures[name, learned] = {"accuracy": score(rows, words)}
        last = list(found.values())[-1]
        figures[name, learned]["ECE"] = find_calibration_error(rows, last)
    return pd.DataFrame.from_dict(figures, orient="index")


def main(tables: list[Path], seed: int) -> None:
    rows = pd.concat([pd.read_parquet(table) for table in tables], ignore_index=True)
    by_renderer = {name: part.reset_index(drop=True) for name, part in rows.groupby("renderer")}
    print(compare(by_renderer, seed).round(3).to_string())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--seed", type=int, default=0)
    main(**vars(parser.parse_args()))
