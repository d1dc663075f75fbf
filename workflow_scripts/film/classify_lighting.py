"""Name the time of day, the weather and indoors or outdoors, from measured light.

Reads frames, places, the measures of light and the model of light; leaves one row per image.
The model says how likely an image was taken indoors; a place is indoors or outdoors as a whole: one
shot that shows sky speaks for the close-ups too. Rules with thresholds from the config name the
hour and the weather, and shots agree by vote. Where no rule speaks, or the model is not sure, the
word is "unknown". The thresholds were set on small rendered films: on another film look at the
groups in the report before you trust them.
"""

import pyarrow as pa

from workflow_scripts.film.light.measures import MEASURES
from workflow_scripts.film.light.model import read_light_model
from workflow_scripts.film.light.words import describe_film, find_falling
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
        ("score", pa.float32()),  # share of the shot's images that agree on the time of day
        ("indoor_probability", pa.float32()),  # of the likelier side, also where it is not said
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "fade"]
SPECKS = ["compared", "specks", "speck_shape"]


def main(
    frames: str,
    locations: str,
    measures: list[str],
    model: str,
    lighting: str,
    *,
    min_indoor_probability: float,
    thresholds: dict,
) -> Counts:
    """Name each shot's light."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    table = table.merge(read_manifest(locations, ["frame_id", "location"]), on="frame_id")
    rows = table.merge(read_manifest(measures, ["frame_id", *MEASURES, *SPECKS]), on="frame_id")
    rows = rows.assign(falling=rows["shot_id"].map(find_falling(rows, thresholds)))
    words = describe_film(rows, read_light_model(model), min_indoor_probability, thresholds)
    found = table[["frame_id", "shot_id"]].join(words, on="shot_id").drop(columns="shot_id")
    unknown = found["time_of_day"].isna()
    found.loc[unknown, ["time_of_day", "weather", "indoor"]] = "unknown"
    found = found.fillna({"light": "", "warmth": "", "score": 0.0, "indoor_probability": 0.0})
    write_manifest(found[LIGHTING.names], lighting, LIGHTING)
    times = found["time_of_day"].value_counts().to_dict()
    log.info("times of day: %s", times)
    return Counts("images", len(found), len(found), found=times)


if __name__ == "__main__":
    run_phase(main, snakemake)
