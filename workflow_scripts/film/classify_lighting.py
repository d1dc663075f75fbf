"""Name the time of day, the weather and indoors or outdoors, from measured light.

Reads frames, places and the measures of light; leaves one row per image. Rules with thresholds
from the config turn measures into words, shots agree by vote, and a place is indoors or outdoors as
a whole: one shot that shows sky speaks for the close-ups too. Where no rule speaks the word is
"unknown". The thresholds were set on small rendered films: on another film look
at the groups in the report before you trust them.
"""

import pyarrow as pa

from workflow_scripts.film.places.light_words import MEASURES, describe_film, find_falling
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
    ]
)
FRAME_COLUMNS = ["frame_id", "shot_id", "file", "fade"]
SPECKS = ["compared", "specks", "speck_shape"]


def main(
    frames: str, locations: str, measures: list[str], lighting: str, *, thresholds: dict
) -> Counts:
    """Name each shot's light."""
    table = read_manifest(frames, FRAME_COLUMNS)
    table = table[table["file"] != ""].sort_values("frame_id")
    table = table.merge(read_manifest(locations, ["frame_id", "location"]), on="frame_id")
    rows = table.merge(read_manifest(measures, ["frame_id", *MEASURES, *SPECKS]), on="frame_id")
    rows = rows.assign(falling=rows["shot_id"].map(find_falling(rows, thresholds)))
    words = describe_film(rows, thresholds)
    found = table[["frame_id", "shot_id"]].join(words, on="shot_id").drop(columns="shot_id")
    unknown = found["time_of_day"].isna()
    found.loc[unknown, ["time_of_day", "weather", "indoor"]] = "unknown"
    found = found.fillna({"light": "", "warmth": "", "score": 0.0})
    write_manifest(found[LIGHTING.names], lighting, LIGHTING)
    times = found["time_of_day"].value_counts().to_dict()
    log.info("times of day: %s", times)
    return Counts("images", len(found), len(found), found=times)


if __name__ == "__main__":
    run_phase(main, snakemake)
