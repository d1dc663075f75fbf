"""The model of light asked of shots: images of a shot agree, shots of a place on its side."""

import numpy as np
import pandas as pd

from workflow_scripts.film.light.model import HEADS, SPECKS, LightModel

TIMES = HEADS["time_outdoor"]


def agree_on_specks(rows: pd.DataFrame) -> pd.DataFrame:
    """Every image has the specks of its shot: the median of those images that were compared.

    Where the camera moves nothing was measured (nan): such an image has no say.
    """
    measured = rows[list(SPECKS)].where(rows["compared"].astype(bool))
    middle = measured.groupby(rows["shot_id"]).median()
    return rows.assign(**{name: rows["shot_id"].map(middle[name]) for name in SPECKS})


def average(log_probabilities: np.ndarray, groups: pd.Series) -> pd.DataFrame:
    """Mean log-probabilities by group: images of a shot are alike, so they count as one."""
    return pd.DataFrame(log_probabilities).groupby(groups.to_numpy()).mean()


def softmax(logs: pd.DataFrame) -> pd.DataFrame:
    """Log-probabilities of rows, known but for a constant, as probabilities."""
    shares = np.exp(logs.sub(logs.max(axis=1), axis=0))
    return shares.div(shares.sum(axis=1), axis=0)


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


def combine_times(
    sides: pd.DataFrame, outdoors: pd.DataFrame, indoors: pd.DataFrame
) -> pd.DataFrame:
    """Probability of each time of day by shot, over both sides as likely as they are."""
    names = {name: dict(enumerate(HEADS[name])) for name in HEADS}
    out = softmax(outdoors).rename(columns=names["time_outdoor"])
    inside = softmax(indoors).rename(columns=names["time_indoor"])
    inside = inside.reindex(columns=TIMES, fill_value=0.0)
    return out[list(TIMES)].mul(sides["outdoor"], axis=0) + inside.mul(sides["indoor"], axis=0)


def choose(probabilities: pd.DataFrame, minimum: float) -> tuple[pd.Series, pd.Series]:
    """The likeliest word of each row, "unknown" below the minimum, and its probability."""
    best = probabilities.max(axis=1)
    return probabilities.idxmax(axis=1).where(best >= minimum, "unknown"), best


def describe_shots(
    rows: pd.DataFrame, model: LightModel, min_probability: dict[str, float]
) -> pd.DataFrame:
    """Words and probabilities by shot_id; `rows` has MEASURES, SPECKS, shot_id, location."""
    found = model.log_probabilities(rows)
    logs = {name: average(found[name], rows["shot_id"]) for name in HEADS}
    locations = rows.groupby("shot_id")["location"].first()
    sides = agree_on_place(logs["indoor"], locations).set_axis(HEADS["indoor"], axis=1)
    times = combine_times(sides, logs["time_outdoor"], logs["time_indoor"])
    weathers = softmax(logs["weather"]).set_axis(HEADS["weather"], axis=1)
    words = {}
    for name, table in (("time_of_day", times), ("weather", weathers), ("indoor", sides)):
        words[name], words[f"{name}_probability"] = choose(table, min_probability[name])
    named = pd.DataFrame(words)
    named.loc[named["indoor"] != "outdoor", "weather"] = "unknown"  # no window tells it
    return named
