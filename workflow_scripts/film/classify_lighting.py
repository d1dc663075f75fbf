"""Name the time of day, the weather and indoors or outdoors, from measured light.

Reads frames, places, the measures of light and the model of light; leaves one row per image. The
model gives probabilities per image; the images of a shot agree on one answer, and a place is
indoors or outdoors as a whole: one shot that shows sky speaks for the close-ups too. A word whose
probability is too small is "unknown". The model learned on drawn places (its recipe stands in its
file), not on films: look at the groups in the report before you trust them.
"""

import pandas as pd
import pyarrow as pa

from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.film.light.model import SPECKS, LightModel, read_light_model
from workflow_scripts.film.light.shots import agree_on_specks, describe_shots
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
        ("weather_probability", pa.float32()),  # of this weather, if it is outdoors
        ("indoor_probability", pa.float32()),
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "fade"]


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
