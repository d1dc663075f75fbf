"""Name the time of day, the weather and indoors or outdoors, from measured light.

Reads frames, places, the measures of light and the model of light; leaves one row per image. The
model gives probabilities per image; the images of a shot agree on one answer, and a place is
indoors or outdoors as a whole: one shot that shows sky speaks for the close-ups too. A word whose
probability is too small is "unknown". The model learned on drawn places (its recipe stands in its
file), not on films: look at the groups in the report before you trust them.
"""

import numpy as np
import pandas as pd
import pyarrow as pa

from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.film.light.model import HEADS, SPECKS, LightModel, read_light_model
from workflow_scripts.lib.manifest import read_manifest, write_manifest
from workflow_scripts.lib.phase import Counts, log, run_phase

LIGHTING = pa.schema(
    [
        ("frame_id", pa.string()),
        ("time_of_day", pa.string()),  # day | sunset | evening | night | unknown
        ("weather", pa.string()),  # clear | overcast | fog | rain | snow | unknown
        ("indoor", pa.string()),  # indoor | outdoor | unknown
        ("light", pa.string()),  # bright | soft | dim | dark
        ("warmth", pa.string()),  # warm | neutral | cool
        # of the likeliest word, also where it is too small to be said; 0: nothing was measured
        ("time_of_day_probability", pa.float32()),
        ("weather_probability", pa.float32()),  # that it is outdoors, and this weather
        ("indoor_probability", pa.float32()),
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "fade"]
TIMES = HEADS["time_outdoor"]


def name_light(middle: float, light_levels: dict[str, float]) -> str:
    """How bright the middle tone is."""
    for name in ("dark", "dim", "soft"):
        if middle < light_levels[name]:
            return name
    return "bright"


def name_warmth(warm: float, warmth_levels: dict[str, float]) -> str:
    if warm >= warmth_levels["warm"]:
        return "warm"
    return "cool" if warm <= warmth_levels["cool"] else "neutral"


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
    weathers = weathers.mul(sides["outdoor"], axis=0)  # no window tells it
    words = {}
    for name, table in (("time_of_day", times), ("weather", weathers), ("indoor", sides)):
        words[name], words[f"{name}_probability"] = choose(table, min_probability[name])
    return pd.DataFrame(words)


def describe_film(
    rows: pd.DataFrame,
    model: LightModel,
    *,
    min_probability: dict[str, float],
    light_levels: dict[str, float],
    warmth_levels: dict[str, float],
) -> pd.DataFrame:
    """The columns of LIGHTING by shot_id; fades have no say where a shot has other images."""
    fades_only = rows.groupby("shot_id")["fade"].transform("all")
    clear = agree_on_specks(rows[~rows["fade"] | fades_only].reset_index(drop=True))
    if clear.empty:
        return pd.DataFrame(columns=LIGHTING.names[1:])
    shots = describe_shots(clear, model, min_probability)
    middle = clear.groupby("shot_id")[["middle", "warm"]].median()
    shots["light"] = [name_light(tone, light_levels) for tone in middle["middle"]]
    shots["warmth"] = [name_warmth(stops, warmth_levels) for stops in middle["warm"]]
    return shots[LIGHTING.names[1:]]


def main(
    frames: str,
    locations: str,
    measures: list[str],
    model: str,
    lighting: str,
    *,
    min_probability: dict[str, float],
    light_levels: dict[str, float],
    warmth_levels: dict[str, float],
) -> Counts:
    """Name each shot's light; shots of no place (cards, black) are unknown."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    table = table.merge(read_manifest(locations, ["frame_id", "location"]), on="frame_id")
    columns = ["frame_id", *MEASURES, "compared", *SPECKS]
    rows = table.merge(read_manifest(measures, columns), on="frame_id")
    words = describe_film(
        rows[rows["location"] != ""],
        read_light_model(model),
        min_probability=min_probability,
        light_levels=light_levels,
        warmth_levels=warmth_levels,
    )
    found = table[["frame_id", "shot_id"]].join(words, on="shot_id").drop(columns="shot_id")
    unknown = found["time_of_day"].isna()
    found.loc[unknown, ["time_of_day", "weather", "indoor"]] = "unknown"
    found = found.fillna({"light": "", "warmth": ""} | dict.fromkeys(LIGHTING.names[6:], 0.0))
    write_manifest(found[LIGHTING.names], lighting, LIGHTING)
    times = found["time_of_day"].value_counts().to_dict()
    log.info("times of day: %s", times)
    return Counts("images", len(found), len(found), found=times)


if __name__ == "__main__":
    run_phase(main, snakemake)
