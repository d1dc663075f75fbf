"""Indoors or outdoors, shot by shot: images of a shot agree, and shots of a place on its side."""

import numpy as np
import pandas as pd

from workflow_scripts.film.light.model import HEADS, SPECKS, LightModel

SIDES = HEADS["indoor"]


def agree_on_specks(rows: pd.DataFrame) -> pd.DataFrame:
    """Every image has the specks of its shot: the median of those images that were compared.

    Where the camera moves nothing was measured (nan): such an image has no say.
    """
    measured = rows[list(SPECKS)].where(rows["compared"].astype(bool))
    middle = measured.groupby(rows["shot_id"]).median()
    return rows.assign(**{name: rows["shot_id"].map(middle[name]) for name in SPECKS})


def agree_on_place(logs: pd.DataFrame, locations: pd.Series) -> pd.DataFrame:
    """Probability of each side by shot; the shots of a place are summed, tempered by their number.

    They show the same walls, so n shots weigh as sqrt(n) independent ones. A shot of no place
    (location "") speaks for itself.
    """
    alone = logs.index.to_series().astype(str).radd("shot ")
    groups = locations.where(locations != "", alone)
    total = logs.groupby(groups.to_numpy()).sum()
    total = total.div(np.sqrt(groups.value_counts()), axis=0)
    return softmax(total.loc[groups.to_numpy()].set_axis(logs.index))


def softmax(logs: pd.DataFrame) -> pd.DataFrame:
    """Log-probabilities of rows, known but for a constant, as probabilities."""
    shares = np.exp(logs.sub(logs.max(axis=1), axis=0))
    return shares.div(shares.sum(axis=1), axis=0)


def find_sides(rows: pd.DataFrame, model: LightModel, minimum: float) -> pd.DataFrame:
    """`indoor` and `indoor_probability` by shot_id; "unknown" where that is below the minimum.

    `rows` has MEASURES, SPECKS, compared, shot_id and location. Images of a shot are alike, so
    they count as one.
    """
    rows = agree_on_specks(rows.reset_index(drop=True))
    found = pd.DataFrame(model.log_probabilities(rows)["indoor"])
    logs = found.groupby(rows["shot_id"]).mean()
    sides = agree_on_place(logs, rows.groupby("shot_id")["location"].first())
    sides = sides.set_axis(SIDES, axis=1)
    best = sides.max(axis=1)
    words = sides.idxmax(axis=1).where(best >= minimum, "unknown")
    return pd.DataFrame({"indoor": words, "indoor_probability": best})
